package postgres

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/testdb"
)

func literalDefault(s string) *planv1.Default {
	return &planv1.Default{Value: &planv1.Default_Literal{Literal: s}}
}

func expressionDefault(s string) *planv1.Default {
	return &planv1.Default{Value: &planv1.Default_Expression{Expression: s}}
}

var nowDefault = &planv1.Default{Value: &planv1.Default_Moment_{Moment: planv1.Default_MOMENT_TIMESTAMP}}

func indexOn(name string, unique bool, columns ...string) *planv1.Index {
	x := &planv1.Index{Name: name, Unique: unique, Primary: name == "PRIMARY", Constraint: unique, Method: "btree"}
	for _, c := range columns {
		x.Columns = append(x.Columns, &planv1.IndexColumn{Name: c})
	}
	return x
}

func keyOn(kind planv1.Kind, column string) *planv1.Key {
	return &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_PRIMARY, Columns: []string{column}, Kinds: []planv1.Kind{kind}, PortableOrder: true}
}

const looseCollation = "utf8mb4_0900_ai_ci"

// shopOfMySQL is what MySQL describes of a shop.
func shopOfMySQL() *planv1.Database {
	customer := &planv1.Table{Schema: "shop", Name: "customer", Key: keyOn(canon.Uint, "id"), Comment: "who buys", Columns: []*planv1.Column{
		{Name: "id", NativeType: "bigint unsigned", Kind: canon.Uint, Identity: planv1.Identity_IDENTITY_BY_DEFAULT},
		{Name: "email", NativeType: "varchar(100)", Kind: canon.Text, Length: 100, Collation: looseCollation},
		{Name: "status", NativeType: "enum('new','it''s old')", Kind: canon.Text, EnumLabels: []string{"new", "it's old"}, Default: literalDefault("new"), Collation: looseCollation},
		{Name: "flags", NativeType: "set('a','b')", Kind: canon.Text, EnumLabels: []string{"a", "b"}, Multiple: true, Nullable: true, Collation: looseCollation},
		{Name: "active", NativeType: "tinyint(1)", Kind: canon.Int, Default: literalDefault("1")},
		{Name: "age", NativeType: "tinyint(3) unsigned", Kind: canon.Int, Nullable: true},
		{Name: "visits", NativeType: "int unsigned", Kind: canon.Int, Default: literalDefault("0")},
		{Name: "zip", NativeType: "mediumint(8) unsigned zerofill", Kind: canon.Int, Nullable: true},
		{Name: "born", NativeType: "year", Kind: canon.Int, Nullable: true},
		{Name: "balance", NativeType: "decimal(12,2)", Kind: canon.Decimal, Precision: 12, Scale: 2, Default: literalDefault("0.00")},
		{Name: "ratio", NativeType: "float unsigned", Kind: canon.Float32, Nullable: true},
		{Name: "exact", NativeType: "double", Kind: canon.Float64, Nullable: true},
		{Name: "bits", NativeType: "bit(8)", Kind: canon.Bits, Length: 8, Default: expressionDefault("b'101'")},
		{Name: "code", NativeType: "char(5)", Kind: canon.Text, Length: 5, Nullable: true, BinaryOrder: true, Collation: "utf8mb4_0900_bin"},
		{Name: "bio", NativeType: "text", Kind: canon.Text, Length: 65535, Nullable: true, Collation: looseCollation},
		{Name: "hash", NativeType: "binary(16)", Kind: canon.Bytes, Length: 16, Nullable: true},
		{Name: "doc", NativeType: "json", Kind: canon.JSONValue, Nullable: true, Default: expressionDefault("json_object()")},
		{Name: "doc_text", NativeType: "longtext", Kind: canon.JSON, Nullable: true},
		{Name: "day", NativeType: "date", Kind: canon.Date, Nullable: true, Default: expressionDefault("(curdate())")},
		{Name: "zero", NativeType: "date", Kind: canon.Date, Nullable: true, Default: expressionDefault("'0000-00-00'")},
		{Name: "seen", NativeType: "datetime(3)", Kind: canon.Timestamp, Default: nowDefault},
		{Name: "updated", NativeType: "timestamp", Kind: canon.TimestampTZ, Default: nowDefault, OnUpdateNow: true},
		{Name: "took", NativeType: "time(6)", Kind: canon.Time, Nullable: true, Default: literalDefault("00:00:01")},
		{Name: "place", NativeType: "point", Kind: canon.Bytes, Geometry: "point", Nullable: true},
		{Name: "token", NativeType: "char(36)", Kind: canon.Text, Nullable: true, Default: expressionDefault("uuid()")},
		{Name: "odd", NativeType: "int", Kind: canon.Int, Nullable: true, Default: expressionDefault("(floor(rand()*10))")},
		{Name: "total", NativeType: "decimal(14,2)", Kind: canon.Decimal, Precision: 14, Scale: 2, Nullable: true, Generated: "(`balance` * `visits`)"},
		{Name: "label", NativeType: "varchar(200)", Kind: canon.Text, Nullable: true, Generated: "concat(`code`,_utf8mb4'-',`email`)", GeneratedStored: true},
		{Name: "domain", NativeType: "varchar(100)", Kind: canon.Text, Nullable: true, Generated: "substring_index(`email`,'@',-1)"},
		{Name: "best", NativeType: "int", Kind: canon.Int, Nullable: true},
	}, Indexes: []*planv1.Index{
		indexOn("PRIMARY", true, "id"), indexOn("email", true, "email"), indexOn("idx", false, "status", "born"),
		{Name: "code_start", Method: "btree", Columns: []*planv1.IndexColumn{{Name: "code", Prefix: 2}}},
		{Name: "bio_start", Method: "btree", Unique: true, Constraint: true, Columns: []*planv1.IndexColumn{{Name: "bio", Prefix: 20}}},
		{Name: "hash_start", Method: "btree", Columns: []*planv1.IndexColumn{{Name: "hash", Prefix: 4, Descending: true}}},
		{Name: "words", Method: "fulltext", Columns: []*planv1.IndexColumn{{Name: "bio"}, {Name: "email"}}},
		{Name: "near", Method: "spatial", Columns: []*planv1.IndexColumn{{Name: "place"}}},
		{Name: "computed", Method: "btree", Columns: []*planv1.IndexColumn{{Expression: "lower(`email`)"}}},
	}, Checks: []*planv1.Check{
		{Name: "ages", Expression: "(`age` between 0 and 150)"},
		{Name: "codes", Expression: "(`code` in (_utf8mb4'AB',_utf8mb4'CD'))"},
		{Name: "both", Expression: "((`balance` >= -(10.5)) or (`visits` <> 0)) and (`day` > '2001-01-01')"},
		{Name: "mail", Expression: "(`email` like '%@%')"},
		{Name: "loose", Expression: "(`email` <> 'x')"},
		{Name: "doc_text", Expression: "json_valid(`doc_text`)"},
	}, ForeignKeys: []*planv1.ForeignKey{{Name: "fk_best", Columns: []string{"best"}, ReferencedSchema: "shop", ReferencedTable: "purchase", ReferencedColumns: []string{"id"}, OnDelete: "SET NULL"}}}
	purchase := &planv1.Table{Schema: "shop", Name: "purchase", Key: keyOn(canon.Int, "id"), Columns: []*planv1.Column{
		{Name: "id", NativeType: "int", Kind: canon.Int, Identity: planv1.Identity_IDENTITY_BY_DEFAULT},
		{Name: "customer", NativeType: "bigint unsigned", Kind: canon.Uint},
		{Name: "parent", NativeType: "int", Kind: canon.Int, Nullable: true},
		{Name: "updated", NativeType: "timestamp", Kind: canon.TimestampTZ, OnUpdateNow: true, Default: nowDefault},
		{Name: "extra", NativeType: "longtext", Kind: canon.JSON, Nullable: true},
	}, Indexes: []*planv1.Index{indexOn("PRIMARY", true, "id"), indexOn("idx", false, "customer")},
		ForeignKeys: []*planv1.ForeignKey{
			{Name: "fk_customer", Columns: []string{"customer"}, ReferencedSchema: "shop", ReferencedTable: "customer", ReferencedColumns: []string{"id"}, OnDelete: "CASCADE", OnUpdate: "RESTRICT"},
			{Name: "fk_parent", Columns: []string{"parent"}, ReferencedSchema: "shop", ReferencedTable: "purchase", ReferencedColumns: []string{"id"}},
		}}
	return &planv1.Database{Engine: "mysql", Version: "9.7.0", Identity: "mysql:test", Tables: []*planv1.Table{customer, purchase}}
}

