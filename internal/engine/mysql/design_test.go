package mysql

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/engine/enginetest"
)

// richSchema has what the two products share of schemas.
var richSchema = []string{
	`CREATE TABLE country (code char(2) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY, name varchar(80) NOT NULL, UNIQUE KEY by_name (name)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci COMMENT='it''s \\ "quoted"'`,
	`CREATE TABLE person (
		id int unsigned NOT NULL AUTO_INCREMENT COMMENT 'a number', boss int unsigned DEFAULT NULL, country char(2) CHARACTER SET ascii COLLATE ascii_bin DEFAULT 'DE',
		name varchar(100) NOT NULL DEFAULT 'it''s', nick varchar(300) CHARACTER SET latin1 COLLATE latin1_german1_ci DEFAULT NULL, state enum('new','it''s','old') NOT NULL DEFAULT 'new',
		flags set('a','b') DEFAULT 'a,b', amount decimal(12,4) NOT NULL DEFAULT '1.5000', bits bit(5) DEFAULT b'101', born date DEFAULT '2000-01-31',
		made timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), seen datetime NULL DEFAULT CURRENT_TIMESTAMP, zero date NOT NULL DEFAULT '0000-00-00',
		doc longtext, wide int GENERATED ALWAYS AS (amount * 2) STORED, narrow varchar(50) GENERATED ALWAYS AS (concat(name,'!')) VIRTUAL, place point NOT NULL,
		PRIMARY KEY (id), UNIQUE KEY by_name (name, country), KEY by_doc (doc(20)), KEY by_amount (amount DESC, id), FULLTEXT KEY words (doc, name), SPATIAL KEY at (place), KEY by_wide (wide),
		CONSTRAINT positive CHECK (amount > 0 and name <> 'x''y'), CONSTRAINT boss_of FOREIGN KEY (boss) REFERENCES person (id) ON DELETE SET NULL ON UPDATE CASCADE,
		CONSTRAINT lives_in FOREIGN KEY (country) REFERENCES country (code)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci ROW_FORMAT=COMPRESSED`,
	`CREATE TABLE pair (a int NOT NULL, n int NOT NULL AUTO_INCREMENT, PRIMARY KEY (a, n), KEY by_n (n)) ENGINE=InnoDB`,
	`INSERT INTO country VALUES ('DE', 'Deutschland')`,
	`INSERT INTO person (id, name, zero, doc, place) VALUES (5, 'one', '2001-01-01', 'words in a document', ST_GeomFromText('POINT(1 2)')), (9, 'two', '2001-01-01', NULL, ST_GeomFromText('POINT(3 4)'))`,
	`UPDATE person SET boss = 5 WHERE id = 9`, `INSERT INTO pair VALUES (1, 7)`,
}

var richOwn = map[string][]string{
	NameMySQL: {`CREATE TABLE own (id int PRIMARY KEY, j json DEFAULT (json_object('a', 1)), hidden int DEFAULT 3 INVISIBLE, place geometry NOT NULL SRID 4326, v vector(3),
		KEY expression ((cast(json_value(j, '$.a') as unsigned))), SPATIAL KEY at (place))`},
	NameMariaDB: {`CREATE TABLE own (id int PRIMARY KEY, j json CHECK (json_valid(j)), hidden int DEFAULT 3 INVISIBLE, u uuid DEFAULT uuid(), i inet6, long_unique text, UNIQUE KEY lu (long_unique))`},
}

// wholeWay copies every table of a source into a target, all steps twice.
func wholeWay(t testing.TB, source, target *database, r engine.DesignRequest) *planv1.Design {
	t.Helper()
	design := designed(t, target, described(t, source), r)
	for _, step := range []planv1.Step{planv1.Step_STEP_CREATE, planv1.Step_STEP_KEY, planv1.Step_STEP_INDEXES, planv1.Step_STEP_FOREIGN_KEYS, planv1.Step_STEP_SEQUENCES} {
		for _, p := range design.GetTables() {
			for range 2 {
				require.NoError(t, target.Apply(t.Context(), testMigration, p, step), "%s", step)
			}
			if step != planv1.Step_STEP_CREATE {
				continue
			}
			rows, _ := readRows(t, source, engine.ReadRequest{Plan: p})
			_, err := opened(t, target, p, 1, true).Write(t.Context(), batchOf(rows...))
			require.NoError(t, err)
		}
	}
	return design
}

