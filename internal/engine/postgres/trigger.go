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
	// *<> compares any row, also where a type has no equality.
	body := "BEGIN\n\tIF NEW *<> OLD THEN\n" + strings.Join(lines, "") + "\tEND IF;\n\tRETURN NEW;\nEND"
	name := d.onUpdateFunction(p, names, body)
	trigger := clip(p.GetTargetName(), len("_on_update")) + "_on_update"
	add(p, planv1.Step_STEP_INDEXES, "trigger "+trigger, "CREATE OR REPLACE TRIGGER "+ident(trigger)+" BEFORE UPDATE ON "+targetTable(p)+
		" FOR EACH ROW EXECUTE FUNCTION "+name+"()")
	note(p, info, codeOnUpdateTrigger, strings.Join(names, ", "), "ON UPDATE CURRENT_TIMESTAMP becomes the trigger %s with the function %s", trigger, name)
}

// onUpdateFunction plans the trigger's function, one for all tables of a schema that
// have the same such columns, and gives its name.
func (d *designer) onUpdateFunction(p *planv1.TablePlan, columns []string, body string) string {
	at := [2]string{p.GetTargetSchema(), body}
	name, ok := d.functions[at]
	if !ok {
		name = d.names.free(finalPlace(p)[0], "set_"+strings.Join(columns, "_and_"))
		d.functions[at] = name
	}
	function := qualified(p.GetTargetSchema(), name)
	add(p, planv1.Step_STEP_INDEXES, objectFunction+function+"()", "CREATE OR REPLACE FUNCTION "+function+"() RETURNS trigger LANGUAGE plpgsql AS "+
		strings.TrimSpace(literal(body)))
	return function
}