// fill loads rows of text forms into a plan's table, NULL for those left out.
func fill(t *testing.T, db *database, m engine.Migration, p *planv1.TablePlan, rows ...map[string]string) batch.Digest {
	t.Helper()
	w, err := db.OpenRange(t.Context(), engine.RangeRequest{Migration: m, Plan: p, Range: &planv1.Range{Number: 1}, Attempt: 1, Epoch: 1})
	require.NoError(t, err)
	b := engine.Batch{Encoding: p.GetEncoding()}
	for _, values := range rows {
		var row []byte
		for _, c := range p.GetColumns() {
			text, ok := values[c.GetSource()]
			if !ok {
				row = batch.AppendNull(row)
				continue
			}
			v, err := canon.Parse(c.GetKind(), text)
			require.NoError(t, err, c.GetSource())
			row = batch.AppendValue(row, v)
		}
		b.Body = append(b.Body, row...)
		b.Digest.Add(row)
	}
	_, err = w.Write(t.Context(), b)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	var got batch.Digest
	require.NoError(t, db.Read(t.Context(), engine.ReadRequest{Side: engine.TargetSide, Plan: p}, func(r engine.Row) error { got.Add(r.Data); return nil }))
	require.Equal(t, b.Digest, got)
	return got
}

var shopRow = map[string]string{"id": "18446744073709551610", "email": "a@b", "status": "it's old", "flags": "a,b", "active": "2", "age": "255", "visits": "4294967295",
	"zip": "7", "born": "1901", "balance": "-0.01", "ratio": "16777216", "exact": "0.1", "bits": "00000101", "code": "AB", "bio": "long", "hash": `\x00ff`,
	"doc": `{"a":1}`, "doc_text": `{"b" : 1, "b":2}`, "day": "2024-02-29", "seen": "2024-01-01 00:00:00.123", "updated": "2024-01-01 00:00:00+00",
	"took": "P0M0DT-3020399.5S", "place": `\x0101000000000000000000f03f0000000000000040`}

