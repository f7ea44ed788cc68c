package postgres

import (
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// planOnUpdate sets columns to the present moment at every update that changes the
// row, as ON UPDATE CURRENT_TIMESTAMP does. A trigger does not see whether an UPDATE
// names the column: one that does and gives it the value it has already is taken for
// one that does not.
func (d *designer) planOnUpdate(p *planv1.TablePlan) {
	var names, lines []string
	for _, c := range p.GetSource().GetColumns() {
		to := planColumn(p, targetColumn(p, c.GetName()))
		if !c.GetOnUpdateNow() || to == nil {
			continue
		}
		moment, ok := renderMoment(p.GetSourceEngine(), planv1.Default_MOMENT_TIMESTAMP, to.GetKind())
		if !ok || to.GetKind() == canon.Text {
			note(p, warning, codeOnUpdateNotMoved, c.GetName(), "ON UPDATE CURRENT_TIMESTAMP is not moved: the column is %s", to.GetTargetType())
			continue
		}
		column := ident(to.GetTarget())
		names = append(names, to.GetTarget())
		lines = append(lines, "\t\tIF NEW."+column+" IS NOT DISTINCT FROM OLD."+column+" THEN\n\t\t\tNEW."+column+" := "+moment+";\n\t\tEND IF;\n")
	}
	if len(names) == 0 {
		return
	}
	body := "BEGIN\n\tIF " + rowChanged(p) + " THEN\n" + strings.Join(lines, "") + "\tEND IF;\n\tRETURN NEW;\nEND"
	name := d.onUpdateFunction(p, names, body)
	trigger := clip(p.GetTargetName(), len("_on_update")) + "_on_update"
	add(p, planv1.Step_STEP_INDEXES, "trigger "+trigger, "CREATE OR REPLACE TRIGGER "+ident(trigger)+" BEFORE UPDATE ON "+targetTable(p)+
		" FOR EACH ROW EXECUTE FUNCTION "+name+"()")
	note(p, info, codeOnUpdateTrigger, strings.Join(names, ", "), "ON UPDATE CURRENT_TIMESTAMP becomes the trigger %s with the function %s", trigger, name[strings.LastIndex(name, ".")+1:])
}

// rowChanged is the condition that an update changes the row. *<> compares any row,
// also where a type has no equality; but before an update generated columns have no
// value yet, so then it goes by the others.
func rowChanged(p *planv1.TablePlan) string {
	if len(p.GetRecomputed()) == 0 {
		return "NEW *<> OLD"
	}
	parts := make([]string, len(p.GetColumns()))
	for i, c := range p.GetColumns() {
		as := ""
		if c.GetTargetType() == "json" {
			as = "::text"
		}
		parts[i] = "NEW." + ident(c.GetTarget()) + as + " IS DISTINCT FROM OLD." + ident(c.GetTarget()) + as
	}
	return strings.Join(parts, "\n\t\tOR ")
}

// onUpdateFunction plans the trigger's function, one for all tables of a schema that
// have the same such columns, and gives its name.
func (d *designer) onUpdateFunction(p *planv1.TablePlan, columns []string, body string) string {
	at := [2]string{p.GetTargetSchema(), body}
	name, ok := d.functions[at]
	if !ok {
		name = "set_" + strings.Join(columns, "_and_")
		if len(p.GetRecomputed()) > 0 {
			// Its condition names the table's columns.
			name = p.GetTargetName() + "_" + name
		}
		name = d.names.free(finalPlace(p)[0], name)
		d.functions[at] = name
	}
	function := qualified(p.GetTargetSchema(), name)
	add(p, planv1.Step_STEP_INDEXES, objectFunction+function+"()", "CREATE OR REPLACE FUNCTION "+function+"() RETURNS trigger LANGUAGE plpgsql AS "+
		strings.TrimSpace(literal(body)))
	return function
}
