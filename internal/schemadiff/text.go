package schemadiff

import (
	"regexp"
	"strconv"
	"strings"
)

// synonyms are names that engines print for a type, by the name that they print for
// it elsewhere.
var synonyms = strings.NewReplacer(
	"character varying", "varchar", "bpchar", "char", "character(", "char(", "timestamp without time zone", "timestamp",
	"time without time zone", "time", "int4", "integer", "int8", "bigint", "int2", "smallint", "bool ", "boolean ",
	"double precision", "double", "float8", "double", "float4", "real", "decimal", "numeric")

// displayWidths of MySQL's and MariaDB's integers say nothing about values; tinyint(1)
// is how both say boolean.
var displayWidths = regexp.MustCompile(`\b(smallint|mediumint|int|integer|bigint|year)\(\d+\)|\b(tinyint)\((?:[02-9]|\d\d+)\)`)

// sameType compares types as DDL and catalogs write them.
func (c *comparison) sameType(a, b string) bool {
	a, b = plainType(a), plainType(b)
	return a == b || c.plan.GetTargetEngine() == "mariadb" && a == "json" && b == "longtext" // what MariaDB makes of JSON
}

func plainType(t string) string {
	if i := strings.IndexByte(t, '\''); i >= 0 { // labels of an enum count as they are
		return plainType(t[:i]) + strings.ReplaceAll(t[i:], "', '", "','")
	}
	t = displayWidths.ReplaceAllString(strings.Join(strings.Fields(strings.ToLower(t)), " "), "$1$2")
	t = strings.ReplaceAll(t, ", ", ",")
	return strings.ReplaceAll(synonyms.Replace(t), `"`, "")
}

// sameConstant compares defaults: 0 and 0.00 are one number, t and true one answer.
func sameConstant(a, b string) bool {
	if a == b {
		return true
	}
	x, errX := strconv.ParseFloat(truth(a), 64)
	y, errY := strconv.ParseFloat(truth(b), 64)
	return errX == nil && errY == nil && x == y
}

func truth(s string) string {
	switch strings.ToLower(s) {
	case "true", "t":
		return "1"
	case "false", "f":
		return "0"
	}
	return s
}