func showCreate(t testing.TB, d *database, schema, table string) (text string) {
	t.Helper()
	var name string
	scan(t, d.db, "SHOW CREATE TABLE "+qualified(schema, table), &name, &text)
	return text
}

// The same product gets the same tables, to the letter.
func TestDesign_KeepsEverything(t *testing.T) {
	eachFlavour(t, func(t *testing.T, source *database) {
		script(t, source, append(richSchema, richOwn[source.dialect.name]...)...)
		target := openFlavour(t, source.dialect.name)
		design := wholeWay(t, source, target, engine.DesignRequest{})
		require.Len(t, design.GetTables(), 4)
		for _, p := range design.GetTables() {
			name := p.GetTargetName()
			require.Equal(t, sortedLines(showCreate(t, source, source.schema, name)), sortedLines(showCreate(t, target, target.schema, name)))
			require.True(t, p.GetValidateByRange(), name)
			for _, f := range p.GetFindings() {
				require.Fail(t, "a finding", "%v", f)
			}
		}
	})
}

// sortedLines are the lines of a definition: indexes come in the order in which they
// were made.
func sortedLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSuffix(l, ",")
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// The other product gets nearly the same, and a finding for each thing that differs.
func TestDesign_BetweenProducts(t *testing.T) {
	for _, names := range [][2]string{{NameMySQL, NameMariaDB}, {NameMariaDB, NameMySQL}} {
		t.Run(names[0], func(t *testing.T) {
			source, target := openFlavour(t, names[0]), openFlavour(t, names[1])
			script(t, source, append(richSchema, richOwn[names[0]]...)...)
			design := wholeWay(t, source, target, engine.DesignRequest{})
			var text strings.Builder
			for _, p := range design.GetTables() {
				for _, f := range p.GetFindings() {
					text.WriteString(f.GetSeverity().String() + " " + f.GetCode() + " " + f.GetTable() + "." + f.GetColumn() + ": " + f.GetMessage() + "\n")
				}
				text.WriteString(showCreate(t, target, target.schema, p.GetTargetName()) + "\n\n")
			}
			golden(t, names[0]+"_to_"+names[1]+".txt", strings.ReplaceAll(text.String(), source.schema, "source"))
		})
	}
}

