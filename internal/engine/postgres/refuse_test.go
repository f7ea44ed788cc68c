package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/testdb"
)

// foreignSource is what an engine without checks of its own might describe.
func foreignSource(columns ...*planv1.Column) *planv1.Database {
	id := &planv1.Column{Name: "id", NativeType: "INTEGER", Kind: canon.Int}
	return &planv1.Database{Engine: "memory", Tables: []*planv1.Table{{Name: "t", Columns: append([]*planv1.Column{id}, columns...),
		Key:     &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_PRIMARY, Columns: []string{"id"}, Kinds: []planv1.Kind{canon.Int}, PortableOrder: true},
		Indexes: []*planv1.Index{{Primary: true, Columns: []*planv1.IndexColumn{{Name: "id"}}}}}}}
}

// writerFor designs, prepares and opens the whole of a source's only table.
func writerFor(t *testing.T, db *database, source *planv1.Database, existing planv1.Existing) engine.RangeWriter {
	ctx, m := t.Context(), engine.Migration{UID: "01REFUSE", Name: "refuse", Term: 1}
	design, err := db.Design(ctx, engine.DesignRequest{Source: source, Name: byName, Existing: existing})
	require.NoError(t, err)
	p := design.GetTables()[0]
	require.False(t, blocked(p), "%v", p.GetFindings())
	require.NoError(t, db.Prepare(ctx, engine.PrepareRequest{Migration: m, TargetIdentity: design.GetIdentity(), Statements: design.GetStatements()}))
	require.NoError(t, db.Apply(ctx, m, p, planv1.Step_STEP_CREATE))
	w, err := db.OpenRange(ctx, engine.RangeRequest{Migration: m, Plan: p, Range: &planv1.Range{Number: 1}, Attempt: 1, Epoch: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return w
}

func rowsOf(values ...[]byte) engine.Batch {
	b := engine.Batch{Encoding: planv1.Encoding_ENCODING_CANONICAL}
	for i, v := range values {
		row := batch.AppendValue(batch.AppendValue(nil, canon.AppendInt(nil, int64(i+1))), v)
		b.Body = append(b.Body, row...)
		b.Digest.Add(row)
	}
	return b
}

// What the target cannot hold is refused by key and column, and nothing stays.
func TestWrite_RefusesValues(t *testing.T) {
	for name, c := range map[string]struct {
		column *planv1.Column
		make   string
		good   []byte
		bad    []byte
	}{
		"NUL":        {&planv1.Column{Name: "v", Kind: canon.Text}, "", []byte("good"), []byte("a\x00b")},
		"TooLong":    {&planv1.Column{Name: "v", Kind: canon.Text, Length: 3}, "", []byte("abc"), []byte("abcd")},
		"InvalidUTF": {&planv1.Column{Name: "v", Kind: canon.Text}, "", []byte("good"), []byte("\xff")},
		"Narrow":     {&planv1.Column{Name: "v", Kind: canon.Int}, "CREATE TABLE t (id int PRIMARY KEY, v smallint)", canon.AppendInt(nil, 1), canon.AppendInt(nil, 70000)},
		"NoTime":     {&planv1.Column{Name: "v", Kind: canon.Time}, "", canon.AppendInt(nil, 1), canon.AppendInt(nil, -1)},
		"NoLabel":    {&planv1.Column{Name: "v", Kind: canon.Text}, "CREATE TYPE mood AS ENUM ('a'); CREATE TABLE t (id int PRIMARY KEY, v mood)", []byte("a"), []byte("b")},
		"NoJSON":     {&planv1.Column{Name: "v", Kind: canon.JSON}, "", []byte("{}"), []byte("{")},
		"Check":      {&planv1.Column{Name: "v", Kind: canon.Int}, "CREATE TABLE t (id int PRIMARY KEY, v int CHECK (v < 9))", canon.AppendInt(nil, 1), canon.AppendInt(nil, 10)},
	} {
		t.Run(name, func(t *testing.T) {
			url := testdb.Postgres(t)
			if c.make != "" {
				script(t, url, c.make)
			}
			w := writerFor(t, openDB(t, url), foreignSource(c.column), planv1.Existing_EXISTING_FAIL)
			_, err := w.Write(t.Context(), rowsOf(c.good, c.bad))
			require.Equal(t, fault.Value, fault.KindOf(err), "%v", err)
			f := fault.Find(err)
			require.Equal(t, "id=2", f.Key, "%v", err)
			if name != "Check" {
				require.Equal(t, "v", f.Column, "%v", err)
			}
			_, err = w.Write(t.Context(), rowsOf(c.good))
			require.NoError(t, err)
			ledger, err := w.Complete(t.Context(), 1)
			require.NoError(t, err)
			require.EqualValues(t, 1, ledger.Digest.Rows)
		})
	}
}

// A type without a binary encoder goes by COPY's text form.
func TestWrite_TextForm(t *testing.T) {
	url := testdb.Postgres(t)
	script(t, url, `CREATE TABLE t (id int PRIMARY KEY, v text, addr inet)`)
	db := openDB(t, url)
	found, err := db.Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	design, err := db.Design(t.Context(), engine.DesignRequest{Source: found, Name: byName})
	require.NoError(t, err)
	p := design.GetTables()[0]
	p.Encoding = planv1.Encoding_ENCODING_CANONICAL
	m := engine.Migration{UID: "01TEXT", Term: 1}
	require.NoError(t, db.Prepare(t.Context(), engine.PrepareRequest{Migration: m, TargetIdentity: design.GetIdentity()}))
	require.NoError(t, db.Apply(t.Context(), m, p, planv1.Step_STEP_CREATE))
	w, err := db.OpenRange(t.Context(), engine.RangeRequest{Migration: m, Plan: p, Range: &planv1.Range{Number: 1}, Attempt: 1, Epoch: 1})
	require.NoError(t, err)
	defer func() { require.NoError(t, w.Close()) }()
	b := engine.Batch{Encoding: p.GetEncoding()}
	for i, text := range []string{"", `\N`, "tab\tnew\nline\\ \r", "\\."} {
		row := batch.AppendValue(batch.AppendValue(batch.AppendValue(nil, canon.AppendInt(nil, int64(i))), []byte(text)), []byte("10.0.0.1"))
		b.Body = append(b.Body, row...)
		b.Digest.Add(row)
	}
	_, err = w.Write(t.Context(), b)
	require.NoError(t, err)
	var got batch.Digest
	require.NoError(t, db.Read(t.Context(), engine.ReadRequest{Side: engine.TargetSide, Plan: p}, func(r engine.Row) error { got.Add(r.Data); return nil }))
	require.Equal(t, b.Digest, got)
}

// Rows that an appended table had before are never deleted to do a range again.
func TestReset_KeepsAppended(t *testing.T) {
	url := testdb.Postgres(t)
	script(t, url, `CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (100, 'theirs')`)
	db := openDB(t, url)
	w := writerFor(t, db, foreignSource(&planv1.Column{Name: "v", Kind: canon.Text}), planv1.Existing_EXISTING_APPEND)
	_, err := w.Write(t.Context(), rowsOf([]byte("ours")))
	require.NoError(t, err)
	request := w.(*rangeWriter).request
	request.Epoch, request.Reset = 2, true
	_, err = db.OpenRange(t.Context(), request)
	require.Equal(t, fault.Unsupported, fault.KindOf(err), "%v", err)
	require.Equal(t, fault.Unsupported, fault.KindOf(db.Empty(t.Context(), request.Migration, request.Plan, 3)))
	count, err := db.Count(t.Context(), &planv1.TablePlan{Source: &planv1.Table{Schema: "public", Name: "t"}})
	require.NoError(t, err)
	require.EqualValues(t, 2, count.Rows)
}

// A loader that sits in a transaction on the range's row is ended by the next one.
func TestOpenRange_EndsZombie(t *testing.T) {
	db := openDB(t, testdb.Postgres(t))
	w := writerFor(t, db, foreignSource(&planv1.Column{Name: "v", Kind: canon.Text}), planv1.Existing_EXISTING_FAIL).(*rangeWriter)
	_, err := w.Write(t.Context(), rowsOf([]byte("a")))
	require.NoError(t, err)
	mine, err := w.begin(t.Context(), w.conn.Conn().PgConn(), 1, engine.Ledger{NextSequence: 2})
	require.NoError(t, err)
	require.True(t, mine)
	request := w.request
	request.Epoch, request.Attempt = 2, 2
	next, err := db.OpenRange(t.Context(), request)
	require.NoError(t, err)
	defer func() { require.NoError(t, next.Close()) }()
	require.EqualValues(t, 1, next.Ledger().Digest.Rows)
	require.EqualValues(t, 0, next.Ledger().NextSequence)
	b := rowsOf([]byte("b"))
	b.Sequence = 1
	_, err = w.Write(t.Context(), b)
	require.Equal(t, fault.Fenced, fault.KindOf(err), "%v", err)
}

// A broken connection between batches costs nothing: the next batch goes over a
// new one.
func TestWrite_Reconnects(t *testing.T) {
	db := openDB(t, testdb.Postgres(t))
	w := writerFor(t, db, foreignSource(&planv1.Column{Name: "v", Kind: canon.Text}), planv1.Existing_EXISTING_FAIL).(*rangeWriter)
	first := rowsOf([]byte("a"))
	_, err := w.Write(t.Context(), first)
	require.NoError(t, err)
	_, err = db.pool.Exec(t.Context(), "SELECT pg_terminate_backend($1)", int32(w.conn.Conn().PgConn().PID()))
	require.NoError(t, err)
	outcome, err := w.Write(t.Context(), first)
	require.NoError(t, err)
	require.Equal(t, engine.Duplicate, outcome)
	ledger, err := w.Complete(t.Context(), 1)
	require.NoError(t, err)
	require.EqualValues(t, 1, ledger.Digest.Rows)
}

func TestDesign_Findings(t *testing.T) {
	url := testdb.Postgres(t)
	script(t, url, "CREATE VIEW t AS SELECT 1 AS id")
	db := openDB(t, url)
	find := func(source *planv1.Database, code string) bool {
		design, err := db.Design(t.Context(), engine.DesignRequest{Source: source, Name: byName})
		require.NoError(t, err)
		for _, f := range design.GetTables()[0].GetFindings() {
			if f.GetCode() == code {
				return true
			}
		}
		return false
	}
	require.True(t, find(foreignSource(), codeTargetNotTable))
	variant := foreignSource(&planv1.Column{Name: "v", NativeType: "ANYTHING", Kind: canon.Variant})
	variant.Tables[0].Name = "other"
	require.True(t, find(variant, codeNoTypeMapping))
	extension := foreignSource(&planv1.Column{Name: "v", NativeType: "public.geometry(Point,4326)", Kind: canon.Text})
	extension.Engine, extension.Tables[0].Name, extension.Tables[0].Columns[0].NativeType = Name, "other", "bigint"
	require.True(t, find(extension, codeTypeMissing))
}
