package sqlite

import (
	"errors"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/sqlexpr"
)

var (
	errForeign   = errors.New("its expression is in the source's dialect")
	errNoColumn  = errors.New("it names a column that the table does not have")
	errGenerated = errors.New("it names a column that is computed itself")
)

// translator writes expressions of a table of another engine; nil where there is no way
// from that one. computed columns are those that may name other computed ones.
func (d *designer) translator(table *planv1.Table, computed bool) *sqlexpr.Translator {
	from := sqlexpr.DialectOf(d.request.Source.GetEngine())
	if from == nil {
		return nil
	}
	t := &sqlexpr.Translator{From: from, To: sqlexpr.DialectOf(Name), Ident: ident, Literal: literal}
	t.Column = func(name string) (sqlexpr.Value, error) {
		for _, c := range table.GetColumns() {
			if fold(c.GetName()) != fold(name) || c.GetDropped() {
				continue
			}
			if c.GetGenerated() != "" && !computed {
				return sqlexpr.Value{}, errGenerated
			}
			to, _ := d.targetType(c)
			return t.Operand(sqlexpr.Column{Source: c, Target: engine.TargetColumn(c), Kind: to.kind, Type: to.declared})
		}
		return sqlexpr.Value{}, errNoColumn
	}
	return t
}

// condition writes the condition of a check or a partial index of another engine.
func (d *designer) condition(table *planv1.Table, expression string) (string, error) {
	t := d.translator(table, true)
	if t == nil {
		return "", errForeign
	}
	return t.Condition(expression)
}

// computed writes the expression of a generated column: SQLite's own, or one of another
// engine that makes the values as they are stored here.
func (d *designer) computed(table *planv1.Table, c *planv1.Column) (string, bool) {
	switch {
	case c.GetGenerated() == "" || c.GetCast() != "":
		return "", false
	case d.sameEngine():
		return unqualified(c.GetGenerated(), table.GetName()), !mentionsRuled(table, c.GetGenerated())
	}
	t := d.translator(table, false)
	to, ok := d.targetType(c)
	if t == nil || !ok {
		return "", false
	}
	out, err := t.Value(c.GetGenerated())
	stored := to.kind == canon.Int && out.Kind == canon.Int || to.kind == canon.Text || to.kind == canon.Bool
	return out.SQL, err == nil && stored && out.Makes(to.kind)
}

// indexed writes an index's column that is an expression of another engine.
func (d *designer) indexed(table *planv1.Table, expression string) (string, error) {
	t := d.translator(table, true)
	if t == nil {
		return "", errForeign
	}
	out, err := t.Value(expression)
	return out.SQL, err
}

// expressionDefault writes a default that another engine computes.
func (b *tableBuilder) expressionDefault(expression string, kind planv1.Kind) (string, bool) {
	t := b.translator(b.source, false)
	if t == nil {
		return "", false
	}
	return t.Default(expression, kind)
}
