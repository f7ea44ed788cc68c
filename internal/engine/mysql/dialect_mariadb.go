package mysql

import (
	"encoding/hex"
	"strings"
)

// mariadbDialect is MariaDB.
var mariadbDialect = &dialect{
	name:     NameMariaDB,
	product:  "MariaDB",
	minimum:  [2]int{10, 11},
	settings: map[string]string{"max_statement_time": "0", "tx_isolation": "'REPEATABLE-READ'"},
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
