package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/testdb"
)

// What cannot move is listed with what makes it, but without what may be a secret.
func TestUnmoved_ByHand(t *testing.T) {
	from, to := testdb.Postgres(t), testdb.Postgres18(t)
	user := testdb.PostgresRole(t, "user_", from)
	database := databaseName(t, from)[1:]
	script(t, from, `CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
		CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (who 'anna', password 'hidden secret');
		CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (who 'bert');
		CREATE SUBSCRIPTION taken CONNECTION 'host=elsewhere password=hidden' PUBLICATION p, "Q q" WITH (connect = false, slot_name = 'it');
		SELECT lo_create(0); SELECT lo_create(0)`,
		"ALTER DATABASE "+database+" SET timezone = 'Asia/Tokyo'", "ALTER DATABASE "+database+" SET app.jwt_secret = 'hidden'", "ALTER ROLE "+ident(user)+" IN DATABASE "+database+" SET work_mem = '8MB'")
	defer func() { script(t, from, "ALTER SUBSCRIPTION taken SET (slot_name = NONE)", "DROP SUBSCRIPTION taken") }()
	found, err := openDB(t, from).Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	left := map[string]string{}
	for _, u := range found.GetUnmoved() {
		require.NotEmpty(t, u.GetReason())
		left[u.GetObject()+" "+u.GetName()] = u.GetDefinition()
	}
	require.Equal(t, map[string]string{
		"user mapping of public on server s":        "CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (who 'anna')",
		"subscription taken":                        `CREATE SUBSCRIPTION taken CONNECTION '…' PUBLICATION p, "Q q" WITH (enabled = false, connect = false, slot_name = 'it')`,
		"large objects 2 of them":                   "",
		"database setting TimeZone":                 "ALTER DATABASE " + database + " SET TimeZone TO 'Asia/Tokyo'",
		"database setting app.jwt_secret":           "ALTER DATABASE " + database + " SET app.jwt_secret TO '…'",
		"database setting work_mem of role " + user: "ALTER ROLE " + user + " IN DATABASE " + database + " SET work_mem TO '8MB'",
	}, left)
	design, err := openDB(t, to).Design(t.Context(), engine.DesignRequest{Source: found, Name: byName})
	require.NoError(t, err)
	require.Empty(t, design.GetUnmoved())
	require.NotContains(t, found.String()+design.String(), "hidden")
}

// tableFinding is what a design says of a table with a code.
func tableFinding(d *planv1.Design, table, code string) (severity planv1.Severity, message string) {
	for _, p := range d.GetTables() {
		for _, f := range p.GetFindings() {
			if p.GetTargetName() == table && f.GetCode() == code {
				return f.GetSeverity(), f.GetMessage()
			}
		}
	}
	return 0, ""
}

// What the target's server lacks is said before anything is made, of everything that needs it.
func TestUnmoved_ServerLacks(t *testing.T) {
	from, to := testdb.Postgres(t), testdb.Postgres18(t)
	script(t, from, `CREATE EXTENSION "uuid-ossp"; CREATE EXTENSION hstore;
		CREATE TABLE numbered (id uuid PRIMARY KEY DEFAULT uuid_generate_v4());
		CREATE VIEW of_extension AS SELECT uuid_generate_v4() AS id;
		CREATE VIEW of_view AS SELECT * FROM of_extension;
		COMMENT ON VIEW of_view IS 'a view';
		CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
		CREATE TABLE parted (id integer) PARTITION BY RANGE (id);
		CREATE FOREIGN TABLE afar PARTITION OF parted FOR VALUES FROM (0) TO (10) SERVER s;
		CREATE TABLE plain (id integer PRIMARY KEY)`)
	found, err := openDB(t, from).Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	for _, o := range found.GetObjects() {
		// A host on which uuid-ossp is not installed, and an older hstore.
		if o.GetType() == "extension" && o.GetName() == `"uuid-ossp"` {
			o.Name = "not_installed"
		}
		if o.GetName() == "hstore" {
			o.Version = "0.1"
		}
		for i, need := range o.GetNeeds() {
			if need == `extension "uuid-ossp"` {
				o.Needs[i] = "extension not_installed"
			}
		}
	}
	for _, table := range found.GetTables() {
		for i, need := range table.GetNeeds() {
			if need == `extension "uuid-ossp"` {
				table.Needs[i] = "extension not_installed"
			}
		}
		if table.GetName() == "plain" {
			table.Tablespace, table.Indexes[0].Tablespace = "fast", "faster"
		}
	}
	target := openDB(t, to)
	design, err := target.Design(t.Context(), engine.DesignRequest{Source: found, Name: byName})
	require.NoError(t, err)
	severity, message := tableFinding(design, "numbered", codeObjectMissing)
	require.Equal(t, blocker, severity)
	require.Contains(t, message, "extension not_installed is not on the target")
	severity, message = tableFinding(design, "parted", codeForeignPartition)
	require.Equal(t, blocker, severity)
	require.Contains(t, message, "public.afar")
	severity, message = tableFinding(design, "plain", codeTablespaceMissing)
	require.Equal(t, warning, severity)
	require.Contains(t, message, "CREATE TABLESPACE")
	require.Len(t, findingsOf(design, codeExtensionMissing), 1)
	require.Contains(t, findingsOf(design, codeExtensionVersion)[0], "extension hstore has version 0.1 in the source and ")
	left := map[string]string{}
	for _, u := range design.GetUnmoved() {
		left[u.GetObject()+" "+u.GetName()] = u.GetReason()
		require.NotEmpty(t, u.GetDefinition())
	}
	require.Equal(t, "it needs extension not_installed, which is not moved", left["view public.of_extension"])
	require.Equal(t, "it needs view public.of_extension, which is not moved", left["view public.of_view"])
	require.Equal(t, "it needs a table that is not in the migration", left["foreign table public.afar"])
}

// Tables and indexes go to tablespaces of the same names, where the target has them.
func TestUnmoved_Tablespaces(t *testing.T) {
	from, to := testdb.Postgres(t), testdb.Postgres(t)
	script(t, from, "CREATE TABLE t (id integer PRIMARY KEY, v text, UNIQUE (v) DEFERRABLE INITIALLY DEFERRED)", "CREATE INDEX part ON t (v) WITH (fillfactor = 50) WHERE id > 3 AND v <> ''")
	found, err := openDB(t, from).Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	table := found.GetTables()[0]
	table.Tablespace = "pg_default"
	for _, x := range table.GetIndexes() {
		x.Tablespace = "pg_default"
	}
	design, err := openDB(t, to).Design(t.Context(), engine.DesignRequest{Source: found, Name: byName})
	require.NoError(t, err)
	sql := describeDesign(design)
	require.Contains(t, sql, "\n) TABLESPACE \"pg_default\";")
	require.Contains(t, sql, `PRIMARY KEY (id) USING INDEX TABLESPACE "pg_default";`)
	require.Contains(t, sql, `UNIQUE (v) USING INDEX TABLESPACE "pg_default" DEFERRABLE INITIALLY DEFERRED;`)
	require.Contains(t, sql, `WITH (fillfactor='50') TABLESPACE "pg_default" WHERE ((id > 3) AND (v <> ''::text));`)
	copyAll(t, openDB(t, from), openDB(t, to), design)
}
