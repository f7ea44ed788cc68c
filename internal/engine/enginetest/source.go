package enginetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

func testOpen(t *testing.T, f Factory) {
	require.NotEmpty(t, f.Engine.Name())
	require.NotEmpty(t, f.Engine.Schemes())
	_, err := f.Engine.Open(t.Context(), engine.Config{URL: f.Engine.Schemes()[0] + "://\x7f%zz"})
	require.Error(t, err)
	require.Equal(t, fault.Invalid, fault.KindOf(err), "%v", err)
}

func testSource(t *testing.T, f Factory) {
	tables := Standard(f)
	flow := newFlow(t, f, f, planv1.Existing_EXISTING_FAIL, tables, nil)
	flow.prepare()
	t.Run("Describe", func(t *testing.T) { testDescribe(t, flow, f, tables) })
	for _, table := range tables {
		p := flow.plan(table.Name)
		t.Run("Split/"+table.Name, func(t *testing.T) { flow.on(t).testSplit(p, table) })
		t.Run("Read/"+table.Name, func(t *testing.T) { flow.on(t).testRead(p, table) })
		t.Run("Values/"+table.Name, func(t *testing.T) { flow.on(t).testValues(p, table, engine.SourceSide) })
	}
	t.Run("Changed", func(t *testing.T) { flow.on(t).testChanged() })
}

// on gives the flow for a subtest.
func (f *flow) on(t *testing.T) *flow {
	g := *f
	g.t, g.ctx = t, t.Context()
	return &g
}

func testDescribe(t *testing.T, flow *flow, f Factory, tables []Table) {
	db := flow.database
	require.Equal(t, f.Engine.Name(), db.GetEngine())
	require.NotEmpty(t, db.GetVersion())
	require.NotEmpty(t, db.GetIdentity())
	require.Len(t, db.GetTables(), len(tables))
	for _, want := range tables {
		// A plan's own copy may say that a column travels otherwise.
		got := db.GetTables()[slices.IndexFunc(db.GetTables(), func(t *planv1.Table) bool { return t.GetName() == want.Name })]
		require.NotEmpty(t, got.GetFingerprint())
		require.Len(t, got.GetColumns(), len(want.Columns), want.Name)
		for i, c := range want.Columns {
			column := got.GetColumns()[i]
			require.Equal(t, c.Name, column.GetName())
			require.Equal(t, c.Kind, column.GetKind(), "%s.%s", want.Name, c.Name)
			require.Equal(t, c.Nullable, column.GetNullable(), "%s.%s", want.Name, c.Name)
		}
		if len(want.Key) > 0 {
			require.Equal(t, planv1.KeySource_KEY_SOURCE_PRIMARY, got.GetKey().GetSource(), want.Name)
			require.Equal(t, want.Key, got.GetKey().GetColumns())
			require.Len(t, got.GetKey().GetKinds(), len(want.Key))
		} else if len(want.Unique) == 0 || got.GetKey().GetSource() != planv1.KeySource_KEY_SOURCE_UNIQUE {
			require.Contains(t, []planv1.KeySource{planv1.KeySource_KEY_SOURCE_HIDDEN, planv1.KeySource_KEY_SOURCE_NONE}, got.GetKey().GetSource())
		}
	}
	again, err := flow.source.Describe(t.Context(), engine.Selection{Include: []string{"by_*"}, Exclude: []string{"by_text"}})
	require.NoError(t, err)
	for _, table := range again.GetTables() {
		require.Regexp(t, "^by_", table.GetName())
		require.NotEqual(t, "by_text", table.GetName())
		require.Equal(t, flow.plan(table.GetName()).GetSource().GetFingerprint(), table.GetFingerprint())
	}
	require.NotEmpty(t, again.GetTables())
}

