package mysql

import (
	"errors"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/sqlexpr"
)

var (
	errForeign   = errors.New("its expression is in the source's dialect")
	errNoColumn  = errors.New("it names a column that is not copied")
	errGenerated = errors.New("it names a column that is computed itself")
	errNumbered  = errors.New("it names a column that numbers itself, which no expression may here")
	errReferring = errors.New("it names a column that a foreign key changes, which no expression may here")
)

// maxIndexedText is how many characters a text may have that an index computes.
const maxIndexedText = 255

// translator writes expressions of another engine than MySQL and MariaDB; nil where
// there is no way from that one. Generated columns may name no other.
func (b *tableBuilder) translator(generated bool) *sqlexpr.Translator {
	from := sqlexpr.DialectOf(b.source.GetEngine())
	if from == nil || b.family() {
		return nil
	}
	t := &sqlexpr.Translator{From: from, To: sqlexpr.DialectOf(b.dialect.name), Ident: ident, Literal: literal}
	t.Column = func(name string) (sqlexpr.Value, error) {
		i := slices.IndexFunc(b.columns, func(c *plannedColumn) bool {
			return strings.EqualFold(c.source.GetName(), name) && c.source.Constant == nil
		})
		if i < 0 {
			return sqlexpr.Value{}, errNoColumn
		}
		c := b.columns[i]
		switch {
		case generated && c.source.GetGenerated() != "":
			return sqlexpr.Value{}, errGenerated
		case c.source.GetIdentity() != planv1.Identity_IDENTITY_UNSPECIFIED:
			return sqlexpr.Value{}, errNumbered
		case b.changedByReference(c.source.GetName()):
			return sqlexpr.Value{}, errReferring
		}
		return t.Operand(sqlexpr.Column{Source: c.source, Target: c.name, Kind: c.to.kind, Type: c.to.name})
	}
	return t
}

// changedByReference tells whether a foreign key writes to a column when the row that it
// refers to changes: MySQL lets no check and no generated column name such.
func (b *tableBuilder) changedByReference(column string) bool {
	return slices.ContainsFunc(b.plan.GetSource().GetForeignKeys(), func(f *planv1.ForeignKey) bool {
		writes := func(action string) bool { return action != "" && action != "NO ACTION" && action != "RESTRICT" }
		return slices.Contains(f.GetColumns(), column) && (writes(f.GetOnUpdate()) || writes(f.GetOnDelete()))
	})
}

// checkSQL writes a check's condition, or says why it cannot be.
func (b *tableBuilder) checkSQL(c *planv1.Check) (string, error) {
	if b.family() {
		if !b.asWritten(c.GetExpression()) {
			return "", errForeign
		}
		return b.translated(c.GetExpression()), nil
	}
	t := b.translator(false)
	if t == nil {
		return "", errForeign
	}
	return t.Condition(c.GetExpression())
}

// generatedSQL writes the expression of a column that the target computes. Between the
// two products values move instead: what one computes, the other may compute otherwise.
func (b *tableBuilder) generatedSQL(c *plannedColumn) (string, bool) {
	expression := c.source.GetGenerated()
	if b.family() {
		return expression, b.sameEngine() && b.asWritten(expression)
	}
	t := b.translator(true)
	if t == nil || c.source.GetCast() != "" {
		return "", false
	}
	out, err := t.Value(expression)
	return out.SQL, err == nil && out.Makes(c.to.kind)
}

// indexExpression writes an expression of an index, which MariaDB has none of; false
// where the target has no such index.
func (b *tableBuilder) indexExpression(expression string) (string, bool) {
	if b.family() {
		return expression, b.sameEngine() && b.asWritten(expression)
	}
	t := b.translator(false)
	if t == nil || !b.dialect.target.indexesExpressions {
		return "", false
	}
	out, err := t.Value(expression)
	bounded := out.Kind != canon.Text || out.Length > 0 && out.Length <= maxIndexedText
	return out.SQL, err == nil && !out.Condition && bounded
}

// expressionDefault writes a default that another engine computes.
func (b *tableBuilder) expressionDefault(expression string, kind planv1.Kind) (string, bool) {
	t := b.translator(false)
	if t == nil {
		return "", false
	}
	return t.Default(expression, kind)
}
