package mysql

import (
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// targetDialect is what differs between the products as targets.
type targetDialect struct {
	// textCollation compares new texts as bytes, spaces at their end included.
	textCollation string
	// lacks are types of the other product; foreignTypes say what becomes of them.
	lacks        []string
	foreignTypes map[string]func(c *planv1.Column) targetType
	// jsonKind is what a column of type json keeps: text, or no more than its value.
	jsonKind planv1.Kind
	// nearest is a collation of this product that is close to one of the other; the
	// charset's default where there is none.
	nearest func(collation string) string
	// collations is a query for the names of all collations, and nothing beside them.
	collations string
	// negativeZero tells whether a float column keeps the sign of -0.0.
	negativeZero bool
	// geographicRange says that functions refuse longitudes and latitudes out of range.
	geographicRange bool
	// longestTime is the greatest TIME in microseconds.
	longestTime int64
	// keyRequired is an expression: whether the server refuses tables without a key.
	keyRequired string
	// generatedNotNull tells whether a generated column may be declared NOT NULL.
	generatedNotNull bool
	// expression makes an expression of the other product one that this one may take.
	expression func(text string) string
	// indexesExpressions tells whether an index may be of expressions.
	indexesExpressions bool
	// longUnique tells whether a unique index may take all of a long text.
	longUnique bool
	// spatialNeedsSRID tells whether the optimizer passes by spatial indexes of columns
	// without a reference system.
	spatialNeedsSRID bool
	// checkNamesShared tells whether the checks of all tables of a schema need names
	// that differ, and not just those of one table.
	checkNamesShared bool
	// definerPrivilege lets a user make objects that run as another one.
	definerPrivilege string
	// readOnly is an expression: whether the server takes writes of nobody, by the setting
	// readOnlyName; readOnlyPrivileges are those whose writes it takes where only that of
	// most are refused.
	readOnly, readOnlyName string
	readOnlyPrivileges     []string
	// indexHidden says of an index that the optimizer does not use it.
	indexHidden string
	// impliedAction is what a foreign key does that says nothing, as the catalog has it.
	impliedAction string
}

// maxTime is 838:59:59 in microseconds.
const maxTime = int64(838*3600+59*60+59) * 1_000_000

// asText keeps a type of the other product as the text that it travels as.
func asText(name string) func(*planv1.Column) targetType {
	return func(*planv1.Column) targetType { return asciiType(name, canon.Text) }
}

// asType keeps values by their kind in a type that this product has.
func asType(name string) func(*planv1.Column) targetType {
	return func(c *planv1.Column) targetType { return targetType{name: name, kind: c.GetKind(), scale: -1} }
}

// nearestCollation picks by what a collation's name says it tells apart.
func nearestCollation(collation string, bySuffix [][2]string, otherwise string) string {
	for _, s := range bySuffix {
		if len(collation) >= len(s[0]) && collation[len(collation)-len(s[0]):] == s[0] {
			return s[1]
		}
	}
	return otherwise
}

// withoutIntroducers takes off the character sets in front of text constants, which are
// those of the session: MariaDB loses quotes in constants that have one.
func withoutIntroducers(text string) string {
	const introducer = "_" + charset
	var b strings.Builder
	for len(text) > 0 {
		n := 1
		if strings.HasPrefix(text, introducer+"'") {
			text = text[len(introducer):]
		}
		if _, length := quotedPrefix(text); length > 0 {
			n = length
		}
		b.WriteString(text[:n])
		text = text[n:]
	}
	return b.String()
}
