package sqlite

import (
	"bytes"
	"context"
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
