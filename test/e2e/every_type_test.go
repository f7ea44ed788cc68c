package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/fixture"
)

// everyType has a column of each type that MySQL and MariaDB both have, with the values at
// its ends; of the types of one alone see ownTypes.
const everyType = `
SET SESSION time_zone = '+00:00', sql_mode = 'ANSI_QUOTES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO';
CREATE TABLE number (id int PRIMARY KEY, i8 tinyint, u8 tinyint unsigned, i16 smallint, u16 smallint unsigned, i24 mediumint, u24 mediumint unsigned,
  i32 int, u32 int unsigned, i64 bigint, u64 bigint unsigned, b1 bit(1), b64 bit(64), y year, d decimal(65,30), n decimal(10,0), f float, g double);
INSERT INTO number (id) VALUES (0);
INSERT INTO number VALUES (-2147483648, -128, 0, -32768, 0, -8388608, 0, -2147483648, 0, -9223372036854775808, 0, 0, 0, 0,
  -99999999999999999999999999999999999.999999999999999999999999999999, -9999999999, -3.4028234e38, -1.797693134862e308);
INSERT INTO number VALUES (2147483647, 127, 255, 32767, 65535, 8388607, 16777215, 2147483647, 4294967295, 9223372036854775807, 18446744073709551615, 1, ~0, 2155,
  99999999999999999999999999999999999.999999999999999999999999999999, 9999999999, 16777216, 5e-324);
INSERT INTO number (id, y, f, g) VALUES (1, 1901, 123456.789, 0.1);
CREATE TABLE moment (id int PRIMARY KEY, dt date, dm datetime, d6 datetime(6), ts timestamp NULL, t6 timestamp(6) NULL, ti time, ti3 time(3), ti6 time(6));
INSERT INTO moment VALUES (0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (1, '0001-01-01', '0001-01-01 00:00:00', '0001-01-01 00:00:00.000001', '1970-01-01 00:00:01', '1970-01-01 00:00:01.000001', '-838:59:59', '-838:59:58.999', '-838:59:58.999999'),
  (2, '9999-12-31', '9999-12-31 23:59:59', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07', '2038-01-19 03:14:07.499999', '838:59:59', '838:59:58.999', '838:59:58.999999'),
  (3, '1582-10-10', '2024-03-31 02:30:00', '2024-10-27 02:30:00.5', '2024-10-27 00:30:00', '2024-03-31 01:30:00.25', '24:00:00', '-00:00:00.001', '-00:00:00.000001'),
  (4, '2024-02-29', '1969-12-31 23:59:59', '1969-12-31 23:59:59.999999', '2000-02-29 12:00:00', '2000-02-29 12:00:00', '-25:00:01', '47:59:59.999', '00:00:00');
CREATE TABLE word (id int PRIMARY KEY, c char(10), v varchar(100), tt tinytext, t text, m mediumtext, l longtext, e enum('','a','it''s','größe'), s set('a','b','ü'), j json);
INSERT INTO word VALUES (0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (1, '', '', '', '', '', '', '', '', 'null'),
  (2, ' a', ' trailing  ', '\\N', '\t\n\r\\', 'NULL', repeat('ü😀', 9000), 'a', 'a,b,ü', '{"a":"😀","b":[1,2.5,null]}'),
  (3, 'größe', 'it''s', 'ß', '"', '%s', '\\', 'größe', 'ü', '18446744073709551615');
CREATE TABLE raw (id int PRIMARY KEY, bi binary(4), vb varbinary(10), tb tinyblob, bl blob, mb mediumblob, lb longblob);
INSERT INTO raw VALUES (0, NULL, NULL, NULL, NULL, NULL, NULL), (1, x'00000000', '', '', '', '', ''), (2, x'ff00ff00', x'00', x'0a5c09', x'ff', x'270d0a', repeat(x'00ff', 9000));
CREATE TABLE place (id int PRIMARY KEY, g geometry, p point, l linestring, s polygon, mp multipoint, ml multilinestring, ms multipolygon, gc geometrycollection);
INSERT INTO place (id) VALUES (0);
INSERT INTO place VALUES (1, ST_GeomFromText('POINT(52.5 13.4)', 4326), ST_GeomFromText('POINT(1e300 -0.1)'), ST_GeomFromText('LINESTRING(0 0,1 1,2 0)'),
  ST_GeomFromText('POLYGON((0 0,4 0,4 4,0 0),(1 0.5,2 0.5,2 1,1 0.5))'), ST_GeomFromText('MULTIPOINT((3 4),(5 6))'), ST_GeomFromText('MULTILINESTRING((0 0,1 1),(2 2,3 3))'),
  ST_GeomFromText('MULTIPOLYGON(((0 0,4 0,4 4,0 0),(1 0.5,2 0.5,2 1,1 0.5)),((5 5,6 5,6 6,5 5)))'), ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2),GEOMETRYCOLLECTION(LINESTRING(0 0,1 1)))')),
  (2, ST_GeomFromText('GEOMETRYCOLLECTION EMPTY'), ST_GeomFromText('POINT(52.5 13.4)', 4326), NULL, ST_GeomFromText('POLYGON((0 0,0 1,1 1,0 0))', 4326), NULL, NULL, NULL, ST_GeomFromText('GEOMETRYCOLLECTION EMPTY'));
`

