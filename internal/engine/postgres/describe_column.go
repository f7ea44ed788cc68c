package postgres

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

var errNoTable = errors.New("table does not exist")

// column models one column.
func (cat *catalog) column(t *describedTable, r columnRow) *planv1.Column {
	base, mod := cat.base(r.TypeOID, r.Modifier)
	m := decodeTypmod(base.OID, mod)
	c := &planv1.Column{Name: r.Name, NativeType: r.Type, Kind: kindOf(base.OID), Length: m.length, Precision: m.precision, Scale: m.scale,
		Nullable: !r.NotNull, Collation: text(r.Collation), BinaryOrder: r.ByteOrder, EnumLabels: base.Labels,
		PortableBinary: cat.portable(r.TypeOID), Comment: text(r.Comment),
		Storage: text(r.Storage), Compression: text(r.Compression), NotNull: text(r.NamedNotNull), Inherited: r.Inherited}
	if !r.NotNullProven {
		c.Nullable = true
	}
	late := r.Default != nil && cat.graph.late(node{r.Class, *r.Default}, t.OID)
	if m.fraction >= 0 {
		c.Scale = m.fraction
	}
	if isSpatialType(base) {
		c.Kind, c.Geometry = canon.Bytes, geometryOf(r.Type)
	}
	switch {
	case r.Generated != "":
		c.Generated, c.GeneratedStored = text(r.Expression), r.Generated == "s"
		if late {
			cat.unmoved = append(cat.unmoved, &planv1.Unmoved{Object: "generated expression", Name: fmt.Sprintf("%s.%s.%s", t.Schema, t.Name, r.Name),
				Reason: "it calls a routine that can be made only when tables are there; its values are moved", Definition: c.GetGenerated()})
			c.Generated, c.GeneratedStored = "", false
		}
	case r.Identity == "a":
		c.Identity = planv1.Identity_IDENTITY_ALWAYS
	case r.Identity == "d":
		c.Identity = planv1.Identity_IDENTITY_BY_DEFAULT
	case late:
		cat.makeLater(t, node{r.Class, *r.Default}, "default value", r.Name,
			"ALTER TABLE ONLY "+qualified(t.Schema, t.Name)+" ALTER COLUMN "+ident(r.Name)+" SET DEFAULT "+*r.Expression)
	case r.Expression != nil && strings.HasPrefix(*r.Expression, "nextval(") && isInteger(base.OID) && !c.GetNullable():
		// An identity column takes no NULL, a default does not mind.
		c.Identity = planv1.Identity_IDENTITY_BY_DEFAULT
		c.Default = &planv1.Default{Value: &planv1.Default_Expression{Expression: *r.Expression}}
	case r.Expression != nil:
		c.Default = parseDefault(*r.Expression, c.GetKind())
		c.Default.Definition = *r.Expression
	}
	return c
}

func isInteger(oid uint32) bool { return oid == oidInt2 || oid == oidInt4 || oid == oidInt8 }

// base follows domains down to the type that values have, with the modifier that
// applies to it.
func (cat *catalog) base(oid uint32, mod int32) (typeRow, int32) {
	t := cat.types[oid]
	for t.Type == "d" {
		if mod < 0 {
			mod = t.Modifier
		}
		t = cat.types[t.Base]
	}
	return t, mod
}

// notPortable are built-in types whose binary form names objects of a cluster,
// or that have none.
var notPortable = regexp.MustCompile(`^_?(reg.*|aclitem|pg_.*|internal|cstring|refcursor|.*vector)$`)

// portable tells whether the binary form means the same everywhere: enums travel
// as labels and domains as their base, but arrays and composites of user types
// carry OIDs.
func (cat *catalog) portable(oid uint32) bool {
	t := cat.types[oid]
	if !t.Binary && t.Type != "d" {
		return false
	}
	switch t.Type {
	case "d":
		return cat.portable(t.Base)
	case "e":
		return true
	case "b", "r", "m":
		builtin := t.OID < firstUserOID && t.Schema == "pg_catalog"
		return builtin && (t.Name == "pg_lsn" || t.Name == "tsvector" || !notPortable.MatchString(t.Name))
	default:
		return false
	}
}

