package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

var testMigration = engine.Migration{UID: "01WRITE", Name: "write", Term: 1}

// allowLoadData switches local_infile on for a test.
func allowLoadData(t testing.TB, d *database) {
	t.Helper()
	var on bool
	scan(t, d.db, "SELECT @@global.local_infile", &on)
	if on {
		return
	}
	_, err := d.db.ExecContext(t.Context(), "SET GLOBAL local_infile = 1")
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := d.db.Exec("SET GLOBAL local_infile = 0")
		require.NoError(t, err)
	})
}

func keepNames(string, string) (string, string, bool) { return "", "", false }

// designed plans and prepares a source's tables in a target.
func designed(t testing.TB, d *database, source *planv1.Database, r engine.DesignRequest) *planv1.Design {
	t.Helper()
	r.Source, r.Name = source, keepNames
	design, err := d.Design(t.Context(), r)
	require.NoError(t, err)
	for _, p := range design.GetTables() {
		require.False(t, blocked(p), "%v", p.GetFindings())
	}
	require.NoError(t, d.Prepare(t.Context(), engine.PrepareRequest{Migration: testMigration, TargetIdentity: design.GetIdentity(), Statements: design.GetStatements()}))
	return design
}

// described is a database's description.
func described(t testing.TB, d *database) *planv1.Database {
	t.Helper()
	out, err := d.Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	return out
}

// opened fences the whole of a table for a writer of one way.
func opened(t testing.TB, d *database, p *planv1.TablePlan, epoch uint64, bulk bool) *rangeWriter {
	t.Helper()
	w, err := d.OpenRange(t.Context(), engine.RangeRequest{Migration: testMigration, Plan: p, Range: &planv1.Range{Number: 1}, Attempt: epoch, Epoch: epoch})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	w.(*rangeWriter).bulk = bulk
	return w.(*rangeWriter)
}

// batchOf makes a batch of rows.
func batchOf(rows ...[][]byte) engine.Batch {
	b := engine.Batch{Encoding: planv1.Encoding_ENCODING_CANONICAL}
	for _, fields := range rows {
		var row []byte
		for _, v := range fields {
			if v == nil {
				row = batch.AppendNull(row)
			} else {
				row = batch.AppendValue(row, v)
			}
		}
		b.Body = append(b.Body, row...)
		b.Digest.Add(row)
	}
	return b
}

// eachWay runs a test on both servers and both ways of writing.
func eachWay(t *testing.T, f func(t *testing.T, d *database, bulk bool)) {
	eachFlavour(t, func(t *testing.T, d *database) {
		allowLoadData(t, d)
		for _, bulk := range []bool{true, false} {
			t.Run(map[bool]string{true: "LoadData", false: "Insert"}[bulk], func(t *testing.T) {
				f(t, openFlavour(t, d.dialect.name), bulk)
			})
		}
	})
}