// ownTypes are those that one of the two products has alone.
var ownTypes = map[fixture.Dialect]string{
	fixture.MySQL: `CREATE TABLE own (id int PRIMARY KEY, v vector(2), big vector(2000));
INSERT INTO own VALUES (0, NULL, NULL), (1, STRING_TO_VECTOR('[1.5,-2]'), NULL), (2, STRING_TO_VECTOR('[3e38,-1e-37]'), STRING_TO_VECTOR(concat('[', repeat('0.1,', 1999), '-0.1]')));`,
	fixture.MariaDB: `CREATE TABLE own (id int PRIMARY KEY, i4 inet4, i6 inet6, u uuid);
INSERT INTO own VALUES (0, NULL, NULL, NULL), (1, '0.0.0.0', '::', '00000000-0000-0000-0000-000000000000'), (2, '255.255.255.255', '2001:db8::ff00:42:8329', '01234567-89ab-1def-8123-456789abcdef'),
  (3, '10.0.0.1', '::ffff:192.0.2.128', 'ffffffff-ffff-ffff-ffff-ffffffffffff');`,
}

// typesThere lists the types of the columns that a database has.
const typesThere = `SELECT DISTINCT data_type FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY 1`

// typesOf asks the server for all of its types: every word that it knows, or that its help
// has, is tried as one.
func typesOf(t *testing.T, s side) string {
	t.Helper()
	url := s.make(t)
	text := fixture.Exec(t, url, `SELECT word FROM information_schema.keywords UNION SELECT name FROM mysql.help_topic
		UNION SELECT plugin_name FROM information_schema.plugins WHERE plugin_type = 'DATA TYPE'`)
	words := slices.Compact(slices.Sorted(slices.Values(regexp.MustCompile(`\b[A-Z0-9]+\b`).FindAllString(strings.ToUpper(text), -1))))
	var script strings.Builder
	script.WriteString(`DELIMITER //
CREATE PROCEDURE attempt(IN statement text) BEGIN
  DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END;
  SET @statement = statement; PREPARE p FROM @statement; EXECUTE p; DEALLOCATE PREPARE p;
END//
DELIMITER ;
`)
	for i, word := range words {
		for _, size := range []string{"", "(1)", "(''a'')"} {
			fmt.Fprintf(&script, "CALL attempt('CREATE TABLE IF NOT EXISTS t%d (c %s%s)');\n", i, word, size)
		}
	}
	fixture.Exec(t, url, script.String())
	return fixture.Exec(t, url, typesThere)
}

// A database with every type of its server goes to PostgreSQL and comes back as it was.
// No type is left out: the server says which it has.
func TestEveryType_ThroughPostgres(t *testing.T) {
	for _, from := range []side{mysql, mariadb} {
		t.Run(from.name, func(t *testing.T) {
			source := from.make(t)
			fixture.Exec(t, source, everyType+ownTypes[from.dialect])
			require.Equal(t, typesOf(t, from), fixture.Exec(t, source, typesThere), "types of the server, and those that are tested")
			for _, between := range []side{postgres18, withPostGIS} {
				t.Run(between.name, func(t *testing.T) { thereAndBack(t, from, between, source) })
			}
		})
	}
}

// withPostGIS is PostgreSQL with the extension for geometries.
var withPostGIS = side{"PostGIS", fixture.Postgres, func(t testing.TB) string {
	url := testdb.Postgres(t)
	fixture.Exec(t, url, "CREATE EXTENSION postgis")
	return url
}}

// thereAndBack moves a database and moves it back into the types that it had.
func thereAndBack(t *testing.T, from, between side, source string) {
	target, back := between.make(t), from.make(t)
	proven(t, drover(t).Copy(t, source, target))
	equal(t, source, target)
	casts := fixture.Exec(t, source, `SELECT concat('    - {match: ', table_name, '.', column_name, ', to: "', replace(column_type, '"', '\\"'), '"}')
		FROM information_schema.columns WHERE table_schema = DATABASE() AND column_name <> 'id'`)
	d := drover(t)
	proven(t, runSpec(t, d, spec(t, &d, target, back, "schema:\n  casts:\n    "+casts+"\n")))
	equal(t, source, back)
}