var (
	constantDefault = regexp.MustCompile(`^'((?:[^']|'')*)'::[^']*$`)
	numberDefault   = regexp.MustCompile(`^\(?(-?[0-9]+(?:\.[0-9]+)?)\)?(?:::[a-z0-9 (),]+)?$`)
	castNumber      = regexp.MustCompile(`^'(-?[0-9]+(?:\.[0-9]+)?)'::(?:integer|bigint|smallint|numeric)$`)
)

// parseDefault turns what every engine can write into a literal or a moment, and
// keeps the rest as an expression.
func parseDefault(expr string, kind planv1.Kind) *planv1.Default {
	bare := expr
	for strings.HasPrefix(bare, "(") && strings.HasSuffix(bare, ")") && strings.Count(bare, "(") == 1 {
		bare = bare[1 : len(bare)-1]
	}
	if m := moments[strings.ToLower(momentCast.ReplaceAllString(bare, ""))]; m != 0 && momentFits(m, kind) {
		return &planv1.Default{Value: &planv1.Default_Moment_{Moment: m}}
	}
	if lit, ok := parseConstant(bare); ok {
		if v, err := canon.Parse(kind, lit); err == nil {
			return &planv1.Default{Value: &planv1.Default_Literal{Literal: canon.String(kind, v)}}
		}
	}
	return &planv1.Default{Value: &planv1.Default_Expression{Expression: expr}}
}

func parseConstant(expr string) (string, bool) {
	if expr == "true" || expr == "false" {
		return expr, true
	}
	for _, form := range []*regexp.Regexp{numberDefault, castNumber} {
		if m := form.FindStringSubmatch(expr); m != nil {
			return m[1], true
		}
	}
	if m := constantDefault.FindStringSubmatch(expr); m != nil {
		return strings.ReplaceAll(m[1], "''", "'"), true
	}
	return "", false
}

var momentCast = regexp.MustCompile(`::[a-z ]+$`)

var moments = map[string]planv1.Default_Moment{
	"now()": planv1.Default_MOMENT_TIMESTAMP, "current_timestamp": planv1.Default_MOMENT_TIMESTAMP, "localtimestamp": planv1.Default_MOMENT_TIMESTAMP,
	"transaction_timestamp()": planv1.Default_MOMENT_TIMESTAMP, "current_date": planv1.Default_MOMENT_DATE,
	"current_time": planv1.Default_MOMENT_TIME, "localtime": planv1.Default_MOMENT_TIME,
}

// momentFits keeps a moment only where the column holds just that: now()::date in
// a text column would not be the same anywhere else.
func momentFits(m planv1.Default_Moment, kind planv1.Kind) bool {
	switch m {
	case planv1.Default_MOMENT_TIMESTAMP:
		return kind == canon.Timestamp || kind == canon.TimestampTZ
	case planv1.Default_MOMENT_DATE:
		return kind == canon.Date
	default:
		return kind == canon.Time || kind == canon.TimeTZ
	}
}

// fingerprint hashes what rows depend on: names, types, nullability, collations
// and the key.
func (t *describedTable) fingerprint() string {
	h := sha256.New()
	for i, c := range t.table.GetColumns() {
		generated := ""
		if t.columns[i].Generated != "" {
			generated = text(t.columns[i].Expression)
		}
		fmt.Fprintf(h, "%q %q %t %q %q\n", c.GetName(), c.GetNativeType(), c.GetNullable(), c.GetCollation(), generated)
	}
	fmt.Fprintf(h, "%d %q", t.table.GetKey().GetSource(), t.table.GetKey().GetColumns())
	return hex.EncodeToString(h.Sum(nil)[:16])
}
