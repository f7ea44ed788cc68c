package spec_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/spec"
)

const good = `apiVersion: drover.dev/v1
kind: Migration
name: shop-to-pg
source:
  url: sqlite:///data/shop.db
target:
  url: postgres://drover@pg1:5432/shop
  password: ${env:TARGET}
strategy: bulk
tables:
  - match: main.*
    into: public.{table}
  - match: main.audit_*
    skip: true
ranges: {targetRows: 1000, targetBytes: 64MiB}
labels: {team: payments}
`

func TestLoad(t *testing.T) {
	s, err := spec.Load("drover.yaml", []byte(good))
	require.NoError(t, err)
	require.Equal(t, "shop-to-pg", s.GetName())
	require.Equal(t, "public.{table}", s.GetTables()[0].GetInto())
	require.True(t, s.GetTables()[1].GetSkip())
	require.EqualValues(t, 1000, s.GetRanges().GetTargetRows())

	full := spec.WithDefaults(s)
	require.Equal(t, "1GiB", full.GetStream().GetMaxBytes())
	require.EqualValues(t, 5, full.GetRanges().GetMaxAttempts())
	require.EqualValues(t, 16, full.GetSource().GetMaxConnections())
	require.Nil(t, s.GetStream(), "the spec itself stays as it was")
}

func TestLoad_JSON(t *testing.T) {
	s, err := spec.Load("drover.json", []byte(`{"apiVersion":"drover.dev/v1","kind":"Migration","name":"a",
		"source":{"url":"sqlite:///a"},"target":{"url":"sqlite:///b"},"existing":"append"}`))
	require.NoError(t, err)
	require.Equal(t, "append", s.GetExisting())
}

func TestLoad_NamesThePlace(t *testing.T) {
	head := "apiVersion: drover.dev/v1\nkind: Migration\nname: a\nsource: {url: sqlite:///a}\ntarget: {url: sqlite:///b}\n"
	for name, c := range map[string]struct{ text, want string }{
		"UnknownField": {head + "speed: fast\n",
			`f.yaml:6:1: unknown field "speed", expected one of`},
		"UnknownNestedField": {head + "ranges:\n  rows: 5\n",
			`f.yaml:7:3: unknown field "rows", expected one of`},
		"WrongType":     {head + "ranges:\n  targetRows: many\n", `f.yaml:7:15: "many" is no integer`},
		"WrongValue":    {head + "existing: replace\n", `f.yaml:6:11: existing: must be "fail", "append" or "truncate"`},
		"BadSize":       {head + "ranges: {targetBytes: 64 megs}\n", `f.yaml:6:23: ranges.target_bytes: must be a size such as 64MiB`},
		"ZeroSize":      {head + "stream: {maxBytes: 0B}\n", `f.yaml:6:20: stream.max_bytes: must be a size above zero`},
		"BadGlob":       {head + "tables:\n  - match: main.[ab\n", `f.yaml:7:12: tables[0].match: is no glob`},
		"Placeholder":   {head + "tables:\n  - {match: a, into: '{tabel}'}\n", `tables[0].into: has the placeholder {tabel}`},
		"SkipAndInto":   {head + "tables:\n  - {match: a, skip: true, into: b}\n", `tables[0].into: has no meaning beside skip`},
		"PlainPassword": {"apiVersion: drover.dev/v1\nkind: Migration\nname: a\nsource: {url: sqlite:///a, password: hunter2}\ntarget: {url: sqlite:///b}\n", `f.yaml:4:38: source.password: must be a reference`},
		"BadName":       {"apiVersion: drover.dev/v1\nkind: Migration\nname: A_b\nsource: {url: sqlite:///a}\ntarget: {url: sqlite:///b}\n", `f.yaml:3:7: name: must be 1 to 63 lower-case letters`},
		"NoTarget":      {"apiVersion: drover.dev/v1\nkind: Migration\nname: a\nsource: {url: sqlite:///a}\n", `target: is missing`},
		"Syntax":        {head + "tables: [\n", `f.yaml:`},
		"Empty":         {"# nothing\n", `f.yaml:1:1: the file is empty`},
		"TwoDocuments":  {head + "---\n" + head, `f.yaml:6:1: a second document begins here`},
		"Duplicate":     {head + "name: b\n", `f.yaml:6:1: "name" is written twice`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := spec.Load("f.yaml", []byte(c.text))
			require.ErrorContains(t, err, c.want)
			require.Equal(t, fault.Invalid, fault.KindOf(err))
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0B": 0, "7B": 7, "3KiB": 3 << 10, "64MiB": 64 << 20, "2 GiB": 2 << 30, "5KB": 5000, "1MB": 1_000_000, "1GB": 1_000_000_000,
	} {
		got, err := spec.ParseSize(text)
		require.NoError(t, err)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "64", "MiB", "-1MiB", "1.5GiB", "9223372036854775807KiB", "64mib", "1  GiB"} {
		_, err := spec.ParseSize(text)
		require.Error(t, err, text)
	}
}
