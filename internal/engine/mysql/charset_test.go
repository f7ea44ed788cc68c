package mysql

import (
	"bytes"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/engine/postgres"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
	"github.com/drover-db/drover/internal/testdb"
)

// moveAll copies every table of a database into another one as the services would, in
// one batch a table.
func moveAll(t testing.TB, from, to engine.Database, change func(*planv1.Database)) *planv1.Design {
	t.Helper()
	ctx := t.Context()
	source, err := from.Describe(ctx, engine.Selection{})
	require.NoError(t, err)
	if change != nil {
		change(source)
	}
	design, err := to.Design(ctx, engine.DesignRequest{Source: source, Name: keepNames})
	require.NoError(t, err)
	for _, p := range design.GetTables() {
		require.False(t, blocked(p), "%v", p.GetFindings())
	}
	require.NoError(t, to.Prepare(ctx, engine.PrepareRequest{Migration: testMigration, TargetIdentity: design.GetIdentity(), Statements: design.GetStatements()}))
	for _, p := range design.GetTables() {
		require.NoError(t, to.Apply(ctx, testMigration, p, planv1.Step_STEP_CREATE))
		require.NoError(t, moveTable(t, from, to, p), p.GetSource().GetName())
		require.NoError(t, to.Apply(ctx, testMigration, p, planv1.Step_STEP_KEY))
	}
	return design
}

// moveTable reads a table, writes it, and reads it back.
func moveTable(t testing.TB, from, to engine.Database, p *planv1.TablePlan) error {
	t.Helper()
	b := engine.Batch{Encoding: p.GetEncoding()}
	take := func(into *engine.Batch) engine.RowFunc {
		return func(r engine.Row) error {
			into.Body = append(into.Body, r.Data...)
			into.Digest.Add(r.Data)
			key, err := r.Key()
			into.LastKey = keyrange.Clone(key)
			return err
		}
	}
	if err := from.Read(t.Context(), engine.ReadRequest{Plan: p}, take(&b)); err != nil {
		return err
	}
	w, err := to.OpenRange(t.Context(), engine.RangeRequest{Migration: testMigration, Plan: p, Range: &planv1.Range{Number: 1}, Attempt: 1, Epoch: 1})
	require.NoError(t, err)
	defer func() { require.NoError(t, w.Close()) }()
	if _, err := w.Write(t.Context(), b); err != nil {
		return err
	}
	_, err = w.Complete(t.Context(), 1)
	require.NoError(t, err)
	there := engine.Batch{}
	require.NoError(t, to.Read(t.Context(), engine.ReadRequest{Side: engine.TargetSide, Plan: p}, take(&there)))
	require.Equal(t, b.Digest, there.Digest)
	return nil
}

// unicodeCharsets have characters by their code points; of the others all sequences of
// bytes are tried.
var unicodeCharsets = []string{"utf8mb4", "utf8mb3", "ucs2", "utf16", "utf16le", "utf32", "gb18030"}

// candidates is a query for numbers and sequences of bytes that may be characters.
func candidates(charset string, longest int) string {
	if slices.Contains(unicodeCharsets, charset) {
		// Where bytes are reckoned from code points, a sample will do.
		sample := map[string]string{"utf8mb3": "n % 9 = 0", "ucs2": "n % 9 = 0", "utf16le": "n % 9 = 0", "utf32": "n % 9 = 0"}[charset]
		if sample == "" {
			sample = "TRUE"
		}
		point := "SELECT %[1]s AS n, CAST(CONVERT(CONVERT(UNHEX(LPAD(HEX(%[1]s), 8, '0')) USING utf32) USING " + charset + ") AS BINARY) AS b FROM seq WHERE "
		return fmt.Sprintf(point, "n") + "(n < 0xd800 OR n > 0xdfff) AND " + sample + " UNION ALL " + fmt.Sprintf(point, "0x10003 + n * 1024") + "n < 0x400"
	}
	out := "SELECT n, UNHEX(LPAD(HEX(n), 2, '0')) AS b FROM seq WHERE n < 256"
	if longest > 1 {
		out += " UNION ALL SELECT n, UNHEX(HEX(n)) FROM seq WHERE n >= 0x8000 AND n & 255 >= 64"
	}
	if longest > 2 {
		out += " UNION ALL SELECT n + 0x8f0000, UNHEX(CONCAT('8F', HEX(n))) FROM seq WHERE n >= 0xa1a1 AND n & 255 >= 161"
	}
	return out
}

