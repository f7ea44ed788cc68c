package sim

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/keyrange"
)

// scenario is what a seed stands for: the tables, the processes and which faults come,
// and how often. Many seeds have few kinds of faults: where everything goes wrong at
// once, nothing gets far.
type scenario struct {
	start                             stage
	tables                            []tableShape
	extractors, loaders, validators   int
	slots                             int
	ttl, grace, silence               time.Duration
	faultsFor, faultsEvery            time.Duration
	nemeses                           []string
	poison, cancel, spoil             bool
	slow, messages, answers, commits  float64
	publishes, appends, windowForgets float64
	waits, hangs                      float64
	// crawl: extractions take long, so that ranges are cut.
	crawl bool
	// room is how many messages the stream holds; 0 for any number.
	room int
	// connections is the limit of sessions on each database; 0 for none.
	connections int32
}

// stage is how far a migration is when a run begins.
type stage int

const (
	fromNothing stage = iota
	fromPlan
	fromTables
)

// tableShape is a table: rows of each range, how it is validated, whether its last range
// is the one of rows whose key has a NULL, and whether it has no key at all and is read
// in a snapshot.
type tableShape struct {
	rows     []int
	byRange  bool
	nullKeys bool
	keyless  bool
}

func newScenario(w *World) scenario {
	r := w.rng
	s := scenario{
		start: fromTables, extractors: 1 + r.IntN(2), loaders: 1 + r.IntN(3), validators: 1 + r.IntN(2), slots: 1 + r.IntN(2),
		ttl: 6 * time.Second, silence: 5 * time.Second,
		faultsFor: w.between(5*time.Second, 60*time.Second), faultsEvery: w.between(300*time.Millisecond, 6*time.Second),
	}
	switch r.IntN(16) {
	case 0:
		s.start = fromNothing
	case 1, 2:
		s.start = fromPlan
	}
	if r.IntN(3) == 0 {
		s.grace = 2 * time.Second
	}
	for range 1 + r.IntN(2) {
		t := tableShape{byRange: r.IntN(2) > 0, nullKeys: r.IntN(2) == 0}
		for range 1 + r.IntN(3) {
			t.rows = append(t.rows, r.IntN(10))
		}
		if r.IntN(5) == 0 {
			t = tableShape{rows: t.rows, keyless: true}
		}
		s.tables = append(s.tables, t)
	}
	s.poison, s.cancel, s.spoil = r.IntN(12) == 0, r.IntN(4) == 0, r.IntN(2) == 0
	rate := func(one int, p float64) float64 {
		if r.IntN(one) > 0 {
			return 0
		}
		return p * r.Float64()
	}
	s.slow, s.messages, s.answers, s.commits = rate(2, 0.25), rate(2, 0.15), rate(2, 0.1), rate(2, 0.3)
	s.publishes, s.appends, s.windowForgets = rate(2, 0.2), rate(3, 0.1), rate(2, 1)
	s.waits, s.hangs = rate(3, 0.5), rate(8, 0.1)
	for name := range nemeses {
		if name != failover {
			s.nemeses = append(s.nemeses, name)
		}
	}
	s.nemeses = chosen(w, s.nemeses)
	if w.seed%4 == 3 {
		s.nemeses = append(s.nemeses, failover)
	}
	if w.seed%16 == 9 {
		s.room = 2 + r.IntN(8)
	}
	if w.seed%16 == 5 || w.seed%64 == 7 {
		s.crawls(w)
	}
	return s
}

// crawls makes of a scenario one with long ranges that are read slowly by more workers
// than there are ranges.
func (s *scenario) crawls(w *World) {
	s.crawl, s.extractors, s.loaders, s.slots = true, 2+w.rng.IntN(2), 2+w.rng.IntN(3), 2
	s.faultsFor = w.between(30*time.Second, 150*time.Second)
	s.connections = []int32{0, 0, 2, 3, 4}[w.rng.IntN(5)]
	for i, t := range s.tables {
		if t.keyless {
			continue
		}
		s.tables[i].rows = t.rows[:1+w.rng.IntN(len(t.rows))]
		for j := range s.tables[i].rows {
			s.tables[i].rows[j] = 10 + w.rng.IntN(40)
		}
	}
}

