package e2e

import (
	"context"
	"encoding/json"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/fixture"
)

// A database of PostgreSQL without an encoding is no target; as a source, each text in it
// is looked into, between equal types too.
func TestCheck_NoEncoding(t *testing.T) {
	t.Parallel()
	plain, target := withoutEncoding(t), testdb.Postgres(t)
	fixture.Exec(t, plain, "SET client_encoding = SQL_ASCII; CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, E'\\xe9'), (3, E'\\xc3\\xa9')")
	d := drover(t)
	r := d.Run(t, "check", "-f", spec(t, &d, plain, target, ""), "--deep", "-o", "json")
	require.Equal(t, 8, r.Code, r.Stderr)
	var got checked
	require.NoError(t, json.Unmarshal([]byte(r.Stdout), &got))
	require.Equal(t, []string{"SOURCE_ENCODING", "INVALID_TEXT"}, codesOf(got.Findings))
	require.Equal(t, []string{"id=2"}, errorsOf(got)[0].Keys)
	r = runSpec(t, d, spec(t, &d, plain, target, "tables:\n  - {match: public.t, columns: {v: {invalid: strip}}}\n"), "--deep", "--fresh")
	proven(t, r)
	require.Equal(t, "1|a\n2|\n3|é", fixture.Exec(t, target, "SELECT id, v FROM t ORDER BY id"))

	r = d.Run(t, "check", "-f", spec(t, &d, target, withoutEncoding(t), ""), "-o", "json")
	require.Equal(t, 8, r.Code, r.Stderr)
	got = checked{}
	require.NoError(t, json.Unmarshal([]byte(r.Stdout), &got))
	require.Equal(t, []string{"TARGET_ENCODING"}, codesOf(errorsOf(got)))
}

// withoutEncoding makes a database in SQL_ASCII.
func withoutEncoding(t *testing.T) string {
	t.Helper()
	beside := testdb.Postgres(t)
	u, err := url.Parse(beside)
	require.NoError(t, err)
	name := u.Path[1:] + "_ascii"
	fixture.Exec(t, beside, `CREATE DATABASE "`+name+`" ENCODING SQL_ASCII LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`)
	t.Cleanup(func() {
		if out, err := fixture.Try(context.Background(), beside, `DROP DATABASE "`+name+`" WITH (FORCE)`); err != nil {
			t.Log(out)
		}
	})
	u.Path = "/" + name
	return u.String()
}

func codesOf(all []found) (codes []string) {
	for _, f := range all {
		codes = append(codes, f.Code)
	}
	return codes
}

// What a server has set for sessions reaches no value: drover's have their own settings.
// Where it concerns names, or who may write, the check says so.
func TestCheck_HostileMariaDB(t *testing.T) {
	t.Parallel()
	hostile := testdb.OwnMariaDB(t, "--lower-case-table-names=1")
	fixture.Exec(t, hostile, `SET GLOBAL sql_mode = 'ORACLE,ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,NO_ZERO_DATE,NO_ZERO_IN_DATE,PIPES_AS_CONCAT,IGNORE_SPACE,REAL_AS_FLOAT,EMPTY_STRING_IS_NULL,TIME_ROUND_FRACTIONAL',
		GLOBAL explicit_defaults_for_timestamp = 0, GLOBAL tx_read_only = 1, GLOBAL autocommit = 0, GLOBAL completion_type = 2, GLOBAL time_zone = '+05:30', GLOBAL default_storage_engine = 'MyISAM', GLOBAL innodb_default_row_format = 'compact',
		GLOBAL sql_select_limit = 3, GLOBAL sql_safe_updates = 1, GLOBAL sql_big_selects = 0, GLOBAL max_join_size = 2, GLOBAL max_sort_length = 64, GLOBAL foreign_key_checks = 0, GLOBAL unique_checks = 0, GLOBAL event_scheduler = 1`)
	source, back := testdb.MariaDB(t), testdb.MariaDB(t)
	fixture.Exec(t, source, `SET NAMES utf8mb4; CREATE TABLE Mixed (id int AUTO_INCREMENT PRIMARY KEY, c char(9), v varchar(30) DEFAULT 'a\\b', d date, ts timestamp NULL DEFAULT NULL, tm time(6), u bigint unsigned, b blob, f float, KEY (v));
		SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';
		INSERT INTO Mixed VALUES (0, 'a', 'back\\slash ''q" t\n', '0000-00-00', '2020-01-01 00:00:01', '10:11:12.999999', 18446744073709551615, x'00ff5c27', 1.1), (7, '', '', '2021-02-30', NULL, '-838:59:59', 0, '', 3e30), (8, NULL, 'é€😀', NULL, NULL, NULL, NULL, NULL, NULL);
		INSERT INTO Mixed (c, u) SELECT seq, seq FROM seq_1_to_50;
		CREATE EVENT tick ON SCHEDULE EVERY 1 YEAR DO DELETE FROM Mixed WHERE id < 0`)
	rows := "SELECT id, hex(c), hex(v), d, ts, tm, u, hex(b), f FROM "
	want := fixture.Exec(t, source, rows+"Mixed ORDER BY id")

	d := drover(t)
	r := d.Run(t, "check", "-f", spec(t, &d, source, hostile, ""), "--deep", "-o", "json")
	require.Equal(t, 0, r.Code, "%s%s", r.Stdout, r.Stderr)
	var got checked
	require.NoError(t, json.Unmarshal([]byte(r.Stdout), &got))
	require.Subset(t, codesOf(got.Findings), []string{"NAME_CHANGED", "EVENT_RUNS"})
	proven(t, runSpec(t, d, spec(t, &d, source, hostile, "")))
	d = drover(t)
	proven(t, runSpec(t, d, spec(t, &d, hostile, back, "")))
	require.Equal(t, want, fixture.Exec(t, back, "SET NAMES utf8mb4; "+rows+"mixed ORDER BY id"))
}

// A server that takes no writes is no target.
func TestCheck_ReadOnlyTarget(t *testing.T) {
	t.Parallel()
	source, target := newSQLite(t), testdb.OwnMariaDB(t, "--read-only=1")
	fixture.Exec(t, source, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
	d := drover(t)
	// Its user has all privileges, READ ONLY ADMIN among them.
	require.Equal(t, 0, d.Run(t, "check", "-f", spec(t, &d, source, target, "")).Code)
	fixture.Exec(t, target, "CREATE USER plain IDENTIFIED BY 'plain'; GRANT ALL ON `drover%`.* TO plain")
	var plain string
	with(t, target, func(u *url.URL) { u.User = url.UserPassword("plain", "plain"); plain = u.String() })
	d = drover(t)
	r := d.Run(t, "check", "-f", spec(t, &d, source, plain, ""), "-o", "json")
	require.Equal(t, 8, r.Code, r.Stderr)
	var got checked
	require.NoError(t, json.Unmarshal([]byte(r.Stdout), &got))
	require.Equal(t, []string{"TARGET_READ_ONLY"}, codesOf(errorsOf(got)))
}
