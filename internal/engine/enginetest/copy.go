package enginetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/keyrange"
)

// flow is one migration of a source into a target, step by step and without
// services.
type flow struct {
	t              *testing.T
	ctx            context.Context
	source, target engine.Database
	sourceConfig   engine.Config
	targetConfig   engine.Config
	existing       planv1.Existing
	// stage is where tables are loaded before they are published; empty for none.
	stage string
	// described is the source as it is, database with the rules written into it.
	described *planv1.Database
	database  *planv1.Database
	// name maps source tables to targets.
	name      func(schema, table string) (string, string, bool)
	design    *planv1.Design
	migration engine.Migration
	snapshot  string
	epoch     uint64
}

// newFlow makes both sides, describes the source and designs the target.
func newFlow(t *testing.T, source, target Factory, existing planv1.Existing, tables, there []Table) *flow {
	return flowBetween(t, source, target, existing, source.New(t, tables...), target.New(t, there...))
}

// flowBetween is newFlow for databases that are there: nothing changes a source, so
// many flows may begin at one.
func flowBetween(t *testing.T, source, target Factory, existing planv1.Existing, from, to engine.Config) *flow {
	f := &flow{t: t, ctx: t.Context(), existing: existing, sourceConfig: from, targetConfig: to,
		migration: engine.Migration{UID: "01TESTMIGRATION", Name: "test", Term: 3}, epoch: 3 << 32,
		name: func(string, string) (string, string, bool) { return "", "", false }}
	f.targetConfig.Create = true
	f.source = open(t, source, f.sourceConfig)
	f.target = open(t, target, f.targetConfig)
	var err error
	f.described, err = f.source.Describe(f.ctx, engine.Selection{})
	require.NoError(t, err)
	f.database = f.described
	f.redesign()
	return f
}