// loadShop makes and fills the shop up to its foreign keys.
func loadShop(t *testing.T, db *database, m engine.Migration, design *planv1.Design) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, db.Prepare(ctx, engine.PrepareRequest{Migration: m, TargetIdentity: design.GetIdentity(), Statements: design.GetStatements()}))
	customer, purchase := design.GetTables()[0], design.GetTables()[1]
	rows := map[*planv1.TablePlan][]map[string]string{}
	ages := map[string]string{}
	for k, v := range shopRow {
		ages[k] = v
	}
	ages["id"], ages["email"], ages["bio"], ages["age"] = "5", "c@d", "other", "9"
	first := map[string]string{}
	for k, v := range shopRow {
		first[k] = v
	}
	first["age"], first["id"] = "150", "4"
	rows[customer] = []map[string]string{first, ages}
	rows[purchase] = []map[string]string{{"id": "7", "customer": "5", "parent": "7", "updated": "2024-01-01 00:00:00+00", "extra": "{}"}}
	for _, p := range design.GetTables() {
		require.False(t, blocked(p), "%v", p.GetFindings())
		require.NoError(t, db.Apply(ctx, m, p, planv1.Step_STEP_CREATE))
		fill(t, db, m, p, rows[p]...)
	}
	for _, step := range []planv1.Step{planv1.Step_STEP_KEY, planv1.Step_STEP_INDEXES, planv1.Step_STEP_FOREIGN_KEYS, planv1.Step_STEP_SEQUENCES} {
		for _, p := range design.GetTables() {
			for range 2 {
				require.NoError(t, db.Apply(ctx, m, p, step), "%s of %s", step, p.GetTargetName())
			}
		}
	}
}

func TestMySQL_Design(t *testing.T) {
	db := openDB(t, testdb.Postgres(t))
	design, err := db.Design(t.Context(), engine.DesignRequest{Source: shopOfMySQL(), Name: byName})
	require.NoError(t, err)
	golden(t, "mysql_design.golden.sql", describeDesign(design))
}

// What drover makes of a MySQL database works as it did there.
func TestMySQL_Shop(t *testing.T) {
	for name, newDatabase := range map[string]func(testing.TB) string{"15": testdb.Postgres, "18": testdb.Postgres18} {
		t.Run(name, func(t *testing.T) {
			url := newDatabase(t)
			db := openDB(t, url)
			design, err := db.Design(t.Context(), engine.DesignRequest{Source: shopOfMySQL(), Name: byName})
			require.NoError(t, err)
			loadShop(t, db, engine.Migration{UID: "01SHOP", Name: "shop", Term: 1}, design)
			testShop(t, url)
		})
	}
}