// findCharacters fills a table with what is a character of a character set: its bytes,
// and whether they come back from Unicode as they were. PostgreSQL takes no NUL.
func findCharacters(t testing.TB, d *database, charset string) {
	t.Helper()
	var longest int
	scan(t, d.db, "SELECT MAXLEN FROM information_schema.CHARACTER_SETS WHERE CHARACTER_SET_NAME = "+literal(charset), &longest)
	lost := "CAST(u AS BINARY) = x'efbfbd'"
	if slices.Contains(unicodeCharsets, charset) {
		lost = "FALSE" // the character U+FFFD is one of theirs
	}
	script(t, d, fmt.Sprintf(`INSERT INTO characters SELECT '%[1]s', COALESCE(n > 0 AND CAST(CONVERT(u USING %[1]s) AS BINARY) = b AND NOT (%[2]s), FALSE), n, b
		FROM (SELECT n, b, CONVERT(CONVERT(b USING %[1]s) USING utf8mb4) AS u FROM (%[3]s) AS q WHERE CHAR_LENGTH(CONVERT(b USING %[1]s)) = 1) AS c`, charset, lost, candidates(charset, longest)))
}

// characterTable makes a table with a column for each character set, 64 characters in a
// value: those that Unicode gives back, or the others.
func characterTable(t testing.TB, d *database, name string, charsets []string, same bool) {
	t.Helper()
	script(t, d, characterDDL(name, charsets), "INSERT INTO "+name+" (id) SELECT n FROM seq WHERE n < 1500")
	for _, c := range charsets {
		script(t, d, fmt.Sprintf(`UPDATE /*+ SET_VAR(group_concat_max_len = 64000000) */ %[1]s JOIN (SELECT (r - 1) DIV 64 AS id, CONVERT(GROUP_CONCAT(b ORDER BY n SEPARATOR '') USING %[2]s) AS v
			FROM (SELECT n, b, ROW_NUMBER() OVER (ORDER BY n) AS r FROM characters WHERE charset = '%[2]s' AND same = %[3]t AND NOT (charset = 'ascii' AND n > 127)) AS c GROUP BY 1) AS g USING (id) SET %[1]s.%[2]s = g.v`, name, c, same))
	}
}

func characterDDL(name string, charsets []string) string {
	out := "CREATE TABLE " + name + " (id int PRIMARY KEY"
	for _, c := range charsets {
		out += ", " + c + " mediumtext CHARACTER SET " + c
	}
	return out + ")"
}

// textCharsets are all that hold text.
func textCharsets(t testing.TB, d *database) (out []string) {
	t.Helper()
	require.NoError(t, each(t.Context(), d.db, "SELECT CHARACTER_SET_NAME FROM information_schema.CHARACTER_SETS WHERE CHARACTER_SET_NAME <> 'binary' ORDER BY 1", nil, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		out = append(out, name)
		return err
	}))
	return out
}

// hexOf is the bytes of every value of a column, and how many characters they are.
func hexOf(t testing.TB, d *database, table, column string) (text string, characters int64) {
	t.Helper()
	scan(t, d.db, fmt.Sprintf("SELECT /*+ SET_VAR(group_concat_max_len = 64000000) */ COALESCE(GROUP_CONCAT(CONCAT(id, ':', COALESCE(HEX(%[1]s), '-')) ORDER BY id), ''), COALESCE(SUM(CHAR_LENGTH(%[1]s)), 0) FROM %[2]s", column, table), &text, &characters)
	return text, characters
}

