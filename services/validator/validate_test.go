package validator

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/engine/enginetest"
	"github.com/drover-db/drover/internal/engine/memory"
	"github.com/drover-db/drover/internal/engine/memory/memorytest"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
	"github.com/drover-db/drover/internal/secret"
)

// secretText is a value that must show up in no verdict.
const secretText = "s3cr3t"

// tampering is the memory engine whose target gives the row with some id again.
type tampering struct {
	*memory.Engine
	doubled []byte
	// broken makes reading the source fail.
	broken error
}

func (e *tampering) Open(ctx context.Context, c engine.Config) (engine.Database, error) {
	db, err := e.Engine.Open(ctx, c)
	return tamperingDatabase{db, e}, err
}

type tamperingDatabase struct {
	engine.Database
	engine *tampering
}

func (d tamperingDatabase) Read(ctx context.Context, r engine.ReadRequest, row engine.RowFunc) error {
	if r.Side == engine.SourceSide {
		if d.engine.broken != nil {
			return d.engine.broken
		}
		return d.Database.Read(ctx, r, row)
	}
	return d.Database.Read(ctx, r, func(got engine.Row) error {
		if err := row(got); err != nil || got.More {
			return err
		}
		if key, err := got.Key(); err != nil || d.engine.doubled == nil || !keyrange.Equal(keyrange.Of(d.engine.doubled), key) {
			return err
		}
		return row(got)
	})
}

// fixture is a validator between a source and a target that differ in what a
// test did to the target.
type fixture struct {
	t       *testing.T
	engine  *tampering
	service *Service
	plan    *planv1.TablePlan
}

// items makes n rows of id, name, note and price, from id 1.
func items(n int) [][][]byte {
	var out [][][]byte
	for i := 1; i <= n; i++ {
		note := []byte(fmt.Sprintf("%s Note %d ", secretText, i))
		if i%10 == 0 {
			note = nil
		}
		out = append(out, [][]byte{id(i), fmt.Appendf(nil, "item %d", i), note, fmt.Appendf(nil, "%d.50", i)})
	}
	return out
}

func id(i int) []byte { return canon.AppendInt(nil, int64(i)) }

func itemTable(key ...string) enginetest.Table {
	return enginetest.Table{Name: "item", Key: key, Columns: []enginetest.Column{
		{Name: "id", Kind: canon.Int}, {Name: "name", Kind: canon.Text}, {Name: "note", Kind: canon.Text, Nullable: true},
		{Name: "price", Kind: canon.Decimal, Scale: 2}}}
}

func newFixture(t *testing.T, config Config, table enginetest.Table, source, target [][][]byte) *fixture {
	f := &fixture{t: t, engine: &tampering{Engine: memory.New()}}
	f.fill("src", table, source)
	f.fill("dst", table, target)
	config.Engines, config.Secrets = engine.Set{f.engine}, secret.NewResolver()
	service, err := New(config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, service.Close()) })
	f.service = service
	src, dst := f.open("src"), f.open("dst")
	found, err := src.Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	design, err := dst.Design(t.Context(), engine.DesignRequest{Source: found, Existing: planv1.Existing_EXISTING_APPEND,
		Name: func(string, string) (string, string, bool) { return "", "", false }})
	require.NoError(t, err)
	f.plan = design.GetTables()[0]
	return f
}

func (f *fixture) fill(database string, table enginetest.Table, rows [][][]byte) {
	require.NoError(f.t, f.engine.Create(database, memorytest.Describe(table)))
	for _, row := range rows {
		values := map[string][]byte{}
		for i, c := range table.Columns {
			values[c.Name] = row[i]
		}
		require.NoError(f.t, f.engine.Insert(database, table.Name, values))
	}
}

func (f *fixture) open(name string) engine.Database {
	db, err := f.engine.Engine.Open(f.t.Context(), engine.Config{URL: "memory://" + name})
	require.NoError(f.t, err)
	return db
}

