package mysql

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/sqltoken"
)

// objectQueries list what is in a schema besides tables, in the order in which it can
// be made: type, name, and the table that the selection goes by. Triggers come in the
// order in which they run.
var objectQueries = []string{
	`SELECT lower(ROUTINE_TYPE), ROUTINE_NAME, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ?
		ORDER BY ROUTINE_TYPE = 'PACKAGE' DESC, ROUTINE_TYPE, ROUTINE_NAME`,
	`SELECT 'view', TABLE_NAME, TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ? ORDER BY 2`,
	`SELECT 'trigger', TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ?
		ORDER BY EVENT_OBJECT_TABLE, EVENT_MANIPULATION, ACTION_TIMING, ACTION_ORDER`,
	`SELECT 'event', EVENT_NAME, EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ? ORDER BY 2`,
	`SELECT lower(TABLE_TYPE), TABLE_NAME, TABLE_NAME FROM information_schema.TABLES
		WHERE TABLE_SCHEMA = ? AND TABLE_TYPE NOT IN ('BASE TABLE', 'SYSTEM VERSIONED', 'TEMPORARY', 'VIEW') ORDER BY 1, 2`,
}

// typeSequence is the type of an object that tables need before them.
const typeSequence = "sequence"

// describeObjects reads the statements of what is no table, and what the sessions that
// made it had set. What it cannot read it lists as unmoved.
func (d *database) describeObjects(ctx context.Context, s engine.Selection, tables []*planv1.Table) (objects []*planv1.Object, unmoved []*planv1.Unmoved, err error) {
	for _, query := range objectQueries {
		var found []*planv1.Object
		err := each(ctx, d.db, query, []any{d.schema}, func(rows *sql.Rows) error {
			var table string
			o := &planv1.Object{Schema: d.schema}
			if err := rows.Scan(&o.Type, &o.Name, &table); err != nil {
				return err
			}
			if s.Matches(d.schema, table) {
				found = append(found, o)
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
		for _, o := range found {
			reason, err := d.readObject(ctx, o)
			if err != nil {
				return nil, nil, err
			}
			if reason != "" {
				unmoved = append(unmoved, engine.LeaveObject(o, reason))
				continue
			}
			objects = append(objects, o)
		}
	}
	for _, o := range objects {
		o.Tables = mentioned(o, tables, objects)
	}
	hidden, err := d.hiddenObjects(ctx)
	return objects, append(unmoved, hidden...), err
}

// readObject completes an object, or says why it cannot be read.
func (d *database) readObject(ctx context.Context, o *planv1.Object) (reason string, err error) {
	switch o.GetType() {
	case "function", "procedure", "package", "package body", "view", "trigger", "event":
	case typeSequence:
		return "", d.readSequence(ctx, o)
	default:
		return "drover does not know objects of its type: make it again on the target", nil
	}
	fields, err := d.showCreate(ctx, o)
	if err != nil {
		if errorCode(err) == 0 {
			return "", err
		}
		return "its definition cannot be read: " + err.Error(), nil
	}
	text := objectText(fields)
	if text == "" {
		return "this user may not read its definition: grant it SHOW_ROUTINE in MySQL, SELECT on mysql.proc in MariaDB, or make it again on the target", nil
	}
	made := madeUnder{sqlMode: fields["sql_mode"], client: fields["character_set_client"], connection: fields["collation_connection"],
		database: fields["Database Collation"], timeZone: fields["time_zone"]}
	_, made.hasMode = fields["sql_mode"]
	o.Definition = []string{made.String(), text}
	return "", nil
}

// showCreate gives the answer of SHOW CREATE by the names of its columns.
func (d *database) showCreate(ctx context.Context, o *planv1.Object) (map[string]string, error) {
	out := map[string]string{}
	err := each(ctx, d.db, "SHOW CREATE "+strings.ToUpper(o.GetType())+" "+qualified(o.GetSchema(), o.GetName()), nil, func(rows *sql.Rows) error {
		names, err := rows.Columns()
		if err != nil {
			return err
		}
		values := make([]sql.NullString, len(names))
		into := make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		err = rows.Scan(into...)
		for i, name := range names {
			out[name] = values[i].String
		}
		return err
	})
	return out, err
}

// objectText finds the statement in an answer of SHOW CREATE.
func objectText(fields map[string]string) string {
	for name, text := range fields {
		if strings.HasPrefix(name, "Create ") || name == "SQL Original Statement" {
			return text
		}
	}
	return ""
}

// readSequence reads a sequence of MariaDB and where it goes on.
func (d *database) readSequence(ctx context.Context, o *planv1.Object) error {
	name := qualified(o.GetSchema(), o.GetName())
	var create string
	if err := d.db.QueryRowContext(ctx, "SHOW CREATE SEQUENCE "+name).Scan(new(string), &create); err != nil {
		return err
	}
	var next, round int64
	if err := d.db.QueryRowContext(ctx, "SELECT next_not_cached_value, cycle_count FROM "+name).Scan(&next, &round); err != nil {
		return err
	}
	o.BeforeTables = true
	o.Definition = []string{create, "SELECT SETVAL(" + ident(o.GetName()) + ", " + itoa(next) + ", 0, " + itoa(round) + ")"}
	return nil
}

// mentioned lists the tables and views whose names an object's statement has anywhere:
// those that it may need under just these names.
func mentioned(o *planv1.Object, tables []*planv1.Table, objects []*planv1.Object) []*planv1.TableName {
	names := map[string]bool{}
	for _, t := range sqltoken.MySQL.Cut(o.GetDefinition()[len(o.GetDefinition())-1]) {
		if t.Kind == sqltoken.Word || t.Kind == sqltoken.Name {
			names[strings.ToLower(t.Text)] = true
		}
	}
	var out []*planv1.TableName
	for _, t := range tables {
		if names[strings.ToLower(t.GetName())] {
			out = append(out, &planv1.TableName{Schema: t.GetSchema(), Name: t.GetName()})
		}
	}
	for _, v := range objects {
		if v != o && v.GetType() == "view" && names[strings.ToLower(v.GetName())] {
			out = append(out, &planv1.TableName{Schema: v.GetSchema(), Name: v.GetName()})
		}
	}
	return out
}

// hiddenObjects tells of what the catalog hides from a user without a privilege.
func (d *database) hiddenObjects(ctx context.Context) ([]*planv1.Unmoved, error) {
	granted, complete, err := d.readGrants(ctx)
	if err != nil || !complete {
		return nil, err
	}
	var out []*planv1.Unmoved
	for _, kind := range []struct{ object, privilege string }{{"trigger", "TRIGGER"}, {"event", "EVENT"}} {
		if !grants(granted, d.schema, kind.privilege) {
			out = append(out, &planv1.Unmoved{Object: kind.object, Name: d.schema + ".*",
				Reason: "this user would not see any: GRANT " + kind.privilege + " ON " + ident(d.schema) + ".* to it, and plan again"})
		}
	}
	return out, nil
}

// definerOf finds the account that an object runs as: user@host, as the server lists
// its users.
func definerOf(sql string) (account string, ok bool) {
	tokens := sqltoken.MySQL.Cut(sql)
	i := slices.IndexFunc(tokens, func(t sqltoken.Token) bool { return t.Is("DEFINER") })
	if i < 0 || i+2 >= len(tokens) || !tokens[i+1].Is("=") {
		return "", false
	}
	account = tokens[i+2].Text + "@"
	if i+4 < len(tokens) && tokens[i+3].Is("@") {
		account += tokens[i+4].Text
	}
	return account, true
}
