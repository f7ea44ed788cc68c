package postgres

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/engine/enginetest"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/testdb"
)

var stagedMigration = engine.Migration{UID: "01STAGED", Name: "staged", Term: 2}

// stagedShop loads a shop of MySQL into its staging place.
func stagedShop(t *testing.T, db *database, name func(string, string) (string, string, bool)) *planv1.Design {
	design, err := db.Design(t.Context(), engine.DesignRequest{Source: shopOfMySQL(), Name: name, Stage: "abc123"})
	require.NoError(t, err)
	loadShop(t, db, stagedMigration, design)
	return design
}

// visible is what other sessions find of the shop, and of what is around it.
const visible = `SELECT COALESCE(string_agg(n.nspname || '.' || c.relname, ' ' ORDER BY c.relname), '') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind IN ('r', 'S') AND n.nspname !~ '^(pg_|information_schema|drover$|_drover_)'`

// watch polls until the test is over and gives what it saw.
func watch(t *testing.T, url string) (stop func() []string) {
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(context.Background())) })
	return enginetest.Watch(func() (now string) {
		time.Sleep(time.Millisecond)
		if err := conn.QueryRow(t.Context(), visible).Scan(&now); err != nil {
			return err.Error()
		}
		return now
	})
}

// A reader sees nothing of the shop, then everything; and it works in its place.
func TestPublish_AtOnce(t *testing.T) {
	for server, newDatabase := range map[string]func(testing.TB) string{"15": testdb.Postgres, "18": testdb.Postgres18} {
		t.Run(server, func(t *testing.T) {
			url := newDatabase(t)
			db := openDB(t, url)
			stop := watch(t, url)
			design := stagedShop(t, db, byName)
			for _, p := range design.GetTables() {
				require.Equal(t, []string{"_drover_abc123", "public"}, []string{p.GetTargetSchema(), p.GetPublishSchema()})
			}
			found, err := db.Describe(t.Context(), engine.Selection{})
			require.NoError(t, err)
			require.Empty(t, found.GetTables(), "a staging place is not the user's")
			for range 2 {
				require.NoError(t, db.Publish(t.Context(), stagedMigration, design.GetTables()))
			}
			require.Equal(t, []string{"", "public.customer public.customer_id_seq public.purchase public.purchase_id_seq"}, stop())
			testShop(t, url)
			err = db.Discard(t.Context(), stagedMigration, design.GetTables(), design.GetStatements())
			require.Equal(t, fault.Unsupported, fault.KindOf(err), "%v", err)
			require.NoError(t, db.Finish(t.Context(), stagedMigration, engine.StageComplete))
			script(t, url, "DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM pg_namespace WHERE nspname ~ '^_drover'); END $$")
		})
	}
}

// Tables of several schemas are staged and published side by side.
func TestPublish_SeveralSchemas(t *testing.T) {
	url := testdb.Postgres(t)
	db := openDB(t, url)
	long := strings.Repeat("é", 30)
	design := stagedShop(t, db, func(_, table string) (string, string, bool) {
		if table == "customer" {
			return long, "who", true
		}
		return "public", table, true
	})
	require.LessOrEqual(t, len(design.GetTables()[0].GetTargetSchema()), maxIdentifier)
	require.NoError(t, db.Publish(t.Context(), stagedMigration, design.GetTables()))
	script(t, url, "SET search_path = public, "+ident(long)+"; INSERT INTO who (email) VALUES ('p@q'); INSERT INTO purchase (customer) VALUES (6)")
}

// A table that somebody else made since stops the publication, and nothing moves.
func TestPublish_Exists(t *testing.T) {
	url := testdb.Postgres(t)
	db := openDB(t, url)
	design := stagedShop(t, db, byName)
	script(t, url, "CREATE TABLE public.purchase (theirs int)")
	err := db.Publish(t.Context(), stagedMigration, design.GetTables())
	require.Equal(t, fault.Exists, fault.KindOf(err), "%v", err)
	require.Contains(t, err.Error(), "public.purchase")
	again, err := db.Design(t.Context(), engine.DesignRequest{Source: shopOfMySQL(), Name: byName})
	require.NoError(t, err)
	require.Equal(t, "public", again.GetTables()[0].GetTargetSchema(), "not the ledger's schema, which the test's role has in its search path")
	script(t, url, "DO $$ BEGIN ASSERT to_regclass('public.customer') IS NULL; END $$", "DROP TABLE public.purchase")
	require.NoError(t, db.Publish(t.Context(), stagedMigration, design.GetTables()))
}

// What is discarded leaves the target as it was.
func TestDiscard_LeavesNothing(t *testing.T) {
	source := richSource(t, testdb.Postgres)
	url := testdb.Postgres(t)
	script(t, url, "CREATE SCHEMA shop; CREATE TABLE shop.theirs (i int)")
	db := openDB(t, url)
	found, err := source.Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	design, err := db.Design(t.Context(), engine.DesignRequest{Source: found, Name: byName, Stage: "rich"})
	require.NoError(t, err)
	m := engine.Migration{UID: "01DISCARD", Name: "discard", Term: 1}
	require.NoError(t, db.Prepare(t.Context(), engine.PrepareRequest{Migration: m, TargetIdentity: design.GetIdentity(), Statements: design.GetStatements()}))
	for _, p := range design.GetTables() {
		require.False(t, blocked(p), "%v", p.GetFindings())
		require.NoError(t, db.Apply(t.Context(), m, p, planv1.Step_STEP_CREATE))
	}
	script(t, url, "ALTER TABLE shop.theirs ADD COLUMN m shop.mood")
	for range 2 {
		require.NoError(t, db.Discard(t.Context(), m, design.GetTables(), design.GetStatements()))
	}
	var left string
	require.NoError(t, db.pool.QueryRow(t.Context(), `SELECT string_agg(name, ' ' ORDER BY name) FROM (
		SELECT nspname::text FROM pg_namespace WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'public')
		UNION ALL SELECT t.oid::regtype::text FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = 'shop' AND t.typtype IN ('e', 'd')) s (name)`).Scan(&left))
	require.Equal(t, "shop shop.mood", left, "what was there, and the type that their table uses now")
	require.Error(t, db.Apply(t.Context(), m, design.GetTables()[0], planv1.Step_STEP_CREATE), "a worker that comes late makes nothing")
}

// A table that is there already cannot be published over.
func TestDesign_StageOverExisting(t *testing.T) {
	url := testdb.Postgres(t)
	script(t, url, "CREATE TABLE purchase (i int)")
	design, err := openDB(t, url).Design(t.Context(), engine.DesignRequest{Source: shopOfMySQL(), Name: byName, Stage: "x", Existing: planv1.Existing_EXISTING_TRUNCATE})
	require.NoError(t, err)
	require.False(t, blocked(design.GetTables()[0]))
	require.Equal(t, codeTargetExists, design.GetTables()[1].GetFindings()[0].GetCode())
}
