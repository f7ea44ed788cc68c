package mysql

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// rich has a column of each type, and each kind of thing around a table.
var rich = []string{
	"CREATE TABLE parent (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, n VARCHAR(20), UNIQUE KEY (n)) COMMENT 'par''ent'",
	`CREATE TABLE t (
	id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	t1 TINYINT(1) DEFAULT 1, tu TINYINT UNSIGNED, mu MEDIUMINT UNSIGNED ZEROFILL, y YEAR DEFAULT 2020, d DECIMAL(10,3) DEFAULT 1.500, dn DECIMAL(5) DEFAULT -7,
	f FLOAT DEFAULT 1.5, db DOUBLE, b BIT(5) DEFAULT b'101',
	c CHAR(5) DEFAULT 'a''b', bs VARCHAR(10) DEFAULT 'b\\c\n', v VARCHAR(10) CHARACTER SET latin1 COLLATE latin1_german1_ci DEFAULT 'x', vn VARCHAR(10) DEFAULT NULL, tx TEXT,
	e ENUM('a','it''s','c,d','','b\\c','(x)') NOT NULL DEFAULT 'a', s SET('x','y') DEFAULT 'x,y',
	bi BINARY(4), vb VARBINARY(5) DEFAULT 'AB', bl LONGBLOB,
	dt DATE DEFAULT '2020-01-02', zd DATE DEFAULT '0000-00-00', dm DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
	ts TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, tm TIME(2) DEFAULT '10:00:00',
	j JSON, ex INT DEFAULT (1+2), ex2 VARCHAR(36) DEFAULT (UUID()), dd DATE DEFAULT (CURRENT_DATE),
	gv INT GENERATED ALWAYS AS (t1 + 1) VIRTUAL, gs VARCHAR(50) GENERATED ALWAYS AS (replace(vn, 'it''s', '\\')) STORED,
	g GEOMETRY NOT NULL, pt POINT, inv INT INVISIBLE DEFAULT 3, parent INT UNSIGNED, cm INT COMMENT 'hi "there"',
	i1 INT CHECK (i1 > 0), CONSTRAINT ck2 CHECK (t1 < 100 AND c <> 'z'),
	KEY k1 (c(2), d DESC), UNIQUE KEY u1 (v, tu), FULLTEXT KEY ft (tx), SPATIAL KEY sp (g),
	CONSTRAINT fk1 FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE SET NULL ON UPDATE CASCADE
	) COMMENT='a table' ROW_FORMAT=COMPRESSED AUTO_INCREMENT=77`,
	"CREATE TABLE parts (a INT, b INT, PRIMARY KEY (a, b)) PARTITION BY RANGE (a) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)",
	"CREATE TABLE uniq (a INT NOT NULL, b VARCHAR(10) NOT NULL, c INT, UNIQUE KEY (b), UNIQUE KEY (c), UNIQUE KEY aa (a))",
	"CREATE TABLE nokey (f FLOAT PRIMARY KEY, b VARCHAR(10) NOT NULL, n INT, UNIQUE KEY (b(3)), UNIQUE KEY (n)) ENGINE=MyISAM",
	"CREATE VIEW vw AS SELECT 1 AS one",
	"CREATE PROCEDURE pr() SELECT 1",
	"CREATE TRIGGER trg BEFORE INSERT ON parent FOR EACH ROW SET NEW.n = 'x'",
	"CREATE EVENT ev ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
}

// own is what only one product has.
var own = map[string][]string{
	NameMySQL: {"SET SESSION sql_generate_invisible_primary_key = 1", "CREATE TABLE gipk (a INT)", "SET SESSION sql_generate_invisible_primary_key = 0",
		"CREATE TABLE modern (a INT PRIMARY KEY, v VECTOR(3), p POINT NOT NULL SRID 4326, j JSON DEFAULT (JSON_OBJECT()), KEY fx ((a * 2)), CHECK (a > 5) NOT ENFORCED)",
		"CREATE TABLE hidden (a INT NOT NULL, b VARCHAR(5) NOT NULL, UNIQUE KEY (b), UNIQUE KEY (a) INVISIBLE, PRIMARY KEY (b, a))", "ALTER TABLE hidden DROP PRIMARY KEY"},
	NameMariaDB: {"CREATE SEQUENCE sq", "CREATE TABLE hidden (a INT NOT NULL, b VARCHAR(5) NOT NULL, UNIQUE KEY (b), UNIQUE KEY (a) IGNORED)", "CREATE TABLE uu (u UUID PRIMARY KEY DEFAULT UUID(), i4 INET4, i6 INET6, n INT DEFAULT NEXTVAL(sq))",
		"CREATE TABLE versioned (a INT PRIMARY KEY, s TIMESTAMP(6) GENERATED ALWAYS AS ROW START, e TIMESTAMP(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING"},
}

