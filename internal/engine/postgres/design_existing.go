package postgres

import (
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// planExisting checks a table that is there against the source's.
func (d *designer) planExisting(p *planv1.TablePlan, there *describedTable) {
	p.TargetExists = true
	if there.Kind != "r" && there.Kind != "p" {
		note(p, blocker, codeTargetNotTable, "", "%s.%s on the target is no table: map the table to another name", p.GetTargetSchema(), p.GetTargetName())
		return
	}
	if d.filled[[2]string{there.Schema, there.Name}] && d.req.Existing != planv1.Existing_EXISTING_APPEND && d.req.Existing != planv1.Existing_EXISTING_TRUNCATE {
		note(p, blocker, codeTargetNotEmpty, "", "%s.%s on the target has rows: use --existing=truncate to remove them or --existing=append to keep them",
			p.GetTargetSchema(), p.GetTargetName())
	}
	matched := map[string]bool{}
	for _, c := range p.GetSource().GetColumns() {
		if !c.GetDropped() {
			d.matchColumn(p, c, there, matched)
		}
	}
	for _, c := range there.table.GetColumns() {
		if !matched[c.GetName()] && !c.GetNullable() && c.GetDefault() == nil && c.GetIdentity() == 0 && c.GetGenerated() == "" {
			note(p, blocker, codeTargetColumn, c.GetName(), "target column must have a value and the source has none: give it a default")
		}
	}
	d.refuseForeignKeys(p, there)
	p.KeyAfterLoad = emptyAndKeyless(there, d.filled[[2]string{there.Schema, there.Name}]) && engine.HasKey(p)
	d.planExistingDDL(p, there)
}

// refuseForeignKeys stops a plan whose own tables refer to each other in the target
// already: each row would be checked as it comes, and tables load in any order.
func (d *designer) refuseForeignKeys(p *planv1.TablePlan, there *describedTable) {
	for _, f := range there.table.GetForeignKeys() {
		if slices.ContainsFunc(d.design.GetTables(), func(other *planv1.TablePlan) bool {
			return other.GetTargetSchema() == f.GetReferencedSchema() && other.GetTargetName() == f.GetReferencedTable()
		}) {
			note(p, blocker, codeTargetForeignKey, "", "foreign key %s is on the target already and would refuse rows that come before those they refer to: drop it, and make it again after the copy", f.GetName())
		}
	}
}

func emptyAndKeyless(there *describedTable, filled bool) bool {
	return !filled && there.Kind == "r" && rank(there.table.GetKey()) == rankNone
}

// matchColumn finds the target column of a source column and how values get there.
func (d *designer) matchColumn(p *planv1.TablePlan, c *planv1.Column, there *describedTable, matched map[string]bool) {
	i := findColumn(there.table.GetColumns(), engine.TargetColumn(c))
	if i < 0 {
		note(p, blocker, codeTargetColumn, c.GetName(), "%s.%s on the target has no column %s: add it there, or drop the column in the spec",
			p.GetTargetSchema(), p.GetTargetName(), engine.TargetColumn(c))
		return
	}
	to := there.table.GetColumns()[i]
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
	plan, err := engine.PlanColumn(c, way.name, way.kind, way.scale)
	if err != nil {
		note(p, blocker, codeCastImpossible, c.GetName(), "%s: %s", way.name, err)
		return
	}
	plan.Target, plan.Nullable = to.GetName(), to.GetNullable()
	if c.GetNullable() && !to.GetNullable() {
		note(p, warning, codeTargetColumn, c.GetName(), "target column takes no NULL, the source's may hold one: such a row stops the table")
	}
	p.Columns = append(p.Columns, plan)
}

// wayInto says how values travel into a column that is there.
func (d *designer) wayInto(p *planv1.TablePlan, c, to *planv1.Column) (targetType, bool) {
	way := targetType{name: to.GetNativeType(), kind: c.GetKind(), scale: -1}
	if c.GetCast() != "" {
		asked, ok := d.castOf(p, c)
		if ok && asked.name != to.GetNativeType() {
			note(p, blocker, codeTargetColumn, c.GetName(), "target column is %s and the spec asks for %s: change one of them", to.GetNativeType(), asked.name)
			return way, false
		}
		return asked, ok
	}
	switch {
	case c.Constant != nil:
		way.kind = to.GetKind()
	case assignable(d.source.GetEngine(), c, to):
	case converts(c, to):
		way.kind = to.GetKind()
	default:
		note(p, blocker, codeTargetColumn, c.GetName(), "target column is %s, which does not hold every value of the source's %s exactly: change its type",
			to.GetNativeType(), c.GetNativeType())
		return way, false
	}
	if to.GetKind() == canon.Decimal && to.GetPrecision() > 0 && way.kind == canon.Decimal {
		way.scale = decimalScale(to)
	}
	if way.kind == canon.Bits && strings.HasPrefix(to.GetNativeType(), "bit(") {
		way.scale = int32(to.GetLength())
	}
	return way, true
}

// converts tells whether values go into a column of another kind, each exactly or
// refused, and nobody could mean anything else by it.
func converts(from, to *planv1.Column) bool {
	if strings.HasSuffix(to.GetNativeType(), "[]") || !canon.Convertible(from.GetKind(), to.GetKind()) {
		return false
	}
	switch to.GetKind() {
	case canon.Bool:
		return from.GetKind() == canon.Int || from.GetKind() == canon.Bits
	case canon.Interval:
		return from.GetKind() == canon.Time
	case canon.UUID:
		return from.GetKind() == canon.Text || from.GetKind() == canon.Bytes
	case canon.JSONValue:
		return from.GetKind() == canon.JSON || from.GetKind() == canon.Text
	case canon.JSON:
		return from.GetKind() == canon.JSONValue || from.GetKind() == canon.Text
	default:
		return false
	}
}

// findColumn prefers the exact name to one that differs in case only.
func findColumn(columns []*planv1.Column, name string) int {
	if i := slices.IndexFunc(columns, func(c *planv1.Column) bool { return c.GetName() == name }); i >= 0 {
		return i
	}
	found := -1
	for i, c := range columns {
		if strings.EqualFold(c.GetName(), name) {
			if found >= 0 {
				return -1
			}
			found = i
		}
	}
	return found
}

// assignable tells whether a column holds values of another one exactly, or
// refuses them one by one; never that it rounds or pads them.
func assignable(engineName string, from, to *planv1.Column) bool {
	if engineName == Name && from.GetNativeType() == to.GetNativeType() {
		return true
	}
	if strings.HasSuffix(to.GetNativeType(), "[]") {
		return false
	}
	switch from.GetKind() {
	case canon.Variant:
		return false
	case canon.Text:
		natural := len(to.GetEnumLabels()) > 0 || strings.HasPrefix(to.GetNativeType(), "character") || to.GetNativeType() == "text" ||
			strings.HasSuffix(to.GetNativeType(), ".citext")
		return to.GetKind() == canon.Text && natural
	case canon.JSON, canon.JSONValue:
		return to.GetKind() == from.GetKind() || to.GetNativeType() == "text"
	case canon.Int, canon.Uint:
		return to.GetKind() == canon.Int || (to.GetKind() == canon.Decimal && to.GetScale() >= 0)
	case canon.Decimal:
		return to.GetKind() == canon.Decimal && to.GetScale() >= 0
	case canon.Float32:
		return to.GetKind() == canon.Float32 || to.GetKind() == canon.Float64
	case canon.Time, canon.TimeTZ, canon.Timestamp, canon.TimestampTZ, canon.Interval:
		return to.GetKind() == from.GetKind() && plainInterval(to)
	default:
		return to.GetKind() == from.GetKind()
	}
}

func plainInterval(c *planv1.Column) bool {
	return c.GetKind() != canon.Interval || c.GetNativeType() == "interval" || strings.HasPrefix(c.GetNativeType(), "interval(")
}
