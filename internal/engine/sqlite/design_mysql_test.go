package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

func literalOf(text string) *planv1.Default {
	return &planv1.Default{Value: &planv1.Default_Literal{Literal: text}}
}

// mysqlSource is what MySQL's catalog says of two tables that refer to each other.
func mysqlSource() *planv1.Database {
	unique := func(name string, columns ...*planv1.IndexColumn) *planv1.Index {
		return &planv1.Index{Name: name, Unique: true, Method: "btree", Columns: columns}
	}
	column := func(name string) *planv1.IndexColumn { return &planv1.IndexColumn{Name: name} }
	store := &planv1.Table{Schema: "sakila", Name: "store", Columns: []*planv1.Column{
		{Name: "id", NativeType: "bigint unsigned", Kind: canon.Uint, Identity: planv1.Identity_IDENTITY_BY_DEFAULT},
		{Name: "manager", NativeType: "smallint unsigned", Kind: canon.Int},
		{Name: "size", NativeType: "bigint unsigned", Kind: canon.Uint, Nullable: true, Default: literalOf("7")},
		{Name: "rate", NativeType: "decimal(4,2)", Kind: canon.Decimal, Precision: 4, Scale: 2, Default: literalOf("4.99")},
		{Name: "ratio", NativeType: "float", Kind: canon.Float32, Nullable: true},
		{Name: "flags", NativeType: "bit(3)", Kind: canon.Bits, Length: 3, Default: literalOf("011")},
		{Name: "name", NativeType: "varchar(40)", Kind: canon.Text, Length: 40, Collation: "utf8mb4_0900_ai_ci"},
		{Name: "story", NativeType: "mediumtext", Kind: canon.Text, Length: 16777215, Nullable: true, Collation: "utf8mb4_0900_bin"},
		{Name: "rating", NativeType: "enum('G','it''s')", Kind: canon.Text, EnumLabels: []string{"G", "it's"}, Default: literalOf("G")},
		{Name: "features", NativeType: "set('a','b')", Kind: canon.Text, EnumLabels: []string{"a", "b"}, Multiple: true, Nullable: true},
		{Name: "place", NativeType: "point", Kind: canon.Bytes, Geometry: "point", Nullable: true}, {Name: "opened", NativeType: "year", Kind: canon.Int, Nullable: true},
		{Name: "hours", NativeType: "time", Kind: canon.Time, Nullable: true}, {Name: "born", NativeType: "datetime(6)", Kind: canon.Timestamp, Nullable: true},
		{Name: "data", NativeType: "json", Kind: canon.JSONValue, Nullable: true},
		{Name: "updated", NativeType: "timestamp", Kind: canon.TimestampTZ, OnUpdateNow: true, Default: &planv1.Default{Value: &planv1.Default_Moment_{Moment: planv1.Default_MOMENT_TIMESTAMP}}},
	}, Key: &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_PRIMARY, Columns: []string{"id"}, Kinds: []planv1.Kind{canon.Uint}, PortableOrder: true},
		Indexes: []*planv1.Index{{Name: "PRIMARY", Primary: true, Unique: true, Method: "btree", Columns: []*planv1.IndexColumn{column("id")}},
			unique("name_u", &planv1.IndexColumn{Name: "name", Prefix: 10}), {Name: "story_i", Method: "btree", Columns: []*planv1.IndexColumn{{Name: "story", Prefix: 20}}},
			{Name: "story_f", Method: "fulltext", Columns: []*planv1.IndexColumn{column("story")}}, {Name: "place_s", Method: "spatial", Columns: []*planv1.IndexColumn{column("place")}},
			{Name: "low", Method: "btree", Columns: []*planv1.IndexColumn{{Expression: "lower(`name`)"}}}},
		Checks:      []*planv1.Check{{Name: "big", Expression: "`size` > 3"}},
		ForeignKeys: []*planv1.ForeignKey{{Name: "boss", Columns: []string{"manager"}, ReferencedSchema: "sakila", ReferencedTable: "staff", ReferencedColumns: []string{"id"}, OnDelete: "RESTRICT", OnUpdate: "CASCADE"}}}
	staff := &planv1.Table{Schema: "sakila", Name: "staff", Columns: []*planv1.Column{{Name: "id", NativeType: "smallint unsigned", Kind: canon.Int, Identity: planv1.Identity_IDENTITY_BY_DEFAULT},
		{Name: "store", NativeType: "bigint unsigned", Kind: canon.Uint}, {Name: "size", NativeType: "bigint unsigned", Kind: canon.Uint, Nullable: true}},
		Key:     &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_PRIMARY, Columns: []string{"id"}, Kinds: []planv1.Kind{canon.Int}, PortableOrder: true},
		Indexes: []*planv1.Index{{Name: "PRIMARY", Primary: true, Unique: true, Method: "btree", Columns: []*planv1.IndexColumn{column("id")}}},
		ForeignKeys: []*planv1.ForeignKey{{Name: "works", Columns: []string{"store"}, ReferencedSchema: "sakila", ReferencedTable: "store", ReferencedColumns: []string{"id"}},
			{Name: "odd", Columns: []string{"size"}, ReferencedSchema: "sakila", ReferencedTable: "store", ReferencedColumns: []string{"size"}}}}
	return &planv1.Database{Engine: "mysql", Tables: []*planv1.Table{store, staff}}
}

