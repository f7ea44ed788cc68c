package matrix

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/cli"
	"github.com/drover-db/drover/test/compare"
	"github.com/drover-db/drover/test/fixture"
)

// binary is the drover that ships.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "drover-matrix-")
	if err == nil {
		binary, err = cli.Build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// server makes databases of an engine.
type server struct {
	engine, name string
	make         func(testing.TB) string
}

var (
	postgres15  = server{"postgres", "PostgreSQL15", testdb.Postgres}
	postgres18  = server{"postgres", "PostgreSQL18", testdb.Postgres18}
	mysql       = server{"mysql", "MySQL", testdb.MySQL}
	mariadb     = server{"mariadb", "MariaDB", testdb.MariaDB}
	sqlite      = server{"sqlite", "SQLite", func(t testing.TB) string { return fixture.SQLiteURL(testdb.SQLite(t)) }}
	withPostGIS = server{postgis, "PostGIS", func(t testing.TB) string {
		url := testdb.Postgres(t)
		fixture.Exec(t, url, "CREATE EXTENSION postgis")
		return url
	}}
)

// pairs are all 16 pairs of engines; both versions of PostgreSQL stand on either side.
// With PostGIS come those for which it makes a difference.
var pairs = [][2]server{
	{postgres15, postgres18}, {postgres18, mysql}, {postgres15, mariadb}, {postgres18, sqlite},
	{mysql, postgres15}, {mysql, mysql}, {mysql, mariadb}, {mysql, sqlite},
	{mariadb, postgres18}, {mariadb, mysql}, {mariadb, mariadb}, {mariadb, sqlite},
	{sqlite, postgres15}, {sqlite, mysql}, {sqlite, mariadb}, {sqlite, sqlite},
	{mysql, withPostGIS}, {mariadb, withPostGIS}, {withPostGIS, withPostGIS},
	{withPostGIS, postgres18}, {withPostGIS, mysql}, {withPostGIS, mariadb}, {withPostGIS, sqlite},
}

func TestMove(t *testing.T) {
	sources, err := Load()
	require.NoError(t, err)
	for _, p := range pairs {
		at := slices.IndexFunc(sources, func(s *Source) bool { return s.Engine == p[0].engine })
		t.Run(p[0].name+"To"+p[1].name, func(t *testing.T) {
			t.Parallel()
			m := &move{T: t, types: sources[at], from: p[0], to: p[1], tables: sources[at].Tables(p[1].engine)}
			m.source, m.target = p[0].make(t), p[1].make(t)
			m.fill()
			t.Run("Plan", func(t *testing.T) { m.on(t).plan() })
			there := t.Run("There", func(t *testing.T) { m.on(t).there() })
			t.Run("AndBack", func(t *testing.T) {
				require.True(t, there, "nothing to copy back")
				m.on(t).andBack()
			})
		})
	}
}

// move is the matrix of one pair of engines on its way.
type move struct {
	*testing.T
	types          *Source
	from, to       server
	source, target string
	tables         []Table
}

func (m *move) on(t *testing.T) *move {
	out := *m
	out.T = t
	return &out
}

// fill makes the source's database.
func (m *move) fill() {
	fixture.Exec(m, m.source, m.types.Session+m.types.Setup+Create(m.tables, (*Type).DDL)+Fill(m.tables))
}

// plannedTable is what a plan says of a table.
type plannedTable struct {
	Plan struct {
		Source  struct{ Name string }
		Columns []struct {
			Source     string
			TargetType string `json:"target_type"`
		}
		Findings []finding
	}
}

type finding struct{ Severity, Code, Column string }

// plan checks every column's type in the target, what is refused before anything moves,
// and which columns take no policy.
func (m *move) plan() {
	d := cli.Drover{Binary: binary, Dir: m.TempDir()}
	spec := d.Spec(m, m.source, m.target, m.rules(unstrippable))
	r := d.Run(m, "plan", "-f", spec, "-o", "json", "--no-sample", "--progress", "none")
	var plan struct{ Tables []plannedTable }
	require.NoError(m, json.Unmarshal([]byte(r.Stdout), &plan), r.Stderr)
	for _, table := range m.tables {
		i := slices.IndexFunc(plan.Tables, func(p plannedTable) bool { return p.Plan.Source.Name == table.Name })
		require.GreaterOrEqual(m, i, 0, "the plan has no table %s: %s", table.Name, r.Stderr)
		for _, c := range table.Columns {
			if table.Group == unstrippable {
				m.notStripped(c.Type, plan.Tables[i])
				continue
			}
			m.planned(c.Type, plan.Tables[i])
		}
	}
}

// rules are the spec's rules for the tables of some groups; the others move as they are.
func (m *move) rules(groups ...group) string {
	var b strings.Builder
	b.WriteString("tables:\n")
	for _, t := range m.tables {
		if slices.Contains(groups, t.Group) {
			b.WriteString(t.Rule(m.to.engine))
		}
	}
	b.WriteString("  - {match: \"*\"}\n")
	return b.String()
}

func (m *move) notStripped(t *Type, p plannedTable) {
	if !slices.ContainsFunc(p.Plan.Findings, func(f finding) bool {
		return f.Severity == "SEVERITY_ERROR" && f.Code == "CAST_IMPOSSIBLE" && f.Column == t.Column()
	}) {
		m.Errorf("the plan takes the policy strip for %s, and the matrix does not say what is left of its values", t.Declared)
	}
}

func (m *move) planned(t *Type, p plannedTable) {
	want, code := t.Planned(m.to.engine)
	if code != "" {
		want = "error " + code
	}
	got := "nothing"
	for _, f := range p.Plan.Findings {
		if f.Severity == "SEVERITY_ERROR" && f.Column == t.Column() {
			got = "error " + f.Code
		}
	}
	for _, c := range p.Plan.Columns {
		if c.Source == t.Column() {
			got = c.TargetType
		}
	}
	if withoutWidth(got) != withoutWidth(want) {
		m.Errorf("%s is planned as %s, want %s", t.Declared, got, want)
	}
}

var integerWidth = regexp.MustCompile(`^(tinyint|smallint|mediumint|int|bigint|year)\(\d+\)`)

// withoutWidth takes the width for display off an integer: MariaDB prints it, and it says
// nothing of the values.
func withoutWidth(name string) string {
	if name == "tinyint(1)" {
		return name
	}
	return integerWidth.ReplaceAllString(name, "$1")
}

// there moves everything and compares.
func (m *move) there() {
	d := cli.Drover{Binary: binary, Dir: m.TempDir()}
	skipped := `  - {match: "*.u_*", skip: true}` + "\n" + `  - {match: "*.n_*", skip: true}` + "\n"
	r := m.run(d, d.Spec(m, m.source, m.target, strings.Replace(m.rules(replaced, substitute, stripped, unstripped, kept, keptThere, dropped), "tables:\n", "tables:\n"+skipped, 1)))
	for _, table := range m.tables {
		if table.Group != unplanned && table.Group != unstrippable {
			m.arrived(table, r.Summary.Table(m, table.Name))
		}
	}
	m.equal(m.source, m.target, exact, equal, keptThere)
}

// run runs a migration; what keeps all of it from moving ends the test.
func (m *move) run(d cli.Drover, spec string) cli.Result {
	r := d.RunSpec(m, spec)
	if !slices.Contains(endCodes, r.Code) {
		for _, t := range r.Summary.Tables {
			if t.Reason != "" {
				m.Errorf("%s is %s: %s", t.Source, t.State, t.Reason)
			}
		}
		m.Fatalf("exit code %d: %s\n%s", r.Code, r.Stderr, d.Run(m, "check", "-f", spec).Stdout)
	}
	return r
}

// endCodes are the exit codes of migrations that came to their end: all tables complete,
// some different, some blocked. What became of each table is in the summary.
var endCodes = []int{0, 3, 4}

// equal lets the comparer judge the tables of some groups.
func (m *move) equal(left, right string, groups ...group) {
	for _, g := range groups {
		if !slices.ContainsFunc(m.tables, func(t Table) bool { return t.Group == g }) {
			continue
		}
		report, err := compare.Databases(m.Context(), left, right, compare.Options{TempDir: m.TempDir(), Tables: string(g) + "*"})
		require.NoError(m, err)
		if !report.Equal() {
			var text strings.Builder
			require.NoError(m, report.Write(&text))
			m.Errorf("tables %s* differ:\n%s", g, text.String())
		}
	}
}

// andBack moves what arrived back and compares: what is exact, or kept by a cast, in
// tables of the source's own types, with the source to the last byte; the rest with the
// target.
func (m *move) andBack() {
	back := m.from.make(m)
	own, moved := m.in(exact, exactShown, kept), m.in(exact, exactShown, kept, equal, equalShown)
	ddl := (*Type).BackDDL
	if m.from.engine == m.to.engine {
		ddl = (*Type).DDL
	}
	fixture.Exec(m, back, m.types.Session+m.types.Setup+Create(own, ddl))
	d := cli.Drover{Binary: binary, Dir: m.TempDir()}
	r := m.run(d, d.Spec(m, m.target, back, m.casts(own)+m.only(moved)))
	for _, table := range moved {
		if got := r.Summary.Table(m, table.Name); got.State != "COMPLETE" {
			m.Errorf("%s is %s on the way back: %s", table.Name, got.State, got.Reason)
		}
	}
	m.equal(m.source, back, exact, exactShown, kept)
	m.equal(m.target, back, equal)
}

// only is a spec's rule for each table: no others move.
func (m *move) only(tables []Table) string {
	var b strings.Builder
	b.WriteString("tables:\n")
	for _, t := range tables {
		fmt.Fprintf(&b, "  - {match: \"*.%s\"}\n", t.Name)
	}
	return b.String()
}

// in gives the tables of some groups.
func (m *move) in(groups ...group) []Table {
	return slices.DeleteFunc(slices.Clone(m.tables), func(t Table) bool { return !slices.Contains(groups, t.Group) })
}

// casts ask for the source's own types on the way back.
func (m *move) casts(tables []Table) string {
	var b strings.Builder
	for _, t := range tables {
		for _, c := range t.Columns {
			if c.Type.Back != "-" && (m.from.engine != m.to.engine || t.Group == kept) {
				fmt.Fprintf(&b, "    - {match: %q, to: %q}\n", t.Name+"."+c.Type.Column(), c.Type.Back)
			}
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "schema:\n  casts:\n" + b.String()
}
