package mysql

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/engine/enginetest"
	"github.com/drover-db/drover/internal/engine/memory/memorytest"
	"github.com/drover-db/drover/internal/testdb"
)

// product is the engine as one of the products: the suite wants a name beforehand.
type product struct {
	*Engine
	name string
}

func (p product) Name() string { return p.name }

// testTypes are the types that the suite's kinds are made with.
var testTypes = map[planv1.Kind]string{canon.Int: "bigint", canon.Uint: "bigint unsigned", canon.Float32: "float", canon.Float64: "double",
	canon.Date: "date", canon.Time: "time(6)", canon.Timestamp: "datetime(6)", canon.TimestampTZ: "timestamp(6) NULL", canon.JSON: "json", canon.JSONValue: "json"}

func testDialect(d *dialect) enginetest.Dialect {
	return enginetest.Dialect{
		Quote: ident,
		Type: func(c enginetest.Column) string {
			out := testTypes[c.Kind]
			switch {
			case c.Kind == canon.Decimal && c.Scale >= 0:
				out = fmt.Sprintf("decimal(30,%d)", c.Scale)
			case c.Kind == canon.Decimal:
				out = "decimal(65,30)"
			case c.Kind == canon.Text && c.Length > 0:
				out = fmt.Sprintf("varchar(%d) CHARACTER SET utf8mb4 COLLATE %s", c.Length, d.target.textCollation)
			case c.Kind == canon.Text:
				out = "longtext CHARACTER SET utf8mb4 COLLATE " + d.target.textCollation
			case c.Kind == canon.Bytes && c.Length > 0:
				out = fmt.Sprintf("varbinary(%d)", c.Length)
			case c.Kind == canon.Bytes:
				out = "longblob"
			}
			if c.Identity {
				out += " AUTO_INCREMENT"
			}
			return out
		},
		Literal: func(c enginetest.Column, v []byte) string {
			switch c.Kind {
			case canon.Float32:
				return strconv.FormatFloat(float64(canon.GetFloat32(v)), 'e', -1, 64)
			case canon.Float64:
				return strconv.FormatFloat(canon.GetFloat64(v), 'e', -1, 64)
			case canon.Int, canon.Uint, canon.Decimal:
				return canon.String(c.Kind, v)
			case canon.Bytes:
				return bytesConstant(v)
			case canon.Text, canon.JSON, canon.JSONValue:
				return textConstant(v)
			case canon.TimestampTZ:
				return literal(canon.String(canon.Timestamp, v))
			}
			return literal(canon.String(c.Kind, v))
		},
	}
}

// factory makes databases on one server; asSource says that tables of the suite are
// made there, whose instants are TIMESTAMPs.
func factory(d *dialect, newDatabase func(testing.TB) string, asSource bool) enginetest.Factory {
	raws := map[string]string{}
	lacks := []planv1.Kind{canon.Bool, canon.TimeTZ, canon.Interval, canon.UUID, canon.Bits, canon.JSON}
	if d == mariadbDialect {
		lacks[len(lacks)-1] = canon.JSONValue
	}
	return enginetest.Factory{
		Engine: product{New(), d.name},
		New: func(t *testing.T, tables ...enginetest.Table) engine.Config {
			raw := newDatabase(t)
			if len(tables) > 0 {
				script(t, openDB(t, raw), testDialect(d).Statements(tables...)...)
			}
			c := configOf(t, raw)
			raws[c.URL] = raw
			return c
		},
		Insert: func(t *testing.T, c engine.Config, table string, values map[string]string) error {
			names := slices.Sorted(maps.Keys(values))
			literals := make([]string, len(names))
			for i, name := range names {
				literals[i] = literal(values[name])
			}
			_, err := openDB(t, raws[c.URL]).db.ExecContext(t.Context(), "INSERT INTO "+ident(table)+" ("+idents(names)+") VALUES ("+strings.Join(literals, ", ")+")")
			return err
		},
		Lacks: lacks,
		Holds: func(kind planv1.Kind, v []byte) bool { return holds(d, asSource, kind, v) },
	}
}

// holds tells whether a value can be in a column of testTypes, and in one of kindTypes.
func holds(d *dialect, asSource bool, kind planv1.Kind, v []byte) bool {
	switch kind {
	case canon.Float32, canon.Float64:
		_, err := floatForm(kind, d.target.negativeZero)(nil, v)
		return err == nil
	case canon.Decimal:
		n, err := canon.NormalizeDecimal(string(v), maxDecimalScale)
		return err == nil && checkDigits(n) == nil
	case canon.Date, canon.Time, canon.Timestamp:
		_, err := momentForm(d, kind, 6)(nil, v)
		return err == nil
	case canon.TimestampTZ:
		_, err := momentForm(d, kind, 6)(nil, v)
		seconds := canon.GetInt(v) / microsPerSecond
		return err == nil && (!asSource || seconds > 0 && seconds < math.MaxInt32)
	case canon.JSON, canon.JSONValue:
		// MariaDB's JSON is any text; MySQL's, which it becomes there, is not.
		return canon.CheckJSONDoubles(v) == nil
	}
	return true
}

func mysqlFactory(asSource bool) enginetest.Factory {
	return factory(mysqlDialect, testdb.MySQL, asSource)
}

func mariadbFactory(asSource bool) enginetest.Factory {
	return factory(mariadbDialect, testdb.MariaDB, asSource)
}

// pair runs the suite beside others: it waits for DDL most of the time.
func pair(t *testing.T, source, target enginetest.Factory) {
	t.Parallel()
	enginetest.RunPair(t, source, target)
}

func TestConformance_MySQL(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, mysqlFactory(true))
}

func TestConformance_MariaDB(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, mariadbFactory(true))
}

func TestConformance_MySQLToMariaDB(t *testing.T) { pair(t, mysqlFactory(true), mariadbFactory(true)) }

func TestConformance_MariaDBToMySQL(t *testing.T) { pair(t, mariadbFactory(true), mysqlFactory(true)) }

// The memory engine has every kind.
func TestConformance_MemoryToMariaDB(t *testing.T) {
	pair(t, memorytest.Factory(), mariadbFactory(false))
}

func TestConformance_MariaDBToMemory(t *testing.T) {
	pair(t, mariadbFactory(true), memorytest.Factory())
}
