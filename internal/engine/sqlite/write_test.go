package sqlite

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

// typedBatch is a batch for a table of an id and one column.
func typedBatch(values ...[]byte) engine.Batch {
	b := engine.Batch{Encoding: planv1.Encoding_ENCODING_CANONICAL}
	for i, v := range values {
		id := canon.AppendInt(nil, int64(i+1))
		row := batch.AppendValue(nil, id)
		if v == nil {
			row = batch.AppendNull(row)
		} else {
			row = batch.AppendValue(row, v)
		}
		b.Body = append(b.Body, row...)
		b.Digest.Add(row)
		b.LastKey = keyrange.Of(id)
	}
	return b
}

// typedTarget is a fresh target of an id and one column of a kind.
func typedTarget(t *testing.T, kind planv1.Kind, nullable bool, existing ...string) (*move, engine.RangeWriter) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "target.db")
	if len(existing) > 0 {
		path = newFile(t, existing...)
	}
	m := newMove(t, newFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY, c)"), path, planv1.Existing_EXISTING_FAIL, func(d *planv1.Database) {
		d.Engine = "other"
		d.Tables[0].Columns[1].Kind, d.Tables[0].Columns[1].Nullable = kind, nullable
	})
	m.prepare()
	require.Empty(t, codes(m.plan("t"), planv1.Severity_SEVERITY_ERROR))
	require.NoError(t, m.apply(m.plan("t"), planv1.Step_STEP_CREATE))
	return m, m.openRange(m.plan("t"), 10)
}

// What SQLite would change on its way in is refused, by name of row and column,
// and leaves nothing behind.
func TestWrite_RefusesWhatWouldChange(t *testing.T) {
	for name, c := range map[string]struct {
		kind      planv1.Kind
		good, bad []byte
		says      string
		existing  []string
	}{
		"NaN":          {canon.Float64, canon.AppendFloat64(nil, 1), canon.AppendFloat64(nil, math.NaN()), "NaN", nil},
		"NegativeZero": {canon.Float32, canon.AppendFloat32(nil, 1), canon.AppendFloat32(nil, float32(math.Copysign(0, -1))), "-0.0", nil},
		"LongDecimal":  {canon.Decimal, []byte("1.5"), []byte("12345678901234567890.5"), "digits", []string{"CREATE TABLE t (id INTEGER PRIMARY KEY, c NUMERIC)"}},
		"NaNDecimal":   {canon.Decimal, []byte("1.5"), []byte("NaN"), "digits", []string{"CREATE TABLE t (id INTEGER PRIMARY KEY, c NUMERIC)"}},
		"LargeUint":    {canon.Uint, canon.AppendUint(nil, 1), canon.AppendUint(nil, math.MaxUint64), "64-bit", []string{"CREATE TABLE t (id INTEGER PRIMARY KEY, c NUMERIC)"}},
		"BrokenDate":   {canon.Date, canon.AppendDate(nil, 1), []byte{1}, "bytes", nil},
	} {
		t.Run(name, func(t *testing.T) {
			m, w := typedTarget(t, c.kind, true, c.existing...)
			_, err := w.Write(t.Context(), typedBatch(c.good, c.bad, c.good))
			require.Equal(t, fault.Value, fault.KindOf(err), "%v", err)
			require.Equal(t, "id=2", fault.Find(err).Key)
			require.Equal(t, "c", fault.Find(err).Column)
			require.ErrorContains(t, err, c.says)
			require.Equal(t, []string{"0"}, query(t, m.target.path, "SELECT count(*) FROM t"))
			outcome, err := w.Write(t.Context(), typedBatch(c.good, nil))
			require.NoError(t, err)
			require.Equal(t, engine.Written, outcome)
		})
	}
}

// A column of numeric affinity turns text that reads as a number into one. No
// form that drover stores in such a column does.
func TestWrite_NumericAffinityLeavesFormsAlone(t *testing.T) {
	for kind, forms := range map[planv1.Kind][]string{
		canon.Date:      {"2024-01-01", "0001-01-01", "9999-12-31", "10000-01-01", "0044-03-15 BC", "infinity", "-infinity"},
		canon.Timestamp: {"2024-01-01 00:00:00", "2024-01-01 00:00:00.5", "0044-03-15 12:00:00 BC", "infinity"},
		canon.Time:      {"00:00:00", "-838:59:59", "24:00:00", "12:00:00.000001"},
		canon.UUID:      {"00000000-0000-0000-0000-000000000000", "12345678-1234-1234-1234-123456789012", "1e000000-0000-0000-0000-000000000000"},
	} {
		var values [][]byte
		for _, form := range forms {
			v, err := canon.Parse(kind, form)
			require.NoError(t, err)
			values = append(values, v)
		}
		m, w := typedTarget(t, kind, false)
		require.Equal(t, affinityNumeric, affinityOf(kindTypes[kind]))
		_, err := w.Write(t.Context(), typedBatch(values...))
		require.NoError(t, err)
		require.Equal(t, forms, query(t, m.target.path, "SELECT +c FROM t WHERE typeof(c) = 'text' ORDER BY id"))
	}
}

