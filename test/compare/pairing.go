package compare

import "strings"

// postgresRules names the rule of a PostgreSQL type, without its modifier.
var postgresRules = map[string]rule{
	"smallint": ruleNumber, "integer": ruleNumber, "bigint": ruleNumber, "oid": ruleNumber,
	"numeric": ruleNumber, "double precision": ruleNumber, "real": ruleFloat32,
	"boolean":                     ruleBool,
	"timestamp without time zone": ruleTimestamp, "timestamp with time zone": ruleInstant,
	"date": ruleDate, "time without time zone": ruleTime, "time with time zone": ruleTimeTZ,
	"interval": ruleInterval, "uuid": ruleUUID, "bit": ruleBits, "bit varying": ruleBits,
	"bytea": ruleBytes, "geometry": ruleGeometry, "geography": ruleGeometry, "jsonb": ruleJSON, "character": rulePadded,
}

// mysqlRules names the rule of a MySQL or MariaDB type; text where it is none of them.
var mysqlRules = map[string]rule{
	"tinyint": ruleNumber, "smallint": ruleNumber, "mediumint": ruleNumber, "int": ruleNumber, "bigint": ruleNumber,
	"year": ruleNumber, "decimal": ruleNumber, "float": ruleNumber, "double": ruleNumber, "bit": ruleBits,
	"date": ruleDate, "datetime": ruleTimestamp, "timestamp": ruleInstant, "time": ruleDuration,
	"binary": ruleBytes, "varbinary": ruleBytes, "tinyblob": ruleBytes, "blob": ruleBytes, "mediumblob": ruleBytes,
	"longblob": ruleBytes, "vector": ruleBytes, "json": ruleJSON, "uuid": ruleUUID,
	"geometry": ruleGeometry, "point": ruleGeometry, "linestring": ruleGeometry, "polygon": ruleGeometry,
	"multipoint": ruleGeometry, "multilinestring": ruleGeometry, "multipolygon": ruleGeometry,
	"geometrycollection": ruleGeometry, "geomcollection": ruleGeometry,
}

// mixed names the rule of two columns whose own rules are not the same.
var mixed = map[[2]rule]rule{
	{ruleNumber, ruleBool}: ruleBool, {ruleBits, ruleBool}: ruleBool, {ruleBits, ruleNumber}: ruleNumber,
	// Without an offset the text of an instant is UTC.
	{ruleInstant, ruleTimestamp}: ruleInstant,
	{ruleDuration, ruleTime}:     ruleDuration, {ruleDuration, ruleInterval}: ruleDuration,
	{ruleUUID, ruleBytes}: ruleUUID, {ruleGeometry, ruleBytes}: ruleGeometry, {ruleJSON, ruleText}: ruleJSON,
	// A float4 beside anything else; the other side reads the same by it.
	{ruleNumber, ruleFloat32}: ruleFloat32,
}

// ruleFor chooses the rule of a pair of columns.
func ruleFor(a, b column) rule {
	if a.engine == b.engine && a.typ == b.typ {
		return ruleVerbatim
	}
	ra, boundA := a.rule()
	rb, boundB := b.rule()
	switch {
	case !boundA:
		return rb
	case !boundB, ra == rb:
		return ra
	}
	if r, ok := mixed[[2]rule{ra, rb}]; ok {
		return r
	}
	if r, ok := mixed[[2]rule{rb, ra}]; ok {
		return r
	}
	switch {
	case ra == rulePadded || rb == rulePadded:
		return rulePadded
	case a.engine == b.engine:
		return ruleText
	// What an engine has no type for is text in it.
	case ra == ruleText:
		return rb
	case rb == ruleText:
		return ra
	default:
		return ruleText
	}
}

// rule of a column alone; a SQLite column binds its values to none.
func (c column) rule() (r rule, bound bool) {
	switch c.engine {
	case engineMySQL:
		if r, ok := mysqlRules[c.base]; ok {
			return r, true
		}
		return ruleText, true
	case enginePostgres:
		if r, ok := postgresRules[c.withoutModifier()]; ok {
			return r, true
		}
		return ruleText, true
	default:
		return ruleText, false
	}
}

// withoutModifier names the type of "numeric(10,2)", "timestamp(3) without time
// zone", "character(4)".
func (c column) withoutModifier() string {
	if open := strings.IndexByte(c.typ, '('); open >= 0 {
		if end := strings.IndexByte(c.typ, ')'); end > open {
			return c.typ[:open] + c.typ[end+1:]
		}
	}
	return c.typ
}
