package postgres

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/engine/enginetest"
	"github.com/drover-db/drover/internal/testdb"
)

// collations that keys of text have beside the C one.
const collations = `CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
CREATE COLLATION cased (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TYPE mood AS ENUM ('z', 'a', 'm');
CREATE DOMAIN code AS text COLLATE "C" CHECK (length(value) > 0);`

// keyKinds are tables with every kind of key. Columns and key are DDL (the latter may
// close the parenthesis and go on); row is the key's values as SQL over i, from 1.
var keyKinds = []struct{ name, columns, key, row, more string }{
	{"dense", "a bigint", "PRIMARY KEY (a)", "i", ""},
	{"gaps", "a bigint", "PRIMARY KEY (a)", "(i % 7) * 1000000000000 + i", ""},
	{"skew", "a bigint", "PRIMARY KEY (a)", "CASE WHEN i % 100 = 0 THEN i * 1000000007 ELSE i END", ""},
	{"negative", "a bigint", "PRIMARY KEY (a)", "(i - 500000) * 9000000000", ""},
	{"ends", "a bigint", "PRIMARY KEY (a)", "CASE i WHEN 1 THEN -9223372036854775808 WHEN 2 THEN 9223372036854775807 ELSE i - 3 END", ""},
	{"unsigned", "a numeric(20)", "PRIMARY KEY (a)", "18446744073709551615 - i::numeric * 977", ""},
	{"decimal", "a numeric(20,4)", "PRIMARY KEY (a)", "(i * 7919 % 1000003) / 16.0 - 30000", ""},
	{"float", "a float8", "PRIMARY KEY (a)", "(i - 1000) / 7.0", ""},
	{"date", "a date", "PRIMARY KEY (a)", "DATE '0044-03-15 BC' + i::int", ""},
	{"timestamp", "a timestamp", "PRIMARY KEY (a)", "TIMESTAMP '1999-12-31 23:59:59.999999' + i * INTERVAL '7.000001 s'", ""},
	{"timestamptz", "a timestamptz", "PRIMARY KEY (a)", "TIMESTAMPTZ '2024-03-31 00:00 Europe/Berlin' + i * INTERVAL '1 s'", ""},
	{"uuid", "a uuid", "PRIMARY KEY (a)", "md5(i::text)::uuid", ""},
	{"uuid_text", `a char(36)`, "PRIMARY KEY (a)", "md5(i::text)::uuid::text", ""},
	{"uuid_bytes", "a bytea", "PRIMARY KEY (a)", "decode(md5(i::text), 'hex')", ""},
	{"text_c", `a text COLLATE "C"`, "PRIMARY KEY (a)", "'user ' || i || ' é'", ""},
	{"text_default", `a text`, "PRIMARY KEY (a)", "substr('aÄbÉßz_日', (i % 8)::int + 1, 1) || i", ""},
	{"text_en_us", `a text COLLATE "en-US-x-icu"`, "PRIMARY KEY (a)", "substr('aÄbÉßz_日', (i % 8)::int + 1, 1) || i", ""},
	{"text_accents", `a text COLLATE folded`, "PRIMARY KEY (a)", "substr('aÄbÉßz日', (i % 7)::int + 1, 1) || i", ""},
	{"text_cases", `a text COLLATE cased`, "PRIMARY KEY (a)", "CASE WHEN i % 2 = 0 THEN 'Key ' ELSE 'kEY ' END || i", ""},
	{"text_padded", `a char(20) COLLATE "C"`, "PRIMARY KEY (a)", "'k' || i", ""},
	{"domain", `a code`, "PRIMARY KEY (a)", "'k' || i", ""},
	{"network", `a inet`, "PRIMARY KEY (a)", "INET '10.0.0.0' + i", ""},
	{"enum", "a mood, b int", "PRIMARY KEY (a, b)", "(ARRAY['z', 'a', 'm']::mood[])[i % 3 + 1], i", ""},
	{"one_value", "a int, b bigint", "PRIMARY KEY (a, b)", "CASE WHEN i <= 100 THEN i ELSE 7 END, i", ""},
	{"five", `a int, b text COLLATE folded, c date, d uuid, e numeric(12,2)`, "PRIMARY KEY (a, b, c, d, e)",
		"i % 5, substr('aÄbÉ', (i % 4)::int + 1, 1), DATE '2000-01-01' + (i % 300)::int, md5(i::text)::uuid, i / 4.0", ""},
	{"by_unique", "a bigint NOT NULL", "UNIQUE (a)", "i * 3", ""},
	{"nullable", "a bigint", "UNIQUE (a)", "CASE WHEN i % 10 > 0 THEN i END", ""},
	{"keyless", "a bigint", "CHECK (a > 0)", "i", ""},
	{"by_range", "a bigint, b date", "PRIMARY KEY (a, b)) PARTITION BY RANGE (b", "i, DATE '2020-01-01' + (i % 400)::int",
		"CREATE TABLE by_range_1 PARTITION OF by_range FOR VALUES FROM (MINVALUE) TO ('2020-03-01'); CREATE TABLE by_range_2 PARTITION OF by_range DEFAULT"},
	{"by_hash", "a bigint", "PRIMARY KEY (a)) PARTITION BY HASH (a", "i",
		"CREATE TABLE by_hash_0 PARTITION OF by_hash FOR VALUES WITH (MODULUS 3, REMAINDER 0); CREATE TABLE by_hash_1 PARTITION OF by_hash FOR VALUES WITH (MODULUS 3, REMAINDER 1); CREATE TABLE by_hash_2 PARTITION OF by_hash FOR VALUES WITH (MODULUS 3, REMAINDER 2)"},
	{"leaves", "a bigint", "CHECK (a > 0)) PARTITION BY LIST (a", "i % 100 + 1",
		"CREATE TABLE leaf_1 PARTITION OF leaves FOR VALUES IN (1, 2, 3); CREATE TABLE leaf_2 PARTITION OF leaves DEFAULT PARTITION BY HASH (a); CREATE TABLE leaf_3 PARTITION OF leaf_2 FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE leaf_4 PARTITION OF leaf_2 FOR VALUES WITH (MODULUS 2, REMAINDER 1)"},
	{"parent", "a bigint", "PRIMARY KEY (a)", "i", "CREATE TABLE child (PRIMARY KEY (a)) INHERITS (parent); INSERT INTO child SELECT -i FROM generate_series(1, 100) i"},
}

