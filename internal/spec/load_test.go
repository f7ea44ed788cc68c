package spec_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
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

const rich = `apiVersion: drover.dev/v1
kind: Migration
name: shop
source: {url: "mysql://u@h/shop"}
target: {url: "postgres://u@h/shop"}
strategy: phased
publish: atomic
schema:
  casts:
    - {from: tinyint(1), to: boolean}
    - {match: "shop.*.created_at", to: timestamptz, invalid: sentinel, sentinel: 1970-01-01 00:00:00+00}
    - {from: "integer\\[]", to: text}
tables:
  - match: shop.users
    where: deleted_at IS NULL AND id > 100
    columns:
      legacy: {drop: true}
      email: {into: mail, type: citext}
      born: {invalid: set-null}
      region: {const: eu, type: text}
      empty: {const: ""}
  - match: shop.*
phases:
  - {name: reference, tables: [shop.country, shop.city]}
  - {name: rest, tables: [shop.*], rangesPerStep: 8, approve: manual}
`

func TestLoad_Rich(t *testing.T) {
	s, err := spec.Load("drover.yaml", []byte(rich))
	require.NoError(t, err)
	require.Equal(t, "mail", s.GetTables()[0].GetColumns()["email"].GetInto())
	require.NotNil(t, s.GetTables()[0].GetColumns()["empty"].Const)
	require.Equal(t, "integer\\[]", s.GetSchema().GetCasts()[2].GetFrom())

	full := spec.WithDefaults(s)
	require.Equal(t, "discard", full.GetOnFailure())
	require.Equal(t, "auto", full.GetPhases()[0].GetApprove())
	require.Equal(t, "manual", full.GetPhases()[1].GetApprove())
	require.NoError(t, spec.Check(full), "a spec with its defaults is as good")
	require.Equal(t, "direct", spec.WithDefaults(&droverv1.MigrationSpec{}).GetPublish())
	require.Empty(t, spec.WithDefaults(&droverv1.MigrationSpec{}).GetOnFailure())
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
		"WrongType":      {head + "ranges:\n  targetRows: many\n", `f.yaml:7:15: "many" is no integer`},
		"WrongValue":     {head + "existing: replace\n", `f.yaml:6:11: existing: must be "fail", "append" or "truncate"`},
		"BadSize":        {head + "ranges: {targetBytes: 64 megs}\n", `f.yaml:6:23: ranges.target_bytes: must be a size such as 64MiB`},
		"ZeroSize":       {head + "stream: {maxBytes: 0B}\n", `f.yaml:6:20: stream.max_bytes: must be a size above zero`},
		"BadGlob":        {head + "tables:\n  - match: main.[ab\n", `f.yaml:7:12: tables[0].match: is no glob`},
		"Placeholder":    {head + "tables:\n  - {match: a, into: '{tabel}'}\n", `tables[0].into: has the placeholder {tabel}`},
		"SkipAndInto":    {head + "tables:\n  - {match: a, skip: true, into: b}\n", `tables[0].into: has no meaning beside skip`},
		"SkipAndWhere":   {head + "tables:\n  - {match: a, skip: true, where: id = 1}\n", `f.yaml:7:35: tables[0].where: has no meaning beside skip`},
		"SkipAndColumns": {head + "tables:\n  - {match: a, skip: true, columns: {a: {drop: true}}}\n", `tables[0].columns: has no meaning beside skip`},
		"EmptySchema":    {head + "tables:\n  - {match: a, into: .b}\n", `f.yaml:7:22: tables[0].into: has an empty name beside the dot`},
		"Where":          {head + "tables:\n  - match: a\n    where: id = = 1\n", `f.yaml:8:12: tables[0].where: at character 6: a column or a constant should be here, not =`},
		"EmptyColumn":    {head + "tables:\n  - match: a\n    columns:\n      b: {}\n", `tables[0].columns["b"]: says nothing about the column`},
		"DropAndType":    {head + "tables:\n  - match: a\n    columns:\n      b: {drop: true, type: text}\n", `f.yaml:9:29: tables[0].columns["b"].type: has no meaning beside drop`},
		"ConstAndPolicy": {head + "tables:\n  - match: a\n    columns:\n      b: {const: x, invalid: set-null}\n", `tables[0].columns["b"].invalid: has no meaning beside const`},
		"WrongPolicy":    {head + "tables:\n  - match: a\n    columns:\n      b: {invalid: ignore}\n", `f.yaml:9:20: tables[0].columns["b"].invalid: must be "error", "set-null", "sentinel" or "strip"`},
		"NoSentinel":     {head + "tables:\n  - match: a\n    columns:\n      b: {invalid: sentinel}\n", `tables[0].columns["b"].sentinel: is missing`},
		"LoneSentinel":   {head + "tables:\n  - match: a\n    columns:\n      b: {sentinel: x}\n", `f.yaml:9:21: tables[0].columns["b"].sentinel: has no meaning without invalid: sentinel`},
		"CastOfNothing":  {head + "schema:\n  casts:\n    - to: text\n", `f.yaml:8:7: schema.casts[0]: needs from (a type such as "tinyint(1)") or match`},
		"CastToNothing":  {head + "schema:\n  casts:\n    - from: int\n", `schema.casts[0].to: is missing`},
		"CastFrom":       {head + "schema:\n  casts:\n    - {from: 'int[]', to: text}\n", `schema.casts[0].from: is no glob over types`},
		"CastMatch":      {head + "schema:\n  casts:\n    - {match: 'a..b', to: text}\n", `schema.casts[0].match: is no glob over schema.table.column`},
		"CastDepth":      {head + "schema:\n  casts:\n    - {match: 'a.b.c.d', to: text}\n", `has more than schema.table.column`},
		"CastNoTo":       {head + "schema:\n  casts:\n    - {from: a}\n", `schema.casts[0].to: is missing`},
		"CastDrop":       {head + "schema:\n  casts:\n    - {from: a, drop: [key]}\n", `schema.casts[0].drop[0]: must be "default", "not-null" or "auto-increment"`},
		"WhenBounds":     {head + "schema:\n  casts:\n    - {from: a, to: b, when: {precision: {min: 9, max: 8}}}\n", `schema.casts[0].when: precision has a min above its max`},
		"WhenNoBounds":   {head + "schema:\n  casts:\n    - {from: a, to: b, when: {length: {}}}\n", `schema.casts[0].when: length needs min or max`},
		"PolicyAlone":    {head + "schema:\n  policies:\n    - {invalid: strip}\n", `schema.policies[0]: needs from`},
		"PolicyNothing":  {head + "schema:\n  policies:\n    - {match: a}\n", `schema.policies[0].invalid: must be "error"`},
		"PolicySentinel": {head + "schema:\n  policies:\n    - {match: a, invalid: sentinel}\n", `schema.policies[0].sentinel: is missing`},
		"RejectsNoTo":    {head + "rejects: {max: 3}\n", `f.yaml:6:10: rejects.to: is missing`},
		"RejectsNoMax":   {head + "rejects: {to: x}\n", `rejects.max: is missing`},
		"RejectsMany":    {head + "rejects: {max: 10001, to: x}\n", `rejects.max: must be a number of rows from 0 to 10000`},
		"CastSentinel":   {head + "schema:\n  casts:\n    - {from: a, to: b, sentinel: c}\n", `schema.casts[0].sentinel: has no meaning without`},
		"WrongStrategy":  {head + "strategy: online\n", `f.yaml:6:11: strategy: must be "bulk" or "phased"`},
		"PhasesMissing":  {head + "strategy: phased\n", `phases: is missing: strategy: phased needs at least one phase`},
		"PhasesBulk":     {head + "phases:\n  - {name: a, tables: [a]}\n", `f.yaml:7:3: phases: has no meaning without strategy: phased`},
		"PhaseTwice":     {head + "strategy: phased\nphases:\n  - {name: a, tables: [a]}\n  - {name: a, tables: [b]}\n", `f.yaml:9:12: phases[1].name: is the name of phases[0] too`},
		"PhaseEmpty":     {head + "strategy: phased\nphases:\n  - {name: a, tables: []}\n", `phases[0].tables: needs at least one glob`},
		"PhaseName":      {head + "strategy: phased\nphases:\n  - {name: A, tables: [a]}\n", `phases[0].name: must be 1 to 63 lower-case letters`},
		"PhaseGlob":      {head + "strategy: phased\nphases:\n  - {name: a, tables: [a, 'b[']}\n", `f.yaml:8:27: phases[0].tables[1]: is no glob`},
		"PhaseSteps":     {head + "strategy: phased\nphases:\n  - {name: a, tables: [a], rangesPerStep: -1}\n", `phases[0].ranges_per_step: must be a number from 0`},
		"PhaseApprove":   {head + "strategy: phased\nphases:\n  - {name: a, tables: [a], approve: maybe}\n", `phases[0].approve: must be "auto" or "manual"`},
		"WrongPublish":   {head + "publish: later\n", `publish: must be "direct" or "atomic"`},
		"AtomicAppend":   {head + "publish: atomic\nexisting: append\n", `f.yaml:7:11: existing: has no meaning with publish: atomic`},
		"OnFailure":      {head + "onFailure: keep\n", `f.yaml:6:12: on_failure: has no meaning without publish: atomic`},
		"WrongOnFailure": {head + "publish: atomic\nonFailure: drop\n", `on_failure: must be "discard" or "keep"`},
		"PlainPassword":  {"apiVersion: drover.dev/v1\nkind: Migration\nname: a\nsource: {url: sqlite:///a, password: hunter2}\ntarget: {url: sqlite:///b}\n", `f.yaml:4:38: source.password: must be a reference`},
		"BadName":        {"apiVersion: drover.dev/v1\nkind: Migration\nname: A_b\nsource: {url: sqlite:///a}\ntarget: {url: sqlite:///b}\n", `f.yaml:3:7: name: must be 1 to 63 lower-case letters`},
		"NoTarget":       {"apiVersion: drover.dev/v1\nkind: Migration\nname: a\nsource: {url: sqlite:///a}\n", `target: is missing`},
		"Syntax":         {head + "tables: [\n", `f.yaml:`},
		"Empty":          {"# nothing\n", `f.yaml:1:1: the file is empty`},
		"TwoDocuments":   {head + "---\n" + head, `f.yaml:6:1: a second document begins here`},
		"Duplicate":      {head + "name: b\n", `f.yaml:6:1: "name" is written twice`},
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