func open(t *testing.T, f Factory, c engine.Config) engine.Database {
	db, err := f.Engine.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func (f *flow) redesign() {
	design, err := f.target.Design(f.ctx, engine.DesignRequest{Source: f.database, Existing: f.existing, Stage: f.stage, Name: f.name})
	require.NoError(f.t, err)
	for i, p := range design.GetTables() {
		require.Equal(f.t, uint32(i+1), p.GetNumber(), "tables are numbered from 1")
	}
	f.design = design
}

// prepare makes the ledger; the design must have no errors.
func (f *flow) prepare() {
	for _, p := range f.design.GetTables() {
		for _, finding := range p.GetFindings() {
			require.NotEqual(f.t, planv1.Severity_SEVERITY_ERROR, finding.GetSeverity(), "%v", finding)
		}
	}
	require.NoError(f.t, f.target.Prepare(f.ctx, f.prepareRequest()))
	for _, p := range f.design.GetTables() {
		if p.GetSource().GetKey().GetNeedsSnapshot() && f.snapshot == "" {
			s, err := f.source.HoldSnapshot(f.ctx)
			require.NoError(f.t, err)
			f.t.Cleanup(func() { require.NoError(f.t, s.Close()) })
			require.NoError(f.t, s.Check(f.ctx))
			f.snapshot = s.Name()
		}
	}
}

func (f *flow) prepareRequest() engine.PrepareRequest {
	return engine.PrepareRequest{Migration: f.migration, SourceIdentity: f.database.GetIdentity(),
		TargetIdentity: f.design.GetIdentity(), Statements: f.design.GetStatements()}
}

// plan gives the plan of a source table.
func (f *flow) plan(name string) *planv1.TablePlan {
	i := slices.IndexFunc(f.design.GetTables(), func(p *planv1.TablePlan) bool { return p.GetSource().GetName() == name })
	require.GreaterOrEqual(f.t, i, 0, "no plan for table %s", name)
	return f.design.GetTables()[i]
}

func (f *flow) apply(p *planv1.TablePlan, step planv1.Step) {
	for range 2 { // twice is harmless
		require.NoError(f.t, f.target.Apply(f.ctx, f.migration, p, step), "%s of %s", step, p.GetTargetName())
	}
}

// snapshotFor is the snapshot that reads of a table need.
func (f *flow) snapshotFor(p *planv1.TablePlan) string {
	if p.GetSource().GetKey().GetNeedsSnapshot() {
		return f.snapshot
	}
	return ""
}

func (f *flow) split(p *planv1.TablePlan, rows int64) []*planv1.Range {
	ranges, err := f.source.Split(f.ctx, p, engine.SplitOptions{TargetRows: rows, TargetBytes: 1 << 40, Snapshot: f.snapshotFor(p)})
	require.NoError(f.t, err)
	return ranges
}

// row is a copy of one row that was read, and what policies changed in it.
type row struct {
	data    []byte
	key     *planv1.Bound
	touched engine.Touched
}

func (f *flow) read(p *planv1.TablePlan, side engine.Side, r *planv1.Range, after *planv1.Bound) []row {
	out, err := f.tryRead(p, side, r, after)
	require.NoError(f.t, err, "read %s", p.GetSource().GetName())
	return out
}

// tryRead gives the rows up to the first error.
func (f *flow) tryRead(p *planv1.TablePlan, side engine.Side, r *planv1.Range, after *planv1.Bound) (out []row, err error) {
	var touched engine.Touched
	request := engine.ReadRequest{Side: side, Plan: p, Range: r, After: after,
		Touch: func(column int) { touched.Add(engine.Touched{uint32(column): 1}) }}
	from := f.target
	if side == engine.SourceSide {
		from, request.Snapshot = f.source, f.snapshotFor(p)
	}
	err = from.Read(f.ctx, request, func(got engine.Row) error {
		key, err := got.Key()
		out = append(out, row{data: slices.Clone(got.Data), key: keyrange.Clone(key), touched: touched})
		touched = nil
		return err
	})
	return out, err
}

// touchedIn adds up what policies changed in rows.
func touchedIn(rows []row) (out engine.Touched) {
	for _, r := range rows {
		out.Add(r.touched)
	}
	return out
}

func digest(rows []row) (d batch.Digest) {
	for _, r := range rows {
		d.Add(r.data)
	}
	return d
}

// batches cuts rows into batches as an extractor does.
func batches(p *planv1.TablePlan, rows []row, size int) []engine.Batch {
	var out []engine.Batch
	for chunk := range slices.Chunk(rows, size) {
		b := engine.Batch{Sequence: uint64(len(out)), Encoding: p.GetEncoding(), Digest: digest(chunk), Touched: touchedIn(chunk),
			LastKey: chunk[len(chunk)-1].key}
		for _, r := range chunk {
			b.Body = append(b.Body, r.data...)
		}
		out = append(out, b)
	}
	return out
}

// nextEpoch gives an attempt or epoch that was never used.
func (f *flow) nextEpoch() uint64 { f.epoch++; return f.epoch }

func (f *flow) openRange(p *planv1.TablePlan, r *planv1.Range, attempt, epoch uint64, reset bool) engine.RangeWriter {
	w, err := f.target.OpenRange(f.ctx, engine.RangeRequest{Migration: f.migration, Plan: p, Range: r, Attempt: attempt, Epoch: epoch, Reset: reset})
	require.NoError(f.t, err)
	f.t.Cleanup(func() { _ = w.Close() })
	return w
}

func (f *flow) write(w engine.RangeWriter, b engine.Batch) {
	outcome, err := w.Write(f.ctx, b)
	require.NoError(f.t, err)
	require.Equal(f.t, engine.Written, outcome)
}

// load copies what a range still lacks in batches of size rows, completes it and
// gives what all of it adds up to.
func (f *flow) load(p *planv1.TablePlan, r *planv1.Range, size int) batch.Digest {
	n := f.nextEpoch()
	w := f.openRange(p, r, n, n, false)
	want := w.Ledger().Digest
	touched := maps.Clone(w.Ledger().Touched)
	rows := f.read(p, engine.SourceSide, r, w.Ledger().After)
	want.Merge(digest(rows))
	touched.Add(touchedIn(rows))
	all := batches(p, rows, size)
	for _, b := range all {
		f.write(w, b)
	}
	ledger, err := w.Complete(f.ctx, uint64(len(all)))
	require.NoError(f.t, err)
	require.NoError(f.t, w.Close())
	require.Equal(f.t, want, ledger.Digest)
	f.equalTouched(touched, ledger.Touched)
	return want
}

// equalTouched compares counts, whatever columns without any are kept.
func (f *flow) equalTouched(want, got engine.Touched) {
	f.t.Helper()
	require.Equal(f.t, fmt.Sprint(want.Proto()), fmt.Sprint(got.Proto()))
}

// copyTable runs a table's way up to its indexes and checks each range on the
// way as the validator does.
func (f *flow) copyTable(p *planv1.TablePlan, rangeRows int64, batchRows int) {
	f.apply(p, planv1.Step_STEP_CREATE)
	if !p.GetKeyAfterLoad() {
		f.apply(p, planv1.Step_STEP_KEY)
	}
	var want batch.Digest
	ranges := f.split(p, rangeRows)
	loaded := make([]batch.Digest, len(ranges))
	for i, r := range ranges {
		loaded[i] = f.load(p, r, batchRows)
		if !keyrange.Ordered(r) { // what has no key begins anew, and leaves others alone
			n := f.nextEpoch()
			w := f.openRange(p, r, n, n, true)
			require.Zero(f.t, w.Ledger().Digest)
			require.NoError(f.t, w.Close())
			loaded[i] = f.load(p, r, batchRows)
		}
		want.Merge(loaded[i])
	}
	if p.GetKeyAfterLoad() {
		f.apply(p, planv1.Step_STEP_KEY)
	}
	for i, r := range ranges {
		if p.GetValidateByRange() {
			require.Equal(f.t, loaded[i], digest(f.read(p, engine.TargetSide, r, nil)), "%s %s", p.GetSource().GetName(), r.GetLabel())
		}
	}
	require.Equal(f.t, want, digest(f.read(p, engine.TargetSide, nil, nil)), "table %s", p.GetSource().GetName())
	f.apply(p, planv1.Step_STEP_INDEXES)
}
