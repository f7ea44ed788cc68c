package postgres

import (
	"fmt"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
)

// planForeignKeys points foreign keys at the target's tables.
func (d *designer) planForeignKeys(p *planv1.TablePlan) {
	taken := map[string]bool{}
	for _, s := range p.GetStatements() {
		if name, ok := strings.CutPrefix(s.GetObject(), objectConstraint); ok {
			taken[name] = true
		}
	}
	for i, f := range p.GetSource().GetForeignKeys() {
		to := d.bySource[[2]string{f.GetReferencedSchema(), f.GetReferencedTable()}]
		if to == nil || blocked(to) {
			note(p, warning, codeForeignNotMoved, "", "foreign key %s is not moved: %s is not in the migration", f.GetName(), f.GetReferencedTable())
			continue
		}
		body, reason := d.foreignKeySQL(p, to, f)
		if reason != "" {
			note(p, warning, codeForeignNotMoved, "", "foreign key %s is not moved: %s", f.GetName(), reason)
			continue
		}
		d.noteForeign(p, f)
		name := f.GetName()
		if name == "" || taken[name] {
			name = fmt.Sprintf("%s_fkey%d", clip(p.GetTargetName(), 9), i+1)
		}
		name = clip(name, 0)
		taken[name] = true
		add(p, planv1.Step_STEP_FOREIGN_KEYS, objectConstraint+name, "ALTER TABLE "+targetTable(p)+" ADD CONSTRAINT "+ident(name)+" "+body)
		p.Statements[len(p.GetStatements())-1].ForeignKey = uint32(i + 1)
	}
}

// noteForeign says why rows may be refused when the key is made.
func (d *designer) noteForeign(p *planv1.TablePlan, f *planv1.ForeignKey) {
	for _, name := range f.GetColumns() {
		if c := engine.SourceColumn(p, name); d.fromMySQL() && loose(c) {
			note(p, warning, codeCollationDiffers, name, "foreign key %s cannot be made if a value differs from the one it refers to in case or accents, which %s does not mind: make them equal in the source",
				f.GetName(), c.GetCollation())
		}
	}
}

// namesKept tells whether every column keeps its name and type.
func namesKept(t *planv1.Table) bool {
	return !slices.ContainsFunc(t.GetColumns(), func(c *planv1.Column) bool {
		return c.GetDropped() || c.GetCast() != "" || clip(engine.TargetColumn(c), 0) != c.GetName()
	})
}

// foreignKeySQL writes a foreign key behind its name, or says why it cannot be.
func (d *designer) foreignKeySQL(p, to *planv1.TablePlan, f *planv1.ForeignKey) (sql, reason string) {
	if d.sameEngine() && !to.GetTargetExists() && namesKept(p.GetSource()) && namesKept(to.GetSource()) {
		before, after, ok := foreignKeyParts(f.GetDefinition())
		if !ok {
			return "", "its definition is not understood: " + f.GetDefinition()
		}
		return before + targetTable(to) + after, ""
	}
	columns, ok1 := targetColumns(p, f.GetColumns())
	referenced := f.GetReferencedColumns()
	if len(referenced) == 0 {
		// SQLite: the primary key of the other table.
		referenced = to.GetSource().GetKey().GetColumns()
	}
	references, ok2 := targetColumns(to, referenced)
	if !ok1 || !ok2 || len(columns) != len(references) {
		return "", "a column of it is not copied"
	}
	if !engine.UniqueOn(to.GetSource(), referenced) {
		return "", "the columns it points at are not unique in the source"
	}
	if reason := typesDiffer(p, to, columns, references); reason != "" {
		return "", reason
	}
	sql = "FOREIGN KEY (" + identList(columns) + ") REFERENCES " + targetTable(to) + " (" + identList(references) + ")"
	if f.GetMatch() == "FULL" {
		sql += " MATCH FULL"
	}
	return sql + action(" ON UPDATE ", f.GetOnUpdate()) + action(" ON DELETE ", f.GetOnDelete()) + deferral(f), ""
}

func targetColumns(p *planv1.TablePlan, source []string) ([]string, bool) {
	out := make([]string, len(source))
	for i, name := range source {
		// Names in a REFERENCES clause may differ in case where the source ignores it.
		at := findColumn(p.GetSource().GetColumns(), name)
		if at < 0 {
			return nil, false
		}
		if out[i] = targetColumn(p, p.GetSource().GetColumns()[at].GetName()); out[i] == "" {
			return nil, false
		}
	}
	return out, len(out) > 0
}

func typesDiffer(p, to *planv1.TablePlan, columns, references []string) string {
	for i := range columns {
		a, b := planColumn(p, columns[i]), planColumn(to, references[i])
		if a != nil && b != nil && a.GetKind() != b.GetKind() {
			return fmt.Sprintf("%s is %s and %s is %s", a.GetTarget(), a.GetTargetType(), engine.Label(to, engine.TargetSide)+"."+b.GetTarget(), b.GetTargetType())
		}
	}
	return ""
}

func planColumn(p *planv1.TablePlan, target string) *planv1.ColumnPlan {
	for _, c := range p.GetColumns() {
		if c.GetTarget() == target {
			return c
		}
	}
	return nil
}

// referentialActions are those SQL knows; anything else is not pasted into DDL.
var referentialActions = []string{"CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT"}

func action(clause, what string) string {
	if slices.Contains(referentialActions, what) {
		return clause + what
	}
	return ""
}

func deferral(f *planv1.ForeignKey) string {
	switch {
	case f.GetInitiallyDeferred():
		return " DEFERRABLE INITIALLY DEFERRED"
	case f.GetDeferrable():
		return " DEFERRABLE"
	default:
		return ""
	}
}