// expected is what an extractor would have counted.
func (f *fixture) expected(r *planv1.Range) *planv1.Digest {
	var d batch.Digest
	require.NoError(f.t, f.open("src").Read(f.t.Context(), engine.ReadRequest{Side: engine.SourceSide, Plan: f.plan, Range: r},
		func(row engine.Row) error { d.Add(row.Data); return nil }))
	return d.Proto()
}

func (f *fixture) try(ctx context.Context, work *workerv1.ValidateRange) (*workerv1.Verdict, error) {
	work.Table = f.plan
	result, err := f.service.Handle(ctx, &workerv1.Job{Migration: "01M", Source: &planv1.Endpoint{Url: "memory://src"},
		Target: &planv1.Endpoint{Url: "memory://dst"}, Work: &workerv1.Job_Validate{Validate: work}}, func(*workerv1.Progress) {})
	return result.GetVerdict(), err
}

// validate validates a range, or the whole table by nil, against the source.
func (f *fixture) validate(r *planv1.Range) *workerv1.Verdict {
	verdict, err := f.try(f.t.Context(), &workerv1.ValidateRange{Range: r, Expected: f.expected(r)})
	require.NoError(f.t, err)
	require.NotContains(f.t, verdict.String(), secretText)
	return verdict
}

// written gives differences as lines: "DIFFERENT id=7 note,price".
func written(v *workerv1.Verdict) []string {
	var out []string
	for _, d := range v.GetDifferences() {
		line := d.GetType().String()[len("TYPE_"):] + " " + d.GetKey()
		for i, c := range d.GetColumns() {
			line += map[bool]string{true: " ", false: ","}[i == 0] + c
		}
		out = append(out, line)
	}
	return out
}

// corruptions are what may happen to rows behind a loader's back; rows i of 300
// is the one with id i+1.
var corruptions = map[string]struct {
	change func(rows [][][]byte) [][][]byte
	want   []string
}{
	"FlippedByte": {func(r [][][]byte) [][][]byte { r[41][1][2] ^= 1; return r }, []string{"DIFFERENT id=42 name"}},
	"FlippedKey": {func(r [][][]byte) [][][]byte { r[41][0] = id(1042); return r },
		[]string{"MISSING id=42", "EXTRA id=1042"}},
	"DroppedRow":       {func(r [][][]byte) [][][]byte { return slices.Delete(r, 41, 42) }, []string{"MISSING id=42"}},
	"ExtraRow":         {func(r [][][]byte) [][][]byte { return append(r, items(301)[300]) }, []string{"EXTRA id=301"}},
	"CaseChange":       {func(r [][][]byte) [][][]byte { r[6][2][len(secretText)+1] = 'n'; return r }, []string{"DIFFERENT id=7 note"}},
	"TrailingSpaceCut": {func(r [][][]byte) [][][]byte { r[6][2] = r[6][2][:len(r[6][2])-1]; return r }, []string{"DIFFERENT id=7 note"}},
	"NullBecomesEmpty": {func(r [][][]byte) [][][]byte { r[9][2] = []byte{}; return r }, []string{"DIFFERENT id=10 note"}},
	"ValueBecomesNull": {func(r [][][]byte) [][][]byte { r[10][2] = nil; return r }, []string{"DIFFERENT id=11 note"}},
	"ScaleLost":        {func(r [][][]byte) [][][]byte { r[10][3] = []byte("11.51"); return r }, []string{"DIFFERENT id=11 price"}},
	"SwappedValues": {func(r [][][]byte) [][][]byte { r[10][3], r[20][3] = r[20][3], r[10][3]; return r },
		[]string{"DIFFERENT id=11 price", "DIFFERENT id=21 price"}},
	"SwappedColumns": {func(r [][][]byte) [][][]byte { r[10][1], r[10][2] = r[10][2], r[10][1]; return r },
		[]string{"DIFFERENT id=11 name,note"}},
	"SwappedRows": {func(r [][][]byte) [][][]byte { r[10][0], r[20][0] = r[20][0], r[10][0]; return r },
		[]string{"DIFFERENT id=11 name,note,price", "DIFFERENT id=21 name,note,price"}},
	"ManyAtOnce": {func(r [][][]byte) [][][]byte {
		r[1][1][0], r[2][3] = 'X', []byte("0.00")
		return slices.Delete(r, 5, 7)
	},
		[]string{"DIFFERENT id=2 name", "DIFFERENT id=3 price", "MISSING id=6", "MISSING id=7"}},
}

