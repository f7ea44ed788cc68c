package mysql

import (
	"slices"
	"strconv"
	"strings"

	"github.com/drover-db/drover/internal/fault"
)

// dialect is what differs between MySQL and MariaDB.
type dialect struct {
	// name is the engine's name in plans, product the server's for people.
	name, product string
	// minimum is the oldest version drover is tested on.
	minimum [2]int
	// replicaPrivilege lets a user see a replica's state.
	replicaPrivilege string
	// settings are session variables beside those that both have.
	settings map[string]string
	// identity is an SQL expression for what tells the server from any other.
	identity string

	// Parts of catalog queries: a column's spatial reference system, an index's
	// expression, whether the optimizer may not use it, and the query of enforced checks
	// as table, name and condition.
	srid, indexExpression, indexHidden, checks string
	// expression is an expression as the catalog has it, as SQL.
	expression func(catalog string) string
	// defaultText gives a column's default, which is not NULL: the text of a constant,
	// or an expression.
	defaultText func(c columnRow) (text string, constant bool)
	// bytesDefault is the default of a column of bytes in hexadecimal.
	bytesDefault func(constant string) string

	// target is what differs when tables are made and written.
	target targetDialect
}

// dialectOf finds the product and its version from what version() says.
func dialectOf(version string) (d *dialect, short string, err error) {
	short, _, _ = strings.Cut(version, "-")
	d = mysqlDialect
	if strings.Contains(strings.ToLower(version), "mariadb") {
		d = mariadbDialect
		// Some servers go on to call themselves 5.5.5 for clients of long ago.
		if rest, ok := strings.CutPrefix(version, "5.5.5-"); ok {
			short, _, _ = strings.Cut(rest, "-")
		}
	}
	if older(short, d.minimum) {
		return nil, "", fault.New(fault.Unsupported, "mysql.Open", "server is %s %s: drover needs %d.%d or later", d.product, version, d.minimum[0], d.minimum[1])
	}
	return d, short, nil
}

// series gives the first two numbers of a version.
func series(version string) (out [2]int, ok bool) {
	parts := strings.SplitN(version, ".", 3)
	for i := range out {
		if i >= len(parts) {
			return out, false
		}
		n, err := strconv.Atoi(parts[i])
		if err != nil {
			return out, false
		}
		out[i] = n
	}
	return out, true
}

// older tells whether a version is before a minimum; what is no version is.
func older(version string, minimum [2]int) bool {
	v, ok := series(version)
	return !ok || slices.Compare(v[:], minimum[:]) < 0
}
