package mysql

import (
	"encoding/hex"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// mariadbDialect is MariaDB.
var mariadbDialect = &dialect{
	name:             NameMariaDB,
	product:          "MariaDB",
	replicaPrivilege: "REPLICA MONITOR",
	minimum:          [2]int{10, 11},
	settings:         map[string]string{"max_statement_time": "0", "tx_isolation": "'REPEATABLE-READ'", "tx_read_only": "0"},
	// Servers that were copied share their server_uid: the place of the data tells
	// them apart.
	identity:        "sha1(concat_ws('/', @@hostname, @@port, @@datadir))",
	srid:            "NULL",
	indexExpression: "NULL",
	indexHidden:     "s.IGNORED = 'YES'",
	checks:          "SELECT c.TABLE_NAME, c.CONSTRAINT_NAME, c.CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS AS c",
	expression:      func(text string) string { return text },
	defaultText:     mariadbDefault,
	bytesDefault:    func(constant string) string { return hex.EncodeToString([]byte(constant)) },

	target: targetDialect{
		textCollation: "utf8mb4_nopad_bin",
		// There are vectors from 11.7 on only.
		lacks: []string{"vector"},
		foreignTypes: map[string]func(*planv1.Column) targetType{
			"vector":         asType("longblob"),
			"geomcollection": asType("geometrycollection"),
			"json":           asType("json"),
		},
		jsonKind:         canon.JSON,
		impliedAction:    "RESTRICT",
		indexHidden:      "IGNORED",
		definerPrivilege: "SET USER",
		readOnly:         "@@global.innodb_read_only",
		readOnlyName:     "innodb_read_only", readOnlyPrivileges: []string{"READ_ONLY ADMIN"},
		collations: "SELECT FULL_COLLATION_NAME, '' FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY",
		// The Unicode collations of MySQL 8 pad no spaces.
		nearest: func(collation string) string {
			if !strings.HasPrefix(collation, "utf8mb4_") {
				return ""
			}
			return nearestCollation(collation, [][2]string{{"_0900_bin", "utf8mb4_nopad_bin"}, {"_as_cs", "utf8mb4_uca1400_nopad_as_cs"}, {"_as_cs_ks", "utf8mb4_uca1400_nopad_as_cs"},
				{"_as_ci", "utf8mb4_uca1400_nopad_as_ci"}}, "utf8mb4_uca1400_nopad_ai_ci")
		},
		expression: withoutIntroducers,
		longUnique: true,
		// Nearly a second more than MySQL has.
		longestTime: maxTime + 999_999,
		keyRequired: "@@innodb_force_primary_key",
	},
}

// mariadbDefault tells constants, which the catalog quotes unless they are numbers,
// from expressions.
func mariadbDefault(c columnRow) (text string, constant bool) {
	text = c.defaultText.String
	switch {
	case strings.HasPrefix(text, "'"):
		if s, ok := unquoted(text); ok {
			return s, true
		}
	case strings.HasPrefix(text, "b'") && c.dataType == "bit":
		return strings.TrimSuffix(text[2:], "'"), true
	case text != "" && strings.Trim(text, "+-0123456789.eE") == "":
		return text, true
	}
	return text, false
}
