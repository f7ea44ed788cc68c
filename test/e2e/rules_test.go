package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/cli"
	"github.com/drover-db/drover/test/fixture"
)

// visits is a source with something for every rule, in words that all engines have.
const visits = `
CREATE TABLE visit (id integer PRIMARY KEY, who varchar(40), cost decimal(10,2), at timestamp NULL, legacy varchar(10), paid smallint NOT NULL);
CREATE TABLE trash (id integer PRIMARY KEY);
CREATE INDEX visit_who ON visit (who);
CREATE INDEX visit_legacy ON visit (legacy);
INSERT INTO visit VALUES (1, 'Ann', 10.50, '2024-01-01 10:00:00', 'x', 1), (2, 'Bob', 5.25, '2023-06-01 00:00:00', NULL, 0),
  (3, NULL, 99.99, NULL, 'y', 1), (4, 'ann', 0.01, '2024-05-05 05:05:05', 'z', 0), (5, 'Zoë', 20.00, '2024-02-29 23:59:59', 'x', 1);
INSERT INTO trash VALUES (1);
`

// visitRules move rows 1, 3 and 5 as a table with other columns.
const visitRules = `
tables:
  - {match: "*.trash", skip: true}
  - match: "*.visit"
    into: stay
    where: paid = 1 AND (cost > 10.00 OR who IS NULL) AND id NOT IN (77, 78)
    columns:
      who: {into: guest}
      legacy: {drop: true}
      cost: {type: %s}
      region: {const: "eu'\\"}
`

func TestRules_FilterRenameDropConstCast(t *testing.T) {
	for _, p := range []struct {
		from, to side
		text     string
	}{
		{mysql, postgres15, "text"}, {mysql, sqlite, "TEXT"}, {mysql, mariadb, "varchar(20)"}, {mariadb, mysql, "varchar(20)"},
		{postgres15, mysql, "varchar(20)"}, {postgres15, postgres18, "text"}, {sqlite, mariadb, "varchar(20)"},
	} {
		t.Run(p.from.name+"To"+p.to.name, func(t *testing.T) {
			source, target := p.from.make(t), p.to.make(t)
			fixture.Exec(t, source, visits)
			d := drover(t)
			r := runSpec(t, d, spec(t, &d, source, target, strings.ReplaceAll(visitRules, "%s", p.text)))
			require.Equal(t, 0, r.Code, r.Stderr)
			assert.Equal(t, "COMPLETE", r.Summary.State)
			want := `1|Ann|10.50|eu'\|3|NULL|99.99|eu'\|5|Zoë|20.00|eu'\`
			if p.from.dialect == fixture.SQLite { // which keeps numbers, not their scale
				want = strings.NewReplacer("10.50", "10.5", "20.00", "20").Replace(want)
			}
			got := fixture.Exec(t, target, `SELECT id, coalesce(guest, 'NULL'), cost, region FROM stay ORDER BY id`)
			assert.Equal(t, want, strings.NewReplacer("\t", "|", "\n", "|").Replace(got))
			stay := r.Summary.Table(t, "visit")
			assert.Equal(t, int64(3), stay.Rows)
			assert.Equal(t, stay.SourceDigest, stay.TargetDigest)
			assert.NotEmpty(t, stay.SourceDigest)
			assert.Contains(t, findings(r), "visit_legacy", "the index over the dropped column is named")
			out, err := fixture.Try(t.Context(), target, "SELECT count(*) FROM trash")
			assert.Error(t, err, "the skipped table is there: %s", out)
		})
	}
}

// findings are the messages of a run's findings.
func findings(r cli.Result) string {
	var all []string
	for _, f := range r.Summary.Findings {
		all = append(all, f.Message)
	}
	return strings.Join(all, "\n")
}

// zeroDates has values that PostgreSQL has no place for.
const zeroDates = `SET SESSION sql_mode = '';
CREATE TABLE born (id int PRIMARY KEY, day date, at datetime, n bigint unsigned);
INSERT INTO born VALUES (1, '2000-01-01', '2000-01-01 00:00:00', 1), (2, '0000-00-00', '2000-01-02 00:00:00', 2),
  (3, '2000-02-30', '0000-00-00 00:00:00', 18446744073709551615), (4, '2000-00-01', NULL, 9223372036854775807);
UPDATE born SET day = '2000-00-00' WHERE id = 3;`

// Without a policy such a value blocks its table; with one it is changed and counted.
func TestRules_PoliciesAreCounted(t *testing.T) {
	for _, from := range []side{mysql, mariadb} {
		t.Run(from.name, func(t *testing.T) {
			source, target := from.make(t), testdb.Postgres(t)
			fixture.Exec(t, source, zeroDates)
			d := drover(t)
			r := runSpec(t, d, spec(t, &d, source, target, `tables:
  - match: "*.born"
    columns:
      day: {invalid: set-null}
      at: {invalid: sentinel, sentinel: "1970-01-01 00:00:00"}
      n: {type: bigint, invalid: set-null}
`))
			require.Equal(t, 0, r.Code, r.Stderr)
			got := fixture.Exec(t, target, `SELECT id, coalesce(day::text, '-'), coalesce(at::text, '-'), coalesce(n::text, '-') FROM born ORDER BY id`)
			assert.Equal(t, "1|2000-01-01|2000-01-01 00:00:00|1\n2|-|2000-01-02 00:00:00|2\n3|-|1970-01-01 00:00:00|-\n4|-|-|9223372036854775807", got)
			touched := map[string]int64{}
			for _, c := range r.Summary.Table(t, "born").Touched {
				touched[c.Column] = c.Values
			}
			assert.Equal(t, map[string]int64{"day": 3, "at": 1, "n": 1}, touched)
		})
	}
}

func TestRules_WithoutAPolicyTheValueIsNamed(t *testing.T) {
	source, target := testdb.MySQL(t), testdb.Postgres(t)
	fixture.Exec(t, source, zeroDates)
	fixture.Exec(t, source, "CREATE TABLE fine (id int PRIMARY KEY); INSERT INTO fine VALUES (1), (2)")
	r := drover(t).Copy(t, source, target)
	require.Equal(t, 4, r.Code, r.Stderr)
	assert.Equal(t, "COMPLETE", r.Summary.Table(t, "fine").State)
	born := r.Summary.Table(t, "born")
	assert.Equal(t, "BLOCKED", born.State)
	assert.Regexp(t, `day|at`, born.Reason)
	assert.Regexp(t, `\b[234]\b`, born.Reason)
}
