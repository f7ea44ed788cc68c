package mysql

import (
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
)

// richScript is a database with each kind of thing that a product has.
func richScript(t testing.TB, product string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "rich_"+product+".sql"))
	require.NoError(t, err)
	return strings.Split(string(text), "\n;;\n")
}

// The same product gets everything that SHOW CREATE tells, to the letter.
func TestSchema_SameProduct(t *testing.T) {
	eachFlavour(t, func(t *testing.T, source *database) {
		allowLoadData(t, source)
		script(t, source, richScript(t, source.dialect.name)...)
		target := openFlavour(t, source.dialect.name)
		before := present(t, source)
		design := wholeWay(t, source, target, engine.DesignRequest{})
		require.NotEmpty(t, design.GetObjects())
		for range 2 {
			require.NoError(t, target.ApplyObjects(t.Context(), testMigration, design.GetObjects()))
		}
		require.Empty(t, design.GetUnmoved())
		require.Empty(t, findingsOf(design, info))
		require.Equal(t, before, present(t, target))
		require.Equal(t, before, present(t, source))
		requireUntouchedByTriggers(t, target)
	})
}

// Objects come when the tables are published, sequences before; a table that was skipped
// leaves nothing in the staging place.
func TestSchema_Staged(t *testing.T) {
	source, target := openFlavour(t, NameMariaDB), openFlavour(t, NameMariaDB)
	allowLoadData(t, source)
	script(t, source, append(richScript(t, NameMariaDB), "CREATE TABLE skipped (id int PRIMARY KEY, other int, CONSTRAINT to_published FOREIGN KEY (other) REFERENCES left_one (id))")...)
	design := wholeWay(t, source, target, engine.DesignRequest{Stage: "drover_01stage"})
	stage := design.GetTables()[0].GetTargetSchema()
	published := slices.DeleteFunc(slices.Clone(design.GetTables()), func(p *planv1.TablePlan) bool { return p.GetPublishName() == "skipped" })
	require.NoError(t, target.Publish(t.Context(), testMigration, published))
	require.NoError(t, target.ApplyObjects(t.Context(), testMigration, design.GetObjects()))
	script(t, source, "DROP TABLE skipped")
	require.Equal(t, present(t, source), present(t, target))
	var n int
	scan(t, target.db, "SELECT count(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = "+literal(stage), &n)
	require.Zero(t, n, "the staging database is gone")
}

// What is made before the tables goes with them.
func TestSchema_DiscardTakesSequences(t *testing.T) {
	source, target := openFlavour(t, NameMariaDB), openFlavour(t, NameMariaDB)
	script(t, source, "CREATE SEQUENCE s", "CREATE TABLE a (id int PRIMARY KEY DEFAULT nextval(s))")
	design := wholeWay(t, source, target, engine.DesignRequest{Stage: "drover_01stage"})
	require.NoError(t, target.Discard(t.Context(), testMigration, design.GetTables(), design.GetStatements()))
	require.Empty(t, present(t, target))
}

// requireUntouchedByTriggers sees that triggers did not run for the rows of the copy,
// and run now in the source's order.
func requireUntouchedByTriggers(t *testing.T, d *database) {
	t.Helper()
	var bodies string
	scan(t, d.db, "SELECT group_concat(body ORDER BY id) FROM everything", &bodies)
	require.Equal(t, "one123,two123", bodies)
	require.Zero(t, count(t, d, "log"))
	script(t, d, "INSERT INTO everything (id, amount, body, place) SELECT 13, 1, 'x', place FROM everything WHERE id = 11")
	scan(t, d.db, "SELECT body FROM everything WHERE id = 13", &bodies)
	require.Equal(t, "x123", bodies)
	require.EqualValues(t, 1, count(t, d, "log"))
}

// findingsOf lists what a design says at a severity or above.
func findingsOf(design *planv1.Design, least planv1.Severity) (out []string) {
	all := slices.Clone(design.GetFindings())
	for _, p := range design.GetTables() {
		all = append(all, p.GetFindings()...)
	}
	for _, f := range all {
		if f.GetSeverity() >= least && f.GetCode() != codeFlushedByStatement {
			out = append(out, f.GetSeverity().String()+" "+f.GetCode()+" "+f.GetTable()+"."+f.GetColumn()+": "+f.GetMessage())
		}
	}
	return out
}

// created is when the server made a
// trigger.
var created = regexp.MustCompile(`(Created|CREATED|LAST_ALTERED)=\S+ \S+`)

