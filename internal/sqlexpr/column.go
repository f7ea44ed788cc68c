package sqlexpr

import (
	"fmt"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// Column is a column on its way to another engine.
type Column struct {
	Source *planv1.Column
	// Target is its name in the target; empty for a column that is not copied.
	Target string
	// Kind and Type are those of the target.
	Kind planv1.Kind
	Type string
}

// Operand tells what an expression may do with a column. One that becomes another kind
// of value, or that the spec gives another type, would mean another thing.
func (t *Translator) Operand(c Column) (Value, error) {
	s := c.Source
	if c.Target == "" || s.GetCast() != "" || s.GetKind() != c.Kind {
		return Value{}, fmt.Errorf("column %s is not copied or has another kind of type", s.GetName())
	}
	out := Value{SQL: t.Ident(c.Target), Kind: c.Kind}
	switch c.Kind {
	case canon.Text:
		t.text(&out, c)
	case canon.Decimal:
		return t.decimal(out, c)
	case canon.Uint:
		if t.To.sqlite && !strings.EqualFold(c.Type, "INTEGER") {
			return out, errDiffers
		}
	}
	return out, nil
}

// text tells how a text compares on both sides.
func (t *Translator) text(v *Value, c Column) {
	s := c.Source
	native := strings.ToLower(s.GetNativeType())
	switch {
	case t.From.postgres:
		known := native == "text" || strings.HasPrefix(native, "character varying") || len(s.GetEnumLabels()) > 0
		v.exact = known && !strings.HasSuffix(native, "[]") && (s.GetCollation() == "" || s.GetBinaryOrder())
		v.ordered = v.exact && s.GetBinaryOrder() && len(s.GetEnumLabels()) == 0
		v.plain = v.exact && (strings.HasSuffix(s.GetCollation(), `"C"`) || strings.HasSuffix(s.GetCollation(), `"POSIX"`))
	case t.From.mysql:
		v.exact = byBytes(s.GetCollation())
		v.ordered = v.exact && len(s.GetEnumLabels()) == 0
		v.ascii = s.GetCharset() == "ascii"
	case t.From.sqlite:
		v.exact = s.GetCollation() == "" && !strings.Contains(native, "int") &&
			(strings.Contains(native, "char") || strings.Contains(native, "clob") || strings.Contains(native, "text"))
		v.ordered, v.plain = v.exact, v.exact
	}
	if !s.GetMultiple() {
		v.labels = s.GetEnumLabels()
	}
	if target := strings.ToLower(c.Type); t.To.postgres && target != "text" && !strings.HasPrefix(target, "character varying") && !strings.HasPrefix(target, "varchar") {
		v.exact, v.ordered, v.labels = false, false, nil
	}
	if strings.HasPrefix(strings.ToLower(c.Type), "varchar") {
		v.Length = int(s.GetLength())
	}
}

// byBytes tells whether a collation of MySQL or MariaDB takes texts for one only where
// their bytes are. The older ones do not see spaces at the end.
func byBytes(collation string) bool {
	return collation == "binary" || strings.HasSuffix(collation, "_0900_bin") || strings.HasSuffix(collation, "_nopad_bin")
}

// decimal is a number in every engine but SQLite, which has no decimals: there it is
// text of that is compared as a double, where its digits are few enough. NaN, which
// PostgreSQL takes for the greatest of all, becomes infinity.
func (t *Translator) decimal(v Value, c Column) (Value, error) {
	v.Scale = int(max(c.Source.GetScale(), 0))
	if c.Source.GetPrecision() <= 0 {
		v.Scale = maxScale
	}
	if !t.To.sqlite {
		return v, nil
	}
	if p := c.Source.GetPrecision(); p <= 0 || p > exactDigits {
		return v, errDiffers
	}
	if t.From.postgres {
		v.SQL = "replace(" + v.SQL + ", 'NaN', '9e999')"
	}
	v.SQL, v.real = "CAST("+v.SQL+" AS REAL)", true
	return v, nil
}
