package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

const richDDL = `CREATE TABLE person (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT COLLATE NOCASE NOT NULL UNIQUE,
	role VARCHAR(10) DEFAULT 'guest', joined DATETIME DEFAULT CURRENT_TIMESTAMP, code DEFAULT (lower(hex(randomblob(2)))),
	age INTEGER CONSTRAINT grown CHECK (age >= 18), twice INT GENERATED ALWAYS AS (age * 2) STORED, half AS (age / 2));
CREATE TABLE stay (person INTEGER NOT NULL REFERENCES person ON DELETE CASCADE ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED,
	night TEXT NOT NULL, room INT, PRIMARY KEY (night, person)) WITHOUT ROWID;
CREATE TABLE tidy (a INT PRIMARY KEY, b ANY, c BLOB) STRICT;
CREATE INDEX stay_room ON stay (room DESC) WHERE room > 3;
CREATE UNIQUE INDEX person_role ON person (lower(role), id);
CREATE VIEW guests AS SELECT * FROM person;
CREATE TRIGGER hush AFTER INSERT ON tidy BEGIN SELECT 1; END;
CREATE VIRTUAL TABLE words USING fts5(word);
INSERT INTO person (id, email, age) VALUES (5, 'a@x', 20), (9, 'b@x', 30);
DELETE FROM person WHERE id = 9;
INSERT INTO stay VALUES (5, 'monday', 4);
INSERT INTO tidy VALUES (1, 2, x'03'), (2, 'text', NULL)`

func TestDescribe_Rich(t *testing.T) {
	db := open(t, newFile(t, richDDL), false)
	d, err := db.Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	require.Len(t, d.GetTables(), 3)
	var left []string
	for _, u := range d.GetUnmoved() {
		left = append(left, u.GetObject()+" "+u.GetName())
	}
	require.Subset(t, left, []string{"virtual table words", "shadow table words_data"})
	require.Len(t, d.GetObjects(), 2)
	require.Equal(t, "guests", d.GetObjects()[0].GetName())
	require.Equal(t, "hush", d.GetObjects()[1].GetName())
	person, stay, tidy := d.GetTables()[0], d.GetTables()[1], d.GetTables()[2]
	require.Equal(t, []string{"AUTOINCREMENT 9"}, person.GetOptions())
	require.Equal(t, planv1.Identity_IDENTITY_BY_DEFAULT, person.GetColumns()[0].GetIdentity())
	require.Equal(t, "NOCASE", person.GetColumns()[1].GetCollation())
	require.Equal(t, "age * 2", person.GetColumns()[6].GetGenerated())
	require.True(t, person.GetColumns()[6].GetGeneratedStored())
	require.Equal(t, "grown", person.GetChecks()[0].GetName())
	require.Equal(t, []string{"WITHOUT ROWID"}, stay.GetOptions())
	require.Equal(t, []string{"STRICT"}, tidy.GetOptions())
	fk := stay.GetForeignKeys()[0]
	require.Equal(t, []string{"id"}, fk.GetReferencedColumns())
	require.Equal(t, "CASCADE", fk.GetOnDelete())
	require.True(t, fk.GetInitiallyDeferred())
	require.Equal(t, "room > 3", stay.GetIndexes()[1].GetPredicate())
	require.EqualValues(t, 1, person.GetEstimatedRows())
}

// What one file enforces, its copy enforces.
func TestDesign_SameEngineKeepsEverything(t *testing.T) {
	target := filepath.Join(t.TempDir(), "target.db")
	m := newMove(t, newFile(t, richDDL), target, planv1.Existing_EXISTING_FAIL, nil)
	for _, p := range m.design.GetTables() {
		require.Empty(t, codes(p, planv1.Severity_SEVERITY_WARNING))
		for _, c := range p.GetColumns() {
			require.Equal(t, canon.Variant, c.GetKind())
		}
		require.True(t, p.GetValidateByRange(), p.GetSource().GetName() == "tidy")
	}
	require.Equal(t, []string{"twice", "half"}, m.plan("person").GetRecomputed())
	m.all()
	db := openFile(t, target)
	defer func() { require.NoError(t, db.Close()) }()
	for _, c := range []struct{ sql, fails string }{
		{"INSERT INTO person (email, age) VALUES ('c@x', 44)", ""},
		{"INSERT INTO person (email) VALUES ('A@X')", "UNIQUE"},
		{"INSERT INTO person (email, age) VALUES ('d@x', 3)", "grown"},
		{"INSERT INTO person (email) VALUES (NULL)", "NOT NULL"},
		{"INSERT INTO stay VALUES (77, 'sunday', 1)", "FOREIGN KEY"},
		{"INSERT INTO tidy (a, c) VALUES (3, 'text')", "BLOB"},
	} {
		_, err := db.ExecContext(t.Context(), c.sql)
		if c.fails == "" {
			require.NoError(t, err, c.sql)
		} else {
			require.ErrorContains(t, err, c.fails, c.sql)
		}
	}
	require.Equal(t, []string{"10|88|22|guest"}, query(t, target, "SELECT id || '|' || twice || '|' || half || '|' || role FROM person WHERE email = 'C@x' AND length(code) = 4 AND joined IS NOT NULL"),
		"AUTOINCREMENT goes on behind rows that were deleted, generated columns and defaults work")
	require.Equal(t, []string{"stay_room"}, query(t, target, "SELECT name FROM sqlite_schema WHERE sql LIKE '%WHERE room > 3'"))
	require.Equal(t, []string{"1"}, query(t, target, "SELECT wr FROM pragma_table_list WHERE name = 'stay'"))
}

