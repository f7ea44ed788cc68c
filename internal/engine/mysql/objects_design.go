package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/sqltoken"
)

// objectPlanner plans what is no table, for a source of the same product.
type objectPlanner struct {
	*designer
	// schema is the one database that all tables go into.
	schema string
	// there are the target's objects, by type and folded name.
	there map[[2]string]bool
	// users are the accounts of the target, as user@host; nil where this user may not
	// read them.
	users map[string]bool
	// anyDefiner tells whether this user, current, may make objects that run as somebody
	// else.
	anyDefiner bool
	current    string
	// collation is the default of the database.
	collation string
}

// planObjects plans views, routines, triggers, events and sequences, or says why one is
// left behind. Statements of another product are left to whoever moves them by hand.
func (d *designer) planObjects(ctx context.Context) error {
	objects := d.source.GetObjects()
	if !d.sameEngine() || len(objects) == 0 {
		return nil
	}
	schema, one := d.oneSchema()
	if !one {
		d.design.Unmoved = append(d.design.Unmoved, engine.LeaveObjects(objects, "the tables go into several databases: make it by hand in the one where it belongs")...)
		return nil
	}
	o := &objectPlanner{designer: d, schema: schema}
	if err := o.readTarget(ctx); err != nil {
		return err
	}
	made, left := engine.SiftObjects(objects, o.reason)
	d.design.Unmoved = append(d.design.Unmoved, left...)
	for _, x := range made {
		o.plan(x)
	}
	return nil
}

// oneSchema gives the database that all tables go into.
func (d *designer) oneSchema() (schema string, one bool) {
	for i, p := range d.design.GetTables() {
		s, _ := finalPlace(p)
		if i > 0 && d.fold(s) != d.fold(schema) {
			return "", false
		}
		schema = s
	}
	if schema == "" {
		schema = d.db.schema
	}
	return schema, true
}

// reason says why an object cannot be made; empty where it can.
func (o *objectPlanner) reason(x *planv1.Object) string {
	if reason := o.tablesMoved(x); reason != "" {
		return reason
	}
	if o.there[[2]string{objectSpace(x.GetType()), strings.ToLower(x.GetName())}] {
		return "the target has, or gets, something else of its name: compare the two"
	}
	if x.GetType() == typeSequence {
		return ""
	}
	text := statementOf(x)
	if o.fold(x.GetSchema()) != o.fold(o.schema) && qualifies(text, x.GetSchema()) {
		return fmt.Sprintf("its text names the database %s, and its tables go into %s: change the text", x.GetSchema(), o.schema)
	}
	if account, ok := definerOf(text); ok && account != o.current && !o.anyDefiner {
		return fmt.Sprintf("it runs as %s, and this user may make objects for itself alone: GRANT %s ON *.* to it, or make the object by hand", account, o.dialect.target.definerPrivilege)
	}
	return ""
}

// statementOf is the statement that makes an object.
func statementOf(x *planv1.Object) string {
	text := x.GetDefinition()[len(x.GetDefinition())-1]
	if x.GetType() == "trigger" {
		return unqualifiedHead(text, x.GetSchema())
	}
	return text
}

// plan plans an object and says what is to be known of it.
func (o *objectPlanner) plan(x *planv1.Object) {
	if x.GetType() == typeSequence {
		// Before the tables, whose defaults may need it.
		o.design.Statements = append(o.design.Statements, sequenceStatements(o.schema, x)...)
		return
	}
	text := statementOf(x)
	o.noteDefiner(x, text)
	if of := collationOf(x.GetDefinition()[0]); of != "" && of != o.collation {
		o.note(warning, codeDatabaseCollation, "%s %s was made in a database whose texts are %s by default; those of %s are %s: ALTER DATABASE %s COLLATE %s before the migration begins, "+
			"or the parameters and variables of it that name no character set become other ones", x.GetType(), x.GetName(), of, o.schema, o.collation, ident(o.schema), of)
	}
	if x.GetType() == "event" && !strings.Contains(text, " DISABLE") {
		o.noteEvent(x)
	}
	o.design.Objects = append(o.design.Objects, &planv1.Statement{Step: planv1.Step_STEP_OBJECTS, Object: x.GetType() + " " + qualified(o.schema, x.GetName()),
		Sql: objectScript(o.schema, x.GetDefinition()[0], text)})
}