// openPostgres opens an empty database of PostgreSQL.
func openPostgres(t testing.TB) engine.Database {
	t.Helper()
	out, err := postgres.New().Open(t.Context(), configOf(t, testdb.Postgres(t)))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, out.Close()) })
	return out
}

// Every character of every character set goes to PostgreSQL and back as the bytes that
// it was; between servers of one product so do those that Unicode does not have, or has
// once for several.
func TestCharsets_RoundTrip(t *testing.T) {
	source, between, back, same := openFlavour(t, NameMySQL), openPostgres(t), openFlavour(t, NameMySQL), openFlavour(t, NameMySQL)
	script(t, source, "CREATE TABLE seq (n int PRIMARY KEY)",
		"INSERT /*+ SET_VAR(cte_max_recursion_depth = 100000) */ INTO seq WITH RECURSIVE s AS (SELECT 0 AS n UNION ALL SELECT n + 1 FROM s WHERE n < 65535) SELECT n FROM s")
	charsets := textCharsets(t, source)
	require.GreaterOrEqual(t, len(charsets), 40)
	script(t, source, "CREATE TABLE characters (charset varchar(20), same boolean, n int, b varbinary(8), PRIMARY KEY (charset, same, n))")
	for _, name := range charsets {
		findCharacters(t, source, name)
	}
	characterTable(t, source, "round_trip", charsets, true)
	characterTable(t, source, "other", charsets, false)
	script(t, source, "DROP TABLE seq, characters")
	script(t, back, characterDDL("round_trip", charsets))
	moveAll(t, source, same, nil)
	moveAll(t, source, between, func(d *planv1.Database) {
		d.Tables = slices.DeleteFunc(d.GetTables(), func(table *planv1.Table) bool { return table.GetName() == "other" })
	})
	moveAll(t, between, back, nil)
	var report strings.Builder
	for _, name := range charsets {
		want, n := hexOf(t, source, "round_trip", name)
		for what, d := range map[string]*database{"to MySQL": same, "through PostgreSQL": back} {
			got, _ := hexOf(t, d, "round_trip", name)
			require.True(t, want == got, "%s %s", name, what)
		}
		want, more := hexOf(t, source, "other", name)
		got, _ := hexOf(t, same, "other", name)
		require.True(t, want == got, "%s to MySQL, what Unicode does not give back", name)
		fmt.Fprintf(&report, "%-10s %7d %6d\n", name, n, more)
	}
	golden(t, "charsets.txt", "charset    round trip  other\n"+report.String())
}

// A character that Unicode does not have is refused by name, whatever the server sends
// in its place.
func TestCharsets_RefusesWhatUnicodeLacks(t *testing.T) {
	source := openFlavour(t, NameMySQL)
	script(t, source, "CREATE TABLE t (id int PRIMARY KEY, thai varchar(5) CHARACTER SET tis620, big varchar(5) CHARACTER SET big5, euc varchar(5) CHARACTER SET euckr)",
		"INSERT INTO t VALUES (1, _tis620 x'a1', _big5 x'a440', _euckr x'b0a1'), (2, _tis620 x'a0', NULL, NULL), (3, NULL, _big5 x'a15a', NULL), (4, NULL, NULL, _euckr x'b0a13f')")
	p := planOf(t, describeTable(t, source, "t"))
	var keys []string
	for id := int64(1); id <= 4; id++ {
		table := describeTable(t, source, "t")
		table.Where = fmt.Sprintf("id = %d", id)
		p.Source = table
		err := source.Read(t.Context(), engine.ReadRequest{Plan: p}, func(engine.Row) error { return nil })
		if err != nil {
			f := fault.Find(err)
			require.Equal(t, fault.Value, f.Kind)
			keys = append(keys, f.Key+" "+f.Column)
		}
	}
	require.Equal(t, []string{"id=2 thai", "id=3 big"}, keys)
	require.False(t, bytes.Contains([]byte(strings.Join(keys, "")), []byte("euc")))
}

