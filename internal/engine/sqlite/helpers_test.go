package sqlite

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/keyrange"
)

// newFile makes a file by SQL.
func newFile(t *testing.T, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	script(t, path, statements...)
	return path
}

// open opens a file as a source, or as a target.
func open(t *testing.T, path string, target bool) *database {
	t.Helper()
	c := configOf(path)
	c.Create = target
	db, err := New().Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db.(*database)
}

func keepNames(string, string) (string, string, bool) { return "", "", false }

// move is a file on its way into another one.
type move struct {
	t              *testing.T
	source, target *database
	described      *planv1.Database
	design         *planv1.Design
	migration      engine.Migration
}

// newMove describes a source and designs its target; change may alter what was
// described, to stand for another engine.
func newMove(t *testing.T, source, target string, existing planv1.Existing, change func(*planv1.Database)) *move {
	t.Helper()
	m := &move{t: t, source: open(t, source, false), target: open(t, target, true), migration: engine.Migration{UID: "m", Name: "m", Term: 1}}
	var err error
	m.described, err = m.source.Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	if change != nil {
		change(m.described)
	}
	m.design, err = m.target.Design(t.Context(), engine.DesignRequest{Source: m.described, Existing: existing, Name: keepNames})
	require.NoError(t, err)
	return m
}

// asForeign makes a description that of another engine: values travel by kind.
func asForeign(d *planv1.Database) { d.Engine = "other" }

func (m *move) prepare() {
	m.t.Helper()
	require.NoError(m.t, m.target.Prepare(m.t.Context(), engine.PrepareRequest{Migration: m.migration, TargetIdentity: m.design.GetIdentity()}))
}

func (m *move) plan(name string) *planv1.TablePlan {
	m.t.Helper()
	i := slices.IndexFunc(m.design.GetTables(), func(p *planv1.TablePlan) bool { return p.GetSource().GetName() == name })
	require.GreaterOrEqual(m.t, i, 0, name)
	return m.design.GetTables()[i]
}

func (m *move) apply(p *planv1.TablePlan, step planv1.Step) error {
	return m.target.Apply(m.t.Context(), m.migration, p, step)
}

// batch reads a whole table as one batch.
func (m *move) batch(p *planv1.TablePlan) (engine.Batch, error) {
	b := engine.Batch{Encoding: p.GetEncoding()}
	err := m.source.Read(m.t.Context(), engine.ReadRequest{Plan: p}, func(r engine.Row) error {
		b.Body = append(b.Body, r.Data...)
		b.Digest.Add(r.Data)
		key, err := r.Key()
		b.LastKey = keyrange.Clone(key)
		return err
	})
	return b, err
}

func (m *move) openRange(p *planv1.TablePlan, epoch uint64) engine.RangeWriter {
	m.t.Helper()
	w, err := m.target.OpenRange(m.t.Context(), engine.RangeRequest{Migration: m.migration, Plan: p, Range: &planv1.Range{Number: 1}, Attempt: epoch, Epoch: epoch})
	require.NoError(m.t, err)
	return w
}

// load moves a table's rows, up to the first error.
func (m *move) load(p *planv1.TablePlan) error {
	m.t.Helper()
	b, err := m.batch(p)
	if err != nil {
		return err
	}
	w := m.openRange(p, 10)
	if _, err := w.Write(m.t.Context(), b); err != nil {
		return err
	}
	_, err = w.Complete(m.t.Context(), 1)
	require.NoError(m.t, err)
	var there batch.Digest
	require.NoError(m.t, m.target.Read(m.t.Context(), engine.ReadRequest{Side: engine.TargetSide, Plan: p}, func(r engine.Row) error {
		there.Add(r.Data)
		return nil
	}))
	require.Equal(m.t, b.Digest, there)
	return nil
}

// all moves every table and finishes.
func (m *move) all() {
	m.t.Helper()
	m.prepare()
	m.tables()
	require.NoError(m.t, m.target.Finish(m.t.Context(), m.migration, engine.StageComplete))
}

// tables makes and moves every table.
func (m *move) tables() {
	m.t.Helper()
	for _, p := range m.design.GetTables() {
		require.NoError(m.t, m.apply(p, planv1.Step_STEP_CREATE))
		require.NoError(m.t, m.apply(p, planv1.Step_STEP_KEY))
		require.NoError(m.t, m.load(p))
		require.NoError(m.t, m.apply(p, planv1.Step_STEP_INDEXES))
	}
	for _, step := range []planv1.Step{planv1.Step_STEP_FOREIGN_KEYS, planv1.Step_STEP_SEQUENCES} {
		for _, p := range m.design.GetTables() {
			require.NoError(m.t, m.apply(p, step))
		}
	}
}

// codes lists the findings of a severity as "CODE column".
func codes(p *planv1.TablePlan, severity planv1.Severity) []string {
	out := []string{}
	for _, f := range p.GetFindings() {
		if f.GetSeverity() == severity {
			out = append(out, f.GetCode()+" "+f.GetColumn())
		}
	}
	return out
}

// query gives the first column of a query's rows, as text.
func query(t *testing.T, path, text string) []string {
	t.Helper()
	db := openFile(t, path)
	defer func() { require.NoError(t, db.Close()) }()
	rows, err := db.QueryContext(t.Context(), text)
	require.NoError(t, err)
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		require.NoError(t, rows.Scan(&s))
		out = append(out, s)
	}
	require.NoError(t, rows.Err())
	return out
}