// Tables of PostgreSQL: every kind, keys of texts, and what has no place here.
func TestDesign_FromPostgres(t *testing.T) {
	column := func(name, native string, kind planv1.Kind, edit ...func(*planv1.Column)) *planv1.Column {
		c := &planv1.Column{Name: name, NativeType: native, Kind: kind, Nullable: true}
		for _, f := range edit {
			f(c)
		}
		return c
	}
	length := func(n int64) func(*planv1.Column) { return func(c *planv1.Column) { c.Length = n } }
	number := func(p, s int32) func(*planv1.Column) { return func(c *planv1.Column) { c.Precision, c.Scale = p, s } }
	withDefault := func(v *planv1.Default) func(*planv1.Column) { return func(c *planv1.Column) { c.Default = v } }
	now := &planv1.Default{Value: &planv1.Default_Moment_{Moment: planv1.Default_MOMENT_TIMESTAMP}}
	text := &planv1.Default{Value: &planv1.Default_Literal{Literal: `it's \ "x"`}}
	parent := &planv1.Table{Schema: "public", Name: "Parent", Columns: []*planv1.Column{column("key", "text", canon.Text, func(c *planv1.Column) { c.Nullable = false }), column("v", "uuid", canon.UUID)},
		Key:     &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_PRIMARY, Columns: []string{"key"}, Kinds: []planv1.Kind{canon.Text}},
		Indexes: []*planv1.Index{{Name: "Parent_pkey", Primary: true, Unique: true, Constraint: true, Columns: []*planv1.IndexColumn{{Name: "key"}}}}}
	every := &planv1.Table{Schema: "public", Name: "every", Key: &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_PRIMARY, Columns: []string{"id"}, Kinds: []planv1.Kind{canon.Int}, PortableOrder: true},
		Columns: []*planv1.Column{
			column("id", "bigint", canon.Int, func(c *planv1.Column) { c.Nullable, c.Identity = false, planv1.Identity_IDENTITY_ALWAYS }),
			column("small", "smallint", canon.Int), column("yes", "boolean", canon.Bool, withDefault(&planv1.Default{Value: &planv1.Default_Literal{Literal: "true"}})),
			column("f4", "real", canon.Float32), column("f8", "double precision", canon.Float64, withDefault(&planv1.Default{Value: &planv1.Default_Literal{Literal: "1e-05"}})),
			column("n", "numeric", canon.Decimal), column("n2", "numeric(12,2)", canon.Decimal, number(12, 2)), column("n3", "numeric(3,-2)", canon.Decimal, number(3, -2)), column("n4", "numeric(100,50)", canon.Decimal, number(100, 50)),
			column("t", "text", canon.Text, withDefault(text)), column("vc", "character varying(40)", canon.Text, length(40), withDefault(text)), column("wide", "character varying(20000)", canon.Text, length(20000)),
			column("b", "bytea", canon.Bytes, withDefault(&planv1.Default{Value: &planv1.Default_Literal{Literal: `\x00ff`}})), column("d", "date", canon.Date, withDefault(&planv1.Default{Value: &planv1.Default_Moment_{Moment: planv1.Default_MOMENT_DATE}})),
			column("ti", "time without time zone", canon.Time), column("tz", "time with time zone", canon.TimeTZ), column("ts", "timestamp without time zone", canon.Timestamp, withDefault(now)),
			column("at", "timestamp with time zone", canon.TimestampTZ, withDefault(now)), column("iv", "interval", canon.Interval), column("u", "uuid", canon.UUID), column("j", "json", canon.JSON),
			column("jb", "jsonb", canon.JSONValue), column("bits", "bit(9)", canon.Bits, length(9)), column("vbits", "bit varying", canon.Bits), column("mood", "mood", canon.Text, func(c *planv1.Column) { c.EnumLabels = []string{"sad", "it's"} }),
			column("arr", "integer[]", canon.Text), column("parent", "text", canon.Text), column("x", "integer", canon.Int, withDefault(&planv1.Default{Value: &planv1.Default_Expression{Expression: "nextval('s')"}})),
		},
		Indexes: []*planv1.Index{{Name: "every_pkey", Primary: true, Unique: true, Columns: []*planv1.IndexColumn{{Name: "id"}}},
			{Name: "two_texts", Unique: true, Columns: []*planv1.IndexColumn{{Name: "t"}, {Name: "vc"}, {Name: "small"}}}, {Name: "prefix", Method: "btree", Columns: []*planv1.IndexColumn{{Name: "wide"}}},
			{Name: "gin", Method: "gin", Columns: []*planv1.IndexColumn{{Name: "arr"}}, Definition: "CREATE INDEX gin"}, {Name: "part", Predicate: "x > 1", Columns: []*planv1.IndexColumn{{Name: "x"}}}},
		ForeignKeys: []*planv1.ForeignKey{{Name: "to_parent", Columns: []string{"parent"}, ReferencedSchema: "public", ReferencedTable: "Parent", ReferencedColumns: []string{"key"}, OnDelete: "CASCADE", Deferrable: true}},
		Checks:      []*planv1.Check{{Name: "c", Expression: "x > 0"}}, Comment: "all of it"}
	source := &planv1.Database{Engine: "postgres", Tables: []*planv1.Table{parent, every}}
	eachFlavour(t, func(t *testing.T, d *database) {
		design := designed(t, d, source, engine.DesignRequest{})
		var out strings.Builder
		for _, p := range design.GetTables() {
			for _, f := range p.GetFindings() {
				out.WriteString(f.GetSeverity().String() + " " + f.GetCode() + " " + f.GetTable() + "." + f.GetColumn() + ": " + f.GetMessage() + "\n")
			}
			for _, s := range p.GetStatements() {
				out.WriteString(s.GetSql() + ";\n")
			}
		}
		golden(t, "postgres_to_"+d.dialect.name+".sql", strings.ReplaceAll(out.String(), d.schema, "target"))
		for _, step := range []planv1.Step{planv1.Step_STEP_CREATE, planv1.Step_STEP_INDEXES, planv1.Step_STEP_FOREIGN_KEYS, planv1.Step_STEP_SEQUENCES} {
			for _, p := range design.GetTables() {
				require.NoError(t, d.Apply(t.Context(), testMigration, p, step))
			}
		}
	})
}

