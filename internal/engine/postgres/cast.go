package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// targetType is the type of a target's column and how its values travel.
type targetType struct {
	// name is the type as DDL writes it.
	name string
	kind planv1.Kind
	// scale is that of the plan: digits of decimals, bits of bit(n), or -1.
	scale int32
}

// cast is what became of a type that the spec asks for.
type cast struct {
	to targetType
	// problem says why the type cannot be; empty where it can.
	problem string
	// composite is set for row types.
	composite bool
}

// planCasts asks the server for the types that the spec's casts name.
func (d *designer) planCasts(ctx context.Context, tx pgx.Tx) error {
	d.casts = map[string]cast{}
	for _, t := range d.source.GetTables() {
		for _, c := range t.GetColumns() {
			if _, done := d.casts[c.GetCast()]; done || c.GetCast() == "" || c.GetDropped() {
				continue
			}
			found, err := d.resolve(ctx, tx, c.GetCast())
			if err != nil {
				return err
			}
			d.casts[c.GetCast()] = found
		}
	}
	return nil
}

// resolve finds a type by the name that a user gave it. What the server says to a
// name that is none must not end the transaction.
func (d *designer) resolve(ctx context.Context, tx pgx.Tx, name string) (cast, error) {
	sub, err := tx.Begin(ctx)
	if err != nil {
		return cast{}, err
	}
	oid, mod, err := d.lookUp(ctx, sub, name)
	if rollbackErr := sub.Rollback(ctx); rollbackErr != nil {
		return cast{}, rollbackErr
	}
	var pe *pgconn.PgError
	switch {
	case asPgError(err, &pe) && (strings.HasPrefix(pe.Code, "42") || strings.HasPrefix(pe.Code, "22")):
		return cast{problem: "the target does not understand the type: " + pe.Message}, nil
	case err != nil:
		return cast{}, err
	case oid == 0:
		return cast{problem: "the target has no type " + name}, nil
	}
	return describeCast(ctx, tx, oid, mod)
}

// lookUp gives a type's OID, 0 for none, and its modifier. Types of the default
// schema need no schema in front.
func (d *designer) lookUp(ctx context.Context, tx pgx.Tx, name string) (oid uint32, mod int32, err error) {
	if _, err := tx.Exec(ctx, "SET LOCAL search_path = pg_catalog, "+ident(d.defaultSchema)+", public"); err != nil {
		return 0, 0, err
	}
	var found *uint32
	if err := tx.QueryRow(ctx, "SELECT to_regtype($1)::oid", name).Scan(&found); err != nil || found == nil {
		return 0, 0, err
	}
	// The server has read the whole of name as a type's, so it is safe in SQL; only
	// the description of a value tells the modifier.
	described, err := tx.Conn().PgConn().Prepare(ctx, "", "SELECT NULL::"+name, nil)
	if err != nil {
		return 0, 0, err
	}
	return *found, described.Fields[0].TypeModifier, nil
}

// describeCast gives the kind of a type's values.
func describeCast(ctx context.Context, tx pgx.Tx, oid uint32, mod int32) (cast, error) {
	types, err := collect[typeRow](ctx, tx, typeQuery, []uint32{oid})
	if err != nil {
		return cast{}, err
	}
	cat := &catalog{types: map[uint32]typeRow{}}
	for _, t := range types {
		cat.types[t.OID] = t
	}
	declared := cat.types[oid]
	if declared.Type == "d" {
		mod = -1
	}
	base, baseMod := cat.base(oid, mod)
	m := decodeTypmod(base.OID, baseMod)
	switch {
	case declared.Type == "p":
		return cast{problem: "a column for rows of another database cannot be of type " + declared.Name}, nil
	case m.scale < 0:
		return cast{problem: "a numeric with a negative scale would round"}, nil
	}
	out := cast{to: targetType{kind: kindOf(base.OID), scale: -1}, composite: base.Type == "c"}
	if isSpatialType(base) {
		out.to.kind = canon.Bytes
	}
	switch {
	case out.to.kind == canon.Decimal && m.precision > 0:
		out.to.scale = m.scale
	case base.OID == oidBit:
		out.to.scale = int32(max(m.length, 1))
	}
	err = tx.QueryRow(ctx, "SELECT format_type($1, $2)", oid, mod).Scan(&out.to.name)
	return out, err
}

// castOf gives the type that the spec asks for, or says in a finding why it cannot be.
func (d *designer) castOf(p *planv1.TablePlan, c *planv1.Column) (targetType, bool) {
	found := d.casts[c.GetCast()]
	if found.problem != "" {
		note(p, blocker, codeCastImpossible, c.GetName(), "cast to %s: %s", c.GetCast(), found.problem)
		return targetType{}, false
	}
	// Arrays and rows have no kind of their own: they come back from the text that they
	// became elsewhere, which the server reads, and from nothing else.
	structured := found.composite || strings.HasSuffix(found.to.name, "[]")
	if structured && c.Constant == nil && c.GetKind() != canon.Text {
		note(p, blocker, codeCastImpossible, c.GetName(), "cast to %s: values of %s are no arrays and no rows, and no text of them", c.GetCast(), c.GetNativeType())
		return targetType{}, false
	}
	return found.to, true
}

// numeric is a decimal type that holds decimals of a precision and scale.
func numeric(precision, scale int32) targetType {
	if precision <= 0 || precision > maxNumericPrecision || scale < 0 || scale > precision {
		return targetType{name: "numeric", kind: canon.Decimal, scale: -1}
	}
	return targetType{name: fmt.Sprintf("numeric(%d,%d)", precision, scale), kind: canon.Decimal, scale: scale}
}

// keyKindsKept tells whether the key's columns travel in the kinds that bounds have.
func keyKindsKept(p *planv1.TablePlan) bool {
	key := p.GetSource().GetKey()
	for _, c := range p.GetColumns() {
		i := slices.Index(key.GetColumns(), c.GetSource())
		if i >= 0 && i < len(key.GetKinds()) && c.GetConstant() == nil && key.GetKinds()[i] != c.GetKind() {
			return false
		}
	}
	return true
}
