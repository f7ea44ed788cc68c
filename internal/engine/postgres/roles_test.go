package postgres

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/testdb"
)

// roleScript fills a source with objects of three roles, named in the order of owner,
// reader and second.
func roleScript(t *testing.T, source string, roles ...string) {
	t.Helper()
	raw, err := os.ReadFile("testdata/roles.sql")
	require.NoError(t, err)
	script(t, source, strings.NewReplacer("{owner}", ident(roles[0]), "{reader}", ident(roles[1]), "{second}", ident(roles[2])).Replace(string(raw)))
}

// Owners, grants with their grantors and options, what is revoked and what is granted on
// objects of the future are the same as a dump and psql make them.
func TestRoles_AreKept(t *testing.T) {
	for name, c := range map[string]struct {
		source, target func(testing.TB) string
		version        int
	}{"15To15": {testdb.Postgres, testdb.Postgres, 150000}, "15To18": {testdb.Postgres, testdb.Postgres18, 180000}, "18To18": {testdb.Postgres18, testdb.Postgres18, 180000}} {
		t.Run(name, func(t *testing.T) {
			from, to := c.source(t), c.target(t)
			var roles []string
			for _, begin := range []string{"owner ", `Read"er.`, "second_"} {
				roles = append(roles, testdb.PostgresRole(t, begin, from, to))
			}
			roleScript(t, from, roles...)
			copyAll(t, openDB(t, from), openDB(t, to), wholeDesign(t, openDB(t, from), openDB(t, to), engine.DesignRequest{}))
			require.Equal(t, restored(t, c.version, from, c.target), dumpSchema(t, c.version, to))
		})
	}
}

// A database in which nobody granted anything has nothing to say of grants.
func TestRoles_NothingGranted(t *testing.T) {
	for name, newDatabase := range map[string]func(testing.TB) string{"15": testdb.Postgres, "18": testdb.Postgres18} {
		t.Run(name, func(t *testing.T) {
			url := newDatabase(t)
			script(t, url, "CREATE TABLE t (id integer PRIMARY KEY)")
			found, err := openDB(t, url).Describe(t.Context(), engine.Selection{})
			require.NoError(t, err)
			for _, o := range found.GetObjects() {
				require.NotEqual(t, "grants", o.GetType(), "%v", o)
			}
		})
	}
}

// findingsOf are the findings of a design with a code.
func findingsOf(d *planv1.Design, code string) []string {
	var out []string
	for _, f := range d.GetFindings() {
		if f.GetCode() == code {
			out = append(out, f.GetMessage())
		}
	}
	return out
}

// A role that the target does not have is one finding, which says what is left out; the
// rest moves, and what is left out is listed with its statement.
func TestRoles_Missing(t *testing.T) {
	from, to := testdb.Postgres(t), testdb.Postgres18(t)
	owner, second, gone := testdb.PostgresRole(t, "owner_", from, to), testdb.PostgresRole(t, "second_", from, to), testdb.PostgresRole(t, "gone_", from)
	roleScript(t, from, owner, gone, second)
	source, target := openDB(t, from), openDB(t, to)
	found, err := source.Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	design, err := target.Design(t.Context(), engine.DesignRequest{Source: found, Name: byName})
	require.NoError(t, err)
	said := findingsOf(design, codeRoleMissing)
	require.Len(t, said, 1)
	require.Regexp(t, "^role "+gone+" is not on the target: left out are .* and [0-9]+ more; make the role there first to keep that, or leave owners and grants behind with schema: ", said[0])
	var left []string
	for _, u := range design.GetUnmoved() {
		require.Contains(t, u.GetReason(), gone)
		require.NotEmpty(t, u.GetDefinition())
		left = append(left, u.GetObject()+" "+u.GetName())
	}
	require.Contains(t, left, "policy mine on held.t")
	require.Contains(t, left, "grants of table held.t to "+second+" by "+gone)
	require.NotContains(t, left, "grants of table held.t to "+second)
	copyAll(t, source, target, design)
	dump := dumpSchema(t, 180000, to)
	require.NotContains(t, dump, gone)
	require.Contains(t, dump, "GRANT SELECT(\"Open\") ON TABLE held.t TO "+second)

	// Where the spec leaves roles behind there is nothing to say.
	engine.SkipRoles(found, true, true)
	design, err = openDB(t, testdb.Postgres18(t)).Design(t.Context(), engine.DesignRequest{Source: found, Name: byName})
	require.NoError(t, err)
	require.Len(t, findingsOf(design, codeRoleMissing), 1, "the policy still names it")
	for _, o := range design.GetObjects() {
		require.NotRegexp(t, "^(owner|grants|default acl) ", o.GetObject())
	}
}

// A user who is no member of a role can give it nothing, and is told so before rows move.
func TestRoles_NotAMember(t *testing.T) {
	from, to := testdb.Postgres(t), testdb.Postgres(t)
	owner, user := testdb.PostgresRole(t, "owner_", from, to), testdb.PostgresRole(t, "user_", from, to)
	script(t, from, "CREATE TABLE t (id integer PRIMARY KEY); ALTER TABLE t OWNER TO "+ident(owner))
	found, err := openDB(t, from).Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	script(t, to, "ALTER DATABASE "+ident(strings.TrimPrefix(databaseName(t, to), "/"))+" SET role = "+literal(user), "GRANT ALL ON SCHEMA public TO "+ident(user),
		"GRANT CREATE ON DATABASE "+ident(strings.TrimPrefix(databaseName(t, to), "/"))+" TO "+ident(user))
	design, err := openDB(t, to).Design(t.Context(), engine.DesignRequest{Source: found, Name: byName})
	require.NoError(t, err)
	said := findingsOf(design, codeRoleNotOurs)
	require.Len(t, said, 1)
	require.Contains(t, said[0], user+" is no member of role "+owner+" on the target: left out are owner of table public.t; GRANT "+owner+" TO "+user+" there first")
	copyAll(t, openDB(t, from), openDB(t, to), design)
}
