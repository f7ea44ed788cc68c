package mysql

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/engine/enginetest"
)

// keyKinds are tables with every kind of key. Columns and key are DDL (the latter may
// close the parenthesis and go on); row is the key's values as SQL over i, from 1. Only
// names the one product that has such a table.
var keyKinds = []struct{ name, columns, key, row, only string }{
	{"dense", "a INT", "PRIMARY KEY (a)", "i", ""},
	{"gaps", "a BIGINT", "PRIMARY KEY (a)", "(i % 7) * 1000000000000 + i", ""},
	{"skew", "a BIGINT", "PRIMARY KEY (a)", "IF(i % 100 = 0, i * 1000000007, i)", ""},
	{"negative", "a BIGINT", "PRIMARY KEY (a)", "(i - 500000) * 9000000000", ""},
	{"ends", "a BIGINT", "PRIMARY KEY (a)", "CASE i WHEN 1 THEN -9223372036854775808 WHEN 2 THEN 9223372036854775807 ELSE i - 3 END", ""},
	{"unsigned_keys", "a BIGINT UNSIGNED", "PRIMARY KEY (a)", "18446744073709551615 - i * 977", ""},
	{"decimals", "a DECIMAL(20,4)", "PRIMARY KEY (a)", "(i * 7919 % 1000003) / 16 - 30000", ""},
	{"day", "a DATE", "PRIMARY KEY (a)", "DATE_ADD('0100-03-01', INTERVAL i DAY)", ""},
	{"moment", "a DATETIME(6)", "PRIMARY KEY (a)", "DATE_ADD('1999-12-31 23:59:59.999999', INTERVAL i * 7000001 MICROSECOND)", ""},
	{"instant", "a TIMESTAMP", "PRIMARY KEY (a)", "DATE_ADD('2024-03-31 00:00:00', INTERVAL i SECOND)", ""},
	{"clock", "a TIME(3)", "PRIMARY KEY (a)", "SEC_TO_TIME(i * 5.003 - 2500000)", ""},
	{"uuid_text", "a CHAR(36)", "PRIMARY KEY (a)", "INSERT(INSERT(INSERT(INSERT(LEFT(SHA2(i, 256), 32), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-')", ""},
	{"uuid_bytes", "a BINARY(16)", "PRIMARY KEY (a)", "UNHEX(LEFT(SHA2(i, 256), 32))", ""},
	{"uuid_type", "a UUID", "PRIMARY KEY (a)", "INSERT(INSERT(INSERT(INSERT(CONCAT(LEFT(SHA2(i, 256), 12), ELT(i % 3 + 1, '1', '4', '7'), LEFT(SHA2(-i, 256), 3), 'a', SUBSTR(SHA2(i, 256), 18, 15)), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-')", NameMariaDB},
	{"uuid_timed", "a BINARY(16)", "PRIMARY KEY (a)", "UNHEX(CONCAT('11ef1234', LPAD(HEX(i), 8, '0'), '8000', LEFT(SHA2(i, 256), 12)))", ""},
	{"bytes", "a VARBINARY(40)", "PRIMARY KEY (a)", "CONCAT(REPEAT(UNHEX('00ff'), i % 12), UNHEX(LPAD(HEX(i), 8, '0')))", ""},
	{"text_accents", "a VARCHAR(40) COLLATE utf8mb4_0900_ai_ci", "PRIMARY KEY (a)", "CONCAT(ELT(i % 7 + 1, 'a', 'Ä', 'b', 'É', 'ß', 'z', '日'), i)", NameMySQL},
	{"text_cased", "a VARCHAR(40) COLLATE utf8mb4_0900_as_cs", "PRIMARY KEY (a)", "CONCAT(IF(i % 2, 'Key ', 'kEY '), i)", NameMySQL},
	{"text_bytes", "a VARCHAR(40) COLLATE utf8mb4_0900_bin", "PRIMARY KEY (a)", "CONCAT(IF(i % 2, 'Key ', 'kEY '), i)", NameMySQL},
	{"text_uca", "a VARCHAR(40) COLLATE utf8mb4_uca1400_ai_ci", "PRIMARY KEY (a)", "CONCAT(ELT(i % 7 + 1, 'a', 'Ä', 'b', 'É', 'ß', 'z', '日'), i)", NameMariaDB},
	{"text_nopad", "a VARCHAR(40) COLLATE utf8mb4_nopad_bin", "PRIMARY KEY (a)", "CONCAT(IF(i % 2, 'Key ', 'kEY '), i)", NameMariaDB},
	{"text_general", "a VARCHAR(40) COLLATE utf8mb4_general_ci", "PRIMARY KEY (a)", "CONCAT(ELT(i % 8 + 1, 'a', 'Ä', 'b', 'É', 'ß', 'z ', '_', '日'), i)", ""},
	{"text_unicode", "a VARCHAR(40) COLLATE utf8mb4_unicode_ci", "PRIMARY KEY (a)", "CONCAT('user', i, '@example.org')", ""},
	{"text_padded", "a VARCHAR(40) COLLATE utf8mb4_bin", "PRIMARY KEY (a)", "CONCAT(SUBSTR('abcXYZ', i % 6 + 1, 1), 'x', i)", ""},
	{"text_latin", "a VARCHAR(40) CHARACTER SET latin1", "PRIMARY KEY (a)", "CONCAT(ELT(i % 6 + 1, 'a', 'Ä', 'b', 'É', 'ß', '€'), i)", ""},
	{"text_greek", "a VARCHAR(40)", "PRIMARY KEY (a)", "CONCAT(ELT(i % 5 + 1, 'α', 'β', 'γ', 'Δ', 'ω'), i)", ""},
	{"text_prefixed", "a VARCHAR(60)", "PRIMARY KEY (a)", "CONCAT('https://example.org/items/', i * 37)", ""},
	{"label", "a ENUM('z','a','m'), b INT", "PRIMARY KEY (a, b)", "i % 3 + 1, i", ""},
	{"labels", "a SET('z','a','m'), b INT", "PRIMARY KEY (a, b)", "i % 8, i", ""},
	{"one_value", "a INT, b BIGINT", "PRIMARY KEY (a, b)", "IF(i <= 100, i, 7), i", ""},
	{"tenants", "a VARCHAR(20), b INT", "PRIMARY KEY (a, b)", "CONCAT('tenant-', POW(i % 10, 2) DIV 10), i", ""},
	{"five", "a INT, b VARCHAR(10), c DATE, d BINARY(16), e DECIMAL(12,2)", "PRIMARY KEY (a, b, c, d, e)",
		"i % 5, ELT(i % 4 + 1, 'a', 'Ä', 'b', 'É'), DATE_ADD('2000-01-01', INTERVAL i % 300 DAY), UNHEX(LEFT(SHA2(i, 256), 32)), i / 4", ""},
	{"bits", "a BIT(40)", "PRIMARY KEY (a)", "i * 77777", ""},
	{"by_unique", "a BIGINT NOT NULL", "UNIQUE (a)", "i * 3", ""},
	{"nullable", "a BIGINT", "UNIQUE (a)", "IF(i % 20 = 0, NULL, i)", ""},
	{"by_range", "a BIGINT, b DATE", "PRIMARY KEY (a, b)) PARTITION BY RANGE (TO_DAYS(b)) (PARTITION p1 VALUES LESS THAN (TO_DAYS('2020-03-01')), PARTITION p2 VALUES LESS THAN MAXVALUE",
		"i, DATE_ADD('2020-01-01', INTERVAL i % 400 DAY)", ""},
	{"by_hash", "a BIGINT", "PRIMARY KEY (a)) PARTITION BY KEY (a", "i", ""},
}

