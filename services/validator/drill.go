package validator

import (
	"bytes"
	"context"
	"slices"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

const (
	// buckets that a first pass spreads rows over. Two digests each: 192 KiB.
	buckets = 4096
	// maxRounds bounds how often both sides are read to look into buckets that
	// differ; what is left then is counted by its least possible number.
	maxRounds = 8
)

// drill finds the rows in which two sides differ, in bounded memory and a few
// reads of each side:
//
//  1. Rows are spread over buckets by the hash of their key, and each bucket is
//     digested. Buckets that agree are done with.
//  2. The rows of the others are remembered by key hash and digest, as many as
//     memory allows in one round, and compared.
//  3. The rows to be named are read once more for their keys and columns.
//
// A table without a key is spread by the rows' own hashes: its rows can be
// counted as missing or extra, and not be named.
type drill struct {
	source, target engine.Reader
	plan           *planv1.TablePlan
	rng            *planv1.Range
	// spare rows the target held before the load: so many more are no difference.
	spare int64
	// rejected rows of the source are not in the target, and no difference.
	rejected   batch.Hashes
	maxListed  int
	maxEntries int64
	read       *progress
}

// findings are what a drill found.
type findings struct {
	listed []*planv1.RowDifference
	// rows that differ, listed or not.
	rows int64
}

// pair is what the two sides have under one key or in one bucket.
type pair struct{ source, target batch.Digest }

func (p *pair) side(s engine.Side) *batch.Digest {
	if s == engine.SourceSide {
		return &p.source
	}
	return &p.target
}

func (p *pair) equal() bool { return p.source == p.target }

// kind tells what a difference under one key is, and how many rows it is.
func (p *pair) kind() (planv1.Difference_Type, int64) {
	switch n := p.target.Rows - p.source.Rows; {
	case n > 0:
		return planv1.Difference_TYPE_EXTRA, n
	case n < 0:
		return planv1.Difference_TYPE_MISSING, -n
	default:
		return planv1.Difference_TYPE_DIFFERENT, 1
	}
}

// suspect is a key under which the sides differ.
type suspect struct {
	id   batch.Hash
	kind planv1.Difference_Type
}

func (d *drill) run(ctx context.Context) (*findings, error) {
	spread, err := d.spread(ctx)
	if err != nil {
		return nil, err
	}
	c := &count{maxListed: d.maxListed, spare: d.spare}
	rounds, rest := d.rounds(spread)
	for _, wanted := range rounds {
		if err := d.compare(ctx, wanted, c); err != nil {
			return nil, err
		}
	}
	for _, b := range rest {
		c.atLeast(&spread[b])
	}
	listed, err := d.name(ctx, c.listed)
	if err != nil {
		return nil, err
	}
	return &findings{listed: listed, rows: c.total()}, nil
}

// spread is the first pass: both sides' buckets.
func (d *drill) spread(ctx context.Context) (*[buckets]pair, error) {
	spread := new([buckets]pair)
	err := d.both(ctx, nil, func(s engine.Side, id, row batch.Hash, _ engine.Row) error {
		spread[id.Lo%buckets].side(s).AddHash(row)
		return nil
	})
	return spread, err
}

// rounds groups the buckets that differ so that a round's rows fit into memory;
// rest is those that maxRounds rounds have no room for.
func (d *drill) rounds(spread *[buckets]pair) (rounds []*[buckets]bool, rest []int) {
	var room int64
	for b := range spread {
		if spread[b].equal() {
			continue
		}
		// Every row might have a key of its own that the other side has not.
		need := spread[b].source.Rows + spread[b].target.Rows
		if len(rounds) == 0 || need > room {
			if len(rounds) == maxRounds {
				rest = append(rest, b)
				continue
			}
			rounds, room = append(rounds, new([buckets]bool)), d.maxEntries
		}
		rounds[len(rounds)-1][b] = true
		room -= need
	}
	return rounds, rest
}

// compare is a round of the second pass.
func (d *drill) compare(ctx context.Context, wanted *[buckets]bool, c *count) error {
	rows := map[batch.Hash]*pair{}
	err := d.both(ctx, nil, func(s engine.Side, id, row batch.Hash, _ engine.Row) error {
		if !wanted[id.Lo%buckets] {
			return nil
		}
		p := rows[id]
		if p == nil {
			if int64(len(rows)) >= 2*d.maxEntries {
				return nil // one bucket alone is over the bound: compare what fits
			}
			p = &pair{}
			rows[id] = p
		}
		p.side(s).AddHash(row)
		return nil
	})
	if err != nil {
		return err
	}
	for id, p := range rows {
		if !p.equal() {
			c.add(id, p)
		}
	}
	c.trim()
	return nil
}

// both reads the source, then the target, and the cells of rows where they are wanted.
func (d *drill) both(ctx context.Context, cells *cellReader, visit func(s engine.Side, id, row batch.Hash, r engine.Row) error) error {
	for _, side := range []engine.Side{engine.SourceSide, engine.TargetSide} {
		db := d.source
		if side == engine.TargetSide {
			db = d.target
		}
		id := identity(d.plan)
		rejected := d.rejectedOn(side)
		request := engine.ReadRequest{Side: side, Plan: d.plan, Range: d.rng, Pieces: batch.LargeRow}
		err := db.Read(ctx, request, d.read.taken(cells, func(r engine.Row, row batch.Hash) error {
			if rejected[row] > 0 {
				rejected[row]--
				return nil
			}
			key, err := id(r, row)
			if err != nil {
				return err
			}
			return visit(side, key, row, r)
		}))
		if err != nil {
			return err
		}
	}
	return nil
}

// rejectedOn counts the rows of a side that are to be passed over.
func (d *drill) rejectedOn(s engine.Side) map[batch.Hash]int {
	if s == engine.SourceSide {
		return counted(d.rejected)
	}
	return nil
}

// counted tells of each hash how often it is there.
func counted(hashes batch.Hashes) map[batch.Hash]int {
	out := map[batch.Hash]int{}
	for _, row := range hashes {
		out[row]++
	}
	return out
}

// identity gives what tells a row from the others on both sides: its key's hash,
// or its own where the sides have no key in common or the row's has a NULL.
func identity(plan *planv1.TablePlan) func(r engine.Row, row batch.Hash) (batch.Hash, error) {
	if !engine.HasKey(plan) {
		return func(_ engine.Row, row batch.Hash) (batch.Hash, error) { return row, nil }
	}
	var buf []byte
	nullable := plan.GetSource().GetKey().GetNullable()
	return func(r engine.Row, row batch.Hash) (batch.Hash, error) {
		key, err := r.Key()
		if err != nil {
			return batch.Hash{}, err
		}
		if key == nil && nullable {
			return row, nil
		}
		if key == nil {
			return batch.Hash{}, fault.New(fault.Internal, "validator.Validate", "a row of a table with a key came without it")
		}
		buf = buf[:0]
		for _, v := range key.GetValues() {
			buf = batch.AppendValue(buf, v)
		}
		return batch.HashRow(buf), nil
	}
}

// count adds up differences and keeps some of them to be named.
type count struct {
	maxListed int
	spare     int64

	listed       []suspect
	extra, other int64
}

func (c *count) add(id batch.Hash, p *pair) {
	kind, n := p.kind()
	if kind != planv1.Difference_TYPE_EXTRA {
		c.other += n
	} else {
		c.extra += n
		if c.spare > 0 {
			return // it may be one of those that were there before
		}
	}
	c.listed = append(c.listed, suspect{id: id, kind: kind})
	if len(c.listed) >= 64*c.maxListed {
		c.trim()
	}
}

// trim keeps those of the smallest hashes: any choice will do that is the same
// each time.
func (c *count) trim() {
	slices.SortFunc(c.listed, func(a, b suspect) int {
		x, y := a.id.Bytes(), b.id.Bytes()
		return bytes.Compare(x[:], y[:])
	})
	c.listed = c.listed[:min(len(c.listed), c.maxListed)]
}

// atLeast counts a bucket that was not looked into.
func (c *count) atLeast(p *pair) {
	kind, n := p.kind()
	if kind == planv1.Difference_TYPE_EXTRA {
		c.extra += n
	} else {
		c.other += n
	}
}

func (c *count) total() int64 { return c.other + max(0, c.extra-c.spare) }