// Every type of a product goes to the same product by either way as it is.
func TestWrite_EveryType(t *testing.T) {
	eachWay(t, func(t *testing.T, target *database, bulk bool) {
		source := openFlavour(t, target.dialect.name)
		own := ", j json, p point SRID 4326, vec vector(3)"
		if source.dialect == mariadbDialect {
			own = ", u uuid, i4 inet4, i6 inet6, j json"
		}
		script(t, source, `CREATE TABLE every (id int PRIMARY KEY, a tinyint, b smallint unsigned, c mediumint zerofill, d bigint unsigned, e decimal(65,30), f float, g double, h bit(13),
			l1 varchar(40) CHARACTER SET latin1, l2 text CHARACTER SET latin1, l3 enum('a','é','B') CHARACTER SET latin1, u8 varchar(40) CHARACTER SET utf8mb3, ut text CHARACTER SET utf16,
			t longtext CHARACTER SET utf8mb4, ch char(5) CHARACTER SET utf8mb4, en enum('','x','ß','it''s'), se set('a','b','ü'), bi binary(4), vb varbinary(300), bl longblob,
			da date, ti time(6), dt datetime(3), ts timestamp(6) NULL, ye year, ge geometry`+own+`) CHARACTER SET utf8mb4`,
			`INSERT INTO every (id) VALUES (1)`,
			`INSERT INTO every (id, a, b, c, d, e, f, g, h, l1, l2, l3, u8, ut, t, ch, en, se, bi, vb, bl, da, ti, dt, ts, ye, ge) VALUES
			(2, -128, 65535, 7, 18446744073709551615, -12345678901234567890123456789012345.123456789012345678901234567891, 3.4028234e38, 1e-310, b'1000000000001',
			 'é€', 'naïve\tx\ny', 'é', '日本', '😀 \\N', '\\N', 'a', '', 'a,ü', x'00ff0a09', x'005c0a0927', x'f0c3e4095c0a', '0001-01-01', '-838:59:59', '9999-12-31 23:59:59.999', '2038-01-19 03:14:07.999999', 0, ST_GeomFromText('LINESTRING(0 1,2 3)')),
			(3, 127, 0, 0, 0, 0, -0.1, 0.1, b'0', '', '', 'a', '', '', '', '', 'it''s', '', '', '', '', '9999-12-31', '00:00:00.000001', '2024-02-29 12:00:00', '1970-01-01 00:00:01', 2155, ST_GeomFromText('POINT(1 2)', 4326)),
			(4, 0, 1, 1, 1, 0.000000000000000000000000000001, 16777216, 9007199254740993, b'1', ' ', 'x ', 'B', ' a ', ' ', concat('tab', char(9), 'nl', char(10), 'cr', char(13, 10), 'nul', char(0), '\\', '\'"'), 'ß', 'ß', 'a,b,ü', 'abcd', 'NULL', repeat(x'00ff', 30000), '2024-01-31', '23:59:59.5', '1000-01-01', '2024-03-31 02:30:00', 1901, NULL)`)
		if source.dialect == mariadbDialect {
			script(t, source, `UPDATE every SET u = '123e4567-e89b-42d3-a456-426614174000', i4 = '10.0.0.1', i6 = '2001:db8::ff00:42:8329', j = '{"b": 1,  "a": [1.50]}' WHERE id = 2`)
		} else {
			script(t, source, `UPDATE every SET j = '{"b": 1,  "a": [1.50, "é\\n"]}', vec = TO_VECTOR('[1,2.5,-3]'), p = ST_GeomFromText('POINT(10 20)', 4326) WHERE id = 2`)
		}
		roundTrip(t, source, target, bulk, "every")
	})
}

// roundTrip copies a table to another database and compares what is read.
func roundTrip(t *testing.T, source, target *database, bulk bool, name string) {
	t.Helper()
	design := designed(t, target, described(t, source), engine.DesignRequest{})
	for _, p := range design.GetTables() {
		require.NoError(t, target.Apply(t.Context(), testMigration, p, planv1.Step_STEP_CREATE))
		rows, _ := readRows(t, source, engine.ReadRequest{Plan: p})
		require.NotEmpty(t, rows)
		w := opened(t, target, p, 1, bulk)
		// So that a way which fails does not go unseen.
		way := w.insertSifted
		if bulk {
			way = w.loadData
		}
		outcome, err := w.apply(t.Context(), batchOf(rows...), way)
		require.NoError(t, err, name)
		require.Equal(t, engine.Written, outcome)
		got, _ := readRows(t, target, engine.ReadRequest{Plan: p, Side: engine.TargetSide})
		for i, row := range rows {
			for j, c := range p.GetColumns() {
				require.Equal(t, row[j], got[i][j], "%s of row %d", c.GetTarget(), i+1)
			}
		}
	}
}

// A line may be empty, and a table may have one column.
func TestWrite_OneColumn(t *testing.T) {
	eachWay(t, func(t *testing.T, target *database, bulk bool) {
		source := openFlavour(t, target.dialect.name)
		script(t, source, "CREATE TABLE one (v varchar(20) CHARACTER SET utf8mb4)", "INSERT INTO one VALUES (''), (NULL), (''), ('\\\\N'), ('NULL')")
		roundTrip(t, source, target, bulk, "one")
	})
}

// foreignTable is what another engine might describe: an id and one column.
func foreignTable(columns ...*planv1.Column) *planv1.Database {
	id := &planv1.Column{Name: "id", NativeType: "INTEGER", Kind: canon.Int}
	return &planv1.Database{Engine: "memory", Tables: []*planv1.Table{{Name: "t", Columns: append([]*planv1.Column{id}, columns...),
		Key:     &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_PRIMARY, Columns: []string{"id"}, Kinds: []planv1.Kind{canon.Int}, PortableOrder: true},
		Indexes: []*planv1.Index{{Primary: true, Unique: true, Columns: []*planv1.IndexColumn{{Name: "id"}}}}}}}
}