// codes are the codes of a plan's findings of one severity.
func codes(p *planv1.TablePlan, severity planv1.Severity) []string {
	var out []string
	for _, f := range p.GetFindings() {
		if f.GetSeverity() == severity {
			out = append(out, f.GetCode())
		}
	}
	return out
}

func TestDesign_RefusesTargets(t *testing.T) {
	text := &planv1.Column{Name: "v", NativeType: "TEXT", Kind: canon.Text, Nullable: true}
	for name, c := range map[string]struct {
		make     string
		source   *planv1.Column
		code     string
		existing planv1.Existing
	}{
		"MyISAM":     {"CREATE TABLE t (id bigint PRIMARY KEY, v text) ENGINE=MyISAM", text, codeNotTransactional, 0},
		"Memory":     {"CREATE TABLE t (id bigint PRIMARY KEY, v varchar(10)) ENGINE=MEMORY", text, codeNotTransactional, planv1.Existing_EXISTING_APPEND},
		"View":       {"CREATE VIEW t AS SELECT 1 AS id, 'x' AS v", text, codeTargetNotTable, 0},
		"NoColumn":   {"CREATE TABLE t (id bigint PRIMARY KEY)", text, codeTargetColumn, 0},
		"NeedsValue": {"CREATE TABLE t (id bigint PRIMARY KEY, v text, w int NOT NULL)", text, codeTargetColumn, 0},
		"Narrow":     {"CREATE TABLE t (id bigint PRIMARY KEY, v int)", text, codeTargetColumn, 0},
		"NotEmpty":   {"CREATE TABLE t (id bigint PRIMARY KEY, v text) AS SELECT 1 AS id, 'x' AS v", text, codeTargetNotEmpty, 0},
		"ToItself":   {"CREATE TABLE t (id bigint PRIMARY KEY, v text, up bigint, FOREIGN KEY (up) REFERENCES t (id))", text, codeTargetForeignKey, 0},
		"CaseOnly":   {"", &planv1.Column{Name: "ID", NativeType: "TEXT", Kind: canon.Text}, codeNameCollision, 0},
		"NameSpace":  {"", &planv1.Column{Name: "v ", NativeType: "TEXT", Kind: canon.Text}, codeNameInvalid, 0},
		"Untyped":    {"", &planv1.Column{Name: "v", NativeType: "", Kind: canon.Variant}, codeNoTypeMapping, 0},
		"NoSuchType": {"", &planv1.Column{Name: "v", NativeType: "TEXT", Kind: canon.Text, Cast: "varchar"}, codeCastImpossible, 0},
	} {
		t.Run(name, func(t *testing.T) {
			eachFlavour(t, func(t *testing.T, d *database) {
				if c.make != "" {
					script(t, d, c.make)
				}
				design, err := d.Design(t.Context(), engine.DesignRequest{Source: foreignTable(c.source), Name: keepNames, Existing: c.existing})
				require.NoError(t, err)
				require.Contains(t, codes(design.GetTables()[0], blocker), c.code, "%v", design.GetTables()[0].GetFindings())
			})
		})
	}
}

// Names that the server cannot keep as they are.
func TestDesign_Names(t *testing.T) {
	d := openFlavour(t, NameMySQL)
	long := strings.Repeat("ü", 70)
	table := func(schema, name string) *planv1.Table {
		return &planv1.Table{Schema: schema, Name: name, Columns: []*planv1.Column{{Name: "id", NativeType: "integer", Kind: canon.Int}}, Key: &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_NONE}}
	}
	source := &planv1.Database{Engine: "postgres", Tables: []*planv1.Table{table("public", long), table("sales", "a"), table("public", "_drover_x"), table("public", "😀")}}
	design, err := d.Design(t.Context(), engine.DesignRequest{Source: source, Name: keepNames})
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("ü", 64), design.GetTables()[0].GetTargetName())
	require.Equal(t, []string{codeNameChanged}, codes(design.GetTables()[0], warning))
	require.Equal(t, []string{codeSchemaMapping}, codes(design.GetTables()[1], blocker))
	require.Contains(t, design.GetTables()[1].GetFindings()[0].GetMessage(), `tables: [{match: "sales.*", into: "sales.{table}"}]`)
	require.Equal(t, []string{codeNameReserved}, codes(design.GetTables()[2], blocker))
	require.Equal(t, []string{codeNameInvalid}, codes(design.GetTables()[3], blocker))
}

