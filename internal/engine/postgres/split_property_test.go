package postgres

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/keyrange"
	"github.com/drover-db/drover/internal/testdb"
)

// keyColumnPool are columns that random keys are made of: a type, and a value of it as
// SQL over a random number x.
var keyColumnPool = []struct{ columnType, value string }{
	{"smallint", "(x % 41 - 20)::smallint"},
	{"bigint", "CASE x % 9 WHEN 0 THEN -9223372036854775808 WHEN 1 THEN 9223372036854775807 WHEN 2 THEN 0 ELSE (x % 97 - 48) * 94906265 END"},
	{"numeric", "CASE x % 11 WHEN 0 THEN 'NaN' WHEN 1 THEN 'Infinity' WHEN 2 THEN '-Infinity' ELSE (x % 1000 - 500) / 3.0 END"},
	{"numeric(20)", "18446744073709551615 - x % 200"},
	{"float8", "CASE x % 11 WHEN 0 THEN 'NaN' WHEN 1 THEN '-Infinity' WHEN 2 THEN '-0' ELSE (x % 500 - 250) / 7.0 END"},
	{"boolean", "x % 2 = 0"},
	{"date", "CASE x % 11 WHEN 0 THEN 'infinity' WHEN 1 THEN '-infinity' WHEN 2 THEN '4713-01-01 BC' ELSE DATE '1970-01-01' + (x % 400 - 200)::int END"},
	{"time", "TIME '00:00' + x % 86400 * INTERVAL '1 s'"},
	{"timestamp(3)", "CASE x % 11 WHEN 0 THEN 'infinity' ELSE TIMESTAMP '2000-01-01' + (x % 1000 - 500) * INTERVAL '7.003 days' END"},
	{"timestamptz", "TIMESTAMPTZ '2024-10-27 00:00+00' + x % 500 * INTERVAL '7 min'"},
	{"interval", "make_interval(months => (x % 5)::int, days => (x % 61)::int, secs => x % 7)"},
	{"uuid", "md5((x % 300)::text)::uuid"},
	{"bytea", "decode(substr(md5((x % 300)::text), 1, (x % 5)::int * 2), 'hex')"},
	{`text COLLATE "C"`, "repeat(chr((x % 90 + 33)::int), (x % 3)::int)"},
	{"text", "substr('aÄbÉßz_日 ''\\', (x % 11)::int + 1, 1) || x % 20"},
	{"text COLLATE folded", "substr('aÄbÉßzAB ', (x % 9)::int + 1, 1) || x % 20"},
	{"varchar(20) COLLATE cased", "substr('aAbBcC', (x % 6)::int + 1, 1) || x % 30"},
	{"char(9)", "repeat(' ', (x % 2)::int) || x % 150"},
	{"mood", "(ARRAY['z', 'a', 'm']::mood[])[x % 3 + 1]"},
	{"code", "chr((x % 90 + 33)::int)"},
	{"inet", "INET '10.0.0.0' + x % 300"},
	{"bit(12)", "(x % 4096)::int::bit(12)"},
}

// Ranges partition a table, shown for random keys of up to five columns: of every row
// exactly one range's predicate is true, all ranges together give every row once, and
// so do the parts that a range is cut into.
func TestSplit_Partitions(t *testing.T) {
	const tables, rows = 12, 400
	url := testdb.Postgres(t)
	script(t, url, collations)
	db := openDB(t, url)
	for seed := range uint64(tables) {
		r := rand.New(rand.NewPCG(seed, 4))
		var columns, names, values []string
		for i, at := range r.Perm(len(keyColumnPool))[:1+r.IntN(5)] {
			names = append(names, fmt.Sprintf("k%d", i))
			columns = append(columns, names[i]+" "+keyColumnPool[at].columnType)
			x := fmt.Sprintf("('x' || md5(i || '%d %d'))::bit(32)::bigint", seed, i)
			values = append(values, fmt.Sprintf("(SELECT %s FROM (SELECT %s AS x OFFSET 0) n)", keyColumnPool[at].value, x))
		}
		name := fmt.Sprintf("random_%d", seed)
		script(t, url, fmt.Sprintf("CREATE TABLE %s (%s, PRIMARY KEY (%s))", name, strings.Join(columns, ", "), strings.Join(names, ", ")),
			fmt.Sprintf("INSERT INTO %s SELECT %s FROM generate_series(1, %d) i ON CONFLICT DO NOTHING", name, strings.Join(values, ", "), rows))
		t.Run(strings.Join(columns, ", "), func(t *testing.T) { requirePartition(t, db, described(t, db, name), 10+r.Int64N(60)) })
	}
	for _, at := range []string{"by_range", "leaves", "keyless", "parent", "nullable"} {
		for i, k := range keyKinds {
			if k.name == at {
				fillKind(t, url, i, rows*10)
				t.Run(at, func(t *testing.T) { requirePartition(t, db, described(t, db, at), 300) })
			}
		}
	}
}

// requirePartition splits a table and each of its ranges, and reads everything.
func requirePartition(t *testing.T, db *database, p *planv1.TablePlan, target int64) {
	t.Helper()
	whole, keys := digestOf(t, db, engine.ReadRequest{Plan: p})
	ranges, err := db.Split(t.Context(), p, engine.SplitOptions{TargetRows: target})
	require.NoError(t, err)
	if whole.Rows > 2*target {
		require.Greater(t, len(ranges), 1)
	}
	if engine.HasKey(p) {
		requireOneRangeEach(t, db, p, ranges)
	}
	var all, parts batch.Digest
	for i, r := range ranges {
		if i > 0 {
			require.True(t, keyrange.Equal(ranges[i-1].GetUpper(), r.GetLower()))
		}
		d, _ := digestOf(t, db, engine.ReadRequest{Plan: p, Range: r})
		all.Merge(d)
		cut, err := db.Split(t.Context(), p, engine.SplitOptions{TargetRows: 1 + target/3, Within: r})
		require.NoError(t, err)
		for _, part := range cut {
			d, _ := digestOf(t, db, engine.ReadRequest{Plan: p, Range: part})
			parts.Merge(d)
		}
	}
	require.Equal(t, whole, all)
	require.Equal(t, whole, parts)
	at := len(keys) / 3
	rest, _ := digestOf(t, db, engine.ReadRequest{Plan: p, After: keys[at]})
	require.EqualValues(t, len(keys)-at-1, rest.Rows)
}

// requireOneRangeEach asks the server, row by row, how many ranges a row is in.
func requireOneRangeEach(t *testing.T, db *database, p *planv1.TablePlan, ranges []*planv1.Range) {
	t.Helper()
	holders := "0"
	for _, r := range ranges {
		where, err := predicate(p, engine.SourceSide, r, nil)
		require.NoError(t, err)
		if where == "" {
			where = " WHERE true"
		}
		holders += " + CASE WHEN " + strings.TrimPrefix(where, " WHERE ") + " THEN 1 ELSE 0 END"
	}
	var wrong int64
	require.NoError(t, db.pool.QueryRow(t.Context(), "SELECT count(*) FROM "+relation(p, engine.SourceSide)+" WHERE "+holders+" <> 1").Scan(&wrong))
	require.Zero(t, wrong, "rows that are in no range or in several")
}

// digestOf reads rows and their keys.
func digestOf(t *testing.T, db *database, r engine.ReadRequest) (d batch.Digest, keys []*planv1.Bound) {
	t.Helper()
	require.NoError(t, db.Read(t.Context(), r, func(row engine.Row) error {
		d.Add(row.Data)
		key, err := row.Key()
		keys = append(keys, keyrange.Clone(key))
		return err
	}))
	return d, keys
}
