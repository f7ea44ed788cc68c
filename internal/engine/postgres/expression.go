package postgres

import (
	"errors"
	"strings"

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

// translator writes expressions of a table of another engine; nil where there is no
// way from that one.
func (d *designer) translator(p *planv1.TablePlan, column func(*planv1.Column) (sqlexpr.Column, error)) *sqlexpr.Translator {
	from := sqlexpr.DialectOf(d.source.GetEngine())
	if from == nil {
		return nil
	}
	t := &sqlexpr.Translator{From: from, To: sqlexpr.DialectOf(Name), Ident: ident, Literal: literal}
	t.Column = func(name string) (sqlexpr.Value, error) {
		at := findColumn(p.GetSource().GetColumns(), name)
		if at < 0 {
			return sqlexpr.Value{}, errNoColumn
		}
		c, err := column(p.GetSource().GetColumns()[at])
		if err != nil {
			return sqlexpr.Value{}, err
		}
		return t.Operand(c)
	}
	return t
}

// planned is a column as the plan makes it.
func planned(p *planv1.TablePlan) func(*planv1.Column) (sqlexpr.Column, error) {
	return func(c *planv1.Column) (sqlexpr.Column, error) {
		to := planColumn(p, targetColumn(p, c.GetName()))
		return sqlexpr.Column{Source: c, Target: to.GetTarget(), Kind: to.GetKind(), Type: to.GetTargetType()}, nil
	}
}

// translateValue translates the expression of a generated column. It may use no
// other generated column: PostgreSQL computes them all at once. Its columns' plans may
// not be made yet.
func (d *designer) translateValue(p *planv1.TablePlan, c *planv1.Column, to targetType) (string, bool) {
	t := d.translator(p, func(s *planv1.Column) (sqlexpr.Column, error) {
		if s.GetGenerated() != "" || s.GetDropped() {
			return sqlexpr.Column{}, errGenerated
		}
		from, _ := mapType(d.source.GetEngine(), s)
		return sqlexpr.Column{Source: s, Target: clip(engine.TargetColumn(s), 0), Kind: from.kind, Type: from.name}, nil
	})
	if t == nil {
		return "", false
	}
	out, err := t.Value(c.GetGenerated())
	return out.SQL, err == nil && out.Makes(to.kind)
}

// translateDefault translates the expression of a default.
func translateDefault(engineName, expression string, to targetType) (string, bool) {
	from := sqlexpr.DialectOf(engineName)
	if from == nil {
		return "", false
	}
	if engineName == mysqlName || engineName == mariadbName {
		if sql, ok := mysqlDefault(expression, to); ok {
			return sql, true
		}
	}
	t := &sqlexpr.Translator{From: from, To: sqlexpr.DialectOf(Name), Ident: ident, Literal: literal}
	return t.Default(expression, to.kind)
}

func isNumber(k planv1.Kind) bool {
	return k == canon.Int || k == canon.Uint || k == canon.Decimal || k == canon.Float32 || k == canon.Float64
}

// expressionIndexed writes an index's column that is an expression of another engine.
func (d *designer) expressionIndexed(p *planv1.TablePlan, expression string) (string, bool) {
	t := d.translator(p, planned(p))
	if t == nil {
		return "", false
	}
	out, err := t.Value(expression)
	return "(" + strings.TrimSpace(out.SQL) + ")", err == nil && !out.Condition
}

// predicate writes the condition of a partial index of another engine.
func (d *designer) predicate(p *planv1.TablePlan, x *planv1.Index) (string, bool) {
	if x.GetPredicate() == "" {
		return "", true
	}
	t := d.translator(p, planned(p))
	if t == nil || x.GetConstraint() || x.GetPrimary() {
		return "", false
	}
	out, err := t.Condition(x.GetPredicate())
	return " WHERE " + out, err == nil
}