func value(t testing.TB, kind planv1.Kind, text string) []byte {
	t.Helper()
	v, err := canon.Parse(kind, text)
	require.NoError(t, err)
	return v
}

// What the target cannot hold is refused by key and column, by either way, and
// nothing stays.
func TestWrite_NamesRefusedRow(t *testing.T) {
	cases := map[string]struct {
		column    *planv1.Column
		make      string
		good, bad string
	}{
		"TooLong":      {&planv1.Column{Kind: canon.Text, Length: 3}, "", "abc", "abcd"},
		"SpacesCut":    {&planv1.Column{Kind: canon.Text, Length: 3}, "", "abc", "abc   "},
		"NotUTF8":      {&planv1.Column{Kind: canon.Text}, "", "é", "\xff"},
		"OutOfRange":   {&planv1.Column{Kind: canon.Int}, "smallint", "1", "70000"},
		"Negative":     {&planv1.Column{Kind: canon.Int}, "int unsigned", "1", "-1"},
		"Label":        {&planv1.Column{Kind: canon.Text}, "enum('a','b') COLLATE utf8mb4_general_ci", "a", "A"},
		"Set":          {&planv1.Column{Kind: canon.Text}, "set('a','b')", "a,b", "b,a"},
		"NotInCharset": {&planv1.Column{Kind: canon.Text}, "varchar(10) CHARACTER SET latin1", "é", "日"},
		"CharSpace":    {&planv1.Column{Kind: canon.Text}, "char(5)", "a", "a "},
		"Fraction":     {&planv1.Column{Kind: canon.Timestamp}, "datetime(3)", "2024-01-01 00:00:00.001", "2024-01-01 00:00:00.0001"},
		"BeforeChrist": {&planv1.Column{Kind: canon.Date}, "", "2024-01-01", "0044-03-15 BC"},
		"Infinity":     {&planv1.Column{Kind: canon.TimestampTZ}, "", "2024-01-01 00:00:00+00", "infinity"},
		"NaN":          {&planv1.Column{Kind: canon.Float64}, "", "1.5", "NaN"},
		"DecimalNaN":   {&planv1.Column{Kind: canon.Decimal}, "", "1.500000000000000000000000000000", "NaN"},
		"TooManyHours": {&planv1.Column{Kind: canon.Time}, "", "12:00:00", "900:00:00"},
		"BeyondStamp":  {&planv1.Column{Kind: canon.TimestampTZ}, "timestamp(6) NULL", "2024-01-01 00:00:00+00", "2039-01-01 00:00:00+00"},
		"Padded":       {&planv1.Column{Kind: canon.Bytes}, "binary(4)", "abcd", "abc"},
		"Check":        {&planv1.Column{Kind: canon.Int}, "int CHECK (v < 10)", "1", "11"},
	}
	eachWay(t, func(t *testing.T, d *database, bulk bool) {
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				script(t, d, "DROP TABLE IF EXISTS t, "+ledgerMigration+", "+ledgerTable+", "+ledgerRange)
				c.column.Name, c.column.NativeType, c.column.Nullable = "v", "declared", true
				if c.make != "" {
					script(t, d, "CREATE TABLE t (id bigint PRIMARY KEY, v "+c.make+") CHARACTER SET utf8mb4")
				}
				p := designed(t, d, foreignTable(c.column), engine.DesignRequest{}).GetTables()[0]
				require.NoError(t, d.Apply(t.Context(), testMigration, p, planv1.Step_STEP_CREATE))
				w := opened(t, d, p, 1, bulk)
				good, bad := []byte(c.good), []byte(c.bad)
				if k := c.column.GetKind(); k != canon.Text && k != canon.Bytes {
					good, bad = value(t, k, c.good), value(t, k, c.bad)
				}
				id := func(n int64) []byte { return canon.AppendInt(nil, n) }
				rows := [][][]byte{{id(1), good}, {id(2), nil}, {id(3), bad}, {id(4), good}, {id(5), bad}}
				_, err := w.Write(t.Context(), batchOf(rows...))
				rowRefused(t, err, "id=3", map[bool]string{true: "", false: "v"}[name == "Check"])
				require.Zero(t, count(t, d, "t"))
				b := batchOf(rows[0], rows[1], rows[3])
				outcome, err := w.Write(t.Context(), b)
				require.NoError(t, err)
				require.Equal(t, engine.Written, outcome)
				require.EqualValues(t, 3, count(t, d, "t"))
			})
		}
	})
}