func TestValidate_Equal(t *testing.T) {
	f := newFixture(t, Config{}, itemTable("id"), items(300), items(300))
	f.engine.broken = fault.New(fault.Internal, "test", "nobody needs the source where digests agree")
	for _, r := range []*planv1.Range{nil, {Number: 2, Lower: keyrange.Of(id(100)), Upper: keyrange.Of(id(200))}} {
		verdict := f.validate(r)
		require.True(t, verdict.GetEqual())
		require.Empty(t, verdict.GetDifferences())
		require.Equal(t, f.expected(r).GetSum(), verdict.GetActual().GetSum())
	}
}

func TestValidate_NamesEveryCorruption(t *testing.T) {
	for name, c := range corruptions {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Config{}, itemTable("id"), items(300), c.change(items(300)))
			for _, r := range []*planv1.Range{nil, {Number: 1, Upper: keyrange.Of(id(5000))}} {
				verdict := f.validate(r)
				require.False(t, verdict.GetEqual())
				require.Equal(t, c.want, written(verdict))
				require.EqualValues(t, len(c.want), verdict.GetDifferentRows())
			}
		})
	}
}

func TestValidate_NamesDuplicatedRow(t *testing.T) {
	f := newFixture(t, Config{}, itemTable("id"), items(300), items(300))
	f.engine.doubled = id(42)
	verdict := f.validate(nil)
	require.Equal(t, []string{"EXTRA id=42"}, written(verdict))
	require.EqualValues(t, 301, verdict.GetActual().GetRows())
}

func TestValidate_NamesCompositeKey(t *testing.T) {
	changed := items(300)
	changed[41][2] = []byte("x")
	f := newFixture(t, Config{}, itemTable("id", "name"), items(300), changed)
	require.Equal(t, []string{"DIFFERENT id=42, name=item 42 note"}, written(f.validate(nil)))
}

// Only the range's own rows are looked at.
func TestValidate_StaysInItsRange(t *testing.T) {
	changed := items(300)
	changed[41][3], changed[250][3] = []byte("0.00"), []byte("0.00")
	f := newFixture(t, Config{}, itemTable("id"), items(300), changed)
	require.Equal(t, []string{"DIFFERENT id=42 price"}, written(f.validate(&planv1.Range{Number: 1, Upper: keyrange.Of(id(100))})))
	require.True(t, f.validate(&planv1.Range{Number: 2, Lower: keyrange.Of(id(100)), Upper: keyrange.Of(id(200))}).GetEqual())
}

// Without a key rows are counted and cannot be named.
func TestValidate_KeylessTable(t *testing.T) {
	for name, c := range corruptions {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Config{}, itemTable(), items(300), c.change(items(300)))
			verdict := f.validate(nil)
			require.False(t, verdict.GetEqual())
			require.NotEmpty(t, verdict.GetDifferences())
			for _, d := range verdict.GetDifferences() {
				require.Empty(t, d.GetKey())
				require.NotEqual(t, planv1.Difference_TYPE_DIFFERENT, d.GetType())
			}
		})
	}
}

func TestValidate_KeylessDuplicates(t *testing.T) {
	one := items(1)[0]
	f := newFixture(t, Config{}, itemTable(), [][][]byte{one, one, one}, [][][]byte{one})
	verdict := f.validate(nil)
	require.Equal(t, []string{"MISSING "}, written(verdict))
	require.EqualValues(t, 2, verdict.GetDifferentRows())
}