func TestDesign_Foreign(t *testing.T) {
	d := &planv1.Database{Engine: "postgres", UserTypes: []*planv1.UserType{{Schema: "public", Name: "email", Definition: "CREATE DOMAIN public.email AS text"}},
		Tables: []*planv1.Table{
			{Schema: "public", Name: "t", Columns: []*planv1.Column{
				{Name: "id", NativeType: "bigint", Kind: canon.Int, Identity: planv1.Identity_IDENTITY_ALWAYS},
				{Name: "n", NativeType: "numeric(12,2)", Kind: canon.Decimal, Precision: 12, Scale: 2, Default: &planv1.Default{Value: &planv1.Default_Literal{Literal: "1.50"}}},
				{Name: "ok", NativeType: "boolean", Kind: canon.Bool, Default: &planv1.Default{Value: &planv1.Default_Literal{Literal: "true"}}},
				{Name: "at", NativeType: "timestamp with time zone", Kind: canon.TimestampTZ, Default: &planv1.Default{Value: &planv1.Default_Moment_{Moment: planv1.Default_MOMENT_TIMESTAMP}}},
				{Name: "mood", NativeType: "public.mood", Kind: canon.Text, EnumLabels: []string{"sad", "it's"}, Default: &planv1.Default{Value: &planv1.Default_Expression{Expression: "now()::text"}}},
				{Name: "mail", NativeType: "public.email", Kind: canon.Text, Nullable: true},
				{Name: "tags", NativeType: "character varying(40)[]", Kind: canon.Text, Nullable: true},
			}, Key: &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_PRIMARY, Columns: []string{"id"}, Kinds: []planv1.Kind{canon.Int}, PortableOrder: true},
				Indexes: []*planv1.Index{{Name: "t_pkey", Primary: true, Unique: true, Columns: []*planv1.IndexColumn{{Name: "id"}}},
					{Name: "t_mail", Unique: true, Columns: []*planv1.IndexColumn{{Name: "mail"}}}, {Name: "T_MAIL", Columns: []*planv1.IndexColumn{{Name: "n"}}, Method: "btree"},
					{Name: "t_gin", Columns: []*planv1.IndexColumn{{Name: "tags"}}, Method: "gin"}},
				Checks:      []*planv1.Check{{Name: "c", Expression: "n > 0::numeric"}, {Name: "d", Expression: "n::text ~ '^1'"}},
				ForeignKeys: []*planv1.ForeignKey{{Columns: []string{"n"}, ReferencedSchema: "public", ReferencedTable: "elsewhere", ReferencedColumns: []string{"n"}}}},
			{Schema: "public", Name: "place", Columns: []*planv1.Column{{Name: "at", NativeType: "point", Kind: canon.Text}}},
			{Schema: "public", Name: "T", Columns: []*planv1.Column{{Name: "a", NativeType: "text", Kind: canon.Text}, {Name: "A", NativeType: "text", Kind: canon.Text}}},
			{Schema: "public", Name: "sqlite_x", Columns: []*planv1.Column{{Name: "a", NativeType: "text", Kind: canon.Text}}},
		}}
	design := func(name func(string, string) (string, string, bool)) *planv1.Design {
		db := open(t, filepath.Join(t.TempDir(), "none.db"), true)
		out, err := db.Design(t.Context(), engine.DesignRequest{Source: d, Existing: planv1.Existing_EXISTING_FAIL, Name: name})
		require.NoError(t, err)
		return out
	}
	tables := design(keepNames).GetTables()
	require.Empty(t, codes(tables[0], planv1.Severity_SEVERITY_ERROR))
	require.Equal(t, []string{"DEFAULT_NOT_MOVED mood", "CHECK_NOT_MOVED ", "FOREIGN_KEY_NOT_MOVED n", "INDEX_NOT_MOVED "}, codes(tables[0], planv1.Severity_SEVERITY_WARNING))
	require.Equal(t, `CREATE TABLE main."t" (
  "id" INTEGER PRIMARY KEY,
  "n" TEXT NOT NULL DEFAULT '1.50',
  "ok" BOOLEAN NOT NULL DEFAULT 1,
  "at" TEXT NOT NULL DEFAULT (CURRENT_TIMESTAMP || '+00'),
  "mood" TEXT NOT NULL CHECK ("mood" IN ('sad', 'it''s')),
  "mail" TEXT,
  "tags" TEXT,
  CONSTRAINT "c" CHECK (CAST(replace("n", 'NaN', '9e999') AS REAL) > 0)
)`, tables[0].GetStatements()[0].GetSql())
	require.Equal(t, "index t_mail", tables[0].GetStatements()[1].GetObject())
	require.Equal(t, "index t_T_MAIL_2", tables[0].GetStatements()[2].GetObject())
	require.True(t, tables[0].GetValidateByRange())
	require.Empty(t, codes(tables[1], planv1.Severity_SEVERITY_ERROR))
	require.Equal(t, "TEXT", tables[1].GetColumns()[0].GetTargetType())
	require.Equal(t, []string{"NAME_COLLISION ", "NAME_COLLISION A"}, codes(tables[2], planv1.Severity_SEVERITY_ERROR))
	require.Equal(t, []string{"NAME_RESERVED "}, codes(tables[3], planv1.Severity_SEVERITY_ERROR))

	d.Tables[1].Schema = "other"
	for _, p := range design(keepNames).GetTables() {
		require.Contains(t, codes(p, planv1.Severity_SEVERITY_ERROR), "SCHEMA_MAPPING_NEEDED ")
	}
	mapped := design(func(schema, table string) (string, string, bool) { return "", schema + "_" + table, true }).GetTables()
	require.Equal(t, "other_place", mapped[1].GetTargetName())
	require.NotContains(t, codes(mapped[0], planv1.Severity_SEVERITY_ERROR), "SCHEMA_MAPPING_NEEDED ")
	into := design(func(schema, table string) (string, string, bool) { return "shop", table, true }).GetTables()
	require.Contains(t, codes(into[0], planv1.Severity_SEVERITY_ERROR), "SCHEMA_MAPPING_NEEDED ")
}

