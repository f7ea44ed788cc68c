package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// stagedMove designs a move that is published in one step, and loads it.
func stagedMove(t *testing.T, source, target string) *move {
	t.Helper()
	m := newMove(t, source, target, planv1.Existing_EXISTING_FAIL, nil)
	m.stage()
	m.loadAll()
	return m
}

func (m *move) stage() {
	m.t.Helper()
	var err error
	m.design, err = m.target.Design(m.t.Context(), engine.DesignRequest{Source: m.described, Existing: planv1.Existing_EXISTING_FAIL, Name: keepNames, Stage: "drover_stage_x"})
	require.NoError(m.t, err)
	for _, p := range m.design.GetTables() {
		require.Empty(m.t, codes(p, planv1.Severity_SEVERITY_ERROR))
	}
}

// loadAll does everything but the last step.
func (m *move) loadAll() {
	m.t.Helper()
	m.prepare()
	for _, p := range m.design.GetTables() {
		for _, step := range []planv1.Step{planv1.Step_STEP_CREATE, planv1.Step_STEP_KEY} {
			require.NoError(m.t, m.apply(p, step))
		}
		require.NoError(m.t, m.load(p))
	}
	for _, step := range []planv1.Step{planv1.Step_STEP_INDEXES, planv1.Step_STEP_FOREIGN_KEYS, planv1.Step_STEP_SEQUENCES} {
		for _, p := range m.design.GetTables() {
			require.NoError(m.t, m.apply(p, step), "%s %s", step, p.GetPublishName())
		}
	}
}

func (m *move) publish() error {
	return m.target.Publish(m.t.Context(), m.migration, m.design.GetTables())
}

func (m *move) discard() error {
	return m.target.Discard(m.t.Context(), m.migration, m.design.GetTables(), m.design.GetStatements())
}

const userTables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_drover\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"

// What a table of SQLite can have, it has under its final name too, and nothing of
// the file remembers the staged one.
func TestPublish_KeepsEverything(t *testing.T) {
	target := newFile(t, `PRAGMA foreign_keys = 0; CREATE VIEW broken AS SELECT * FROM person WHERE age > 3; CREATE TABLE log (at);
		CREATE TRIGGER dangling AFTER INSERT ON log BEGIN INSERT INTO tidy VALUES (1, 2, 3); END;
		CREATE TABLE orphan (stay REFERENCES stay (night)); INSERT INTO orphan VALUES ('x')`)
	before := query(t, target, "SELECT name || coalesce(sql, '') FROM sqlite_schema ORDER BY 1")
	m := stagedMove(t, newFile(t, richDDL, `CREATE TABLE node (id INTEGER PRIMARY KEY, up REFERENCES node, twice AS (id * 2), CHECK (node.id > 0));
		INSERT INTO node VALUES (1, NULL), (2, 1); CREATE INDEX node_up ON node (up) WHERE up > 0`), target)
	require.Equal(t, []string{"log", "orphan"}, query(t, target, userTables))
	require.NoError(t, m.publish())
	require.NoError(t, m.target.Finish(t.Context(), m.migration, engine.StageComplete))
	require.Equal(t, []string{"log", "node", "orphan", "person", "stay", "tidy"}, query(t, target, userTables))
	for _, text := range before {
		require.Contains(t, query(t, target, "SELECT name || coalesce(sql, '') FROM sqlite_schema"), text)
	}
	require.Empty(t, query(t, target, "SELECT name FROM sqlite_schema WHERE name || tbl_name || coalesce(sql, '') LIKE '%stage_x%'"))
	require.Empty(t, query(t, target, "SELECT name FROM sqlite_sequence WHERE name LIKE '%stage_x%'"))
	require.Equal(t, []string{"ok"}, query(t, target, "PRAGMA integrity_check"))
	require.Empty(t, query(t, target, `SELECT "table" FROM pragma_foreign_key_check('stay') UNION ALL SELECT "table" FROM pragma_foreign_key_check('node')`))
	db := openFile(t, target)
	defer func() { require.NoError(t, db.Close()) }()
	for _, c := range []struct{ sql, fails string }{
		{"INSERT INTO person (email, age) VALUES ('c@x', 44)", ""},
		{"INSERT INTO person (email, age) VALUES ('d@x', 3)", "grown"},
		{"INSERT INTO stay VALUES (77, 'sunday', 1)", "FOREIGN KEY"},
		{"INSERT INTO stay VALUES (10, 'sunday', 1)", ""},
		{"INSERT INTO node (id, up) VALUES (0, NULL)", "CHECK"},
		{"INSERT INTO node (id, up) VALUES (3, 9)", "FOREIGN KEY"},
		{"INSERT INTO node (id, up) VALUES (3, 2)", ""},
	} {
		_, err := db.ExecContext(t.Context(), c.sql)
		if c.fails == "" {
			require.NoError(t, err, c.sql)
		} else {
			require.ErrorContains(t, err, c.fails, c.sql)
		}
	}
	require.Equal(t, []string{"10|88"}, query(t, target, "SELECT id || '|' || twice FROM person WHERE email = 'c@x'"), "AUTOINCREMENT goes on")
	require.Equal(t, []string{"6"}, query(t, target, "SELECT twice FROM node WHERE id = 3"))
}

