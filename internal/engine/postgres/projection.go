package postgres

import (
	"context"
	"fmt"
	"slices"
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
	// exprs are the columns that the side's table has, and behind those width what
	// only keys need.
	exprs []string
	width int
	// asText marks the exprs that select a column's text form.
	asText []bool
	// columns say how fields become values; nil where tuples pass through.
	columns []fieldReader
	// constants end each row of a source.
	constants []byte
	// key are the key's columns; empty where this side has no key. Hidden is set
	// where it is the row's position.
	key    []keyField
	hidden bool
	// lock is a locking clause behind the selection; empty for none.
	lock string
}

// fieldReader reads one column.
type fieldReader struct {
	decode decoder
	// convert takes values to the kind they travel as; nil where they pass.
	convert *engine.Conversion
	// asIs says that values travel as the server sends them, checked that its text is
	// seen to be UTF-8 first.
	asIs, checked bool
}

// keyField is where a key column's value is found.
type keyField struct {
	kind   planv1.Kind
	field  int
	decode decoder
}

// project asks the server for the types of a plan's columns and decides how to
// read each.
func (db *database) project(ctx context.Context, conn *pgconn.PgConn, r engine.ReadRequest) (*projection, error) {
	p := r.Plan
	out := &projection{plan: p, side: r.Side}
	for _, c := range engine.Stored(p, r.Side) {
		out.exprs = append(out.exprs, ident(engine.ColumnName(c, r.Side)))
	}
	out.width = len(out.exprs)
	sql := "SELECT " + strings.Join(out.exprs, ", ") + " FROM " + relation(p, r.Side)
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
		if err := out.spatial(ctx, conn, oids); err != nil {
			return nil, err
		}
		if err := db.projectCanonical(out, oids, r); err != nil {
			return nil, err
		}
	}
	return out, out.projectKey(oids)
}

func (db *database) projectCanonical(out *projection, oids []uint32, r engine.ReadRequest) error {
	out.columns = make([]fieldReader, len(oids))
	for i, oid := range oids {
		c := out.plan.GetColumns()[i]
		kind, scale := c.GetKind(), c.GetScale()
		if out.side == engine.SourceSide {
			convert, err := engine.NewConversion(r, i)
			if err != nil {
				return fault.Wrap(fault.Invalid, "postgres.Read", err)
			}
			from := kind
			if s := engine.SourceColumn(out.plan, c.GetSource()); s != nil {
				from = s.GetKind()
			}
			if from != kind {
				kind, scale = from, -1
			}
			// The decoder brings decimals to their scale.
			if from != c.GetKind() || c.GetPolicy().GetAction() > planv1.Policy_ACTION_ERROR {
				out.columns[i].convert = convert
			}
		}
		d, err := db.fieldDecoder(out, i, oid, kind, scale)
		if err != nil {
			return err
		}
		out.columns[i].decode = d
		out.columns[i].asIs = out.columns[i].convert == nil && passesAsIs(oid, kind, out.asText[i])
		out.columns[i].checked = kind != canon.Bytes && (db.sqlASCII || out.asText[i])
	}
	if out.side == engine.SourceSide {
		out.constants = engine.AppendConstants(nil, out.plan)
	}
	return nil
}

// fieldDecoder gives the decoder of a column into a kind, by its text form where
// there is no other.
func (db *database) fieldDecoder(out *projection, i int, oid uint32, kind planv1.Kind, scale int32) (decoder, error) {
	if kind == canon.Variant || kind == planv1.Kind_KIND_UNSPECIFIED {
		return nil, fault.New(fault.Unsupported, "postgres.Read", "column %s travels as %s, which PostgreSQL has no values of", out.plan.GetColumns()[i].GetTarget(), kind)
	}
	d := decoderFor(oid, kind, scale)
	if d == nil {
		out.exprs[i], out.asText[i] = textForm(out.exprs[i], oid), true
		d = decodeParsed(kind, scale)
	}
	if db.sqlASCII && (kind == canon.Text || kind == canon.JSON) {
		d = checkedText(d)
	}
	return d, nil
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
		out.hidden = true
		if byLeaves(out.plan.GetSource()) {
			out.key = append(out.key, keyField{kind: canon.Int, field: len(out.exprs), decode: decoderFor(oidInt8, canon.Int, -1)})
			out.exprs = append(out.exprs, hiddenLeaf+"::int8")
		}
		out.key = append(out.key, keyField{kind: canon.Text, field: len(out.exprs), decode: decodeTID})
		out.exprs = append(out.exprs, hiddenKey)
		return nil
	}
	columns, err := engine.KeyColumns(out.plan)
	if err != nil {
		return fault.Wrap(fault.Invalid, "postgres.Read", err)
	}
	for i, at := range columns {
		out.key = append(out.key, out.keyField(key.GetKinds()[i], at, oids[at]))
	}
	return nil
}