// testSplit: every row is in exactly one range, and ranges follow one another.
func (f *flow) testSplit(p *planv1.TablePlan, table Table) {
	t, key := f.t, p.GetSource().GetKey()
	whole := f.read(p, engine.SourceSide, nil, nil)
	require.Len(t, whole, len(table.Rows))
	count, err := f.source.Count(f.ctx, p)
	require.NoError(t, err)
	require.Equal(t, engine.Count{Rows: int64(len(table.Rows))}, count)
	for _, size := range []int64{7, 50, 1_000_000} {
		ranges := f.split(p, size)
		f.testAdjacent(ranges)
		if size == 7 && len(table.Rows) > 50 && engine.HasKey(p) {
			require.Greater(t, len(ranges), 2, "%d rows in ranges of about %d", len(table.Rows), size)
		}
		if key.GetSource() == planv1.KeySource_KEY_SOURCE_NONE {
			require.Len(t, ranges, 1)
		}
		var all []row
		for _, r := range ranges {
			rows := f.read(p, engine.SourceSide, r, nil)
			if key.GetPortableOrder() && keyrange.Ordered(r) {
				for _, row := range rows {
					require.True(t, keyrange.Contains(key.GetKinds(), r, row.key), "%s in %s", keyrange.Key(key.GetKinds(), row.key), r.GetLabel())
				}
			}
			all = append(all, rows...)
		}
		require.Equal(t, digest(whole), digest(all))
	}
	for _, r := range f.split(p, 50) {
		f.testSplitWithin(p, r)
	}
}

// testSplitWithin: a part is cut as the table is, from its lower to its upper bound,
// and behind a key where one is given.
func (f *flow) testSplitWithin(p *planv1.TablePlan, part *planv1.Range) {
	rows := f.read(p, engine.SourceSide, part, nil)
	ends := []*planv1.Bound{nil}
	if len(rows) > 0 && rows[0].key != nil {
		ends = append(ends, rows[len(rows)/3].key, rows[len(rows)-1].key)
	}
	for _, after := range ends {
		o := engine.SplitOptions{TargetRows: 7, TargetBytes: 1 << 40, Snapshot: f.snapshotFor(p), Within: part, After: after}
		ranges, err := f.source.Split(f.ctx, p, o)
		require.NoError(f.t, err)
		f.testFollowing(ranges)
		require.True(f.t, keyrange.Equal(part.GetLower(), ranges[0].GetLower()), "%s begins with %s", ranges[0].GetLabel(), part.GetLabel())
		require.True(f.t, keyrange.Equal(part.GetUpper(), ranges[len(ranges)-1].GetUpper()), "%s ends with %s", ranges[len(ranges)-1].GetLabel(), part.GetLabel())
		if after == nil && len(rows) > 14 && engine.HasKey(p) && keyrange.Ordered(part) {
			require.Greater(f.t, len(ranges), 1, "%d rows of %s in ranges of about 7", len(rows), part.GetLabel())
		}
		rest := f.read(p, engine.SourceSide, part, after)
		var all []row
		for i, r := range ranges {
			got := f.read(p, engine.SourceSide, r, nil)
			if i == 0 {
				got = f.read(p, engine.SourceSide, r, after)
			}
			require.True(f.t, i == 0 || len(got) > 0 || !engine.HasKey(p), "%s is not empty", r.GetLabel())
			all = append(all, got...)
		}
		require.Equal(f.t, digest(rest), digest(all), "%s behind a key: nothing is in front of it", part.GetLabel())
	}
}

func (f *flow) testAdjacent(ranges []*planv1.Range) {
	require.NotEmpty(f.t, ranges)
	require.Nil(f.t, ranges[0].GetLower())
	require.Nil(f.t, ranges[len(ranges)-1].GetUpper())
	f.testFollowing(ranges)
}

func (f *flow) testFollowing(ranges []*planv1.Range) {
	for i, r := range ranges {
		require.EqualValues(f.t, i+1, r.GetNumber())
		require.NotEmpty(f.t, r.GetLabel())
		if i > 0 {
			require.True(f.t, r.GetLower() != nil || !keyrange.Ordered(r))
			require.True(f.t, keyrange.Equal(ranges[i-1].GetUpper(), r.GetLower()) || !keyrange.Ordered(r), "%s and %s touch", ranges[i-1].GetLabel(), r.GetLabel())
		}
	}
}

