package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

// Split cuts a table at keys that exist. Rowids that are dense are cut at even
// steps, which costs a probe of the index each; all other keys are found by
// stepping through the index, which never looks at more than one range at a time.
func (d *database) Split(ctx context.Context, p *planv1.TablePlan, o engine.SplitOptions) ([]*planv1.Range, error) {
	const op = "sqlite.Split"
	source := p.GetSource()
	rows, bytes := source.GetEstimatedRows(), source.GetEstimatedBytes()
	part := o.Part(rows, bytes)
	var cuts []*planv1.Bound
	err := d.read(ctx, func(tx *sql.Tx) error {
		info, err := planTable(ctx, tx, p, engine.SourceSide)
		if err != nil || !engine.Ordered(p) {
			return err
		}
		s := &splitter{tx: tx, info: info, key: source.GetKey(), step: o.StepRows(rows, bytes)}
		if keyrange.Whole(part) && o.After == nil {
			cuts, err = s.cut(ctx)
		} else {
			cuts, err = s.cutStepping(ctx, part, o.After)
		}
		return err
	})
	if err != nil {
		return nil, fault.At(classify(op, err), "", engine.Label(p, engine.SourceSide))
	}
	return keyrange.Divide(source.GetKey().GetKinds(), part, cuts), nil
}

// splitter finds the cuts of one table.
type splitter struct {
	tx   *sql.Tx
	info *tableInfo
	key  *planv1.Key
	step int64
}

func (s *splitter) cut(ctx context.Context) ([]*planv1.Bound, error) {
	if s.isRowid() {
		density, least, greatest, err := s.density(ctx)
		if err != nil {
			return nil, err
		}
		if density > 0.5 {
			return s.cutEvenly(ctx, least, greatest, density)
		}
	}
	return s.cutStepping(ctx, nil, nil)
}

// isRowid tells whether the key is the rowid under one of its names.
func (s *splitter) isRowid() bool {
	if s.key.GetSource() == planv1.KeySource_KEY_SOURCE_HIDDEN {
		return true
	}
	alias := s.info.rowidColumn()
	return alias != nil && len(s.key.GetColumns()) == 1 && s.key.GetColumns()[0] == alias.name
}

// density guesses how many of the rowids between the least and the greatest are
// taken, by the least dense of some places; 0 for an empty table.
func (s *splitter) density(ctx context.Context) (density float64, least, greatest int64, err error) {
	const probes, window = 16, 100
	rowid, table := orderTerms(s.info, s.key)[0], mainTable(s.info.name)
	var lo, hi sql.NullInt64
	err = s.tx.QueryRowContext(ctx, fmt.Sprintf("SELECT (SELECT min(%[1]s) FROM %[2]s), (SELECT max(%[1]s) FROM %[2]s)", rowid, table)).Scan(&lo, &hi)
	if err != nil || !lo.Valid {
		return 0, 0, 0, err
	}
	density = 1
	for i := range int64(probes) {
		at := between(lo.Int64, hi.Int64, i, probes)
		var last sql.NullInt64
		var n int64
		query := fmt.Sprintf("SELECT max(k), count(*) FROM (SELECT %[1]s AS k FROM %[2]s WHERE %[1]s >= ? ORDER BY %[1]s LIMIT %[3]d)", rowid, table, window)
		if err := s.tx.QueryRowContext(ctx, query, at).Scan(&last, &n); err != nil {
			return 0, 0, 0, err
		}
		span := float64(last.Int64) - float64(at) + 1
		density = min(density, float64(n)/max(1, span))
	}
	return density, lo.Int64, hi.Int64, nil
}

// between is the point i/n of the way, without overflow.
func between(lo, hi, i, n int64) int64 {
	span := new(big.Int).Sub(big.NewInt(hi), big.NewInt(lo))
	span.Mul(span, big.NewInt(i)).Div(span, big.NewInt(n))
	return span.Add(span, big.NewInt(lo)).Int64()
}

// cutEvenly cuts dense rowids at even steps.
func (s *splitter) cutEvenly(ctx context.Context, least, greatest int64, density float64) ([]*planv1.Bound, error) {
	step := int64(float64(s.step) / density)
	var cuts []*planv1.Bound
	for at := least; greatest-at > step; {
		key, err := s.next(ctx, &planv1.Range{Lower: keyrange.Of(canon.AppendInt(nil, at+step))}, nil, 0)
		if err != nil || key == nil {
			return cuts, err
		}
		cuts = append(cuts, key)
		at = canon.GetInt(key.GetValues()[0])
	}
	return cuts, nil
}

