package mysql

import (
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// mysqlDialect is MySQL.
var mysqlDialect = &dialect{
	name:             NameMySQL,
	product:          "MySQL",
	replicaPrivilege: "REPLICATION CLIENT",
	minimum:          [2]int{8, 4},
	settings: map[string]string{
		// Statistics of this moment, not of a day ago.
		"information_schema_stats_expiry": "0",
		// A generated invisible primary key is a key like any other.
		"show_gipk_in_create_table_and_information_schema": "1",
		"max_execution_time":    "0",
		"transaction_read_only": "0",
		"transaction_isolation": "'REPEATABLE-READ'",
	},
	identity:        "@@global.server_uuid",
	srid:            "c.SRS_ID",
	indexExpression: "s.EXPRESSION",
	indexHidden:     "s.IS_VISIBLE = 'NO'",
	checks: `SELECT c.TABLE_NAME, c.CONSTRAINT_NAME, k.CHECK_CLAUSE FROM information_schema.TABLE_CONSTRAINTS AS c JOIN information_schema.CHECK_CONSTRAINTS AS k
		ON c.CONSTRAINT_TYPE = 'CHECK' AND k.CONSTRAINT_SCHEMA = c.CONSTRAINT_SCHEMA AND k.CONSTRAINT_NAME = c.CONSTRAINT_NAME AND c.ENFORCED = 'YES'`,
	expression:  unescapedExpression,
	defaultText: mysqlDefault,
	// 0x4142, as it is.
	bytesDefault: func(constant string) string { return strings.TrimPrefix(constant, "0x") },

	target: targetDialect{
		textCollation: "utf8mb4_0900_bin",
		lacks:         []string{"uuid", "inet4", "inet6"},
		foreignTypes: map[string]func(*planv1.Column) targetType{
			"uuid":  func(*planv1.Column) targetType { return asciiType("char(36)", canon.UUID) },
			"inet4": asText("varchar(15)"),
			"inet6": asText("varchar(45)"),
			// Not as text: MySQL's JSON is a value.
			"json": func(*planv1.Column) targetType { return targetType{name: "json", kind: canon.JSONValue, scale: -1} },
		},
		jsonKind:         canon.JSONValue,
		impliedAction:    "NO ACTION",
		indexHidden:      "INVISIBLE",
		spatialNeedsSRID: true,
		definerPrivilege: "SET_ANY_DEFINER",
		readOnly:         "@@global.super_read_only OR @@global.innodb_read_only",
		readOnlyName:     "super_read_only or innodb_read_only", readOnlyPrivileges: []string{"SUPER", "CONNECTION_ADMIN"},
		collations: "SELECT COLLATION_NAME, '' FROM information_schema.COLLATIONS",
		nearest: func(collation string) string {
			if !strings.HasPrefix(collation, "utf8mb4_") {
				return ""
			}
			return nearestCollation(collation, [][2]string{{"_nopad_bin", "utf8mb4_0900_bin"}, {"_bin", "utf8mb4_bin"}, {"_as_cs", "utf8mb4_0900_as_cs"},
				{"_ai_cs", "utf8mb4_0900_as_cs"}, {"_as_ci", "utf8mb4_0900_as_ci"}}, "utf8mb4_0900_ai_ci")
		},
		expression:         func(text string) string { return text },
		indexesExpressions: true,
		negativeZero:       true,
		geographicRange:    true,
		longestTime:        maxTime,
		keyRequired:        "@@sql_require_primary_key",
		generatedNotNull:   true,
		checkNamesShared:   true,
	},
}

// unescapedExpression undoes the backslashes that the catalog puts before quotes and
// backslashes of an expression.
func unescapedExpression(text string) string {
	return catalogEscapes.Replace(text)
}

var catalogEscapes = strings.NewReplacer(`\\`, `\`, `\'`, `'`, `\n`, "\n", `\0`, "\x00")

// mysqlDefault tells an expression, which the catalog marks as generated, from a
// constant, which it gives without quotes.
func mysqlDefault(c columnRow) (text string, constant bool) {
	if c.has("DEFAULT_GENERATED") {
		return unescapedExpression(c.defaultText.String), false
	}
	text = c.defaultText.String
	// CURRENT_TIMESTAMP of a time is marked too; b'101' is not.
	if strings.HasPrefix(text, "b'") && c.dataType == "bit" {
		return strings.TrimSuffix(text[2:], "'"), true
	}
	return text, true
}