func rowRefused(t testing.TB, err error, key, column string) {
	t.Helper()
	require.Equal(t, fault.Value, fault.KindOf(err), "%v", err)
	found := fault.Find(err)
	require.Equal(t, key, found.Key, "%v", err)
	require.Equal(t, column, found.Column, "%v", err)
	require.Equal(t, fault.Target, found.Side)
}

func count(t testing.TB, d *database, table string) (n int64) {
	t.Helper()
	scan(t, d.db, "SELECT count(*) FROM "+ident(table), &n)
	return n
}

// A row that comes twice is named, whether the first one is of the same batch or was
// there before.
func TestWrite_NamesDuplicate(t *testing.T) {
	eachWay(t, func(t *testing.T, d *database, bulk bool) {
		column := &planv1.Column{Name: "v", NativeType: "TEXT", Kind: canon.Text, Nullable: true}
		p := designed(t, d, foreignTable(column), engine.DesignRequest{}).GetTables()[0]
		require.NoError(t, d.Apply(t.Context(), testMigration, p, planv1.Step_STEP_CREATE))
		w := opened(t, d, p, 1, bulk)
		row := func(n int64) [][]byte { return [][]byte{canon.AppendInt(nil, n), []byte("v")} }
		_, err := w.Write(t.Context(), batchOf(row(1), row(2), row(7), row(3), row(7)))
		rowRefused(t, err, "id=7", "")
		require.ErrorContains(t, err, "Duplicate entry '7'")
		require.Zero(t, count(t, d, "t"))
		script(t, d, "INSERT INTO t VALUES (2, 'there')")
		_, err = w.Write(t.Context(), batchOf(row(1), row(2), row(3)))
		rowRefused(t, err, "id=2", "")
		require.EqualValues(t, 1, count(t, d, "t"))
	})
}

// Rows longer than a statement may be go in several.
func TestWrite_PacketLimit(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		column := &planv1.Column{Name: "v", NativeType: "TEXT", Kind: canon.Text, Nullable: true}
		p := designed(t, d, foreignTable(column), engine.DesignRequest{}).GetTables()[0]
		require.NoError(t, d.Apply(t.Context(), testMigration, p, planv1.Step_STEP_CREATE))
		w := opened(t, d, p, 1, false)
		w.maxPacket = 10_000
		var rows [][][]byte
		for i := range int64(50) {
			rows = append(rows, [][]byte{canon.AppendInt(nil, i), []byte(strings.Repeat("x", int(i)*170))})
		}
		_, err := w.Write(t.Context(), batchOf(rows...))
		require.NoError(t, err)
		require.EqualValues(t, 50, count(t, d, "t"))
		b := batchOf([][]byte{canon.AppendInt(nil, 99), []byte(strings.Repeat("x", 10_000))})
		b.Sequence = 1
		_, err = w.Write(t.Context(), b)
		rowRefused(t, err, "id=99", "")
		require.ErrorContains(t, err, "max_allowed_packet")
	})
}

// LOAD DATA that is switched off between two batches is done without.
func TestWrite_LocalInfileSwitchedOff(t *testing.T) {
	d := openFlavour(t, NameMariaDB)
	allowLoadData(t, d)
	column := &planv1.Column{Name: "v", NativeType: "TEXT", Kind: canon.Text, Nullable: true}
	p := designed(t, d, foreignTable(column), engine.DesignRequest{}).GetTables()[0]
	require.NoError(t, d.Apply(t.Context(), testMigration, p, planv1.Step_STEP_CREATE))
	w := opened(t, d, p, 1, true)
	for i := range int64(3) {
		if i == 1 {
			require.NoError(t, w.exec(t.Context(), "SET GLOBAL local_infile = 0"))
			t.Cleanup(func() {
				_, err := d.db.Exec("SET GLOBAL local_infile = 1")
				require.NoError(t, err)
			})
		}
		b := batchOf([][]byte{canon.AppendInt(nil, i), []byte("v")})
		b.Sequence = uint64(i)
		_, err := w.Write(t.Context(), b)
		require.NoError(t, err)
		require.Equal(t, i == 0, w.bulk)
	}
	require.EqualValues(t, 3, count(t, d, "t"))
}