// keyField reads a key's column in the kind that keys have in the source, whatever
// the column became in the target.
func (out *projection) keyField(kind planv1.Kind, at int, oid uint32) keyField {
	c := out.plan.GetColumns()[at]
	if out.side == engine.TargetSide && c.GetKind() != kind && out.columns != nil {
		stored := out.columns[at].decode
		return keyField{kind: kind, field: at, decode: func(scratch, field []byte) ([]byte, error) {
			v, err := stored(scratch, field)
			if err != nil {
				return nil, err
			}
			v, ok, err := canon.Convert(c.GetKind(), kind, -1, v)
			if err == nil && !ok {
				err = fmt.Errorf("a %s has no form as %s", c.GetKind(), kind)
			}
			return v, err
		}}
	}
	scale := c.GetScale()
	if c.GetKind() != kind {
		scale = -1
	}
	f := keyField{kind: kind, field: at, decode: decoderFor(oid, kind, scale)}
	if f.decode == nil || out.asText[at] {
		f.decode = decodeParsed(kind, scale)
		if !out.asText[at] {
			f.field = len(out.exprs)
			out.exprs = append(out.exprs, textForm(ident(engine.ColumnName(c, out.side)), oid))
		}
	}
	return f
}

// relation is the table of a side as FROM names it. An ordinary source table is
// read without the tables that inherit from it: those are tables of their own.
func relation(p *planv1.TablePlan, side engine.Side) string {
	schema, name := engine.TableName(p, side)
	if side == engine.SourceSide && !isPartitioned(p.GetSource()) || side == engine.TargetSide && standsAlone(p) {
		return "ONLY " + qualified(schema, name)
	}
	return qualified(schema, name)
}

// limit is one side of what a read selects.
type limit struct {
	op    string
	bound *planv1.Bound
}

// limitsOf gives the sides that a range has, and that of what lies behind a key.
func limitsOf(r *planv1.Range, after *planv1.Bound) []limit {
	all := []limit{{">=", r.GetLower()}, {"<", r.GetUpper()}, {">", after}}
	return slices.DeleteFunc(all, func(l limit) bool { return l.bound == nil })
}

// predicate is the WHERE condition of a range, and of what lies behind a key.
func predicate(p *planv1.TablePlan, side engine.Side, r *planv1.Range, after *planv1.Bound) (string, error) {
	var conditions []string
	for _, l := range limitsOf(r, after) {
		c, err := comparison(p, side, l.op, l.bound)
		if err != nil {
			return "", err
		}
		conditions = append(conditions, c)
	}
	if r.GetNullKeys() != planv1.NullKeys_NULL_KEYS_UNSPECIFIED {
		names, _, err := keyColumns(p, side)
		if err != nil {
			return "", err
		}
		conditions = append(conditions, nullKeys(names, r.GetNullKeys()))
	}
	return whereAll(conditions), nil
}

func whereAll(conditions []string) string {
	if len(conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(conditions, " AND ")
}

// anyOf selects the rows that have one of some keys.
func anyOf(p *planv1.TablePlan, side engine.Side, keys []*planv1.Bound) (string, error) {
	out := []string{"false"}
	for _, key := range keys {
		one, err := comparison(p, side, "=", key)
		if err != nil {
			return "", err
		}
		out = append(out, one)
	}
	return "(" + strings.Join(out, " OR ") + ")", nil
}

// nullKeys is the condition that a key has a NULL, or that it has none.
func nullKeys(names []string, rows planv1.NullKeys) string {
	if rows == planv1.NullKeys_NULL_KEYS_ONLY {
		return "(" + strings.Join(names, " IS NULL OR ") + " IS NULL)"
	}
	return strings.Join(names, " IS NOT NULL AND ") + " IS NOT NULL"
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