// role is what the i-th worker does.
func (s scenario) role(i int) workerv1.Role {
	switch {
	case i < s.extractors:
		return workerv1.Role_ROLE_EXTRACTOR
	case i < s.extractors+s.loaders:
		return workerv1.Role_ROLE_LOADER
	default:
		return workerv1.Role_ROLE_VALIDATOR
	}
}

// row is a row of the source.
type row struct {
	// rng is the range that it is in by the log.
	table, rng uint32
	key        uint64
	data       []byte
	hash       batch.Hash
	poison     bool
	// have counts how often the row is in the target.
	have int
}

// null tells whether the row's key is NULL.
func (r *row) null() bool { return r.data[0] == 0 }

// sourceRange is a range with its rows, in the order of their keys.
type sourceRange struct {
	plan *planv1.Range
	rows []*row
	// digest of all rows.
	digest batch.Digest
}

// bound is a key as a plan has it.
func bound(key uint64) *planv1.Bound { return keyrange.Of(binary.BigEndian.AppendUint64(nil, key)) }

// keyOf reads a bound; 0 for none.
func keyOf(b *planv1.Bound) uint64 {
	if len(b.GetValues()) != 1 || len(b.GetValues()[0]) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b.GetValues()[0])
}

// newRanges makes the rows of a table and cuts them.
func newRanges(w *World, number uint32, shape tableShape) (out []*sourceRange) {
	var plans []*planv1.Range
	key := uint64(10)
	for i, n := range shape.rows {
		plan := &planv1.Range{Number: uint32(i + 1), Label: fmt.Sprint(i + 1), EstimatedRows: int64(n)}
		last := i == len(shape.rows)-1
		nulls := last && shape.nullKeys && i > 0
		if i > 0 && !nulls {
			plan.Lower = bound(key)
		}
		for range n {
			w.rows[number] = append(w.rows[number], newRow(number, plan.GetNumber(), key, nulls))
			key += 1 + uint64(w.rng.IntN(3))
		}
		switch {
		case nulls:
			plan.NullKeys = planv1.NullKeys_NULL_KEYS_ONLY
		case i+1 < len(shape.rows) && !(shape.nullKeys && i+2 == len(shape.rows)):
			plan.Upper = bound(key)
		}
		plans = append(plans, plan)
	}
	for _, plan := range plans {
		r := w.sourceRange(number, plan)
		out = append(out, &r)
	}
	return out
}

func newRow(table, rng uint32, key uint64, null bool) *row {
	r := &row{table: table, key: key}
	if null {
		r.data = batch.AppendNull(nil)
	} else {
		r.data = batch.AppendValue(nil, binary.BigEndian.AppendUint64(nil, key))
	}
	r.data = batch.AppendValue(r.data, fmt.Appendf(nil, "%d/%d/%d", table, rng, key))
	r.hash = batch.HashRow(r.data)
	return r
}

// tablePlan writes down a table as a design does.
func tablePlan(number uint32, shape tableShape) *planv1.TablePlan {
	return &planv1.TablePlan{
		Number: number, Source: sourceTable(number, shape), TargetName: tableName(number),
		Encoding: planv1.Encoding_ENCODING_CANONICAL, ValidateByRange: shape.byRange,
		Columns: []*planv1.ColumnPlan{
			{Source: "id", Target: "id", Kind: planv1.Kind_KIND_INT},
			{Source: "v", Target: "v", Kind: planv1.Kind_KIND_TEXT},
		},
	}
}

func sourceTable(number uint32, shape tableShape) *planv1.Table {
	if shape.keyless {
		return &planv1.Table{Name: tableName(number), Key: &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_NONE, NeedsSnapshot: true}}
	}
	return &planv1.Table{Name: tableName(number), Key: &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_PRIMARY, Columns: []string{"id"}}}
}

func tableName(number uint32) string { return fmt.Sprintf("t%d", number) }

// chosen is a random part of a list, in order.
func chosen(w *World, all []string) []string {
	slices.Sort(all)
	var out []string
	for _, name := range all {
		if w.rng.IntN(3) == 0 {
			out = append(out, name)
		}
	}
	return out
}