// present is everything that SHOW CREATE tells of a database, and the order of its
// triggers.
func present(t testing.TB, d *database) string {
	t.Helper()
	var out []string
	show := func(kind, name string) {
		fields, err := d.showCreate(t.Context(), &planv1.Object{Type: kind, Schema: d.schema, Name: name})
		require.NoError(t, err)
		var lines []string
		for field, text := range fields {
			if strings.HasPrefix(field, "Create Table") {
				text = sortedLines(text)
			}
			lines = append(lines, field+"="+text)
		}
		slices.Sort(lines)
		out = append(out, kind+" "+name+"\n"+strings.Join(lines, "\n"))
	}
	list := func(query string, row func(kind, name string)) {
		require.NoError(t, each(t.Context(), d.db, query, []any{d.schema}, func(rows *sql.Rows) error {
			var kind, name string
			err := rows.Scan(&kind, &name)
			row(kind, name)
			return err
		}))
	}
	type object struct{ kind, name string }
	var all []object
	keep := func(kind, name string) { all = append(all, object{kind, name}) }
	list(`SELECT CASE TABLE_TYPE WHEN 'VIEW' THEN 'view' WHEN 'SEQUENCE' THEN 'sequence' ELSE 'table' END, TABLE_NAME FROM information_schema.TABLES
		WHERE TABLE_SCHEMA = ? AND TABLE_NAME NOT LIKE '\_drover\_%' ORDER BY 2`, keep)
	list("SELECT lower(ROUTINE_TYPE), ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? ORDER BY 1, 2", keep)
	list("SELECT 'trigger', TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ? ORDER BY 2", keep)
	list("SELECT 'event', EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ? ORDER BY 2", keep)
	for _, o := range all {
		show(o.kind, o.name)
		if o.kind == "sequence" {
			var next string
			scan(t, d.db, "SELECT next_not_cached_value FROM "+ident(o.name), &next)
			out = append(out, "next "+next)
		}
	}
	list(`SELECT concat(EVENT_OBJECT_TABLE, ' ', ACTION_TIMING, ' ', EVENT_MANIPULATION), concat(TRIGGER_NAME, ' ', ACTION_ORDER) FROM information_schema.TRIGGERS
		WHERE TRIGGER_SCHEMA = ? ORDER BY 1, ACTION_ORDER`, func(on, what string) { out = append(out, on+" "+what) })
	return strings.ReplaceAll(created.ReplaceAllString(strings.Join(out, "\n\n"), ""), d.schema, "SCHEMA")
}

// The other product gets what it has, and there is a finding, or a definition to make by
// hand, for each thing that it has not.
func TestSchema_BetweenProducts(t *testing.T) {
	for _, names := range [][2]string{{NameMySQL, NameMariaDB}, {NameMariaDB, NameMySQL}} {
		t.Run(names[0], func(t *testing.T) {
			source, target := openFlavour(t, names[0]), openFlavour(t, names[1])
			allowLoadData(t, target)
			script(t, source, richScript(t, names[0])...)
			design := wholeWay(t, source, target, engine.DesignRequest{})
			var text strings.Builder
			for _, f := range findingsOf(design, info) {
				text.WriteString(f + "\n")
			}
			text.WriteString("\n" + present(t, target))
			golden(t, "rich_"+names[0]+"_to_"+names[1]+".txt", strings.ReplaceAll(text.String(), source.schema, "source"))
		})
	}
}

// What cannot be made is left with its definition, and so is what needs it.
func TestSchema_ObjectsLeft(t *testing.T) {
	eachFlavour(t, func(t *testing.T, source *database) {
		target := openFlavour(t, source.dialect.name)
		script(t, source, "CREATE TABLE a (id int PRIMARY KEY)", "CREATE TABLE renamed (id int PRIMARY KEY)", "CREATE VIEW on_renamed AS SELECT * FROM renamed", "CREATE VIEW on_view AS SELECT * FROM on_renamed",
			"CREATE VIEW there AS SELECT 1 AS one", "CREATE PROCEDURE qualified() SELECT * FROM "+source.schema+".a", "CREATE TRIGGER "+source.schema+".head BEFORE INSERT ON "+source.schema+".a FOR EACH ROW SET @x = 1",
			"CREATE DEFINER = 'ghost'@'nowhere' PROCEDURE ghosts() SELECT * FROM a", "CREATE EVENT runs ON SCHEDULE EVERY 1 YEAR STARTS '2030-01-01 00:00:00' DO SELECT 1")
		script(t, target, "CREATE TABLE there (id int)")
		design, err := target.Design(t.Context(), engine.DesignRequest{Source: described(t, source), Name: func(_, table string) (string, string, bool) {
			if table == "renamed" {
				return "", "moved", true
			}
			return "", "", false
		}})
		require.NoError(t, err)
		reasons := map[string]string{}
		for _, u := range design.GetUnmoved() {
			require.Contains(t, u.GetDefinition(), "CREATE")
			reasons[strings.TrimPrefix(u.GetName(), source.schema+".")] = strings.ReplaceAll(strings.ReplaceAll(u.GetReason(), source.schema, "source"), target.schema, "target")
		}
		require.Equal(t, map[string]string{"on_renamed": "it needs table renamed, which becomes moved: change its text", "on_view": "it needs on_renamed, which is not moved",
			"there": "the target has, or gets, something else of its name: compare the two", "qualified": "its text names the database source, and its tables go into target: change the text"}, reasons)
		var made []string
		for _, s := range design.GetObjects() {
			made = append(made, s.GetObject())
		}
		require.Equal(t, []string{"procedure " + qualified(target.schema, "ghosts"), "trigger " + qualified(target.schema, "head"), "event " + qualified(target.schema, "runs")}, made)
		found := strings.Join(findingsOf(design, info), "\n")
		require.Contains(t, found, "WARNING DEFINER_MISSING .: procedure ghosts runs as ghost@nowhere")
		require.Contains(t, found, " EVENT_RUNS .: event runs ")
	})
}
