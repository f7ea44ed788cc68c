package postgres

import (
	"fmt"
	"strconv"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// Names of the engines whose types and expressions this package knows.
const (
	mysqlName   = "mysql"
	mariadbName = "mariadb"
)

// fromMySQL tells whether the source is MySQL or MariaDB.
func (d *designer) fromMySQL() bool {
	return d.source.GetEngine() == mysqlName || d.source.GetEngine() == mariadbName
}

// mysqlType is a column's declared type: "int(10) unsigned zerofill".
type mysqlType struct {
	// base is the first word, lower case.
	base string
	// first and second are the numbers in brackets, -1 where there are none.
	first, second int
	unsigned      bool
}

func parseMySQLType(native string) mysqlType {
	out := mysqlType{first: -1, second: -1}
	lower := strings.ToLower(strings.TrimSpace(native))
	end := strings.IndexAny(lower, " (")
	if end < 0 {
		end = len(lower)
	}
	out.base = lower[:end]
	rest := lower[end:]
	if inner, after, ok := cutBrackets(rest); ok {
		a, b, _ := strings.Cut(inner, ",")
		out.first, out.second = number(a), number(b)
		rest = after
	}
	out.unsigned = strings.Contains(rest, "unsigned") || strings.Contains(rest, "zerofill")
	return out
}

// cutBrackets gives what is in the brackets that s begins with, and behind them.
func cutBrackets(s string) (inner, after string, ok bool) {
	open := strings.IndexByte(s, '(')
	shut := strings.LastIndexByte(s, ')')
	if open != 0 || shut < 0 {
		return "", s, false
	}
	return s[1:shut], s[shut+1:], true
}

func number(s string) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		return -1
	}
	return n
}

// mysqlIntegers are the integer types, signed and unsigned.
var mysqlIntegers = map[string][2]string{
	"tinyint": {"smallint", "smallint"}, "bool": {"smallint", "smallint"}, "boolean": {"smallint", "smallint"}, "smallint": {"smallint", "integer"},
	"mediumint": {"integer", "integer"}, "int": {"integer", "bigint"}, "integer": {"integer", "bigint"}, "bigint": {"bigint", "numeric(20,0)"},
	"year": {"smallint", "smallint"},
}

// mapMySQLType gives the type of a column of MySQL or MariaDB: the narrowest that
// holds every value. Text of char(n) has no blanks at its end, which the server
// takes away when it reads; varchar keeps it so. A TIME is a duration, not a time
// of day.
func mapMySQLType(c *planv1.Column) (targetType, bool) {
	t := parseMySQLType(c.GetNativeType())
	out := targetType{kind: c.GetKind(), scale: -1}
	switch c.GetKind() {
	case canon.Int, canon.Uint:
		out.name = kindTypes[c.GetKind()]
		if names, ok := mysqlIntegers[t.base]; ok {
			out.name = names[0]
			if t.unsigned {
				out.name = names[1]
			}
		}
	case canon.Decimal:
		return numeric(c.GetPrecision(), c.GetScale()), true
	case canon.Text:
		out.name = "text"
		if n := int64(t.first); (t.base == "char" || t.base == "varchar") && n > 0 && n <= maxVarcharLength {
			out.name = fmt.Sprintf("character varying(%d)", n)
		}
	case canon.Bits:
		out.name, out.scale = fmt.Sprintf("bit(%d)", max(t.first, 1)), int32(max(t.first, 1))
	case canon.Timestamp:
		out.name = fmt.Sprintf("timestamp(%d) without time zone", max(t.first, 0))
	case canon.TimestampTZ:
		out.name = fmt.Sprintf("timestamp(%d) with time zone", max(t.first, 0))
	case canon.Time:
		out.name, out.kind = fmt.Sprintf("interval(%d)", max(t.first, 0)), canon.Interval
	default:
		name, ok := kindTypes[c.GetKind()]
		out.name = name
		return out, ok
	}
	return out, true
}

// isUnsigned tells whether the source's type takes no negative number.
func isUnsigned(c *planv1.Column) bool { return parseMySQLType(c.GetNativeType()).unsigned }
