package mysql

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// needed are the privileges that a migration uses in each of its databases.
func (d *designer) needed() []string {
	out := []string{"SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "INDEX"}
	if d.req.Stage != "" {
		out = append(out, "DROP")
	}
	if slices.ContainsFunc(d.source.GetTables(), func(t *planv1.Table) bool { return len(t.GetForeignKeys()) > 0 }) {
		out = append(out, "REFERENCES")
	}
	if !d.sameEngine() {
		return out
	}
	for _, o := range d.source.GetObjects() {
		for _, p := range objectPrivileges[o.GetType()] {
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	if slices.ContainsFunc(d.source.GetTables(), func(t *planv1.Table) bool { return hasOption(t, optionVersioned) }) {
		out = append(out, "DELETE HISTORY")
	}
	return out
}

// objectPrivileges are those that it takes to make what is no table.
var objectPrivileges = map[string][]string{"view": {"CREATE VIEW"}, "trigger": {"TRIGGER"}, "event": {"EVENT"}, "function": {"CREATE ROUTINE", "ALTER ROUTINE"},
	"procedure": {"CREATE ROUTINE", "ALTER ROUTINE"}, "package": {"CREATE ROUTINE", "ALTER ROUTINE"}}

// grantee is this user as the catalog names it: 'user'@'host'.
const grantee = "concat('''', left(current_user(), char_length(current_user()) - char_length(substring_index(current_user(), '@', -1)) - 1), '''@''', substring_index(current_user(), '@', -1), '''')"

// checkPrivileges looks for what the user may not do, so far as the catalog says: not
// of a user with roles, whose privileges stand elsewhere, and what is granted for one
// table of a database counts as for all. Better here than in the middle of Prepare.
func (d *designer) checkPrivileges(ctx context.Context) error {
	granted, complete, err := d.db.readGrants(ctx)
	if err != nil || !complete {
		return err
	}
	needed := d.needed()
	for _, schema := range d.databases() {
		var missing []string
		for _, p := range needed {
			if !grants(granted, schema, p) {
				missing = append(missing, p)
			}
		}
		if len(missing) > 0 {
			d.note(blocker, codePrivilegeMissing, "the user may not %s in database %s: GRANT %s ON %s.* to it, or name another user",
				strings.Join(missing, ", "), schema, strings.Join(needed, ", "), ident(schema))
		}
	}
	return nil
}

// readGrants reads the privileges of this user by the pattern of databases that they
// are for, "%" for all. They are not complete where the user has a role.
func (d *database) readGrants(ctx context.Context) (granted map[string][]string, complete bool, err error) {
	var roles bool
	if err := d.db.QueryRowContext(ctx, "SELECT coalesce(current_role(), 'NONE') <> 'NONE'").Scan(&roles); err != nil || roles {
		return nil, false, err
	}
	granted = map[string][]string{}
	for query, grant := range map[string]func(schema, privilege string){
		"SELECT '', PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = " + grantee:             func(_, p string) { granted["%"] = append(granted["%"], p) },
		"SELECT TABLE_SCHEMA, PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES WHERE GRANTEE = " + grantee: func(s, p string) { granted[s] = append(granted[s], p) },
		"SELECT TABLE_SCHEMA, PRIVILEGE_TYPE FROM information_schema.TABLE_PRIVILEGES WHERE GRANTEE = " + grantee:  func(s, p string) { granted[s] = append(granted[s], p) },
	} {
		err := each(ctx, d.db, query, nil, func(rows *sql.Rows) error {
			var schema, privilege string
			err := rows.Scan(&schema, &privilege)
			grant(schema, privilege)
			return err
		})
		if err != nil {
			return nil, false, err
		}
	}
	return granted, true, nil
}

// databases are those that a migration touches: the ledger's, those of the tables, and
// staging ones.
func (d *designer) databases() []string {
	out := []string{d.db.schema}
	for _, p := range d.design.GetTables() {
		schema, _ := finalPlace(p)
		out = append(out, schema, p.GetTargetSchema())
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// grants tells whether a privilege was granted for a database, by name or by pattern.
func grants(granted map[string][]string, schema, privilege string) bool {
	for pattern, privileges := range granted {
		if slices.Contains(privileges, privilege) && like(pattern, schema) {
			return true
		}
	}
	return false
}

// like is SQL's LIKE for the patterns of grants.
func like(pattern, name string) bool {
	if pattern == "" {
		return name == ""
	}
	rest := pattern[1:]
	switch c := pattern[0]; {
	case c == '%':
		for i := range len(name) + 1 {
			if like(rest, name[i:]) {
				return true
			}
		}
		return false
	case c == '\\' && rest != "":
		c, rest = rest[0], rest[1:]
		return name != "" && name[0] == c && like(rest, name[1:])
	default:
		return name != "" && (c == '_' || name[0] == c) && like(rest, name[1:])
	}
}
