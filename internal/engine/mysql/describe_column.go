package mysql

import (
	"fmt"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/fault"
)

// addColumn models one column. json says that a check keeps it JSON, which is what
// MariaDB makes of that type.
func (cat *catalog) addColumn(t *planv1.Table, r columnRow, json bool) error {
	if r.generated.String == "ROW START" || r.generated.String == "ROW END" {
		cat.leave("period column", t.GetName()+"."+r.name, "the server sets it: in a target that is versioned too it says when the row was copied")
		return nil
	}
	if !strings.Contains(strings.ToLower(r.privileges), "select") {
		return &fault.Error{Kind: fault.Denied, Op: "mysql.Describe", Subject: t.GetSchema() + "." + t.GetName(), Column: r.name, Err: errNoSelect}
	}
	kind, known := kindOf(r.dataType, r.columnType)
	if !known {
		return &fault.Error{Kind: fault.Unsupported, Op: "mysql.Describe", Subject: t.GetSchema() + "." + t.GetName(), Column: r.name,
			Err: fmt.Errorf("type %s is not known to drover: leave the table out", r.columnType)}
	}
	c := &planv1.Column{Name: r.name, NativeType: r.columnType, Kind: kind, Nullable: r.nullable, Comment: r.comment, PortableBinary: true,
		Charset: r.charset.String, Collation: r.collation.String, OnUpdateNow: r.has("ON UPDATE")}
	if json {
		c.NativeType, c.Kind = "json", canon.JSON
	}
	measure(c, r)
	if r.dataType == "enum" || r.dataType == "set" {
		c.EnumLabels, c.Multiple = labelsOf(r.columnType), r.dataType == "set"
	}
	c.BinaryOrder = c.GetKind() != canon.Text
	c.Geometry = geometryOf(r.dataType)
	switch {
	case r.has("VIRTUAL GENERATED"), r.has("STORED GENERATED"), r.has("PERSISTENT"):
		c.Generated, c.GeneratedStored = cat.dialect.expression(r.generated.String), !r.has("VIRTUAL")
	case r.has("AUTO_INCREMENT"):
		c.Identity = planv1.Identity_IDENTITY_BY_DEFAULT
	case r.defaultText.Valid:
		c.Default = cat.dialect.parseDefault(r, c)
	}
	if r.has("INVISIBLE") {
		t.Options = append(t.Options, optionInvisible+r.name)
	}
	if r.srid.Valid {
		t.Options = append(t.Options, optionSRID+itoa(r.srid.Int64)+" "+r.name)
	}
	t.Columns = append(t.Columns, c)
	return nil
}

// measure writes a column's sizes down.
func measure(c *planv1.Column, r columnRow) {
	switch c.GetKind() {
	case canon.Decimal:
		c.Precision, c.Scale = int32(r.precision.Int64), int32(r.scale.Int64)
	case canon.Bits:
		c.Length = r.precision.Int64
	case canon.Text, canon.Bytes:
		// Of text in characters, of bytes in bytes; the longest types have no limit
		// that anybody meant.
		if !strings.HasPrefix(r.dataType, "long") {
			c.Length = r.length.Int64
		}
	case canon.Time, canon.Timestamp, canon.TimestampTZ:
		c.Scale = int32(r.fraction.Int64)
	}
}

// jsonChecks finds the columns that MariaDB's JSON type made: a check of their own
// says json_valid.
func jsonChecks(checks []checkRow) map[[2]string]bool {
	out := map[[2]string]bool{}
	for _, r := range checks {
		if isJSONCheck(r) {
			out[[2]string{r.table, r.name}] = true
		}
	}
	return out
}

func isJSONCheck(r checkRow) bool {
	return strings.EqualFold(r.expression, "json_valid("+ident(r.name)+")")
}

// addChecks adds the checks of tables; what a type is made of is no check.
func (cat *catalog) addChecks(checks []checkRow) {
	for _, r := range checks {
		if t := cat.byName[r.table]; t != nil && !isJSONCheck(r) {
			t.Checks = append(t.Checks, &planv1.Check{Name: r.name, Expression: r.expression})
		}
	}
}