func TestDescribe_Rich(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		script(t, d, append(append([]string{}, rich...), own[d.dialect.name]...)...)
		got, err := d.Describe(t.Context(), engine.Selection{})
		require.NoError(t, err)
		for _, table := range got.GetTables() {
			require.Regexp(t, "^[0-9a-f]{32}$", table.GetFingerprint())
			table.Fingerprint, table.EstimatedBytes = "", 0
		}
		got.Version, got.Identity = "", ""
		text, err := protojson.MarshalOptions{Multiline: true}.Marshal(got)
		require.NoError(t, err)
		// protojson spaces as it likes; the database's name is another each time.
		text = regexp.MustCompile(`STARTS '[^']*'`).ReplaceAll(text, []byte("STARTS 'now'"))
		clean := regexp.MustCompile(`(?m)":  +`).ReplaceAllString(string(text), `": `)
		golden(t, d.dialect.name+".json", strings.ReplaceAll(clean, d.schema, "SCHEMA")+"\n")
	})
}

func TestDescribe_Selects(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		script(t, d, rich...)
		got, err := d.Describe(t.Context(), engine.Selection{Include: []string{"p*", "vw"}, Exclude: []string{"parts"}})
		require.NoError(t, err)
		require.Len(t, got.GetTables(), 1)
		require.Equal(t, "parent", got.GetTables()[0].GetName())
	})
}

// Past rows are counted; a table that has none says nothing.
func TestDescribe_CountsTheHistoryThatStays(t *testing.T) {
	d := openFlavour(t, NameMariaDB)
	script(t, d, "CREATE TABLE kept (a INT PRIMARY KEY, b INT) WITH SYSTEM VERSIONING", "INSERT INTO kept VALUES (1, 1), (2, 1)",
		"UPDATE kept SET b = 2", "DELETE FROM kept WHERE a = 2", "CREATE TABLE fresh (a INT PRIMARY KEY) WITH SYSTEM VERSIONING", "INSERT INTO fresh VALUES (1)")
	got, err := d.Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	require.Len(t, got.GetFindings(), 1)
	f := got.GetFindings()[0]
	require.Equal(t, codeHistoryNotMoved, f.GetCode())
	require.Equal(t, d.schema+".kept", f.GetTable())
	require.EqualValues(t, 3, f.GetRows())
}

func TestDescribe_EstimatesWhatWasJustFilled(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		script(t, d, "CREATE TABLE n (a INT PRIMARY KEY, b VARCHAR(100))",
			"INSERT INTO n WITH RECURSIVE s AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM s WHERE i < 900) SELECT i, repeat('x', 90) FROM s")
		table := describeTable(t, d, "n")
		require.EqualValues(t, 900, table.GetEstimatedRows())
		require.Greater(t, table.GetEstimatedBytes(), int64(900*90))
	})
}

// describeTable describes one table of a database.
func describeTable(t testing.TB, d *database, name string) *planv1.Table {
	t.Helper()
	got, err := d.Describe(t.Context(), engine.Selection{Include: []string{name}})
	require.NoError(t, err)
	require.Len(t, got.GetTables(), 1)
	return got.GetTables()[0]
}

func TestDescribe_RefusesWhatItMayNotRead(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		script(t, d, "CREATE TABLE open (a INT PRIMARY KEY, b INT)", "CREATE TABLE shut (a INT PRIMARY KEY, b INT)",
			"CREATE USER "+d.schema+" IDENTIFIED BY 'secret'", "GRANT SELECT ON "+d.schema+".open TO "+d.schema, "GRANT INSERT ON "+d.schema+".shut TO "+d.schema)
		t.Cleanup(func() { dropUser(t, d) })
		limited := openAs(t, d, d.schema, "secret")
		_, err := limited.Describe(t.Context(), engine.Selection{Include: []string{"open"}})
		require.NoError(t, err)
		_, err = limited.Describe(t.Context(), engine.Selection{})
		require.Equal(t, fault.Denied, fault.KindOf(err), "%v", err)
		require.ErrorContains(t, err, d.schema+".shut")
		script(t, d, "GRANT SELECT (a) ON "+d.schema+".shut TO "+d.schema)
		_, err = limited.Describe(t.Context(), engine.Selection{})
		require.Equal(t, fault.Denied, fault.KindOf(err), "%v", err)
		require.ErrorContains(t, err, d.schema+".shut")
		// Reading says so too, whatever the plan says.
		err = limited.Read(t.Context(), engine.ReadRequest{Plan: planOf(t, describeTable(t, d, "shut"))}, func(engine.Row) error { return nil })
		require.Equal(t, fault.Denied, fault.KindOf(err), "%v", err)
		require.ErrorContains(t, err, d.schema+".shut")
	})
}
