package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/testdb"
)

// castSource has one column of each kind that casts are asked for.
func castSource(columns ...*planv1.Column) *planv1.Database {
	d := foreignSource(columns...)
	d.Engine = "mysql"
	return d
}

func TestDesign_Casts(t *testing.T) {
	url := testdb.Postgres(t)
	script(t, url, "CREATE TYPE mood AS ENUM ('a'); CREATE DOMAIN cents AS numeric(8,2); CREATE EXTENSION citext")
	db := openDB(t, url)
	for cast, want := range map[string]struct {
		from planv1.Kind
		name string
		kind planv1.Kind
	}{
		"boolean": {canon.Int, "boolean", canon.Bool}, "BOOL": {canon.Bits, "boolean", canon.Bool}, "timestamptz": {canon.Timestamp, "timestamp with time zone", canon.TimestampTZ},
		"numeric(20,0)": {canon.Uint, "numeric(20,0)", canon.Decimal}, "varchar(40)": {canon.Text, "character varying(40)", canon.Text},
		"jsonb": {canon.JSON, "jsonb", canon.JSONValue}, "interval": {canon.Time, "interval", canon.Interval}, "time": {canon.Time, "time without time zone", canon.Time},
		"text": {canon.Decimal, "text", canon.Text}, "mood": {canon.Text, "public.mood", canon.Text}, "cents": {canon.Decimal, "public.cents", canon.Decimal},
		"citext": {canon.Text, "public.citext", canon.Text}, "uuid": {canon.Bytes, "uuid", canon.UUID}, "bit(4)": {canon.Int, "bit(4)", canon.Bits},
		"bigint": {canon.Uint, "bigint", canon.Int}, "timestamp(3)": {canon.Timestamp, "timestamp(3) without time zone", canon.Timestamp}, "inet": {canon.Text, "inet", canon.Text},
		"text[]": {canon.Text, "text[]", canon.Text},
		// What cannot be.
		"nothing": {from: canon.Text}, "int; DROP TABLE t": {from: canon.Int}, "varchar(0)": {from: canon.Text}, "record": {from: canon.Text}, "integer[]": {from: canon.Int},
		"date": {from: canon.Bytes}, "numeric(3,-2)": {from: canon.Decimal}, "": {from: canon.Variant},
	} {
		t.Run(cast, func(t *testing.T) {
			design, err := db.Design(t.Context(), engine.DesignRequest{Source: castSource(&planv1.Column{Name: "v", NativeType: "declared", Kind: want.from, Cast: cast}), Name: byName})
			require.NoError(t, err)
			p := design.GetTables()[0]
			if want.name == "" {
				require.True(t, blocked(p))
				if cast != "" {
					require.Equal(t, []string{codeCastImpossible, "v"}, []string{p.GetFindings()[0].GetCode(), p.GetFindings()[0].GetColumn()})
				}
				return
			}
			require.False(t, blocked(p), "%v", p.GetFindings())
			require.Equal(t, want.name, p.GetColumns()[1].GetTargetType())
			require.Equal(t, want.kind, p.GetColumns()[1].GetKind())
		})
	}
}

// What a type of the target would round, pad or cut is refused by key and column.
func TestCast_RefusesLoss(t *testing.T) {
	for cast, c := range map[string]struct {
		kind      planv1.Kind
		good, bad string
	}{
		"timestamp(3)": {canon.Timestamp, "2024-01-01 00:00:00.123", "2024-01-01 00:00:00.1234"}, "time(0)": {canon.Time, "00:00:01", "00:00:01.5"},
		"interval(1)": {canon.Interval, "P0M0DT0.1S", "P0M0DT0.01S"}, "varchar(2)": {canon.Text, "éé", "é  "}, "char(3)": {canon.Text, "ab", "a "},
		"smallint": {canon.Int, "5", "40000"}, "numeric(4,1)": {canon.Decimal, "1.5", "1000.5"}, "bit(3)": {canon.Bits, "101", "1"},
	} {
		t.Run(cast, func(t *testing.T) {
			db := openDB(t, testdb.Postgres(t))
			w := writerFor(t, db, castSource(&planv1.Column{Name: "v", NativeType: "declared", Kind: c.kind, Cast: cast}), planv1.Existing_EXISTING_FAIL)
			good, err := canon.Parse(c.kind, c.good)
			require.NoError(t, err)
			bad, err := canon.Parse(c.kind, c.bad)
			require.NoError(t, err)
			_, err = w.Write(t.Context(), rowsOf(good, bad))
			require.Equal(t, fault.Value, fault.KindOf(err), "%v", err)
			require.Equal(t, []string{"id=2", "v"}, []string{fault.Find(err).Key, fault.Find(err).Column}, "%v", err)
			_, err = w.Write(t.Context(), rowsOf(good))
			require.NoError(t, err)
		})
	}
}

