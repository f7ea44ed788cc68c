package mysql

import (
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// planExisting checks a table that is there against the source's.
func (d *designer) planExisting(p *planv1.TablePlan, there *planv1.Table) {
	p.TargetExists = true
	at := [2]string{d.fold(p.GetTargetSchema()), d.fold(p.GetTargetName())}
	label := p.GetTargetSchema() + "." + p.GetTargetName()
	if name, _ := option(there, optionEngine); !d.catalog.transactional[strings.ToLower(name)] {
		note(p, blocker, codeNotTransactional, "", "%s on the target is in %s, which has no transactions, so nothing could be proven or undone: ALTER TABLE %s ENGINE=InnoDB",
			label, name, qualified(p.GetTargetSchema(), p.GetTargetName()))
	}
	if d.catalog.filled[at] && d.req.Existing != planv1.Existing_EXISTING_APPEND && d.req.Existing != planv1.Existing_EXISTING_TRUNCATE {
		note(p, blocker, codeTargetNotEmpty, "", "%s on the target has rows: use --existing=truncate to remove them or --existing=append to keep them", label)
	}
	if d.catalog.triggers[at] {
		note(p, warning, codeTriggersFire, "", "%s on the target has triggers, which run for every row that is copied: drop them for the migration", label)
	}
	matched := map[string]bool{}
	for _, c := range p.GetSource().GetColumns() {
		if !c.GetDropped() {
			d.matchColumn(p, c, there, matched)
		}
	}
	for _, c := range there.GetColumns() {
		if !matched[c.GetName()] && !c.GetNullable() && c.GetDefault() == nil && c.GetIdentity() == 0 && c.GetGenerated() == "" {
			note(p, blocker, codeTargetColumn, c.GetName(), "target column must have a value and the source has none: give it a default")
		}
	}
	d.refuseForeignKeys(p, there)
	if slices.ContainsFunc(there.GetColumns(), func(c *planv1.Column) bool { return c.GetIdentity() != 0 }) {
		addSequence(p)
	}
}

// refuseForeignKeys stops a plan whose own tables refer to each other in the target
// already: each row would be checked as it comes, and tables load in any order.
func (d *designer) refuseForeignKeys(p *planv1.TablePlan, there *planv1.Table) {
	for _, f := range there.GetForeignKeys() {
		if slices.ContainsFunc(d.design.GetTables(), func(other *planv1.TablePlan) bool {
			return d.fold(other.GetTargetSchema()) == d.fold(f.GetReferencedSchema()) && d.fold(other.GetTargetName()) == d.fold(f.GetReferencedTable())
		}) {
			note(p, blocker, codeTargetForeignKey, "", "foreign key %s is on the target already and would refuse rows that come before those they refer to: drop it, and make it again after the copy", f.GetName())
		}
	}
}

// matchColumn finds the target column of a source column and how values get there.
func (d *designer) matchColumn(p *planv1.TablePlan, c *planv1.Column, there *planv1.Table, matched map[string]bool) {
	i := findColumn(there.GetColumns(), engine.TargetColumn(c))
	if i < 0 {
		note(p, blocker, codeTargetColumn, c.GetName(), "%s.%s on the target has no column %s: add it there, or drop the column in the spec",
			p.GetTargetSchema(), p.GetTargetName(), engine.TargetColumn(c))
		return
	}
	to := there.GetColumns()[i]
	if matched[to.GetName()] {
		note(p, blocker, codeNameCollision, c.GetName(), "two columns would go into column %s of the target: give one of them another name", to.GetName())
		return
	}
	matched[to.GetName()] = true
	if to.GetGenerated() != "" {
		p.Recomputed = append(p.Recomputed, to.GetName())
		return
	}
	way, ok := d.wayInto(p, c, to)
	if !ok {
		return
	}
	way.charset = to.GetCharset()
	d.ownBytes(p.GetSource(), c, &way)
	plan, err := engine.PlanColumn(c, way.name, way.kind, way.scale)
	if err != nil {
		note(p, blocker, codeCastImpossible, c.GetName(), "%s: %s", way.name, err)
		return
	}
	plan.Target, plan.Nullable, plan.TargetCharset, plan.TargetCollation = to.GetName(), to.GetNullable(), to.GetCharset(), to.GetCollation()
	if c.GetNullable() && !to.GetNullable() {
		note(p, warning, codeTargetColumn, c.GetName(), "target column takes no NULL, the source's may hold one: such a row stops the table")
	}
	p.Columns = append(p.Columns, plan)
}

// wayInto says how values travel into a column that is there.
func (d *designer) wayInto(p *planv1.TablePlan, c, to *planv1.Column) (targetType, bool) {
	way := targetType{name: to.GetNativeType(), kind: c.GetKind(), scale: -1}
	switch to.GetKind() {
	case canon.Decimal:
		way.scale = to.GetScale()
	case canon.Bits:
		way.scale = int32(to.GetLength())
	}
	if c.GetCast() != "" {
		asked, ok := d.castOf(p, c)
		if ok && !d.sameType(asked, to.GetNativeType()) {
			note(p, blocker, codeTargetColumn, c.GetName(), "target column is %s and the spec asks for %s: change one of them", to.GetNativeType(), asked.name)
			return way, false
		}
		asked.name = to.GetNativeType()
		return asked, ok
	}
	switch {
	case c.Constant != nil, converts(c, to):
		way.kind = to.GetKind()
	case d.sameEngine() && c.GetNativeType() == to.GetNativeType(), assignable(c, to):
	default:
		note(p, blocker, codeTargetColumn, c.GetName(), "target column is %s, which does not hold every value of the source's %s exactly: change its type",
			to.GetNativeType(), c.GetNativeType())
		return way, false
	}
	return way, true
}

// sameType compares an asked type with one of the catalog, in which integers may have
// a width.
func (d *designer) sameType(asked targetType, native string) bool {
	there, err := d.dialect.typeOf(native)
	return asked.name == native || err == nil && asked.name == there.name
}

// converts tells whether values go into a column of another kind, each exactly or
// refused, and nobody could mean anything else by it.
func converts(from, to *planv1.Column) bool {
	switch to.GetKind() {
	case canon.JSONValue:
		return from.GetKind() == canon.JSON || from.GetKind() == canon.Text
	case canon.JSON:
		return from.GetKind() == canon.JSONValue
	case canon.UUID:
		return from.GetKind() == canon.Text
	case canon.Bits:
		return from.GetKind() == canon.Bool
	}
	return false
}

// assignable tells whether a column holds values of another one by the kind that they
// have, exactly or refused one by one; never that it rounds, pads or cuts them.
func assignable(from, to *planv1.Column) bool {
	texts := to.GetKind() == canon.Text && len(to.GetEnumLabels()) == 0
	name := dataTypeOf(to.GetNativeType())
	switch {
	case isGeometry(name):
		return from.GetGeometry() != ""
	case name == "vector":
		return from.GetNativeType() == to.GetNativeType()
	}
	switch from.GetKind() {
	case canon.Variant:
		return false
	case canon.Text:
		return to.GetKind() == canon.Text
	case canon.Bool:
		return slices.Contains(integerTypes, name)
	case canon.Int, canon.Uint:
		return to.GetKind() == canon.Int || to.GetKind() == canon.Uint || to.GetKind() == canon.Decimal
	case canon.Float32:
		return to.GetKind() == canon.Float32
	case canon.Timestamp:
		return to.GetKind() == canon.Timestamp
	case canon.TimestampTZ:
		return to.GetKind() == canon.Timestamp || to.GetKind() == canon.TimestampTZ
	case canon.UUID:
		return to.GetKind() == canon.UUID || texts || (name == "binary" && to.GetLength() == 16)
	case canon.JSON, canon.TimeTZ, canon.Interval:
		return to.GetKind() == from.GetKind() || texts
	case canon.JSONValue:
		return to.GetKind() == from.GetKind()
	case canon.Bits:
		return to.GetKind() == canon.Bits && to.GetLength() == from.GetLength() || texts
	default:
		return to.GetKind() == from.GetKind()
	}
}
