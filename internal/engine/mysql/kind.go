package mysql

import (
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// naturalKinds are the kinds of types by their bare names; bigint and those that are
// unsigned have more to say.
var naturalKinds = map[string]planv1.Kind{
	"tinyint": canon.Int, "smallint": canon.Int, "mediumint": canon.Int, "int": canon.Int, "bigint": canon.Int, "year": canon.Int,
	"decimal": canon.Decimal, "float": canon.Float32, "double": canon.Float64, "bit": canon.Bits,
	"char": canon.Text, "varchar": canon.Text, "tinytext": canon.Text, "text": canon.Text, "mediumtext": canon.Text, "longtext": canon.Text,
	"enum": canon.Text, "set": canon.Text,
	"binary": canon.Bytes, "varbinary": canon.Bytes, "tinyblob": canon.Bytes, "blob": canon.Bytes, "mediumblob": canon.Bytes, "longblob": canon.Bytes,
	"date": canon.Date, "time": canon.Time, "datetime": canon.Timestamp, "timestamp": canon.TimestampTZ,
	"json": canon.JSONValue, "uuid": canon.UUID, "inet4": canon.Text, "inet6": canon.Text, "vector": canon.Bytes,
	"geometry": canon.Bytes, "point": canon.Bytes, "linestring": canon.Bytes, "polygon": canon.Bytes, "multipoint": canon.Bytes,
	"multilinestring": canon.Bytes, "multipolygon": canon.Bytes, "geometrycollection": canon.Bytes, "geomcollection": canon.Bytes,
}

// kindOf gives the kind of a type; ok is false for types that drover does not know.
func kindOf(dataType, columnType string) (kind planv1.Kind, ok bool) {
	kind, ok = naturalKinds[dataType]
	if dataType == "bigint" && isUnsigned(columnType) {
		kind = canon.Uint
	}
	return kind, ok
}

// isUnsigned reads a type as COLUMN_TYPE has it; ZEROFILL implies UNSIGNED.
func isUnsigned(columnType string) bool {
	return strings.Contains(columnType, " unsigned") || strings.Contains(columnType, " zerofill")
}

// dataTypeOf is the bare name of a type as DDL writes it: "bigint" of "bigint(20)
// unsigned".
func dataTypeOf(columnType string) string {
	end := strings.IndexAny(columnType, "( ")
	if end < 0 {
		end = len(columnType)
	}
	return strings.ToLower(columnType[:end])
}

// labelsOf reads the labels of an enum or a set.
func labelsOf(columnType string) []string {
	open := strings.IndexByte(columnType, '(')
	if open < 0 {
		return nil
	}
	var out []string
	for rest := columnType[open+1:]; strings.HasPrefix(rest, "'"); {
		label, n := quotedPrefix(rest)
		if n == 0 {
			return out
		}
		out = append(out, label)
		rest = strings.TrimPrefix(rest[n:], ",")
	}
	return out
}

// unquoted reads a quoted text constant that is all of s.
func unquoted(s string) (string, bool) {
	text, n := quotedPrefix(s)
	return text, n > 0 && n == len(s)
}

// quotedPrefix reads a text constant off the front of s and gives its length in s; 0
// where there is none.
func quotedPrefix(s string) (string, int) {
	if !strings.HasPrefix(s, "'") {
		return "", 0
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(unescapedByte(s[i]))
		case s[i] != '\'':
			b.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == '\'':
			i++
			b.WriteByte('\'')
		default:
			return b.String(), i + 1
		}
	}
	return "", 0
}

func unescapedByte(c byte) byte {
	switch c {
	case '0':
		return 0
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'Z':
		return 0x1a
	case 'b':
		return '\b'
	}
	return c
}
