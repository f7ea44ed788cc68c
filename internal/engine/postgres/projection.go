package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// projection is what is selected of a table and how its fields become values.
type projection struct {
	plan *planv1.TablePlan
	side engine.Side
	// exprs are the plan's columns, and behind them what only keys need.
	exprs []string
	// asText marks the exprs that select a column's text form.
	asText []bool
	// decode has a decoder a column of the plan; nil where tuples pass through.
	decode []decoder
	// key are the key's columns; empty where this side has no key.
	key []keyField
}

// keyField is where a key column's value is found.
type keyField struct {
	kind   planv1.Kind
	field  int
	decode decoder
}

// project asks the server for the types of a plan's columns and decides how to
// read each.
func (db *database) project(ctx context.Context, conn *pgconn.PgConn, p *planv1.TablePlan, side engine.Side) (*projection, error) {
	out := &projection{plan: p, side: side}
	for _, c := range p.GetColumns() {
		out.exprs = append(out.exprs, ident(engine.ColumnName(c, side)))
	}
	sql := "SELECT " + strings.Join(out.exprs, ", ") + " FROM " + relation(p, side)
	described, err := conn.Prepare(ctx, "", sql, nil)
	if err != nil {
		return nil, classify("postgres.Read", err)
	}
	oids := make([]uint32, len(described.Fields))
	for i, f := range described.Fields {
		oids[i] = f.DataTypeOID
	}
	out.asText = make([]bool, len(oids))
	if p.GetEncoding() != planv1.Encoding_ENCODING_PGCOPY {
		if err := db.projectCanonical(out, oids); err != nil {
			return nil, err
		}
	}
	return out, out.projectKey(oids)
}

func (db *database) projectCanonical(out *projection, oids []uint32) error {
	for i, c := range out.plan.GetColumns() {
		kind := c.GetKind()
		if kind == canon.Variant || kind == planv1.Kind_KIND_UNSPECIFIED {
			return fault.New(fault.Unsupported, "postgres.Read", "column %s travels as %s, which PostgreSQL has no values of", c.GetTarget(), kind)
		}
		d := decoderFor(oids[i], kind, c.GetScale())
		if d == nil {
			out.exprs[i], out.asText[i] = textForm(out.exprs[i], oids[i]), true
			d = decodeParsed(kind, c.GetScale())
		}
		if db.sqlASCII && (kind == canon.Text || kind == canon.JSON) {
			d = checkedText(d)
		}
		out.decode = append(out.decode, d)
	}
	return nil
}

// textForm is a column as its type prints it. The cast of inet adds a netmask
// that printing leaves out.
func textForm(expr string, oid uint32) string {
	if oid == oidInet {
		return "abbrev(" + expr + ")"
	}
	return expr + "::text"
}

// projectKey finds the key's columns among the fields, or selects them behind
// the others where they cannot be read from there.
func (out *projection) projectKey(oids []uint32) error {
	key := out.plan.GetSource().GetKey()
	if key.GetSource() == planv1.KeySource_KEY_SOURCE_HIDDEN && out.side == engine.SourceSide {
		out.key = []keyField{{kind: canon.Text, field: len(out.exprs), decode: decodeTID}}
		out.exprs = append(out.exprs, hiddenKey)
		return nil
	}
	columns, err := engine.KeyColumns(out.plan)
	if err != nil {
		return fault.Wrap(fault.Invalid, "postgres.Read", err)
	}
	for i, at := range columns {
		c := out.plan.GetColumns()[at]
		kind := key.GetKinds()[i]
		f := keyField{kind: kind, field: at, decode: decoderFor(oids[at], kind, c.GetScale())}
		if f.decode == nil || out.asText[at] {
			f.decode = decodeParsed(kind, c.GetScale())
			if !out.asText[at] {
				f.field = len(out.exprs)
				out.exprs = append(out.exprs, textForm(ident(engine.ColumnName(c, out.side)), oids[at]))
			}
		}
		out.key = append(out.key, f)
	}
	return nil
}

// relation is the table of a side as FROM names it. An ordinary source table is
// read without the tables that inherit from it: those are tables of their own.
func relation(p *planv1.TablePlan, side engine.Side) string {
	schema, name := engine.TableName(p, side)
	if side == engine.SourceSide && !isPartitioned(p.GetSource()) {
		return "ONLY " + qualified(schema, name)
	}
	return qualified(schema, name)
}

// predicate is the WHERE condition of a range, and of what lies behind a key.
func predicate(p *planv1.TablePlan, side engine.Side, r *planv1.Range, after *planv1.Bound) (string, error) {
	var conditions []string
	for _, part := range []struct {
		op    string
		bound *planv1.Bound
	}{{">=", r.GetLower()}, {"<", r.GetUpper()}, {">", after}} {
		if part.bound == nil {
			continue
		}
		c, err := comparison(p, side, part.op, part.bound)
		if err != nil {
			return "", err
		}
		conditions = append(conditions, c)
	}
	if len(conditions) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(conditions, " AND "), nil
}

// comparison compares the key with a bound, as a row where it has several
// columns: PostgreSQL walks the key's index for that.
func comparison(p *planv1.TablePlan, side engine.Side, op string, b *planv1.Bound) (string, error) {
	names, types, err := keyColumns(p, side)
	if err != nil {
		return "", err
	}
	kinds := p.GetSource().GetKey().GetKinds()
	if len(b.GetValues()) != len(names) || len(kinds) != len(names) {
		return "", fault.New(fault.Invalid, "postgres.predicate", "bound of %d values for a key of %d columns", len(b.GetValues()), len(names))
	}
	values := make([]string, len(names))
	for i, v := range b.GetValues() {
		if values[i], err = constant(kinds[i], v, types[i]); err != nil {
			return "", err
		}
	}
	if len(names) == 1 {
		return names[0] + " " + op + " " + values[0], nil
	}
	return fmt.Sprintf("(%s) %s (%s)", strings.Join(names, ", "), op, strings.Join(values, ", ")), nil
}

// keyColumns are the key's columns as SQL, and their types.
func keyColumns(p *planv1.TablePlan, side engine.Side) (names, types []string, err error) {
	if p.GetSource().GetKey().GetSource() == planv1.KeySource_KEY_SOURCE_HIDDEN {
		if side == engine.TargetSide {
			return nil, nil, fault.New(fault.Invalid, "postgres.predicate", "the target has no key to find a range by")
		}
		return []string{hiddenKey}, []string{"tid"}, nil
	}
	at, err := engine.KeyColumns(p)
	if err != nil {
		return nil, nil, fault.Wrap(fault.Invalid, "postgres.predicate", err)
	}
	for _, i := range at {
		c := p.GetColumns()[i]
		names = append(names, ident(engine.ColumnName(c, side)))
		types = append(types, engine.ColumnType(c, side))
	}
	return names, types, nil
}