// fillNumbers makes a table of the numbers from 1.
func fillNumbers(t testing.TB, d *database, rows int64) {
	t.Helper()
	script(t, d, "CREATE TABLE numbers (i BIGINT PRIMARY KEY)", fmt.Sprintf(`INSERT INTO numbers WITH RECURSIVE s (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < 999)
		SELECT a.n * 1000 + b.n + 1 FROM s AS a, s AS b WHERE a.n * 1000 + b.n < %d`, rows))
}

// Half of the ranges have about as many rows as was asked for and none has many more,
// whatever the key. DROVER_TEST_ROWS=1000000 shows it at that size.
func TestSplit_KeyKinds(t *testing.T) {
	rows := enginetest.Rows(t, 3000)
	target := rows / 25
	eachFlavour(t, func(t *testing.T, d *database) {
		fillNumbers(t, d, rows)
		for _, k := range keyKinds {
			if k.only != "" && k.only != d.dialect.name {
				continue
			}
			t.Run(k.name, func(t *testing.T) {
				script(t, d, fmt.Sprintf("CREATE TABLE %s (%s, filler VARCHAR(50), %s)", k.name, k.columns, k.key),
					fmt.Sprintf("INSERT INTO %s SELECT %s, 'filler filler' FROM numbers", k.name, k.row))
				p := planOf(t, describeTable(t, d, k.name))
				begun := time.Now()
				ranges, err := d.Split(t.Context(), p, engine.SplitOptions{TargetRows: target})
				took := time.Since(begun)
				require.NoError(t, err)
				var sizes []int64
				total := int64(0)
				for _, r := range ranges {
					n := countRange(t, d, p, r)
					sizes, total = append(sizes, n), total+n
				}
				require.Equal(t, rows, total)
				enginetest.RequireBalanced(t, target, sizes, took)
				script(t, d, "DROP TABLE "+k.name)
			})
		}
	})
}
