package output_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"

	"github.com/drover-db/drover/cmd/drover/internal/output"
)

func TestMessage(t *testing.T) {
	m := &droverv1.ListRangesResponse{Ranges: []*droverv1.Range{{Name: "migrations/a/tables/1/ranges/1", Rows: 7, SourceDigest: "ab"}}}
	var b strings.Builder
	require.NoError(t, output.Message(&b, output.JSON, m))
	require.Contains(t, b.String(), "\n      \"source_digest\": \"ab\",\n", "names are the proto's, spaces are stable")
	require.Contains(t, b.String(), `"attempts": 0`, "zeros are there")
	b.Reset()
	require.NoError(t, output.Message(&b, output.JSONL, m))
	require.Equal(t, 1, strings.Count(b.String(), "\n"))
	b.Reset()
	require.NoError(t, output.Message(&b, output.YAML, m))
	require.Contains(t, b.String(), "source_digest: ab")
}

func TestValue(t *testing.T) {
	var b strings.Builder
	require.NoError(t, output.Value(&b, output.YAML, map[string]any{"a": []int{1}, "b": "x: y"}))
	require.Equal(t, "a:\n  - 1\nb: 'x: y'\n", b.String())
	b.Reset()
	require.NoError(t, output.Value(&b, output.JSON, map[string]int{"a": 1}))
	require.Equal(t, "{\n  \"a\": 1\n}\n", b.String())
}

func TestGrid(t *testing.T) {
	g := output.NewGrid("NAME", ">ROWS")
	g.Append("X")
	g.Add("日本", "1,000", "a\x1b[31m\nb")
	g.Add("b")
	require.Equal(t, []string{"NAME   ROWS  X", "日本    1,000  a�[31m�b", "b"}, g.Lines())
}

func TestParse(t *testing.T) {
	f, err := output.Parse("")
	require.NoError(t, err)
	require.Equal(t, output.Table, f)
	_, err = output.Parse("xml")
	require.ErrorContains(t, err, "-o xml is no output format: use one of table")
}