// What the table held before is no difference; what is missing or changed is.
func TestValidate_Baseline(t *testing.T) {
	before := [][][]byte{{id(1001), []byte("old"), nil, []byte("1.00")}, {id(1002), []byte("old"), nil, []byte("2.00")}}
	f := newFixture(t, Config{}, itemTable("id"), items(300), before)
	result, err := f.service.Handle(t.Context(), &workerv1.Job{Target: &planv1.Endpoint{Url: "memory://dst"},
		Work: &workerv1.Job_Baseline{Baseline: &workerv1.Baseline{Table: f.plan}}}, func(*workerv1.Progress) {})
	require.NoError(t, err)
	base := result.GetVerdict().GetActual()
	require.EqualValues(t, 2, base.GetRows())

	changed := items(300)
	changed[41][1] = []byte("X")
	for _, c := range []struct {
		rows [][][]byte
		want []string
	}{
		{items(300), nil},
		{changed, []string{"DIFFERENT id=42 name"}},
		{items(300)[:299], []string{"MISSING id=300"}},
	} {
		f := newFixture(t, Config{}, itemTable("id"), items(300), append(slices.Clone(before), c.rows...))
		verdict, err := f.try(t.Context(), &workerv1.ValidateRange{Expected: f.expected(nil), Baseline: base})
		require.NoError(t, err)
		require.Equal(t, c.want == nil, verdict.GetEqual())
		require.Equal(t, c.want, written(verdict))
		require.EqualValues(t, len(c.want), verdict.GetDifferentRows())
		require.EqualValues(t, len(c.rows), verdict.GetActual().GetRows())
	}
}

// A target row that cannot even be read as its column's kind is a difference,
// not a failure: the loader wrote one that could.
func TestValidate_UnreadableValueIsADifference(t *testing.T) {
	table := itemTable("id")
	f := newFixture(t, Config{}, table, items(30), nil)
	table.Columns[3].Kind = canon.Bytes
	f.fill("dst", table, items(30))
	verdict := f.validate(nil)
	require.False(t, verdict.GetEqual())
	require.Equal(t, []string{"DIFFERENT id=1 price"}, written(verdict))
}

// A source that cannot be read does not hide that the target is wrong.
func TestValidate_WrongWithoutSource(t *testing.T) {
	f := newFixture(t, Config{}, itemTable("id"), items(30), items(29))
	f.engine.broken = fault.New(fault.Unavailable, "test", "connection refused")
	verdict := f.validate(nil)
	require.False(t, verdict.GetEqual())
	require.Empty(t, verdict.GetDifferences())
}

func TestValidate_TargetGoneIsAFailure(t *testing.T) {
	f := newFixture(t, Config{}, itemTable("id"), items(3), items(3))
	f.plan.TargetName = "gone"
	_, err := f.try(t.Context(), &workerv1.ValidateRange{Expected: f.expected(nil)})
	require.Equal(t, fault.NotFound, fault.KindOf(err))
	require.Equal(t, fault.Target, fault.Find(err).Side)
}

func TestValidate_CanceledIsNoVerdict(t *testing.T) {
	f := newFixture(t, Config{}, itemTable("id"), items(3), items(2))
	expected := f.expected(nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := f.try(ctx, &workerv1.ValidateRange{Expected: expected})
	require.Equal(t, fault.Canceled, fault.KindOf(err))
}

func TestHandle_RefusesOtherRolesJobs(t *testing.T) {
	f := newFixture(t, Config{}, itemTable("id"), nil, nil)
	_, err := f.service.Handle(t.Context(), &workerv1.Job{Target: &planv1.Endpoint{Url: "memory://dst"}, Work: &workerv1.Job_Load{}}, nil)
	require.Equal(t, fault.Unsupported, fault.KindOf(err))
}

func TestNew_RefusesIncompleteConfig(t *testing.T) {
	_, err := New(Config{})
	require.Equal(t, fault.Invalid, fault.KindOf(err))
}