// A plan between two PostgreSQL databases with every rule: definitions follow the
// names, and rows that keep their bytes still pass as they are.
func TestRules_BetweenPostgres(t *testing.T) {
	url := testdb.Postgres(t)
	script(t, url, `CREATE TABLE parent (id int PRIMARY KEY, "old name" text CHECK (length("old name") < 9), gone int, price numeric(10,2) CHECK (price >= 0),
			doubled numeric GENERATED ALWAYS AS (price * 2) STORED, UNIQUE ("old name"));
		CREATE INDEX parent_lower ON parent (lower("old name") COLLATE "C") WHERE "old name" <> 'old name';
		CREATE INDEX parent_gone ON parent (gone);
		CREATE TABLE child (parent int REFERENCES parent);
		INSERT INTO parent SELECT i, 'n' || i, i, i / 4.0 FROM generate_series(1, 20) i; INSERT INTO child SELECT 15 FROM generate_series(1, 3)`)
	source := openDB(t, url)
	found, err := source.Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	parent := found.GetTables()[1]
	parent.Where = "id > 10"
	for _, c := range parent.GetColumns() {
		switch c.GetName() {
		case "id":
			c.TargetName = "ident"
		case "old name":
			c.TargetName = "new"
		case "gone":
			c.Dropped = true
		case "price":
			c.TargetName = "cost"
		}
	}
	targetURL := testdb.Postgres18(t)
	target := openDB(t, targetURL)
	design, err := target.Design(t.Context(), engine.DesignRequest{Source: found, Name: byName})
	require.NoError(t, err)
	golden(t, "rules_design.golden.sql", describeDesign(design))
	for _, p := range design.GetTables() {
		require.Equal(t, planv1.Encoding_ENCODING_PGCOPY, p.GetEncoding())
	}
	copyAll(t, source, target, design)
	count, err := source.Count(t.Context(), design.GetTables()[1])
	require.NoError(t, err)
	require.Equal(t, engine.Count{Rows: 10, Filtered: 10}, count)
	script(t, targetURL, `DO $$ BEGIN ASSERT (SELECT min(doubled) = 5.50 AND count(*) = 10 FROM parent WHERE "new" LIKE 'n%'); END $$`)
	require.Len(t, describeTable(t, target, "parent").GetIndexes(), 3)
}

func describeTable(t *testing.T, db *database, name string) *planv1.Table {
	d, err := db.Describe(t.Context(), engine.Selection{Include: []string{name}})
	require.NoError(t, err)
	require.Len(t, d.GetTables(), 1)
	return d.GetTables()[0]
}

// Conversions, policies and constants are made by the reader of the source.
func TestRead_Converts(t *testing.T) {
	url := testdb.Postgres(t)
	script(t, url, `CREATE TABLE t (id int PRIMARY KEY, v text, at timestamp, doc jsonb);
		INSERT INTO t VALUES (1, '10', '2024-01-01', '{"b": 1.0, "a": [1]}'), (2, 'x', 'infinity', NULL), (3, NULL, NULL, 'null')`)
	db := openDB(t, url)
	found, err := db.Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	region := "eu"
	columns := found.GetTables()[0].GetColumns()
	columns[1].Cast, columns[1].Policy = "int", &planv1.Policy{Action: planv1.Policy_ACTION_NULL}
	columns[2].Cast, columns[2].Policy = "text", nil
	found.GetTables()[0].Columns = append(columns, &planv1.Column{Name: "region", NativeType: "constant", Kind: canon.Text, Constant: &region, Cast: "varchar(2)"})
	design, err := openDB(t, testdb.Postgres(t)).Design(t.Context(), engine.DesignRequest{Source: found, Name: byName})
	require.NoError(t, err)
	p := design.GetTables()[0]
	require.False(t, blocked(p), "%v", p.GetFindings())
	require.Equal(t, planv1.Encoding_ENCODING_CANONICAL, p.GetEncoding())
	var rows []string
	touched := map[int]int{}
	require.NoError(t, db.Read(t.Context(), engine.ReadRequest{Plan: p, Touch: func(column int) { touched[column]++ }}, func(r engine.Row) error {
		rows = append(rows, printRow(t, p, r.Data))
		return nil
	}))
	require.Equal(t, []string{`1|10|2024-01-01 00:00:00|{"a": [1], "b": 1.0}|eu`, `2|NULL|infinity|NULL|eu`, `3|NULL|NULL|null|eu`}, rows)
	require.Equal(t, map[int]int{1: 1}, touched)
	columns[1].Policy, p.GetColumns()[1].Policy = nil, nil
	err = db.Read(t.Context(), engine.ReadRequest{Plan: p}, func(engine.Row) error { return nil })
	require.Equal(t, fault.Value, fault.KindOf(err), "%v", err)
	require.Equal(t, []string{"id=2", "v"}, []string{fault.Find(err).Key, fault.Find(err).Column})
}
