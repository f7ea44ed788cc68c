package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
)

const (
	codeObjectDiffers    = "OBJECT_DIFFERS"
	codeRoleMissing      = "ROLE_MISSING"
	codeExtensionMissing = "EXTENSION_MISSING"
	codeExtensionVersion = "EXTENSION_VERSION"
	codeRoleNotOurs      = "ROLE_NOT_A_MEMBER"

	codeObjectMissing     = "OBJECT_MISSING"
	codeTablespaceMissing = "TABLESPACE_MISSING"
	codeForeignPartition  = "FOREIGN_PARTITION"
)

// ofSomething begins the name of what an object has beyond itself: a comment, a grant.
const ofSomething = "of "

// targetObjects is what a target has beside tables.
type targetObjects struct {
	// definitions are by label; of an object without one it is empty.
	definitions map[string]string
	// roles that are there; true where the target's user can act as them.
	roles map[string]bool
	// user is the target's user.
	user string
	// extensions that can be made, or are there, with their version, by quoted name.
	extensions map[string]string
	// tablespaces that are there.
	tablespaces map[string]bool
	// left are labels of objects that the target does not get, or has otherwise; gone
	// those of objects that are not there in the end.
	left, gone map[string]bool
}

// label names an object as SQL does, so that DROP takes it: "function shop.f(integer)".
func label(o *planv1.Object) string {
	if o.GetSchema() == "" {
		return o.GetType() + " " + o.GetName()
	}
	return o.GetType() + " " + bareIdent(o.GetSchema()) + "." + o.GetName()
}

func (d *designer) readObjects(ctx context.Context, tx pgx.Tx) error {
	d.objects = targetObjects{definitions: map[string]string{}, roles: map[string]bool{}, extensions: map[string]string{}, tablespaces: map[string]bool{},
		left: map[string]bool{}, gone: map[string]bool{}}
	if !d.sameEngine() {
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
	return d.readServer(ctx, tx)
}

// readServer reads what belongs to the target's server and not to the database.
func (d *designer) readServer(ctx context.Context, tx pgx.Tx) error {
	type extensionRow struct{ Name, Version string }
	extensions, err := collect[extensionRow](ctx, tx, "SELECT quote_ident(name), COALESCE(installed_version, default_version, '') FROM pg_available_extensions")
	if err != nil {
		return err
	}
	for _, r := range extensions {
		d.objects.extensions[r.Name] = r.Version
	}
	type nameRow struct {
		Name string
		Ours bool
	}
	for sql, into := range map[string]map[string]bool{
		"SELECT rolname::text, pg_has_role(oid, 'MEMBER') FROM pg_roles": d.objects.roles,
		"SELECT spcname::text, true FROM pg_tablespace":                  d.objects.tablespaces,
	} {
		rows, err := collect[nameRow](ctx, tx, sql)
		if err != nil {
			return err
		}
		for _, r := range rows {
			into[r.Name] = r.Ours
		}
	}
	return tx.QueryRow(ctx, "SELECT current_user::text").Scan(&d.objects.user)
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
	case o.GetType() == "extension":
		d.compareExtension(o, there != made)
		return
	case there == made || o.GetType() == "schema" || o.GetType() == "sequence" && sameSequence(there, made):
		return
	case o.GetType() == "type":
		d.warn(blocker, codeTypeDiffers, "type %s is another one on the target: %s; in the source: %s", engine.ObjectName(o), there, made)
	default:
		d.warn(warning, codeObjectDiffers, "%s is another one on the target and stays as it is there: compare %s with the source's %s", label(o), there, made)
	}
	d.objects.left[label(o)] = true
}

// compareExtension says what of an extension that is there is not as in the source.
func (d *designer) compareExtension(o *planv1.Object, elsewhere bool) {
	if elsewhere {
		d.warn(warning, codeObjectDiffers, "extension %s is in another schema on the target, so that its types and routines have other names: ALTER EXTENSION %s SET SCHEMA there first (in the source: %s)",
			o.GetName(), o.GetName(), strings.Join(o.GetDefinition(), "; "))
	}
	d.compareVersion(o)
}

func (d *designer) compareVersion(o *planv1.Object) {
	if version := d.objects.extensions[o.GetName()]; version != o.GetVersion() && version != "" {
		d.warn(info, codeExtensionVersion, "extension %s has version %s in the source and %s on the target", o.GetName(), o.GetVersion(), version)
	}
}

// sameSequence compares sequences but for the values that they have come to.
func sameSequence(a, b string) bool {
	a, _, _ = strings.Cut(a, ";\n")
	b, _, _ = strings.Cut(b, ";\n")
	return a == b
}

// leaveObject lists an object that the target does not get.
func (d *designer) leaveObject(o *planv1.Object, reason string) {
	d.objects.left[label(o)], d.objects.gone[label(o)] = true, true
	d.design.Unmoved = append(d.design.Unmoved, engine.LeaveObject(o, reason))
}

// unmovable says why an object cannot be in the target; empty where it can.
func (d *designer) unmovable(o *planv1.Object) string {
	if _, ok := d.objects.extensions[o.GetName()]; o.GetType() == "extension" && !ok {
		d.warn(warning, codeExtensionMissing, "extension %s is not installed on the target's host: install it there before the migration", o.GetName())
		return "the extension is not installed on the target's host"
	}
	if o.GetType() == "extension" {
		d.compareVersion(o)
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
