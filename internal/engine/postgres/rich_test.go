package postgres

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/keyrange"
	"github.com/drover-db/drover/internal/testdb"
)

// richSource is a database with what people really have in one.
func richSource(t *testing.T, newDatabase func(testing.TB) string) *database {
	raw, err := os.ReadFile("testdata/rich.sql")
	require.NoError(t, err)
	url := newDatabase(t)
	script(t, url, string(raw))
	return openDB(t, url)
}

// copyAll moves every table as the services do and proves each.
func copyAll(t *testing.T, source, target *database, d *planv1.Design) {
	ctx, m := t.Context(), engine.Migration{UID: "01TEST", Name: "test", Term: 1}
	require.NoError(t, target.Prepare(ctx, engine.PrepareRequest{Migration: m, TargetIdentity: d.GetIdentity(), Statements: d.GetStatements()}))
	snapshot, err := source.HoldSnapshot(ctx)
	require.NoError(t, err)
	defer func() { require.NoError(t, snapshot.Close()) }()
	for _, p := range d.GetTables() {
		require.NoError(t, target.Apply(ctx, m, p, planv1.Step_STEP_CREATE))
		want := loadTable(t, source, target, m, p, snapshot.Name())
		require.NoError(t, target.Apply(ctx, m, p, planv1.Step_STEP_KEY))
		var got batch.Digest
		require.NoError(t, target.Read(ctx, engine.ReadRequest{Side: engine.TargetSide, Plan: p}, func(r engine.Row) error { got.Add(r.Data); return nil }))
		require.Equal(t, want, got, p.GetTargetName())
		n, err := source.Count(ctx, p)
		require.NoError(t, err)
		require.Equal(t, n.Rows, got.Rows)
	}
	for _, step := range []planv1.Step{planv1.Step_STEP_INDEXES, planv1.Step_STEP_FOREIGN_KEYS, planv1.Step_STEP_SEQUENCES} {
		for _, p := range d.GetTables() {
			require.NoError(t, target.Apply(ctx, m, p, step))
			require.NoError(t, target.Apply(ctx, m, p, step))
		}
	}
	require.NoError(t, target.ApplyObjects(ctx, m, d.GetObjects()))
	require.NoError(t, target.ApplyObjects(ctx, m, d.GetObjects()))
	require.NoError(t, target.Finish(ctx, m, engine.StageComplete))
}

func loadTable(t *testing.T, source, target *database, m engine.Migration, p *planv1.TablePlan, snapshot string) batch.Digest {
	ctx := t.Context()
	ranges, err := source.Split(ctx, p, engine.SplitOptions{TargetRows: 100, TargetBytes: 1 << 30, Snapshot: snapshot})
	require.NoError(t, err)
	var whole batch.Digest
	for _, r := range ranges {
		w, err := target.OpenRange(ctx, engine.RangeRequest{Migration: m, Plan: p, Range: r, Attempt: 1, Epoch: 1})
		require.NoError(t, err)
		b := engine.Batch{Encoding: p.GetEncoding()}
		err = source.Read(ctx, engine.ReadRequest{Plan: p, Range: r, Snapshot: snapshot}, func(row engine.Row) (err error) {
			b.Body = append(b.Body, row.Data...)
			b.Digest.Add(row.Data)
			b.LastKey, err = row.Key()
			return err
		})
		if err == nil {
			_, err = w.Write(ctx, b)
		}
		var ledger engine.Ledger
		if err == nil {
			ledger, err = w.Complete(ctx, 1)
		}
		// Closed in any case: the database waits for its connections.
		require.NoError(t, errors.Join(err, w.Close()), p.GetTargetName())
		whole.Merge(ledger.Digest)
	}
	return whole
}

func byName(string, string) (string, string, bool) { return "", "", false }

// describeDesign writes a design for people and golden files.
func describeDesign(d *planv1.Design) string {
	var b strings.Builder
	finding := func(f *planv1.Finding) {
		fmt.Fprintf(&b, "-- %s %s %s %s: %s\n", f.GetSeverity(), f.GetCode(), f.GetTable(), f.GetColumn(), f.GetMessage())
	}
	for _, f := range d.GetFindings() {
		finding(f)
	}
	for _, s := range d.GetStatements() {
		fmt.Fprintf(&b, "%s;\n", s.GetSql())
	}
	for _, p := range d.GetTables() {
		k := p.GetSource().GetKey()
		fmt.Fprintf(&b, "\n-- %s -> %s.%s %s key %s %v range %t\n", engine.Label(p, engine.SourceSide), p.GetTargetSchema(), p.GetTargetName(),
			p.GetEncoding(), k.GetSource(), k.GetColumns(), p.GetValidateByRange())
		for _, f := range p.GetFindings() {
			finding(f)
		}
		for _, c := range p.GetColumns() {
			fmt.Fprintf(&b, "--   %q %s -> %s %s %d\n", c.GetSource(), c.GetSourceType(), c.GetTargetType(), c.GetKind(), c.GetScale())
		}
		for _, s := range p.GetStatements() {
			fmt.Fprintf(&b, "-- %s %s\n%s;\n", s.GetStep(), s.GetObject(), s.GetSql())
		}
	}
	return b.String()
}