// cutStepping cuts at every step-th key of what a part of the index has behind a key.
func (s *splitter) cutStepping(ctx context.Context, part *planv1.Range, after *planv1.Bound) ([]*planv1.Bound, error) {
	if s.crossed() {
		return s.cutSorted(ctx, part, after)
	}
	var cuts []*planv1.Bound
	last, err := s.next(ctx, part, after, s.step)
	rest := &planv1.Range{Upper: part.GetUpper()}
	for ; err == nil && last != nil; last, err = s.next(ctx, rest, last, s.step-1) {
		cuts = append(cuts, last)
	}
	return cuts, err
}

// crossed tells whether no index has the key in the order of its terms, forwards or
// backwards: one that descends in some columns.
func (s *splitter) crossed() bool {
	for _, i := range s.info.indexes {
		if !i.unique || i.partial || len(i.columns) != len(s.key.GetColumns()) ||
			!slices.EqualFunc(i.columns, s.key.GetColumns(), func(c indexColumn, name string) bool { return fold(c.name) == fold(name) }) {
			continue
		}
		return slices.ContainsFunc(i.columns, func(c indexColumn) bool { return c.descending != i.columns[0].descending })
	}
	return false
}

// cutSorted cuts at every step-th key of a part that has to be sorted: once, not for
// each cut.
func (s *splitter) cutSorted(ctx context.Context, part *planv1.Range, after *planv1.Bound) ([]*planv1.Bound, error) {
	p := &predicate{terms: orderTerms(s.info, s.key), kinds: s.key.GetKinds()}
	if err := p.bounds(part, after); err != nil {
		return nil, err
	}
	query := fmt.Sprintf("SELECT %[1]s FROM (SELECT %[6]s, row_number() OVER (ORDER BY %[2]s) AS \"drover n\" FROM %[3]s%[4]s) WHERE \"drover n\" > 1 AND (\"drover n\" - 1) %% %[5]d = 0 ORDER BY \"drover n\"",
		strings.Join(s.columns(), ", "), strings.Join(p.terms, ", "), mainTable(s.info.name), p.sql(), s.step, idents(s.key.GetColumns()))
	rows, err := s.tx.QueryContext(ctx, query, p.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var cuts []*planv1.Bound
	for rows.Next() {
		cut, err := s.scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		cuts = append(cuts, cut)
	}
	return cuts, rows.Err()
}

// columns are the key's columns as they are read.
func (s *splitter) columns() []string {
	var out []string
	for _, name := range s.key.GetColumns() {
		out = append(out, "+"+ident(name))
	}
	return out
}

// next gives the key that lies skip keys behind the first one of what a part of the
// index has behind a key; nil where there is none.
func (s *splitter) next(ctx context.Context, part *planv1.Range, after *planv1.Bound, skip int64) (*planv1.Bound, error) {
	p := &predicate{terms: orderTerms(s.info, s.key), kinds: s.key.GetKinds()}
	if err := p.bounds(part, after); err != nil {
		return nil, err
	}
	query := fmt.Sprintf("SELECT %s FROM %s%s ORDER BY %s LIMIT 1 OFFSET %d", strings.Join(s.columns(), ", "), mainTable(s.info.name), p.sql(),
		strings.Join(p.terms, ", "), skip)
	key, err := s.scan(s.tx.QueryRowContext(ctx, query, p.args...).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return key, err
}

// scan reads a key.
func (s *splitter) scan(scan func(...any) error) (*planv1.Bound, error) {
	kinds := s.key.GetKinds()
	cells, destinations := make([]cell, len(kinds)), make([]any, len(kinds))
	for i := range cells {
		destinations[i] = &cells[i]
	}
	if err := scan(destinations...); err != nil {
		return nil, err
	}
	out := &planv1.Bound{}
	for i, c := range cells {
		v, err := keyValue(kinds[i], c.value)
		if err != nil {
			return nil, &fault.Error{Kind: fault.Value, Op: "sqlite.Split", Column: s.key.GetColumns()[i], Key: fmt.Sprintf("%.80q", fmt.Sprint(c.value)), Err: err}
		}
		out.Values = append(out.Values, v)
	}
	return out, nil
}

// HoldSnapshot is refused: a view of a file belongs to its connection, and no key
// of SQLite needs one.
func (d *database) HoldSnapshot(context.Context) (engine.Snapshot, error) {
	return nil, fault.New(fault.Unsupported, "sqlite.HoldSnapshot", "SQLite's views of a file cannot be shared; no table of it asks for one")
}