// A loader that hangs in a transaction is ended by the next one, and its rows with it.
func TestOpenRange_EndsZombie(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		column := &planv1.Column{Name: "v", NativeType: "TEXT", Kind: canon.Text, Nullable: true}
		p := designed(t, d, foreignTable(column), engine.DesignRequest{}).GetTables()[0]
		require.NoError(t, d.Apply(t.Context(), testMigration, p, planv1.Step_STEP_CREATE))
		zombie := opened(t, d, p, 1, false)
		hung := make(chan struct{})
		over := make(chan error, 1)
		next := make(chan struct{})
		go func() {
			_, err := zombie.apply(t.Context(), batchOf([][]byte{canon.AppendInt(nil, 1), nil}), func(ctx context.Context, b engine.Batch) ([]engine.Reject, error) {
				err := zombie.insert(ctx, b)
				close(hung)
				<-next
				return nil, err
			})
			over <- err
		}()
		<-hung
		begun := time.Now()
		owner := opened(t, d, p, 2, false)
		require.Less(t, time.Since(begun), 2*patience)
		close(next)
		require.Error(t, <-over, "its connection is gone")
		require.Zero(t, count(t, d, "t"))
		_, err := zombie.Write(t.Context(), batchOf([][]byte{canon.AppendInt(nil, 1), nil}))
		require.Equal(t, fault.Fenced, fault.KindOf(err), "%v", err)
		_, err = owner.Write(t.Context(), batchOf([][]byte{canon.AppendInt(nil, 1), nil}))
		require.NoError(t, err)
	})
}

// A connection that breaks is replaced, and the ledger tells what had arrived.
func TestWrite_Reconnects(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		column := &planv1.Column{Name: "v", NativeType: "TEXT", Kind: canon.Text, Nullable: true}
		p := designed(t, d, foreignTable(column), engine.DesignRequest{}).GetTables()[0]
		require.NoError(t, d.Apply(t.Context(), testMigration, p, planv1.Step_STEP_CREATE))
		w := opened(t, d, p, 1, false)
		for i := range int64(3) {
			var id int64
			require.NoError(t, w.conn.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id))
			script(t, d, fmt.Sprintf("KILL %d", id))
			b := batchOf([][]byte{canon.AppendInt(nil, i), nil})
			b.Sequence = uint64(i)
			outcome, err := w.Write(t.Context(), b)
			require.NoError(t, err)
			require.Equal(t, engine.Written, outcome)
		}
		require.EqualValues(t, 3, count(t, d, "t"))
		ledger, err := w.Complete(t.Context(), 3)
		require.NoError(t, err)
		require.EqualValues(t, 3, ledger.Digest.Rows)
	})
}

// Tables of more rows than one transaction deletes are emptied all the same.
func TestEmpty_ManyRows(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		column := &planv1.Column{Name: "v", NativeType: "TEXT", Kind: canon.Text, Nullable: true}
		p := designed(t, d, foreignTable(column), engine.DesignRequest{}).GetTables()[0]
		require.NoError(t, d.Apply(t.Context(), testMigration, p, planv1.Step_STEP_CREATE))
		script(t, d, "INSERT INTO t (id) VALUES (1)")
		for n := 1; n <= deletedAtOnce; n *= 2 {
			script(t, d, fmt.Sprintf("INSERT INTO t (id) SELECT id + %d FROM t", n))
		}
		require.Greater(t, count(t, d, "t"), int64(deletedAtOnce))
		w := opened(t, d, p, 1, false)
		require.NoError(t, d.Empty(t.Context(), testMigration, p, 5))
		require.Zero(t, count(t, d, "t"))
		_, err := w.Write(t.Context(), batchOf([][]byte{canon.AppendInt(nil, 1), nil}))
		require.Equal(t, fault.Fenced, fault.KindOf(err), "%v", err)
		opened(t, d, p, 6, false)
		var emptying sql.NullBool
		scan(t, d.db, "SELECT emptying FROM "+ledgerTable, &emptying)
		require.False(t, emptying.Bool)
	})
}
