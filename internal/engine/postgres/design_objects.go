package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
)

const (
	codeObjectDiffers    = "OBJECT_DIFFERS"
	codeRoleMissing      = "ROLE_MISSING"
	codeExtensionMissing = "EXTENSION_MISSING"
)

// ofSomething begins the name of what an object has beyond itself: a comment, a grant.
const ofSomething = "of "

// targetObjects is what a target has beside tables.
type targetObjects struct {
	// definitions are by label; of an object without one it is empty.
	definitions map[string]string
	roles       map[string]bool
	// extensions are those that can be made.
	extensions map[string]bool
	// left are labels of objects that the target does not get, or has otherwise.
	left map[string]bool
}

// label names an object as SQL does, so that DROP takes it: "function shop.f(integer)".
func label(o *planv1.Object) string {
	if o.GetSchema() == "" {
		return o.GetType() + " " + o.GetName()
	}
	return o.GetType() + " " + bareIdent(o.GetSchema()) + "." + o.GetName()
}

func (d *designer) readObjects(ctx context.Context, tx pgx.Tx) error {
	d.objects = targetObjects{definitions: map[string]string{}, roles: map[string]bool{}, extensions: map[string]bool{}, left: map[string]bool{}}
	if !d.sameEngine() || len(d.source.GetObjects()) == 0 {
		return nil
	}
	for _, q := range objectQueries {
		rows, err := collect[objectRow](ctx, tx, identified(q))
		if err != nil {
			return err
		}
		for _, r := range rows {
			o := &planv1.Object{Type: r.Type, Schema: r.Schema, Name: r.Name}
			d.objects.definitions[label(o)] = strings.Join(statements(r.Definition), ";\n")
		}
	}
	type nameRow struct{ Name string }
	for sql, into := range map[string]map[string]bool{
		"SELECT rolname::text FROM pg_roles":                    d.objects.roles,
		"SELECT quote_ident(name) FROM pg_available_extensions": d.objects.extensions,
	} {
		rows, err := collect[nameRow](ctx, tx, sql)
		if err != nil {
			return err
		}
		for _, r := range rows {
			into[r.Name] = true
		}
	}
	return nil
}

// planObjects plans the objects that come before tables, or those that come after.
func (d *designer) planObjects(before bool) {
	if !d.sameEngine() {
		return
	}
	missing := map[string][]string{}
	for _, o := range d.source.GetObjects() {
		if o.GetBeforeTables() == before {
			d.planObject(o, missing)
		}
	}
	for _, role := range slices.Sorted(keysOf(missing)) {
		d.warn(warning, codeRoleMissing, "role %s is not on the target: %s is left out; make the role there first to keep it", role, strings.Join(missing[role], ", "))
	}
}

func keysOf(m map[string][]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (d *designer) planObject(o *planv1.Object, missing map[string][]string) {
	name := label(o)
	if of, detail := strings.CutPrefix(o.GetName(), ofSomething); detail && d.objects.left[of] {
		return // the object itself is listed
	}
	if there, ok := d.objects.definitions[name]; ok {
		d.compareObject(o, there)
		return
	}
	for _, role := range o.GetRoles() {
		if !d.objects.roles[role] {
			missing[role] = append(missing[role], name)
			d.leaveObject(o, "role "+role+" is not on the target")
			return
		}
	}
	if reason := d.unmovable(o); reason != "" {
		d.leaveObject(o, reason)
		return
	}
	d.makeObject(o, name)
}

// makeObject plans an object's statements.
func (d *designer) makeObject(o *planv1.Object, name string) {
	if o.GetType() == "schema" {
		if schema, _, ok := scanIdent(o.GetName()); ok {
			d.makeSchema(schema)
		}
		return
	}
	s := &planv1.Statement{Step: planv1.Step_STEP_OBJECTS, Object: name, Sql: strings.Join(o.GetDefinition(), ";\n")}
	if !o.GetBeforeTables() {
		d.design.Objects = append(d.design.Objects, s)
		return
	}
	if o.GetSchema() != "" {
		d.makeSchema(o.GetSchema())
	}
	s.Step = planv1.Step_STEP_CREATE
	d.design.Statements = append(d.design.Statements, s)
}

// compareObject takes an object that is there already, or says that it is another one.
func (d *designer) compareObject(o *planv1.Object, there string) {
	made := strings.Join(o.GetDefinition(), ";\n")
	switch {
	case there == made || o.GetType() == "schema" || o.GetType() == "extension" || o.GetType() == "sequence" && sameSequence(there, made):
		return
	case o.GetType() == "type":
		d.warn(blocker, codeTypeDiffers, "type %s is another one on the target: %s; in the source: %s", engine.ObjectName(o), there, made)
	default:
		d.warn(warning, codeObjectDiffers, "%s is another one on the target and stays as it is there: compare %s with the source's %s", label(o), there, made)
	}
	d.objects.left[label(o)] = true
}

// sameSequence compares sequences but for the values that they have come to.
func sameSequence(a, b string) bool {
	a, _, _ = strings.Cut(a, ";\n")
	b, _, _ = strings.Cut(b, ";\n")
	return a == b
}

// leaveObject lists an object that the target does not get.
func (d *designer) leaveObject(o *planv1.Object, reason string) {
	d.objects.left[label(o)] = true
	d.design.Unmoved = append(d.design.Unmoved, engine.LeaveObject(o, reason))
}

// unmovable says why an object cannot be in the target; empty where it can.
func (d *designer) unmovable(o *planv1.Object) string {
	if o.GetType() == "extension" && !d.objects.extensions[o.GetName()] {
		d.warn(warning, codeExtensionMissing, "extension %s is not installed on the target's host: install it there before the migration", o.GetName())
		return "the extension is not installed on the target's host"
	}
	_, detail := strings.CutPrefix(o.GetName(), ofSomething)
	for _, t := range o.GetTables() {
		p := d.bySource[[2]string{t.GetSchema(), t.GetName()}]
		switch {
		case p == nil || blocked(p):
			return "it needs a table that is not in the migration"
		case !d.kept(p):
			return "it needs table " + engine.Label(p, engine.SourceSide) + ", which has another name or other columns on the target"
		case p.GetTargetExists() && (detail || o.GetType() == "trigger" || o.GetType() == "rule" || o.GetType() == "policy"):
			return "table " + engine.Label(p, engine.SourceSide) + " was on the target before and stays as it is"
		}
	}
	return ""
}

// kept tells whether a table has its own names in the target.
func (d *designer) kept(p *planv1.TablePlan) bool {
	return finalPlace(p) == [2]string{p.GetSource().GetSchema(), p.GetSource().GetName()} && namesKept(p.GetSource())
}

// warn adds a finding about the plan as a whole.
func (d *designer) warn(severity planv1.Severity, code, format string, args ...any) {
	d.design.Findings = append(d.design.Findings, &planv1.Finding{Severity: severity, Code: code, Message: fmt.Sprintf(format, args...)})
}