// A row that a constraint refuses is named, whatever the constraint would have
// done with it.
func TestWrite_ConstraintsNameTheRow(t *testing.T) {
	for name, c := range map[string]struct{ ddl, says string }{
		"Unique":         {"CREATE TABLE t (id INTEGER PRIMARY KEY, c TEXT UNIQUE)", "UNIQUE"},
		"UniqueIgnores":  {"CREATE TABLE t (id INTEGER PRIMARY KEY, c TEXT UNIQUE ON CONFLICT IGNORE)", "UNIQUE"},
		"UniqueReplaces": {"CREATE TABLE t (id INTEGER PRIMARY KEY, c TEXT UNIQUE ON CONFLICT REPLACE)", "UNIQUE"},
		"Check":          {"CREATE TABLE t (id INTEGER PRIMARY KEY, c TEXT CHECK (id <> 2))", "CHECK"},
	} {
		t.Run(name, func(t *testing.T) {
			m, w := typedTarget(t, canon.Text, true, c.ddl)
			_, err := w.Write(t.Context(), typedBatch([]byte("a"), []byte("a"), []byte("b")))
			require.Equal(t, fault.Value, fault.KindOf(err), "%v", err)
			require.Equal(t, "id=2", fault.Find(err).Key)
			require.ErrorContains(t, err, c.says)
			require.Equal(t, []string{"0"}, query(t, m.target.path, "SELECT count(*) FROM t"))
		})
	}
}

// A trigger that swallows rows is found out.
func TestWrite_TriggerThatIgnores(t *testing.T) {
	m, w := typedTarget(t, canon.Text, true, "CREATE TABLE t (id INTEGER PRIMARY KEY, c TEXT)",
		"CREATE TRIGGER x BEFORE INSERT ON t WHEN new.id = 2 BEGIN SELECT raise(IGNORE); END")
	_, err := w.Write(t.Context(), typedBatch([]byte("a"), []byte("a"), []byte("b")))
	require.Equal(t, fault.Value, fault.KindOf(err), "%v", err)
	require.ErrorContains(t, err, "2 of 3 rows")
	require.Equal(t, []string{"0"}, query(t, m.target.path, "SELECT count(*) FROM t"))
}

// limit sets a limit on the connection that writes.
func limit(t *testing.T, d *database, pragma string) {
	t.Helper()
	pool, err := d.writing()
	require.NoError(t, err)
	_, err = pool.ExecContext(t.Context(), "PRAGMA "+pragma)
	require.NoError(t, err)
}

func TestWrite_FullDisk(t *testing.T) {
	m, w := typedTarget(t, canon.Text, true)
	limit(t, m.target, "max_page_count = 12")
	big := typedBatch([]byte(strings.Repeat("x", 200_000)))
	_, err := w.Write(t.Context(), big)
	require.Equal(t, fault.Exhausted, fault.KindOf(err), "%v", err)
	require.True(t, fault.Retryable(err))
	limit(t, m.target, "max_page_count = 100000")
	outcome, err := w.Write(t.Context(), big)
	require.NoError(t, err)
	require.Equal(t, engine.Written, outcome)
}

func TestWrite_Locked(t *testing.T) {
	m, w := typedTarget(t, canon.Text, true)
	limit(t, m.target, "busy_timeout = 20")
	other := openFile(t, m.target.path)
	defer func() { require.NoError(t, other.Close()) }()
	other.SetMaxOpenConns(1)
	_, err := other.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	require.NoError(t, err)
	_, err = w.Write(t.Context(), typedBatch([]byte("a")))
	require.Equal(t, fault.Conflict, fault.KindOf(err), "%v", err)
	_, err = other.ExecContext(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	_, err = w.Write(t.Context(), typedBatch([]byte("a")))
	require.NoError(t, err)
}

func TestRead_DamagedFile(t *testing.T) {
	path := newFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY, c TEXT)", "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 500) INSERT INTO t SELECT n, hex(zeroblob(100)) FROM n")
	m := newMove(t, path, filepath.Join(t.TempDir(), "target.db"), planv1.Existing_EXISTING_FAIL, nil)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte(strings.Repeat("\xff", 4096)), 3*4096)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	_, err = m.batch(m.plan("t"))
	require.Equal(t, fault.Invalid, fault.KindOf(err), "%v", err)
	require.False(t, fault.Retryable(err))
}

// What was in a table before is never deleted for doing a range again.
func TestAppend_ResetSparesOldRows(t *testing.T) {
	m := newMove(t, newFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (2), (3)"),
		newFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1)"), planv1.Existing_EXISTING_APPEND, nil)
	m.prepare()
	p := m.plan("t")
	require.NoError(t, m.apply(p, planv1.Step_STEP_CREATE))
	b, err := m.batch(p)
	require.NoError(t, err)
	w := m.openRange(p, 10)
	_, err = w.Write(t.Context(), b)
	require.NoError(t, err)
	_, err = m.target.OpenRange(t.Context(), engine.RangeRequest{Migration: m.migration, Plan: p, Range: &planv1.Range{Number: 1}, Attempt: 11, Epoch: 11, Reset: true})
	require.Equal(t, fault.Unsupported, fault.KindOf(err), "%v", err)
	require.Equal(t, fault.Unsupported, fault.KindOf(m.target.Empty(t.Context(), m.migration, p, 12)))
	bounds := &planv1.Range{Number: 1, Lower: keyrange.Of(canon.AppendInt(nil, 2))}
	_, err = m.target.OpenRange(t.Context(), engine.RangeRequest{Migration: m.migration, Plan: p, Range: bounds, Attempt: 13, Epoch: 13, Reset: true})
	require.NoError(t, err, "all rows within the bounds are drover's")
	require.Equal(t, []string{"1"}, query(t, m.target.path, "SELECT id FROM t"))
}
