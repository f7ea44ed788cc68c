package rejects

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

func testFile(t *testing.T) *File {
	return &File{Dir: t.TempDir() + "/new", Migration: "shop", UID: "01M", Range: 3, Attempt: 7, Plan: &planv1.TablePlan{Number: 2, Encoding: planv1.Encoding_ENCODING_CANONICAL,
		Source: &planv1.Table{Schema: "a/b", Name: "it..em"}, TargetName: "item", Columns: []*planv1.ColumnPlan{
			{Source: "id", Target: "id", TargetType: "bigint", Kind: canon.Int}, {Source: "v", Target: "v", TargetType: "text", Kind: canon.Text}}}}
}

func refusedRow(id int64, text string) engine.Reject {
	row := batch.AppendValue(batch.AppendValue(nil, canon.AppendInt(nil, id)), []byte(text))
	return engine.Reject{Row: row, Hash: batch.HashRow(row), Err: &fault.Error{Kind: fault.Value, Key: "id=1", Err: os.ErrInvalid}}
}

func hashesOf(rows ...engine.Reject) (out batch.Hashes) {
	for _, r := range rows {
		out = append(out, r.Hash)
	}
	return out
}

// found gives the bytes of the rows that a file has of some, and how many it has not.
func found(t *testing.T, f *File, rejected batch.Hashes) (out [][]byte, missing int) {
	t.Helper()
	rows, left, err := f.Find(rejected)
	require.NoError(t, err)
	for _, r := range rows {
		require.False(t, r.IsLarge())
		row, err := r.Read()
		require.NoError(t, err)
		out = append(out, row)
	}
	return out, len(left)
}

func lines(t *testing.T, f *File) []string {
	t.Helper()
	text, err := os.ReadFile(f.Path())
	require.NoError(t, err)
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func TestFile_KeepsEachRowOnce(t *testing.T) {
	f := testFile(t)
	require.Contains(t, f.Path(), "/new/shop-01M/0002-a%2Fb.it..em.jsonl")
	a, b := refusedRow(1, "x"), refusedRow(2, "<&>\x00 ünï")
	for range 2 { // the second time after a commit that was lost
		require.NoError(t, f.Keep(nil, []engine.Reject{a, b, a}))
	}
	require.Len(t, lines(t, f), 3, "equal rows each for itself")
	require.NoError(t, f.Keep(hashesOf(a, b, a), []engine.Reject{a}))
	require.Len(t, lines(t, f), 4)
	require.Contains(t, lines(t, f)[1], `"<&>`)

	rows, missing := found(t, f, hashesOf(a, b, a, a))
	require.Zero(t, missing)
	require.Equal(t, [][]byte{a.Row, b.Row, a.Row, a.Row}, rows)

	other := *f
	other.Range = 4
	rows, missing = found(t, &other, hashesOf(a))
	require.Empty(t, rows)
	require.Equal(t, 1, missing)
}

// What the ledger does not have among the rejected rows is done, and nothing else is.
func TestFile_Settle(t *testing.T) {
	f := testFile(t)
	a, b := refusedRow(1, "x"), refusedRow(2, "y")
	require.NoError(t, f.Keep(nil, []engine.Reject{a, a, b}))
	other := *f
	other.Range = 4
	require.NoError(t, other.Keep(nil, []engine.Reject{b}))
	for range 2 {
		require.NoError(t, f.Settle(hashesOf(a)))
	}
	require.Len(t, lines(t, f), 4+2)
	rows, missing := found(t, f, hashesOf(a, b))
	require.Equal(t, 1, missing, "b is done")
	require.Equal(t, [][]byte{a.Row}, rows)
	rows, _ = found(t, &other, hashesOf(b))
	require.Equal(t, [][]byte{b.Row}, rows)

	// Rejected again, it counts again.
	require.NoError(t, f.Keep(nil, []engine.Reject{b}))
	rows, missing = found(t, f, hashesOf(b))
	require.Zero(t, missing)
	require.Equal(t, [][]byte{b.Row}, rows)
}

func TestFile_AfterACrash(t *testing.T) {
	f := testFile(t)
	a, b := refusedRow(1, "x"), refusedRow(2, "y")
	require.NoError(t, f.Keep(nil, []engine.Reject{a}))
	whole, err := os.ReadFile(f.Path())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(f.Path(), append(whole, whole[:40]...), 0o600))
	require.NoError(t, f.Keep(nil, []engine.Reject{a, b}))
	rows, missing := found(t, f, hashesOf(a, b))
	require.Zero(t, missing)
	require.Equal(t, [][]byte{a.Row, b.Row}, rows)
}

func TestFile_TakesNoOtherRow(t *testing.T) {
	f := testFile(t)
	a := refusedRow(1, "x")
	require.NoError(t, f.Keep(nil, []engine.Reject{a}))
	text, err := os.ReadFile(f.Path())
	require.NoError(t, err)
	changed := strings.Replace(string(text), `"row":"CQ`, `"row":"CR`, 1)
	require.NotEqual(t, string(text), changed)
	require.NoError(t, os.WriteFile(f.Path(), []byte(changed), 0o600))
	rows, missing := found(t, f, hashesOf(a))
	require.Empty(t, rows)
	require.Equal(t, 1, missing)

	require.NoError(t, os.WriteFile(f.Path(), text, 0o600))
	f.Plan.Columns[1].Kind = canon.Bytes
	_, _, err = f.Find(hashesOf(a))
	require.Equal(t, fault.Changed, fault.KindOf(err))
}

func TestFile_SaysWhereItCannotBe(t *testing.T) {
	f := testFile(t)
	require.NoError(t, os.WriteFile(f.Dir, nil, 0o600))
	err := f.Keep(nil, []engine.Reject{refusedRow(1, "x")})
	require.Equal(t, fault.Denied, fault.KindOf(err))
	host, _ := os.Hostname()
	require.ErrorContains(t, err, host)
	rows, missing := found(t, testFile(t), hashesOf(refusedRow(1, "x")))
	require.Empty(t, rows)
	require.Equal(t, 1, missing)
}
