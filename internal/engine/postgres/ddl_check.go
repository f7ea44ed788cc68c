package postgres

import (
	"cmp"
	"fmt"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// planChecks plans the source's checks, after the load as the user's constraints are,
// and those that stand for what types of MySQL refuse, with the table: checked as rows
// come they cost a third of what reading the table once more for each does.
func (d *designer) planChecks(p *planv1.TablePlan) {
	taken := map[string]bool{}
	for _, c := range p.GetSource().GetChecks() {
		condition, err := d.checkSQL(p, c)
		if err != nil {
			note(p, warning, codeCheckNotMoved, "", "check %s is not moved: %s: %s", c.GetName(), err, c.GetExpression())
			continue
		}
		if suffix := unproven(c); d.sameEngine() && suffix != "" {
			add(p, planv1.Step_STEP_INDEXES, objectConstraint+c.GetName(), "ALTER TABLE "+targetTable(p)+" ADD CONSTRAINT "+ident(c.GetName())+" CHECK ("+condition+")"+suffix)
		} else if condition != "true" {
			addCheck(p, planv1.Step_STEP_INDEXES, taken, c.GetName(), condition)
		}
	}
	if !d.fromMySQL() {
		return
	}
	for _, c := range p.GetSource().GetColumns() {
		to := planColumn(p, targetColumn(p, c.GetName()))
		if len(c.GetEnumLabels()) > 0 && to.GetKind() == canon.Text && to.GetTargetType() == "text" {
			addCheck(p, planv1.Step_STEP_CREATE, taken, clip(p.GetTargetName()+"_"+to.GetTarget(), len("_check"))+"_check", membership(to.GetTarget(), c))
		}
	}
	d.planUnsigned(p, taken)
}

// unproven is what a definition has behind its condition.
func unproven(c *planv1.Check) string {
	rest, out := c.GetDefinition(), ""
	for found := true; found; {
		found = false
		for _, word := range []string{" NO INHERIT", " NOT VALID", " NOT ENFORCED"} {
			if cut, ok := strings.CutSuffix(rest, word); ok {
				rest, out, found = cut, word+out, true
			}
		}
	}
	return out
}

// addCheck plans a check; its name is free within the table.
func addCheck(p *planv1.TablePlan, step planv1.Step, taken map[string]bool, want, condition string) {
	want = cmp.Or(want, clip(p.GetTargetName(), len("_check"))+"_check")
	name := clip(want, 0)
	for i := 1; taken[name]; i++ {
		suffix := fmt.Sprintf("_%d", i)
		name = clip(want, len(suffix)) + suffix
	}
	taken[name] = true
	add(p, step, objectConstraint+name, "ALTER TABLE "+targetTable(p)+" ADD CONSTRAINT "+ident(name)+" CHECK ("+condition+")")
}

// membership is the condition that an ENUM or a SET is.
func membership(name string, c *planv1.Column) string {
	labels := make([]string, len(c.GetEnumLabels()))
	for i, l := range c.GetEnumLabels() {
		labels[i] = strings.TrimSpace(literal(l))
	}
	list := strings.Join(labels, ", ")
	if c.GetMultiple() {
		return "string_to_array(" + ident(name) + ", ',') <@ ARRAY[" + list + "]::text[]"
	}
	return ident(name) + " IN (" + list + ")"
}

// planUnsigned keeps negative numbers out of the columns that were unsigned, by one
// check for all of them.
func (d *designer) planUnsigned(p *planv1.TablePlan, taken map[string]bool) {
	var parts []string
	for _, c := range p.GetSource().GetColumns() {
		to := planColumn(p, targetColumn(p, c.GetName()))
		if to != nil && isUnsigned(c) && isNumber(c.GetKind()) && isNumber(to.GetKind()) {
			parts = append(parts, ident(to.GetTarget())+" >= 0")
		}
	}
	if len(parts) > 0 {
		addCheck(p, planv1.Step_STEP_CREATE, taken, clip(p.GetTargetName(), len("_unsigned_check"))+"_unsigned_check", strings.Join(parts, " AND "))
	}
}

// checkSQL writes a check's condition, or says why it cannot be.
func (d *designer) checkSQL(p *planv1.TablePlan, c *planv1.Check) (string, error) {
	if d.sameEngine() {
		condition, ok := renamed(p.GetSource(), c.GetExpression())
		if !ok {
			return "", fmt.Errorf("a column of it is not copied or has another type")
		}
		return condition, nil
	}
	t := d.translator(p, planned(p))
	if t == nil {
		return "", errForeign
	}
	return t.Condition(c.GetExpression())
}

// loose tells whether a column of MySQL takes texts for equal that differ.
func loose(c *planv1.Column) bool {
	return c.GetKind() == canon.Text && (strings.Contains(c.GetCollation(), "_ci") || strings.Contains(c.GetCollation(), "_ai"))
}

// planCollations says what becomes of unique text that compares without case.
func (d *designer) planCollations(p *planv1.TablePlan) {
	if !d.fromMySQL() {
		return
	}
	var columns []string
	for _, c := range p.GetSource().GetColumns() {
		if loose(c) && targetColumn(p, c.GetName()) != "" {
			columns = append(columns, c.GetName())
		}
	}
	if len(columns) > 0 {
		note(p, info, codeCollationDiffers, "", "text is compared without case or accents in the source and exactly in PostgreSQL: %s", strings.Join(columns, ", "))
	}
	for _, x := range p.GetSource().GetIndexes() {
		for _, part := range x.GetColumns() {
			c := engine.SourceColumn(p, part.GetName())
			if x.GetUnique() && loose(c) {
				note(p, warning, codeCollationDiffers, c.GetName(), "unique index %s takes 'a' beside 'A' in PostgreSQL, which %s does not: cast the column to citext in the spec, or make a unique index on lower(%s) there",
					x.GetName(), c.GetCollation(), ident(targetColumn(p, c.GetName())))
			}
		}
	}
}