// testRead: rows come in key order, and reading after any key gives the rest.
func (f *flow) testRead(p *planv1.TablePlan, table Table) {
	if !engine.Ordered(p) {
		return
	}
	t, key := f.t, p.GetSource().GetKey()
	var keyed *planv1.Range
	if key.GetNullable() {
		keyed = &planv1.Range{NullKeys: planv1.NullKeys_NULL_KEYS_EXCLUDED}
	}
	whole := f.read(p, engine.SourceSide, keyed, nil)
	for i, row := range whole {
		require.NotNil(t, row.key)
		if i > 0 && key.GetPortableOrder() {
			require.Negative(t, keyrange.Compare(key.GetKinds(), whole[i-1].key, row.key))
		}
	}
	for i := 0; i < len(whole); i += 1 + len(whole)/25 {
		require.Equal(t, digest(whole[i+1:]), digest(f.read(p, engine.SourceSide, keyed, whole[i].key)), "after row %d", i)
	}
	for _, r := range f.split(p, 20) {
		rows := f.read(p, engine.SourceSide, r, nil)
		if len(rows) > 2 && keyrange.Ordered(r) {
			rest := f.read(p, engine.SourceSide, r, rows[1].key)
			require.Equal(t, digest(rows[2:]), digest(rest))
			require.Empty(t, f.read(p, engine.SourceSide, r, rows[len(rows)-1].key))
		}
	}
	stop := fault.New(fault.Canceled, "enginetest", "stop")
	err := f.source.Read(f.ctx, engine.ReadRequest{Plan: p, Snapshot: f.snapshotFor(p)}, func(engine.Row) error { return stop })
	if len(table.Rows) > 0 {
		require.ErrorIs(t, err, stop)
	}
}

// testValues: what is read is what was put in, where the value travels by the
// kind it was made with.
func (f *flow) testValues(p *planv1.TablePlan, table Table, side engine.Side) {
	if p.GetEncoding() != planv1.Encoding_ENCODING_CANONICAL {
		return // an engine's own rows: testCopy shows that they arrive
	}
	counts := map[string]int{}
	for _, values := range table.Rows {
		counts[comparable(f.t, p, table, values)]++
	}
	fields := make([][]byte, len(p.GetColumns()))
	for _, got := range f.read(p, side, nil, nil) {
		_, rest, err := batch.Fields(p.GetEncoding(), got.data, fields)
		require.NoError(f.t, err)
		require.Empty(f.t, rest)
		counts[comparable(f.t, p, table, fields)]--
	}
	for values, n := range counts {
		require.Zero(f.t, n, "%.400s", values)
	}
}

// comparable writes the values of the columns that travel by their own kind.
func comparable(t *testing.T, p *planv1.TablePlan, table Table, values [][]byte) string {
	var b strings.Builder
	for i, c := range p.GetColumns() {
		require.Equal(t, table.Columns[i].Name, c.GetSource())
		v := values[i]
		switch {
		case c.GetKind() != table.Columns[i].Kind:
			continue
		case v == nil:
			b.WriteString(" NULL")
			continue
		case c.GetKind() == canon.Decimal:
			normal, err := canon.NormalizeDecimal(string(v), int(c.GetScale()))
			require.NoError(t, err)
			v = normal
		}
		if text := canon.String(c.GetKind(), v); text == "NaN" {
			b.WriteString(" NaN")
		} else {
			fmt.Fprintf(&b, " %q", v)
		}
	}
	return b.String()
}

func (f *flow) testChanged() {
	p := f.plan("by_int")
	saved := p.GetSource().GetFingerprint()
	defer func() { p.Source.Fingerprint = saved }()
	p.Source.Fingerprint = "another"
	err := f.source.Read(f.ctx, engine.ReadRequest{Plan: p}, func(engine.Row) error { return nil })
	require.Equal(f.t, fault.Changed, fault.KindOf(err), "%v", err)
}