// tablesMoved says which table that an object needs is not where it was.
func (o *objectPlanner) tablesMoved(x *planv1.Object) string {
	for _, t := range x.GetTables() {
		p := o.bySource[[2]string{t.GetSchema(), t.GetName()}]
		switch {
		case p == nil && o.isView(t.GetName()):
		case p == nil:
			return "it needs table " + t.GetName() + ", which is not in the migration"
		case o.fold(finalName(p)) != o.fold(t.GetName()):
			return fmt.Sprintf("it needs table %s, which becomes %s: change its text", t.GetName(), finalName(p))
		case slices.ContainsFunc(p.GetSource().GetColumns(), renamed):
			return fmt.Sprintf("it needs table %s, of which the spec changes columns: see whether its text still holds", t.GetName())
		}
	}
	return ""
}

// isView tells whether a name is that of one of the source's views.
func (o *objectPlanner) isView(name string) bool {
	return slices.ContainsFunc(o.source.GetObjects(), func(x *planv1.Object) bool { return x.GetType() == "view" && x.GetName() == name })
}

func finalName(p *planv1.TablePlan) string {
	_, name := finalPlace(p)
	return name
}

// renamed tells whether the spec takes a column away or gives it another name.
func renamed(c *planv1.Column) bool { return c.GetDropped() || engine.TargetColumn(c) != c.GetName() }

// unqualifiedHead takes the database off the names before FOR EACH ROW, which are as
// somebody typed them.
func unqualifiedHead(text, schema string) string {
	tokens := sqltoken.MySQL.Cut(text)
	end := len(tokens)
	for i := range tokens {
		if tokens[i].Is("FOR") && i+1 < len(tokens) && tokens[i+1].Is("EACH") {
			end = i
			break
		}
	}
	if end == len(tokens) {
		return text
	}
	head, _ := cutClauses(text[:tokens[end].Start], func(tokens []sqltoken.Token) int {
		if len(tokens) > 2 && tokens[0].Names(schema) && tokens[1].Is(".") {
			return 2
		}
		return 0
	})
	return head + " " + text[tokens[end].Start:]
}

// qualifies tells whether SQL has a name of a database in front of another one.
func qualifies(sql, schema string) bool {
	tokens := sqltoken.MySQL.Cut(sql)
	for i := range tokens {
		if i+1 < len(tokens) && tokens[i].Names(schema) && tokens[i+1].Is(".") && (i == 0 || !tokens[i-1].Is(".")) {
			return true
		}
	}
	return false
}

// noteDefiner warns of a user that an object runs as and the target does not know.
func (o *objectPlanner) noteDefiner(x *planv1.Object, text string) {
	account, ok := definerOf(text)
	switch {
	case !ok:
	case o.users != nil && !o.users[account]:
		o.note(warning, codeDefinerMissing, "%s %s runs as %s, a user that the target does not have: whoever uses it gets an error until the user is made", x.GetType(), x.GetName(), account)
	case o.users == nil && account != o.current:
		o.note(info, codeDefinerMissing, "%s %s runs as %s: whether the target has that user, this one may not see", x.GetType(), x.GetName(), account)
	}
}

// objectSpace is the set of names that an object's name must be free in.
func objectSpace(objectType string) string {
	if objectType == "view" || objectType == typeSequence {
		return "table"
	}
	return objectType
}

// readTarget reads what of the target decides over objects.
func (o *objectPlanner) readTarget(ctx context.Context) error {
	q := o.db.db
	// A database that is not there drover makes.
	err := q.QueryRowContext(ctx, "SELECT current_user(), coalesce(max(DEFAULT_COLLATION_NAME), ?) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?",
		o.dialect.target.textCollation, o.schema).Scan(&o.current, &o.collation)
	if err != nil {
		return err
	}
	granted, complete, err := o.db.readGrants(ctx)
	if err != nil {
		return err
	}
	o.anyDefiner = !complete || slices.Contains(granted["%"], o.dialect.target.definerPrivilege) || slices.Contains(granted["%"], "SUPER")
	o.there, o.users = map[[2]string]bool{}, map[string]bool{}
	for _, p := range o.design.GetTables() {
		o.there[[2]string{"table", strings.ToLower(finalName(p))}] = true
	}
	tables := "SELECT 'table', TABLE_NAME, '' FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?"
	for _, query := range append([]string{tables}, objectQueries...) {
		if err := each(ctx, q, query, []any{o.schema}, func(rows *sql.Rows) error {
			var kind, name, table string
			err := rows.Scan(&kind, &name, &table)
			o.there[[2]string{objectSpace(kind), strings.ToLower(name)}] = true
			return err
		}); err != nil {
			return err
		}
	}
	err = each(ctx, q, "SELECT User, Host FROM mysql.user", nil, func(rows *sql.Rows) error {
		var user, host string
		err := rows.Scan(&user, &host)
		o.users[user+"@"+host] = true
		return err
	})
	if errorCode(err) != 0 {
		o.users, err = nil, nil
	}
	return err
}
