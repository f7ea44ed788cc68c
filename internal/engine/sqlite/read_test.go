package sqlite

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// What a column holds beside its type is refused, by name of row and column.
func TestRead_RefusesOtherStorageClasses(t *testing.T) {
	for name, c := range map[string]struct{ declared, good, bad, says string }{
		"TextInInteger":     {"INTEGER", "1", "'abc'", "text"},
		"RealInInteger":     {"INTEGER", "1", "1.5", "real"},
		"BlobInInteger":     {"BIGINT", "1", "x'00'", "blob"},
		"BlobInText":        {"TEXT", "'a'", "x'6162'", "blob"},
		"InvalidUTF8":       {"VARCHAR(10)", "'a'", "CAST(x'61ff' AS TEXT)", "UTF-8"},
		"TextInReal":        {"REAL", "1.5", "'much'", "text"},
		"TextInBlob":        {"BLOB", "x'00'", "'text'", "text"},
		"TwoInBoolean":      {"BOOLEAN", "1", "2", "0 or 1"},
		"TextInBoolean":     {"BOOLEAN", "0", "'true'", "text"},
		"TextInDecimal":     {"DECIMAL(10,2)", "1.25", "'cheap'", "decimal"},
		"TooFine":           {"DECIMAL(10,2)", "1.25", "1.255", "digits"},
		"UnixTime":          {"DATETIME", "'2024-01-01 00:00:00'", "1704067200", "unixepoch"},
		"JulianDay":         {"DATE", "'2024-01-01'", "2460310.5", "unixepoch"},
		"NoSuchDay":         {"DATE", "'2024-02-29'", "'2023-02-29'", "2023-02-29"},
		"ZonedWallTime":     {"TIMESTAMP", "'2024-01-01T00:00'", "'2024-01-01T00:00:00Z'", "timestamp"},
		"NoUUID":            {"UUID", "'01234567-89ab-cdef-0123-456789abcdef'", "'nobody'", "UUID"},
		"IntegerAmongTexts": {"", "'a'", "7", "integer"},
	} {
		t.Run(name, func(t *testing.T) {
			path := newFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY, c "+c.declared+")", "INSERT INTO t VALUES (1, "+c.good+"), (42, "+c.bad+"), (43, "+c.good+")")
			m := newMove(t, path, t.TempDir()+"/target.db", planv1.Existing_EXISTING_FAIL, asForeign)
			rows := 0
			err := m.source.Read(t.Context(), engine.ReadRequest{Plan: m.plan("t")}, func(engine.Row) error { rows++; return nil })
			require.Equal(t, fault.Value, fault.KindOf(err), "%v", err)
			require.Equal(t, 1, rows)
			f := fault.Find(err)
			require.Equal(t, "id=42", f.Key)
			require.Equal(t, "c", f.Column)
			require.ErrorContains(t, err, c.says)
		})
	}
}

// Between SQLite files everything goes, in its own storage class.
func TestRead_SameEngineKeepsStorageClasses(t *testing.T) {
	path := newFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, s TEXT, d DATETIME, b BOOLEAN, x, r REAL, f FLOAT)",
		"INSERT INTO t VALUES (1, 'abc', x'6162', 1704067200, 2, -0.0, 9e999, 'NaN')",
		"INSERT INTO t VALUES (2, 1.5, CAST(x'61ff00' AS TEXT), 2460310.5, 'true', '', x'', -5e-324)",
		"INSERT INTO t VALUES (3, -9223372036854775808, '', '2024-01-01T00:00Z', NULL, x'', 3, 1e15)")
	m := newMove(t, path, t.TempDir()+"/target.db", planv1.Existing_EXISTING_FAIL, nil)
	m.all()
	const all = `SELECT id || '|' || group_concat(typeof(v) || ':' || quote(v), '|') FROM (
		SELECT id, n AS v FROM t UNION ALL SELECT id, s FROM t UNION ALL SELECT id, d FROM t UNION ALL SELECT id, b FROM t UNION ALL
		SELECT id, x FROM t UNION ALL SELECT id, r FROM t UNION ALL SELECT id, f FROM t) GROUP BY id`
	require.Equal(t, query(t, path, all), query(t, m.target.path, all))
}

// The driver would make times of these columns; drover reads what is stored.
func TestRead_DriverConvertsNothing(t *testing.T) {
	path := newFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY, a DATE, b DATETIME, c TIMESTAMP, d TIME, e BOOLEAN)",
		"INSERT INTO t VALUES (1, '0001-01-01', '9999-12-31 23:59:59.999999', '2024-01-01T10:00', '00:00:00.5', 1)")
	m := newMove(t, path, t.TempDir()+"/target.db", planv1.Existing_EXISTING_FAIL, asForeign)
	b, err := m.batch(m.plan("t"))
	require.NoError(t, err)
	fields := make([][]byte, 6)
	_, _, err = batch.Fields(b.Encoding, b.Body, fields)
	require.NoError(t, err)
	for i, want := range []string{"1", "0001-01-01", "9999-12-31 23:59:59.999999", "2024-01-01 10:00:00", "00:00:00.5", "true"} {
		require.Equal(t, want, canon.String(m.plan("t").GetColumns()[i].GetKind(), fields[i]))
	}
}

func TestRead_ChangedTable(t *testing.T) {
	path := newFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
	m := newMove(t, path, t.TempDir()+"/target.db", planv1.Existing_EXISTING_FAIL, nil)
	script(t, path, "ALTER TABLE t ADD COLUMN b TEXT")
	_, err := m.batch(m.plan("t"))
	require.Equal(t, fault.Changed, fault.KindOf(err), "%v", err)
	_, err = m.source.Split(t.Context(), m.plan("t"), engine.SplitOptions{TargetRows: 1})
	require.Equal(t, fault.Changed, fault.KindOf(err), "%v", err)
}
