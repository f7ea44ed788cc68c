package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/filter"
)

// condition is a source table's where. SQLite evaluates it where each value has one
// stored form; where a column's values may be spelt in several ways, as times are,
// drover reads the columns and evaluates it itself. The zero value lets every row
// through.
type condition struct {
	// sql is the condition in parentheses; empty where columns are set.
	sql        string
	expression *filter.Expression
	// columns are what the condition needs of a row.
	columns []*planv1.Column
}

func newCondition(t *planv1.Table) (*condition, error) {
	const op = "sqlite.Read"
	if t.GetWhere() == "" {
		return &condition{}, nil
	}
	e, err := filter.Parse(t.GetWhere())
	if err == nil {
		err = e.Check(t.GetColumns())
	}
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	d := &conditionDialect{table: t}
	out := &condition{expression: e}
	if out.sql, err = e.SQL(d); err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	if d.spellings {
		out.sql, out.columns = "", d.columns
	}
	return out, nil
}

// match evaluates the condition on the cells of its columns. With an error comes the
// column that holds no value of its kind.
func (c *condition) match(cells []cell) (ok bool, column string, err error) {
	values := map[string][]byte{}
	for i, col := range c.columns {
		if cells[i].value == nil {
			continue
		}
		v, err := canonical(col.GetKind(), cells[i].value)
		if err != nil {
			return false, col.GetName(), err
		}
		values[col.GetName()] = v
	}
	ok, err = c.expression.Match(func(name string) []byte { return values[name] })
	return ok, "", err
}

// exactKinds are the kinds whose values have one stored form, which compares in
// SQLite as the values do.
var exactKinds = []planv1.Kind{canon.Bool, canon.Int, canon.Uint, canon.Float32, canon.Float64, canon.Decimal, canon.Text, canon.Bytes}

// conditionDialect writes a condition for SQLite and notes what it needs.
type conditionDialect struct {
	table     *planv1.Table
	columns   []*planv1.Column
	spellings bool
}

// Ident quotes a column's name.
func (d *conditionDialect) Ident(name string) string {
	for _, c := range d.table.GetColumns() {
		if c.GetName() == name && c.Constant == nil && !slices.Contains(d.columns, c) {
			d.columns = append(d.columns, c)
			d.spellings = d.spellings || !slices.Contains(exactKinds, c.GetKind())
		}
	}
	return ident(name)
}

// Literal writes a value as the file stores it.
func (d *conditionDialect) Literal(kind planv1.Kind, v []byte) (string, error) {
	value, err := stored(kind, affinityBlob, v)
	if kind == canon.Decimal {
		value, err = decimalLiteral(string(v))
	}
	if err != nil {
		return "", err
	}
	switch value := value.(type) {
	case int64:
		return fmt.Sprint(value), nil
	case float64:
		return realLiteral(value), nil
	case []byte:
		return fmt.Sprintf("x'%x'", value), nil
	default:
		return textLiteral(fmt.Sprint(value)), nil
	}
}

// decimalLiteral is the number that a numeric column would hold for a decimal.
func decimalLiteral(v string) (any, error) {
	out, err := storedDecimal(affinityNumeric, v)
	if err != nil {
		return nil, fmt.Errorf("%s has more digits than a numeric column of SQLite holds: shorten it", v)
	}
	return out, nil
}

// realLiteral writes a double with all of its digits.
func realLiteral(v float64) string {
	if math.IsInf(v, 0) {
		return strings.Replace(fmt.Sprint(v), "Inf", "9e999", 1)
	}
	return fmt.Sprintf("%.17e", v)
}

// textLiteral quotes a text; SQL ends at a NUL, so a text with one goes as bytes.
func textLiteral(text string) string {
	if strings.ContainsRune(text, 0) {
		return fmt.Sprintf("CAST(x'%x' AS TEXT)", text)
	}
	return literal(text)
}

// Count counts a source table's rows: those that move, and those that its condition
// leaves behind.
func (d *database) Count(ctx context.Context, p *planv1.TablePlan) (n engine.Count, err error) {
	err = d.read(ctx, func(tx *sql.Tx) error {
		from := mainTable(p.GetSource().GetName())
		where, err := newCondition(p.GetSource())
		if err != nil {
			return err
		}
		var all int64
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM "+from).Scan(&all); err != nil {
			return err
		}
		switch {
		case where.expression == nil:
			n.Rows = all
		case where.sql != "":
			err = tx.QueryRowContext(ctx, "SELECT count(*) FROM "+from+" WHERE "+where.sql).Scan(&n.Rows)
		default:
			n.Rows, err = where.count(ctx, tx, from)
		}
		n.Filtered = all - n.Rows
		return err
	})
	return n, fault.At(classify("sqlite.Count", err), "", engine.Label(p, engine.SourceSide))
}

// count evaluates the condition on every row of a table.
func (c *condition) count(ctx context.Context, tx *sql.Tx, from string) (n int64, err error) {
	expressions := make([]string, len(c.columns))
	cells, destinations := make([]cell, len(c.columns)), make([]any, len(c.columns))
	for i, col := range c.columns {
		expressions[i], destinations[i] = cellOf(col.GetName()), &cells[i]
	}
	err = each(ctx, tx, "SELECT "+strings.Join(expressions, ", ")+" FROM "+from, nil, func(rows *sql.Rows) error {
		if err := rows.Scan(destinations...); err != nil {
			return err
		}
		ok, column, err := c.match(cells)
		if err != nil {
			return &fault.Error{Kind: fault.Value, Op: "sqlite.Count", Column: column, Err: err}
		}
		if ok {
			n++
		}
		return nil
	})
	return n, err
}