// Into a table that is there, values go only where they stay what they are.
func TestDesign_ExistingColumns(t *testing.T) {
	source := newFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY, n DECIMAL(30,10), s TEXT, f REAL, d DATE)", "INSERT INTO t VALUES (1, 1.5, '007', 1.5, '2024-01-01')")
	m := newMove(t, source, newFile(t, "CREATE TABLE T (ID INTEGER PRIMARY KEY, n NUMERIC, s INTEGER, f TEXT, d DATE, more TEXT NOT NULL)",
		"CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END"), planv1.Existing_EXISTING_FAIL, asForeign)
	p := m.plan("t")
	require.Equal(t, "T", p.GetTargetName())
	require.Equal(t, []string{"TYPE_DIFFERS s", "TYPE_DIFFERS f", "COLUMN_WITHOUT_VALUE more"}, codes(p, planv1.Severity_SEVERITY_ERROR))
	require.Equal(t, []string{"TRIGGERS_FIRE "}, codes(p, planv1.Severity_SEVERITY_WARNING))

	m = newMove(t, source, newFile(t, "CREATE TABLE t (d DATE, f DOUBLE, s TEXT, n NUMERIC, id INTEGER PRIMARY KEY, more TEXT DEFAULT 'x')"), planv1.Existing_EXISTING_FAIL, asForeign)
	m.all()
	require.Equal(t, []string{"1|1.5|007|1.5|2024-01-01|x"}, query(t, m.target.path, "SELECT id || '|' || n || '|' || s || '|' || f || '|' || d || '|' || more FROM t"))
}

func TestForeignKeys_OrphansAreNamed(t *testing.T) {
	m := newMove(t, newFile(t, "PRAGMA foreign_keys = 0; CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, p INT REFERENCES p)",
		"PRAGMA foreign_keys = 0; INSERT INTO c VALUES (7, 99)"), t.TempDir()+"/target.db", planv1.Existing_EXISTING_FAIL, nil)
	m.prepare()
	for _, p := range m.design.GetTables() {
		require.NoError(t, m.apply(p, planv1.Step_STEP_CREATE))
		require.NoError(t, m.load(p))
	}
	err := m.apply(m.plan("c"), planv1.Step_STEP_FOREIGN_KEYS)
	require.Equal(t, fault.Value, fault.KindOf(err), "%v", err)
	require.ErrorContains(t, err, "row 7 has no p")
}