// A reader that polls sees nothing, and then everything at once: tables, foreign keys
// among them, comments and where numbering goes on.
func TestPublish_Reader(t *testing.T) {
	eachFlavour(t, func(t *testing.T, source *database) {
		script(t, source, richSchema...)
		target := openFlavour(t, source.dialect.name)
		design := wholeWay(t, source, target, engine.DesignRequest{Stage: "drover_01stage"})
		stage := design.GetTables()[0].GetTargetSchema()
		stop := enginetest.Watch(func() int { return published(t.Context(), target, design.GetTables()) })
		require.NoError(t, target.Publish(t.Context(), testMigration, design.GetTables()))
		require.Equal(t, []int{0, len(design.GetTables())}, stop())
		for _, p := range design.GetTables() {
			name := p.GetPublishName()
			require.Equal(t, sortedLines(showCreate(t, source, source.schema, name)), sortedLines(showCreate(t, target, target.schema, name)))
		}
		var n int
		scan(t, target.db, "SELECT count(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = "+literal(stage), &n)
		require.Zero(t, n, "the staging database is gone")
	})
}

// published reads one table after the other and says how many there are: none, or all,
// where some were looked for before and some after. To find a table and then miss another
// is neither. What MariaDB lists, it lists without a lock, so rows are what counts.
func published(ctx context.Context, d *database, tables []*planv1.TablePlan) int {
	n, missed := 0, false
	for _, p := range tables {
		var rows int
		err := d.db.QueryRowContext(ctx, "SELECT count(*) FROM "+ident(p.GetPublishName())).Scan(&rows)
		switch {
		case err == nil && rows > 0:
			n++
		case n > 0:
			missed = true
		}
	}
	if n == 0 || missed {
		return n
	}
	return len(tables)
}

func TestTypeOf(t *testing.T) {
	for text, want := range map[string]targetType{
		"INT": {name: "int", kind: canon.Int}, "int(11)": {name: "int", kind: canon.Int}, " Integer  unsigned ": {name: "int unsigned", kind: canon.Int},
		"bigint unsigned": {name: "bigint unsigned", kind: canon.Uint}, "boolean": {name: "tinyint(1)", kind: canon.Bool}, "tinyint(1)": {name: "tinyint(1)", kind: canon.Int},
		"numeric(10, 2)": {name: "decimal(10,2)", kind: canon.Decimal, scale: 2}, "decimal": {name: "decimal(10,0)", kind: canon.Decimal}, "double precision": {name: "double", kind: canon.Float64},
		"character varying(12)": {name: "varchar(12)", kind: canon.Text}, "text": {name: "text", kind: canon.Text}, "enum('a', 'it''s')": {name: "enum('a','it''s')", kind: canon.Text},
		"bit": {name: "bit(1)", kind: canon.Bits, scale: 1}, "datetime(3)": {name: "datetime(3)", kind: canon.Timestamp}, "timestamp": {name: "timestamp", kind: canon.TimestampTZ},
		"year(4)": {name: "year", kind: canon.Int}, "json": {name: "json", kind: canon.JSONValue}, "set('a','(b)')": {name: "set('a','(b)')", kind: canon.Text},
	} {
		got, err := mysqlDialect.typeOf(text)
		require.NoError(t, err, text)
		if want.scale == 0 && want.kind != canon.Decimal {
			want.scale = -1
		}
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "no such thing", "varchar", "varchar(70000)", "varchar(x)", "decimal(66)", "decimal(5,6)", "uuid", "text(5)", "enum()", "int(a)", "int; DROP TABLE t", "bit(65)", "datetime(7)", "int (", "decimal(1,2,3)"} {
		_, err := mysqlDialect.typeOf(text)
		require.Error(t, err, text)
	}
	got, err := mariadbDialect.typeOf("uuid")
	require.NoError(t, err)
	require.Equal(t, canon.UUID, got.kind)
}

// What is quoted is read as it was.
func TestAppendEscaped(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	constant := string(appendEscaped([]byte("'"), all, &constantEscapes)) + "'"
	got, ok := unquoted(constant)
	require.True(t, ok)
	require.Equal(t, string(all), got)
	require.NotRegexp(t, regexp.MustCompile("[\t\n\x00]"), string(appendEscaped(nil, all, &lineEscapes)))
}
