package sqlite

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

func TestParseURL(t *testing.T) {
	wd, err := os.Getwd()
	require.NoError(t, err)
	for raw, want := range map[string]string{
		"sqlite:///a/b.db":         "/a/b.db",
		"sqlite:/a/b.db":           "/a/b.db",
		"sqlite:///a/b%20c%3F%23":  "/a/b c?#",
		"sqlite:shop.db":           filepath.Join(wd, "shop.db"),
		"sqlite:dir/../shop%25.db": filepath.Join(wd, "shop%.db"),
	} {
		got, err := parseURL(raw)
		require.NoError(t, err, raw)
		require.Equal(t, want, got)
	}
	for _, raw := range []string{"sqlite://", "sqlite:///", "sqlite:", "sqlite://host/a.db", "sqlite:///a.db?mode=rw", "sqlite:///a#b", "sqlite::memory:",
		"sqlite:///a%zz", "sqlite:///dir/", "sqlite:///a%00b"} {
		_, err := parseURL(raw)
		require.Equal(t, fault.Invalid, fault.KindOf(err), "%s: %v", raw, err)
	}
}

func TestOpen_Refuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	require.NoError(t, os.WriteFile(text, []byte("not a database, however long the text may be for a header of one hundred bytes and some more"), 0o600))
	for name, c := range map[string]struct {
		path   string
		target bool
		kind   fault.Kind
	}{
		"MissingSource": {filepath.Join(dir, "missing.db"), false, fault.NotFound},
		"MissingFolder": {filepath.Join(dir, "no", "target.db"), true, fault.NotFound},
		"Folder":        {dir, false, fault.Invalid},
		"Text":          {text, false, fault.Invalid},
		"TextAsTarget":  {text, true, fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			config := configOf(c.path)
			config.Create = c.target
			_, err := New().Open(t.Context(), config)
			require.Equal(t, c.kind, fault.KindOf(err), "%v", err)
			require.ErrorContains(t, err, filepath.Base(c.path))
		})
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing was made")
}

// A target's file is made by Prepare and by nothing before it.
func TestOpen_TargetAppearsWithPrepare(t *testing.T) {
	target := filepath.Join(t.TempDir(), "target.db")
	m := newMove(t, newFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY)"), target, planv1.Existing_EXISTING_FAIL, nil)
	p := m.plan("t")
	require.Equal(t, fault.NotFound, fault.KindOf(m.apply(p, planv1.Step_STEP_CREATE)))
	err := m.target.Read(t.Context(), engine.ReadRequest{Side: engine.TargetSide, Plan: p}, func(engine.Row) error { return nil })
	require.Equal(t, fault.NotFound, fault.KindOf(err), "%v", err)
	require.NoFileExists(t, target)
	m.all()
	require.FileExists(t, target)
}

// A finished target is one plain file in the journal mode it had before.
func TestFinish_LeavesOneFile(t *testing.T) {
	source := newFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)")
	for mode, want := range map[string]string{"delete": "delete", "wal": "wal"} {
		target := newFile(t, "PRAGMA journal_mode = "+mode, "CREATE TABLE other (a)")
		m := newMove(t, source, target, planv1.Existing_EXISTING_FAIL, nil)
		m.all()
		require.NoError(t, m.target.Close())
		entries, err := os.ReadDir(filepath.Dir(target))
		require.NoError(t, err)
		require.Len(t, entries, 1)
		require.Equal(t, []string{want}, query(t, target, "PRAGMA journal_mode"))
		require.Equal(t, []string{"ok"}, query(t, target, "PRAGMA integrity_check"))
	}
}

// A source is not written to, not even where it holds a log that could be moved
// into it.
func TestSource_IsLeftAlone(t *testing.T) {
	path := newFile(t, "PRAGMA journal_mode = WAL", "CREATE TABLE t (id INTEGER PRIMARY KEY)")
	writer := openFile(t, path)
	defer func() { require.NoError(t, writer.Close()) }()
	_, err := writer.ExecContext(t.Context(), "INSERT INTO t VALUES (1)")
	require.NoError(t, err)
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	db := open(t, path, false)
	d, err := db.Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	require.EqualValues(t, 1, d.GetTables()[0].GetEstimatedRows(), "the log is read")
	pool, err := db.reading()
	require.NoError(t, err)
	_, err = pool.ExecContext(t.Context(), "INSERT INTO t VALUES (2)")
	require.Equal(t, fault.Denied, fault.KindOf(classify("test", err)), "%v", err)
	require.NoError(t, db.Close())
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, before, after)
}