// fillKind makes a table of one kind of key.
func fillKind(t *testing.T, url string, at int, rows int64) {
	t.Helper()
	k := keyKinds[at]
	script(t, url, fmt.Sprintf("CREATE TABLE %s (%s, filler text, %s); %s", k.name, k.columns, k.key, k.more),
		fmt.Sprintf("INSERT INTO %s SELECT %s, 'filler filler' FROM generate_series(1::bigint, %d) i", k.name, k.row, rows))
}

// described gives the plan of reading a table as it is.
func described(t *testing.T, db *database, name string) *planv1.TablePlan {
	t.Helper()
	found, err := db.Describe(t.Context(), engine.Selection{Include: []string{"*." + name}})
	require.NoError(t, err)
	require.Len(t, found.GetTables(), 1)
	p := &planv1.TablePlan{Source: found.GetTables()[0]}
	for _, c := range found.GetTables()[0].GetColumns() {
		p.Columns = append(p.Columns, &planv1.ColumnPlan{Source: c.GetName(), SourceType: c.GetNativeType(), Kind: c.GetKind(), Scale: -1})
	}
	p.Encoding = planv1.Encoding_ENCODING_PGCOPY
	return p
}

// Half of the ranges have about as many rows as was asked for and none has many more,
// whatever the key. DROVER_TEST_ROWS=1000000 shows it at that size.
func TestSplit_KeyKinds(t *testing.T) {
	rows := enginetest.Rows(t, 5000)
	target := rows / 25
	url := testdb.Postgres(t)
	script(t, url, collations)
	db := openDB(t, url)
	for at, k := range keyKinds {
		t.Run(k.name, func(t *testing.T) {
			fillKind(t, url, at, rows)
			p := described(t, db, k.name)
			begun := time.Now()
			ranges, err := db.Split(t.Context(), p, engine.SplitOptions{TargetRows: target})
			took := time.Since(begun)
			require.NoError(t, err)
			var sizes []int64
			total := int64(0)
			for _, r := range ranges {
				n := int64(0)
				require.NoError(t, db.Read(t.Context(), engine.ReadRequest{Plan: p, Range: r}, func(engine.Row) error { n++; return nil }))
				sizes, total = append(sizes, n), total+n
			}
			require.Equal(t, rows, total)
			enginetest.RequireBalanced(t, target, sizes, took)
			script(t, url, "DROP TABLE "+k.name+" CASCADE")
		})
	}
}