// A reader of the file sees no table, then all of them, with all rows.
func TestPublish_ReadersSeeOneStep(t *testing.T) {
	target := newFile(t, "CREATE TABLE old (a); INSERT INTO old VALUES (1)")
	m := stagedMove(t, newFile(t, richDDL), target)
	seen := map[string]bool{}
	ctx, stop := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Add(1)
	started := make(chan struct{})
	go func() {
		defer watching.Done()
		db := openFile(t, target)
		defer db.Close()
		for n := 0; ctx.Err() == nil; n++ {
			var tables string
			if err := db.QueryRow("SELECT coalesce(group_concat(name), '') FROM (" + userTables + ")").Scan(&tables); err == nil {
				seen[tables] = true
			}
			if n == 3 {
				close(started)
			}
		}
	}()
	<-started
	require.NoError(t, m.publish())
	require.Equal(t, []string{"old", "person", "stay", "tidy"}, query(t, target, userTables))
	stop()
	watching.Wait()
	delete(seen, "old")
	delete(seen, "old,person,stay,tidy")
	require.Empty(t, seen)
}

// A table whose parent stays behind cannot be published without it.
func TestPublish_RefusesHalfAReference(t *testing.T) {
	target := filepath.Join(t.TempDir(), "target.db")
	m := stagedMove(t, newFile(t, richDDL), target)
	without := slices.DeleteFunc(slices.Clone(m.design.GetTables()), func(p *planv1.TablePlan) bool { return p.GetPublishName() == "person" })
	err := m.target.Publish(t.Context(), m.migration, without)
	require.Equal(t, fault.Unsupported, fault.KindOf(err), "%v", err)
	require.ErrorContains(t, err, "stay refers to person")
	require.Empty(t, query(t, target, userTables))
	require.NoError(t, m.publish())
}

// A view that took a table's name stops all of them.
func TestPublish_NameTakenByView(t *testing.T) {
	target := newFile(t, "CREATE TABLE old (a)")
	m := stagedMove(t, newFile(t, richDDL), target)
	script(t, target, "CREATE VIEW Tidy AS SELECT * FROM old")
	err := m.publish()
	require.Equal(t, fault.Exists, fault.KindOf(err), "%v", err)
	require.Equal(t, []string{"old"}, query(t, target, userTables))
	script(t, target, "DROP VIEW tidy")
	require.NoError(t, m.publish())
}