// everyType has a column of each type that PostgreSQL holds exactly and gives back.
const everyType = `CREATE TABLE every (id int PRIMARY KEY, i8 tinyint, u8 tinyint unsigned, i16 smallint, u16 smallint unsigned, i24 mediumint, u24 mediumint unsigned,
	i32 int, u32 int unsigned, i64 bigint, u64 bigint unsigned, b1 bit(1), b64 bit(64), y year, d decimal(65,30), n decimal(10,0), f float, g double,
	dt date, dm datetime(6), ts timestamp(6) NULL, c char(10), v varchar(100), t text, m mediumtext, l longtext, e enum('','a','it''s','größe'), s set('a','b','ü'),
	bi binary(4), vb varbinary(10), tb tinyblob, bl blob, lb longblob, j json, vec vector(2))`

// hostileRows are values at the ends of those types.
var hostileRows = []string{
	`INSERT INTO every (id) VALUES (0)`,
	`INSERT INTO every VALUES (-2147483648, -128, 0, -32768, 0, -8388608, 0, -2147483648, 0, -9223372036854775808, 0, 0, 0, 0, -99999999999999999999999999999999999.999999999999999999999999999999, -9999999999,
		-3.4028234e38, -1.7976931348623157e308, '0001-01-01', '0001-01-01 00:00:00.000001', '1970-01-01 00:00:01.000001', '', '', '', '', '', '', '', x'00000000', '', '', '', '', 'null', NULL)`,
	`INSERT INTO every VALUES (2147483647, 127, 255, 32767, 65535, 8388607, 16777215, 2147483647, 4294967295, 9223372036854775807, 18446744073709551615, 1, ~0, 2155, 99999999999999999999999999999999999.999999999999999999999999999999, 9999999999,
		16777216, 5e-324, '9999-12-31', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07.999999', ' a', ' trailing  ', '\\N', '\t\n\r\\', repeat('ü😀', 9000), 'a', 'a,b,ü', x'ff00ff00', x'00', x'0a5c09', x'ff', repeat(x'00ff', 9000), '{"b": [1, 2.5, null], "a": "😀"}', to_vector('[1.5,-2]'))`,
	`INSERT INTO every (id, f, g, y, e, v, j) VALUES (1, 123456.789, 0.1, 1901, 'größe', 'NULL', '18446744073709551615')`,
}

// Every such type goes to PostgreSQL and back into a table like the first, to the bit.
func TestEveryType_ThroughPostgres(t *testing.T) {
	source, between, back := openFlavour(t, NameMySQL), openPostgres(t), openFlavour(t, NameMySQL)
	script(t, source, append([]string{everyType}, hostileRows...)...)
	script(t, back, everyType)
	moveAll(t, source, between, nil)
	moveAll(t, between, back, func(d *planv1.Database) {
		types := map[string]string{}
		for _, c := range describeTable(t, source, "every").GetColumns() {
			types[c.GetName()] = c.GetNativeType()
		}
		for _, c := range d.GetTables()[0].GetColumns() {
			// As the spec's casts would.
			c.Cast = types[c.GetName()]
		}
	})
	plan := planOf(t, describeTable(t, source, "every"))
	want, _ := readRows(t, source, engine.ReadRequest{Plan: plan})
	other := describeTable(t, back, "every")
	got, _ := readRows(t, back, engine.ReadRequest{Plan: planOf(t, other)})
	for i := range want {
		for j, c := range plan.GetColumns() {
			require.Equal(t, want[i][j], got[i][j], "%s of row %d", c.GetSource(), i)
		}
	}
}