// testShop uses the shop as its application would.
func testShop(t *testing.T, url string) {
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	one := func(sql string) (out string) {
		require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&out), sql)
		return out
	}
	refused := func(code, sql string) {
		_, err := conn.Exec(t.Context(), sql)
		require.Equal(t, code, sqlState(err), "%s: %v", sql, err)
	}
	require.Equal(t, "6", one("INSERT INTO customer (email, code) VALUES ('n@n', 'CD') RETURNING id::text"), "the sequence goes on")
	require.Equal(t, "8", one("INSERT INTO purchase (customer) VALUES (6) RETURNING id::text"))
	require.Equal(t, "new 1 0 00000101 {} 00:00:01", one("SELECT concat_ws(' ', status, active, visits, bits, doc, took) FROM customer WHERE id = 6"))
	require.Equal(t, "36", one("SELECT length(token)::text FROM customer WHERE id = 6"))
	require.Equal(t, "AB-a@b -42949672.95", one("SELECT label || ' ' || total FROM customer WHERE id = 4"))
	require.Equal(t, "-838:59:59.5", one("SELECT took::text FROM customer WHERE id = 4"))

	require.Equal(t, "true", one("UPDATE customer SET visits = visits + 0 WHERE id = 5 RETURNING (updated = '2024-01-01Z')::text"), "nothing changed")
	require.Equal(t, "true", one("UPDATE customer SET visits = 1 WHERE id = 5 RETURNING (updated > now() - interval '1 minute')::text"))
	require.Equal(t, "true", one("UPDATE customer SET visits = 2, updated = '2020-01-01Z' WHERE id = 5 RETURNING (updated = '2020-01-01Z')::text"))
	require.Equal(t, "true", one(`UPDATE purchase SET extra = '{ }' WHERE id = 7 RETURNING (updated > now() - interval '1 minute')::text`))

	refused("23514", "UPDATE customer SET status = 'other'")
	refused("23514", "UPDATE customer SET flags = 'a,x'")
	refused("23514", "UPDATE customer SET visits = -1")
	refused("23514", "UPDATE customer SET code = 'EF'")
	refused("23514", "UPDATE customer SET age = 151")
	refused("23505", "INSERT INTO customer (email, bio) VALUES ('y', 'long')")
	refused("23505", "INSERT INTO customer (email) VALUES ('a@b')")
	refused("23503", "UPDATE purchase SET parent = 99")
	refused("23503", "UPDATE customer SET best = 99")
	_, err = conn.Exec(t.Context(), "UPDATE customer SET best = 7 WHERE id = 5; DELETE FROM customer WHERE id = 5")
	require.NoError(t, err)
	require.Equal(t, "1", one("SELECT count(*)::text FROM purchase"), "what the customer bought is gone too")

	_, err = conn.Exec(t.Context(), "SET enable_seqscan = off; SET enable_bitmapscan = off")
	require.NoError(t, err)
	require.Contains(t, one("EXPLAIN SELECT * FROM customer WHERE code = 'AB'"), "code_start")
	require.Contains(t, one("EXPLAIN SELECT * FROM purchase WHERE customer = 5"), "purchase_idx")
	_, err = conn.Exec(t.Context(), "SET enable_bitmapscan = on")
	require.NoError(t, err)
	require.Equal(t, "4", one("SELECT id::text FROM customer WHERE to_tsvector('simple', coalesce(bio, '') || ' ' || coalesce(email, '')) @@ plainto_tsquery('simple', 'long')"))
}

// Names that PostgreSQL would cut stop the plan, and so do two that are one. Names
// that differ in case only are two.
func TestMySQL_Names(t *testing.T) {
	long := strings.Repeat("x", 63)
	source := castSource(&planv1.Column{Name: long + "1", NativeType: "int", Kind: canon.Int}, &planv1.Column{Name: "V", NativeType: "int", Kind: canon.Int},
		&planv1.Column{Name: "v", NativeType: "int", Kind: canon.Int})
	for _, name := range []string{"T", long + "a", long + "b"} {
		other := castSource().GetTables()[0]
		other.Name = name
		source.Tables = append(source.Tables, other)
	}
	design, err := openDB(t, testdb.Postgres(t)).Design(t.Context(), engine.DesignRequest{Source: source, Name: byName})
	require.NoError(t, err)
	codes := map[string][]string{}
	for _, p := range design.GetTables() {
		codes[p.GetSource().GetName()] = nil
		for _, f := range p.GetFindings() {
			codes[p.GetSource().GetName()] = append(codes[p.GetSource().GetName()], f.GetCode())
		}
	}
	require.Equal(t, map[string][]string{"t": {codeNameTooLong}, "T": nil, long + "a": {codeNameTooLong}, long + "b": {codeNameTooLong, codeNameCollision, codeNameChanged}}, codes)
	require.Equal(t, long, design.GetTables()[0].GetColumns()[1].GetTarget())
	source.Tables = source.Tables[:1]
	source.Tables[0].Columns = append(source.Tables[0].Columns, &planv1.Column{Name: long + "2", NativeType: "int", Kind: canon.Int})
	design, err = openDB(t, testdb.Postgres(t)).Design(t.Context(), engine.DesignRequest{Source: source, Name: byName})
	require.NoError(t, err)
	require.True(t, blocked(design.GetTables()[0]))
}
