package sqlite

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
)

// readWide reads a table in pieces and puts its rows together again; most is the longest
// piece.
func readWide(t *testing.T, db engine.Database, p *planv1.TablePlan, r engine.ReadRequest) (rows [][]byte, most int) {
	t.Helper()
	r.Plan, r.Side = p, engine.SourceSide
	var row []byte
	require.NoError(t, db.Read(t.Context(), r, func(got engine.Row) error {
		row, most = append(row, got.Data...), max(most, len(got.Data))
		if got.More {
			return nil
		}
		_, err := got.Key()
		rows, row = append(rows, row), nil
		return err
	}))
	return rows, most
}

// Large values come as blobs do, whatever kind of table they are in and wherever they
// stand, and are what they are where they are held.
func TestRead_LargeValuesAsBlobs(t *testing.T) {
	const fill = ` VALUES (1, 'small', 1, x'00'), (2, replace(printf('%.*c', 150000, 'x'), 'x', 'ä€'), 2, NULL), (3, NULL, 3, randomblob(700000)), (4, 'small', 4, x'01'),
		(5, replace(printf('%.*c', 100000, 'x'), 'x', 'y€'), NULL, randomblob(900000)), (6, '', 6, x'')`
	for name, create := range map[string]string{
		"IntegerKey":   `CREATE TABLE t (id INTEGER PRIMARY KEY, "a ""note" TEXT, n INTEGER, body BLOB)`,
		"TextKey":      `CREATE TABLE t (id TEXT PRIMARY KEY NOT NULL, "a ""note" TEXT, n INTEGER, body BLOB)`,
		"NoKey":        `CREATE TABLE t (id INTEGER, "a ""note" TEXT, n INTEGER, body BLOB)`,
		"WithoutRowid": `CREATE TABLE t (id INTEGER PRIMARY KEY, "a ""note" TEXT, n INTEGER, body BLOB) WITHOUT ROWID`,
		"UTF16":        `PRAGMA encoding = 'UTF-16'; CREATE TABLE t (id INTEGER PRIMARY KEY, "a ""note" TEXT, n INTEGER, body BLOB)`,
		"AnyType":      `CREATE TABLE t (id INTEGER PRIMARY KEY, "a ""note", n, body)`,
	} {
		t.Run(name, func(t *testing.T) {
			file := newFile(t, create+"; INSERT INTO t"+fill)
			db, p := open(t, file, false), newMove(t, file, newFile(t), planv1.Existing_EXISTING_FAIL, nil).plan("t")
			want, _ := readWide(t, db, p, engine.ReadRequest{})
			require.Len(t, want, 6)
			got, most := readWide(t, db, p, engine.ReadRequest{Pieces: 100_000})
			require.True(t, equalRows(want, got))
			require.LessOrEqual(t, most, batch.PieceBytes+1000)
		})
	}
}

func equalRows(a, b [][]byte) bool {
	return bytes.Equal(bytes.Join(a, nil), bytes.Join(b, nil)) && len(a) == len(b)
}

// The driver lets SQLite's connection be found: without it large values are held, and
// nothing else would tell.
func TestBlobs_AreThere(t *testing.T) {
	db := open(t, newFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY, note TEXT); INSERT INTO t VALUES (7, 'text')"), false)
	pool, err := db.reading()
	require.NoError(t, err)
	conn, err := pool.Conn(context.Background())
	require.NoError(t, err)
	defer conn.Close()
	b, err := openBlobs(conn)
	require.NoError(t, err)
	require.NotNil(t, b)
	defer b.close()
	v, err := b.open("t", "note", 7)
	require.NoError(t, err)
	defer v.close()
	p := make([]byte, 3)
	var all strings.Builder
	for n, err := v.Read(p); err == nil; n, err = v.Read(p) {
		all.Write(p[:n])
	}
	require.Equal(t, "text", all.String())
	_, err = b.open("t", "note", 8)
	require.ErrorContains(t, err, "no such rowid")
}

// Blobs of large rows are written behind their row, but where something of the table
// looks at them while it is inserted; what is read back is the same.
func TestWrite_LargeBlobsBehindTheirRow(t *testing.T) {
	const fill = "; INSERT INTO t VALUES (1, x'00', 'small'), (2, randomblob(3000000), replace(printf('%.*c', 1500000, 'x'), 'x', 'é')), (3, NULL, NULL), (4, randomblob(2000000), 'small')"
	for name, c := range map[string]struct {
		create   string
		streamed bool
	}{
		"Plain":      {"CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB, note TEXT)", true},
		"NoKey":      {"CREATE TABLE t (id INTEGER, body BLOB, note TEXT)", true},
		"Indexed":    {"CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB UNIQUE, note TEXT)", false},
		"Checked":    {"CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB CHECK (hex(substr(body, 1, 4)) <> '00000000'), note TEXT)", false},
		"Generated":  {"CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB, note TEXT, start AS (substr(body, 1, 4)) STORED)", false},
		"NoRowid":    {"CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB, note TEXT) WITHOUT ROWID", false},
		"Referenced": {"CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1), (2), (3), (4); CREATE TABLE t (id INTEGER PRIMARY KEY REFERENCES p, body BLOB, note TEXT)", false},
	} {
		t.Run(name, func(t *testing.T) {
			values := fill
			if name == "Generated" {
				values = strings.Replace(fill, "INTO t", "INTO t (id, body, note)", 1)
			}
			m := newMove(t, newFile(t, c.create+values), newFile(t), planv1.Existing_EXISTING_FAIL, nil)
			m.prepare()
			for _, p := range m.design.GetTables() {
				require.NoError(t, m.apply(p, planv1.Step_STEP_CREATE))
			}
			p := m.plan("t")
			b, err := m.batch(p)
			require.NoError(t, err)
			b.Large, b.Body = io.NewSectionReader(bytes.NewReader(b.Body), 0, int64(len(b.Body))), nil
			w := m.openRange(p, 10)
			require.Equal(t, c.streamed, w.(*rangeWriter).inserter.streamable[1])
			outcome, err := w.Write(t.Context(), b)
			require.NoError(t, err)
			require.Equal(t, engine.Written, outcome)
			var there batch.Digest
			require.NoError(t, m.target.Read(t.Context(), engine.ReadRequest{Side: engine.TargetSide, Plan: p}, func(r engine.Row) error {
				there.Add(r.Data)
				return nil
			}))
			require.Equal(t, b.Digest, there)
		})
	}
}
