package mysql

import (
	"maps"
	"slices"
	"strings"
)

// sqlMode is strict for every engine and takes 0 for an AUTO_INCREMENT column as it
// is. It lets zero and impossible dates be read, compared and written, and quotes as ANSI
// does not.
const sqlMode = "STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,ALLOW_INVALID_DATES"

// sessionSettings hold for every connection: nothing that a server's configuration
// says reaches a value.
var sessionSettings = map[string]string{
	"time_zone":        "'+00:00'",
	"sql_mode":         "'" + sqlMode + "'",
	"autocommit":       "1",
	"sql_auto_is_null": "0",
	"sql_safe_updates": "0",
	"sql_big_selects":  "1",
	"sql_select_limit": "18446744073709551615",
	// A commit neither begins the next transaction nor ends the connection.
	"completion_type": "'NO_CHAIN'",
	// What a table has been made to refuse, it refuses.
	"foreign_key_checks": "1",
	"unique_checks":      "1",
	// Definitions are read, and run as they are.
	"sql_quote_show_create": "1",
	// A stream stands still while the other side is slow.
	"net_read_timeout":  "3600",
	"net_write_timeout": "3600",
	"wait_timeout":      "28800",
	// DDL that waits for somebody's transaction says so within the minute.
	"lock_wait_timeout":        "60",
	"innodb_lock_wait_timeout": "50",
}

// collation of drover's connections: constants compare as bytes where no column says
// otherwise.
const (
	charset   = "utf8mb4"
	collation = "utf8mb4_bin"
)

// settings are all of a dialect's session settings.
func (d *dialect) sessionSettings() map[string]string {
	out := maps.Clone(sessionSettings)
	maps.Copy(out, d.settings)
	return out
}

// sessionStatement sets a session up in one statement, names included in the order
// of the alphabet.
func (d *dialect) sessionStatement() string {
	all := d.sessionSettings()
	parts := []string{"NAMES " + charset + " COLLATE " + collation}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		parts = append(parts, name+" = "+all[name])
	}
	return "SET " + strings.Join(parts, ", ")
}