func designMySQL(t *testing.T, change func(store *planv1.Table)) (*database, []*planv1.TablePlan) {
	t.Helper()
	d := mysqlSource()
	if change != nil {
		change(d.GetTables()[0])
	}
	db := open(t, filepath.Join(t.TempDir(), "target.db"), true)
	out, err := db.Design(t.Context(), engine.DesignRequest{Source: d, Existing: planv1.Existing_EXISTING_FAIL, Name: keepNames})
	require.NoError(t, err)
	return db, out.GetTables()
}

func TestDesign_MySQL(t *testing.T) {
	db, tables := designMySQL(t, nil)
	store, staff := tables[0], tables[1]
	require.Empty(t, codes(store, planv1.Severity_SEVERITY_ERROR))
	require.Equal(t, []string{"ON_UPDATE_NOT_MOVED updated", "COLLATION_NOT_MOVED name", "INDEX_NOT_MOVED ", "INDEX_NOT_MOVED ", "INDEX_NOT_MOVED "},
		codes(store, planv1.Severity_SEVERITY_WARNING))
	require.Equal(t, []string{"GEOMETRY_AS_BYTES place", "PREFIX_NOT_MOVED story"}, codes(store, planv1.Severity_SEVERITY_INFO))
	require.Equal(t, []string{"FOREIGN_KEY_NOT_MOVED size"}, codes(staff, planv1.Severity_SEVERITY_WARNING))
	require.Equal(t, `CREATE TABLE main."store" (
  "id" INTEGER PRIMARY KEY,
  "manager" INTEGER NOT NULL,
  "size" INTEGER DEFAULT 7,
  "rate" TEXT NOT NULL DEFAULT '4.99',
  "ratio" REAL,
  "flags" TEXT NOT NULL DEFAULT '011',
  "name" VARCHAR(40) NOT NULL,
  "story" TEXT,
  "rating" TEXT NOT NULL DEFAULT 'G' CHECK ("rating" IN ('G', 'it''s')),
  "features" TEXT CHECK ("features" = '' OR ',' || "features" = iif(instr(',' || "features" || ',', ',a,'), ',a', '') || iif(instr(',' || "features" || ',', ',b,'), ',b', '')),
  "place" BLOB,
  "opened" INTEGER,
  "hours" TIME,
  "born" DATETIME,
  "data" TEXT,
  "updated" TEXT NOT NULL DEFAULT (CURRENT_TIMESTAMP || '+00'),
  CONSTRAINT "big" CHECK ("size" > 3),
  CONSTRAINT "boss" FOREIGN KEY ("manager") REFERENCES "staff" ("id") ON UPDATE CASCADE ON DELETE RESTRICT
)`, store.GetStatements()[0].GetSql())
	require.Equal(t, `CREATE UNIQUE INDEX IF NOT EXISTS main."name_u" ON "store" (substr("name", 1, 10))`, store.GetStatements()[1].GetSql())
	require.True(t, store.GetValidateByRange(), "unsigned keys are ordered as integers")
	require.True(t, staff.GetValidateByRange())

	for _, p := range tables {
		for _, s := range p.GetStatements() {
			if s.GetStep() != planv1.Step_STEP_FOREIGN_KEYS {
				script(t, db.path, s.GetSql())
			}
		}
	}
	insert := func(columns, values string) error {
		file := openFile(t, db.path)
		defer func() { require.NoError(t, file.Close()) }()
		_, err := file.ExecContext(t.Context(), "PRAGMA foreign_keys = 0; INSERT INTO store (manager, "+columns+") VALUES (1, "+values+")")
		return err
	}
	for n, set := range []string{"''", "'a'", "'b'", "'a,b'", "NULL"} {
		require.NoError(t, insert("name, features", `'`+string(rune('a'+n))+`', `+set), set)
	}
	for _, set := range []string{"'c'", "'b,a'", "'a,a'", "'a,'", "','", "' a'", "'A'"} {
		require.Error(t, insert("name, features", "'z', "+set), set)
	}
	require.NoError(t, insert("name", "'0123456789x'"))
	require.Error(t, insert("name", "'0123456789y'"), "ten characters are unique")
	require.Error(t, insert("name, rating", "'y', 'X'"))
}