func TestRich_DescribeAndDesign(t *testing.T) {
	source := richSource(t, testdb.Postgres)
	found, err := source.Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	var unmoved strings.Builder
	for _, u := range found.GetUnmoved() {
		fmt.Fprintf(&unmoved, "%s %s: %s\n", u.GetObject(), u.GetName(), u.GetReason())
	}
	golden(t, "rich_unmoved.golden", unmoved.String())
	target := openDB(t, testdb.Postgres(t))
	design, err := target.Design(t.Context(), engine.DesignRequest{Source: found, Name: byName})
	require.NoError(t, err)
	golden(t, "rich_design.golden.sql", describeDesign(design))
	found.Engine = "memory"
	design, err = target.Design(t.Context(), engine.DesignRequest{Source: found, Name: byName})
	require.NoError(t, err)
	golden(t, "rich_foreign_design.golden.sql", describeDesign(design))
}

// Rows come in the order of the key itself, not of the text that is selected of it.
func TestRead_OrdersByKeyNotByText(t *testing.T) {
	url := testdb.Postgres(t)
	script(t, url, `CREATE TYPE size AS ENUM ('small', 'big'); CREATE TABLE t (k size, a inet, PRIMARY KEY (k, a));
		INSERT INTO t VALUES ('big', '9.0.0.1'), ('small', '10.0.0.1'), ('small', '9.0.0.1')`)
	db := openDB(t, url)
	found, err := db.Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	for _, encoding := range []planv1.Encoding{planv1.Encoding_ENCODING_PGCOPY, planv1.Encoding_ENCODING_CANONICAL} {
		p := &planv1.TablePlan{Source: found.GetTables()[0], Encoding: encoding}
		for _, c := range found.GetTables()[0].GetColumns() {
			p.Columns = append(p.Columns, &planv1.ColumnPlan{Source: c.GetName(), SourceType: c.GetNativeType(), Kind: c.GetKind(), Scale: -1})
		}
		var keys []string
		var first *planv1.Bound
		require.NoError(t, db.Read(t.Context(), engine.ReadRequest{Plan: p}, func(r engine.Row) error {
			key, err := r.Key()
			if first == nil {
				first = key
			}
			keys = append(keys, keyrange.Key(p.GetSource().GetKey().GetKinds(), key))
			return err
		}))
		require.Equal(t, []string{"(small, 9.0.0.1)", "(small, 10.0.0.1)", "(big, 9.0.0.1)"}, keys)
		rest := 0
		require.NoError(t, db.Read(t.Context(), engine.ReadRequest{Plan: p, After: first}, func(engine.Row) error { rest++; return nil }))
		require.Equal(t, 2, rest)
	}
}

func TestRich_Copy(t *testing.T) {
	source := richSource(t, testdb.Postgres)
	for name, c := range map[string]struct {
		target   func(testing.TB) string
		encoding planv1.Encoding
	}{"Pass": {testdb.Postgres18, planv1.Encoding_ENCODING_UNSPECIFIED}, "Canonical": {testdb.Postgres, planv1.Encoding_ENCODING_CANONICAL}} {
		t.Run(name, func(t *testing.T) {
			url := c.target(t)
			target := openDB(t, url)
			found, err := source.Describe(t.Context(), engine.Selection{})
			require.NoError(t, err)
			// Composite types are not moved; the column says so and the rest goes.
			design, err := target.Design(t.Context(), engine.DesignRequest{Source: found, Name: byName})
			require.NoError(t, err)
			for _, p := range design.GetTables() {
				require.False(t, blocked(p), "%v", p.GetFindings())
				if c.encoding != 0 {
					p.Encoding = c.encoding
				}
			}
			copyAll(t, source, target, design)
			script(t, url, `INSERT INTO shop.customer (email, balance) VALUES ('z@z', 1)`, `INSERT INTO shop.event (at) VALUES ('2024-12-31')`)
			again, err := target.Describe(t.Context(), engine.Selection{})
			require.NoError(t, err)
			require.Len(t, again.GetTables(), len(found.GetTables()))
		})
	}
}

// printRow writes a canonical row for people.
func printRow(t *testing.T, p *planv1.TablePlan, row []byte) string {
	fields := make([][]byte, len(p.GetColumns()))
	_, _, err := batch.Fields(planv1.Encoding_ENCODING_CANONICAL, row, fields)
	require.NoError(t, err)
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = "NULL"
		if f != nil {
			parts[i] = canon.String(p.GetColumns()[i].GetKind(), f)
		}
	}
	return strings.Join(parts, "|")
}