// A file that drover made goes with what was in it; one that was there, or that
// somebody has used since, stays as it was.
func TestDiscard_File(t *testing.T) {
	folder := t.TempDir()
	target := filepath.Join(folder, "target.db")
	source := newFile(t, richDDL)
	m := stagedMove(t, source, target)
	require.NoError(t, m.discard())
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, left)
	require.NoError(t, m.discard())
	_, err = m.target.Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)

	m.migration.UID = "second"
	m.stage()
	m.loadAll()
	script(t, target, "CREATE TABLE mine (a); INSERT INTO mine VALUES (1)")
	require.NoError(t, m.discard())
	require.Equal(t, []string{"mine"}, query(t, target, userTables))

	there := newFile(t, "PRAGMA journal_mode = TRUNCATE; CREATE TABLE old (a)")
	m = stagedMove(t, source, there)
	require.NoError(t, m.discard())
	require.Equal(t, []string{"old"}, query(t, there, userTables))
	require.Empty(t, query(t, there, "SELECT name FROM sqlite_schema WHERE name LIKE '%stage%'"))
}

// A loader that is connected to a file that was discarded does not write into what
// is no file any more, nor into the one that took its name.
func TestDiscard_StaleLoader(t *testing.T) {
	target := filepath.Join(t.TempDir(), "target.db")
	source := newFile(t, richDDL)
	m := newMove(t, source, target, planv1.Existing_EXISTING_FAIL, nil)
	m.stage()
	m.prepare()
	other := open(t, target, true)
	p := m.plan("tidy")
	require.NoError(t, m.apply(p, planv1.Step_STEP_CREATE))
	b, err := m.batch(p)
	require.NoError(t, err)
	r := engine.RangeRequest{Migration: m.migration, Plan: p, Range: &planv1.Range{Number: 1}, Attempt: 3, Epoch: 3}
	w, err := other.OpenRange(t.Context(), r)
	require.NoError(t, err)
	require.NoError(t, other.Close())
	require.NoError(t, m.discard())
	require.NoFileExists(t, target)
	_, err = w.Write(t.Context(), b)
	require.Equal(t, fault.NotFound, fault.KindOf(err), "%v", err)

	again := newMove(t, source, target, planv1.Existing_EXISTING_FAIL, nil)
	again.migration.UID = "again"
	again.stage()
	again.loadAll()
	_, err = w.Write(t.Context(), b)
	require.Equal(t, fault.Fenced, fault.KindOf(err), "%v", err)
	require.NoError(t, again.publish())
	require.Equal(t, []string{"2"}, query(t, target, "SELECT count(*) FROM tidy"))
}

// The ledger of an earlier version gets what it lacks.
func TestPrepare_LedgerOfBefore(t *testing.T) {
	target := newFile(t, `CREATE TABLE _drover_migration (uid TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, term INTEGER NOT NULL, stage TEXT NOT NULL,
		source_identity TEXT NOT NULL, target_identity TEXT NOT NULL, journal_mode TEXT NOT NULL) WITHOUT ROWID;
		INSERT INTO _drover_migration VALUES ('old', 'old', 1, 'COMPLETE', 's', 't', 'delete');
		CREATE TABLE _drover_table (migration TEXT NOT NULL, table_number INTEGER NOT NULL, prepared INTEGER NOT NULL DEFAULT 0, epoch INTEGER NOT NULL DEFAULT 0,
		PRIMARY KEY (migration, table_number)) WITHOUT ROWID;
		CREATE TABLE _drover_range (migration TEXT NOT NULL, table_number INTEGER NOT NULL, range_number INTEGER NOT NULL, attempt INTEGER NOT NULL DEFAULT 0,
		epoch INTEGER NOT NULL DEFAULT 0, next_sequence INTEGER NOT NULL DEFAULT 0, last_key BLOB, rows INTEGER NOT NULL DEFAULT 0, sum BLOB NOT NULL DEFAULT x'',
		state TEXT NOT NULL DEFAULT 'NEW', PRIMARY KEY (migration, table_number, range_number)) WITHOUT ROWID`)
	m := newMove(t, newFile(t, richDDL), target, planv1.Existing_EXISTING_FAIL, nil)
	m.all()
	require.Equal(t, []string{"m COMPLETE", "old COMPLETE"}, query(t, target, "SELECT uid || ' ' || stage FROM _drover_migration ORDER BY 1"))
}