// Casts and policies decide where unsigned integers are judged.
func TestDesign_MySQLUnsigned(t *testing.T) {
	_, tables := designMySQL(t, func(store *planv1.Table) {
		store.GetColumns()[0].Cast = "TEXT"
		store.GetColumns()[2].Policy = &planv1.Policy{Action: planv1.Policy_ACTION_NULL}
	})
	store := tables[0]
	require.Equal(t, canon.Text, store.GetColumns()[0].GetKind())
	require.False(t, store.GetValidateByRange())
	require.Contains(t, store.GetStatements()[0].GetSql(), `"id" TEXT NOT NULL`)
	require.Contains(t, codes(store, planv1.Severity_SEVERITY_WARNING), "IDENTITY_NOT_MOVED id")
	require.Equal(t, canon.Int, store.GetColumns()[2].GetKind())

	conversion, err := engine.NewConversion(engine.ReadRequest{Plan: store}, 2)
	require.NoError(t, err)
	v, err := conversion.Apply(canon.AppendUint(nil, 1<<63), nil)
	require.NoError(t, err)
	require.Nil(t, v)
	v, err = conversion.Apply(canon.AppendUint(nil, 1<<63-1), nil)
	require.NoError(t, err)
	require.Equal(t, int64(1<<63-1), canon.GetInt(v))
}

// In a copy between files, what names a column that the spec changes does not come
// along, and everything else does.
func TestDesign_SameEngineRules(t *testing.T) {
	empty := ""
	m := newMove(t, newFile(t, `CREATE TABLE t (id INTEGER PRIMARY KEY, "group" INT CHECK (t."group" > 0), b INT, c INT CHECK (c < 9), g AS (b + 1), h AS (c + 1) STORED,
		p INT REFERENCES t (id), UNIQUE (b, c)); CREATE INDEX t_b ON t (b); CREATE INDEX t_e ON t (b + c); CREATE INDEX t_c ON t (c) WHERE c > 1;
		CREATE TABLE s (a INT NOT NULL PRIMARY KEY, b ANY) STRICT, WITHOUT ROWID`, "INSERT INTO t (id, \"group\", b, c, p) VALUES (1, 1, 2, 3, NULL), (2, 2, 3, 4, 1)", "INSERT INTO s VALUES (1, 'x')"),
		filepath.Join(t.TempDir(), "target.db"), planv1.Existing_EXISTING_FAIL, func(d *planv1.Database) {
			for _, table := range d.GetTables() {
				for _, c := range table.GetColumns() {
					switch {
					case table.GetName() == "s" && c.GetName() == "b":
						c.Cast = "TEXT"
					case c.GetName() == "id":
						c.TargetName = "key"
					case c.GetName() == "b":
						c.Dropped = true
					}
				}
			}
			d.Tables[1].Columns = append(d.Tables[1].Columns, &planv1.Column{Name: "k", NativeType: "constant", Kind: canon.Text, Constant: &empty})
		})
	p := m.plan("t")
	require.Equal(t, []string{"g"}, asValues(p), "what is computed of a column that stays behind is copied")
	require.Equal(t, []string{"INDEX_NOT_MOVED ", "INDEX_NOT_MOVED ", "INDEX_NOT_MOVED "}, codes(p, planv1.Severity_SEVERITY_WARNING))
	m.all()
	require.Equal(t, []string{"2|2|4|4|5|1|"}, query(t, m.target.path, `SELECT "key" || '|' || "group" || '|' || c || '|' || g || '|' || h || '|' || p || '|' || k FROM t WHERE "key" = 2`))
	require.Equal(t, []string{"t_c"}, query(t, m.target.path, "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 't' AND sql IS NOT NULL"))
	require.Equal(t, []string{"text"}, query(t, m.target.path, "SELECT typeof(b) FROM s"))
	db := openFile(t, m.target.path)
	defer func() { require.NoError(t, db.Close()) }()
	for _, fails := range []string{`INSERT INTO t ("group", k) VALUES (0, '')`, "INSERT INTO t (c, k) VALUES (9, '')", "INSERT INTO t (p, k) VALUES (77, '')"} {
		_, err := db.ExecContext(t.Context(), fails)
		require.Error(t, err, fails)
	}
}

// asValues lists the generated columns that are copied as plain values.
func asValues(p *planv1.TablePlan) (out []string) {
	for _, f := range p.GetFindings() {
		if f.GetCode() == "GENERATED_AS_VALUES" {
			out = append(out, f.GetColumn())
		}
	}
	return out
}

func TestCastType(t *testing.T) {
	for text, want := range map[string]planv1.Kind{"INTEGER": canon.Int, "bigint unsigned": canon.Int, "TEXT": canon.Text, "varchar(40)": canon.Text, "DECIMAL(10,2)": canon.Decimal,
		"double precision": canon.Float64, "BLOB": canon.Bytes, "DATE": canon.Date, "uuid": canon.UUID, "BOOLEAN": canon.Bool} {
		got, ok := castType(text)
		require.True(t, ok, text)
		require.Equal(t, want, got.kind, text)
	}
	for _, text := range []string{"", "thing", "JSON", "TEXT); DROP TABLE t; --", "TEXT DEFAULT 'x'", `"TEXT"`, "DECIMAL(10", "DECIMAL(10,2", "DECIMAL()", "TEXT, x TEXT", "ANY", "(3)", "TEXT(1)(2)", "TEXT NOT NULL", "text collate nocase", "TEXT\nCHECK (1)"} {
		_, ok := castType(text)
		require.False(t, ok, text)
	}
	got, _ := castType("DECIMAL(10,2)")
	require.EqualValues(t, 2, got.scale)
}
