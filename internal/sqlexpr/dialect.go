package sqlexpr

import "github.com/drover-db/drover/internal/sqltoken"

// Dialect is how one engine writes expressions and what it means by them.
type Dialect struct {
	tokens *sqltoken.Dialect
	// power says how tightly an operator binds its operands; 0 for what is none.
	power func(sign string) int
	// mysql is set for both products.
	mysql, mariadb, sqlite, postgres bool
}

// The dialects of the engines.
var (
	postgresDialect = &Dialect{tokens: sqltoken.PostgreSQL, power: postgresPower, postgres: true}
	mysqlDialect    = &Dialect{tokens: sqltoken.MySQL, power: mysqlPower, mysql: true}
	mariadbDialect  = &Dialect{tokens: sqltoken.MySQL, power: mysqlPower, mysql: true, mariadb: true}
	sqliteDialect   = &Dialect{tokens: sqltoken.SQLite, power: sqlitePower, sqlite: true}
)

// DialectOf gives the dialect of an engine by its name in plans; nil for one that has
// none.
func DialectOf(engine string) *Dialect {
	return map[string]*Dialect{"postgres": postgresDialect, "mysql": mysqlDialect, "mariadb": mariadbDialect, "sqlite": sqliteDialect}[engine]
}

// Tokens is how the dialect is cut.
func (d *Dialect) Tokens() *sqltoken.Dialect { return d.tokens }

// Powers of binding that every dialect has.
const (
	powerOr      = 10
	powerAnd     = 20
	powerNot     = 30
	powerCompare = 40
	powerSum     = 60
	powerProduct = 70
	powerUnary   = 90
	powerCast    = 100
)

func sharedPower(sign string) int {
	switch sign {
	case "or":
		return powerOr
	case "and":
		return powerAnd
	case "+", "-":
		return powerSum
	case "*", "/", "%":
		return powerProduct
	case "collate", "::":
		return powerCast
	}
	return 0
}

func postgresPower(sign string) int {
	switch sign {
	case "is", "isnull", "notnull":
		return powerCompare
	case "=", "<>", "!=", "<", "<=", ">", ">=":
		return powerCompare + 2
	case "in", "between", "like", "ilike", "similar":
		return powerCompare + 4
	case "at":
		return powerProduct + 10
	case "||", "~~", "!~~", "~~*", "!~~*", "~", "!~", "~*", "!~*", "->", "->>", "#>", "#>>", "@>", "<@", "&&", "<<", ">>", "&", "|", "#":
		return powerCompare + 6
	}
	return sharedPower(sign)
}

func mysqlPower(sign string) int {
	switch sign {
	case "between":
		return powerCompare
	case "=", "<=>", "<>", "!=", "<", "<=", ">", ">=", "is", "in", "like", "regexp", "rlike":
		return powerCompare + 2
	case "|", "&", "<<", ">>":
		return powerCompare + 6
	case "div", "mod":
		return powerProduct
	case "&&":
		return powerAnd
	case "->", "->>":
		return powerCast
	}
	return sharedPower(sign)
}

func sqlitePower(sign string) int {
	switch sign {
	case "=", "==", "<>", "!=", "is", "isnull", "notnull", "in", "between", "like", "glob", "regexp", "match":
		return powerCompare
	case "<", "<=", ">", ">=":
		return powerCompare + 2
	case "|", "&", "<<", ">>":
		return powerCompare + 6
	case "||", "->", "->>":
		return powerProduct + 10
	}
	return sharedPower(sign)
}
