package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"regexp"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/fault"
)

// madeUnder is what the session had set that made an object: the object keeps it, and
// runs under it.
type madeUnder struct {
	sqlMode, client, connection, timeZone string
	// hasMode tells whether the object keeps an sql_mode: a view does not.
	hasMode bool
	// database is the default collation of the database, which texts of routines have
	// that say nothing else.
	database string
}

// String is the statement that sets a session up alike.
func (m madeUnder) String() string {
	var parts []string
	if m.hasMode {
		parts = append(parts, "sql_mode = "+literal(m.sqlMode))
	}
	if m.client != "" {
		parts = append(parts, "character_set_client = "+m.client, "collation_connection = "+m.connection)
	}
	if m.timeZone != "" {
		parts = append(parts, "time_zone = "+literal(m.timeZone))
	}
	out := "SET " + strings.Join(parts, ", ")
	if m.database != "" {
		out += " /* database collation " + m.database + " */"
	}
	return out
}

var databaseCollation = regexp.MustCompile(`/\* database collation (\w+) \*/$`)

// collationOf gives the database's default collation of an object's first statement.
func collationOf(set string) string {
	if m := databaseCollation.FindStringSubmatch(set); m != nil {
		return m[1]
	}
	return ""
}

// delimiter ends a statement that has semicolons of its own, as in a script for the
// server's client.
const (
	delimiterBegin = "DELIMITER ;;\n"
	delimiterEnd   = ";;\nDELIMITER ;\n"
)

// objectScript is how an object is made in a database: a script that the server's
// client runs as well.
func objectScript(schema, set, create string) string {
	return set + ";\nUSE " + ident(schema) + ";\n" + delimiterBegin + create + delimiterEnd
}

// scriptParts cuts a script into what sets the session up and the statement.
func scriptParts(script string) (setup []string, create string) {
	head, rest, found := strings.Cut(script, delimiterBegin)
	if !found {
		return nil, script
	}
	for line := range strings.SplitSeq(strings.TrimSpace(head), "\n") {
		setup = append(setup, strings.TrimSuffix(line, ";"))
	}
	return setup, strings.TrimSuffix(rest, delimiterEnd)
}

// runScript makes an object on a connection of its own, which is not used again: it is
// set up for the object.
func (d *database) runScript(ctx context.Context, script string) error {
	setup, create := scriptParts(script)
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() {
		// Given back as broken, it is closed.
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		_ = conn.Close()
	}()
	for _, s := range setup {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	create, err = inClientCharset(ctx, conn, create)
	if err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, create)
	return err
}

// inClientCharset gives a statement in the bytes of the session's character set. The
// server says what they are.
func inClientCharset(ctx context.Context, conn *sql.Conn, sql string) (string, error) {
	plain := !strings.ContainsFunc(sql, func(r rune) bool { return r > 0x7f })
	var client string
	if err := conn.QueryRowContext(ctx, "SELECT @@character_set_client").Scan(&client); err != nil || plain || strings.HasPrefix(client, "utf8") {
		return sql, err
	}
	var out, back []byte
	converted := "CONVERT(" + textConstant([]byte(sql)) + " USING " + client + ")"
	err := conn.QueryRowContext(ctx, "SELECT CAST("+converted+" AS BINARY), CAST(CONVERT("+converted+" USING utf8mb4) AS BINARY)").Scan(&out, &back)
	if err == nil && string(back) != sql {
		err = fault.New(fault.Value, "mysql.ApplyObjects", "its statement has characters that %s, under which it was made, does not have: make it by hand", client)
	}
	return string(out), err
}

// isObjectThere tells whether the server refuses an object because it is there.
func isObjectThere(err error) bool {
	return err != nil && slices.Contains(codesObjectThere, errorCode(err))
}

// sequenceStatements make a sequence of MariaDB and let it go on.
func sequenceStatements(schema string, o *planv1.Object) []*planv1.Statement {
	name := qualified(schema, o.GetName())
	create := "CREATE SEQUENCE IF NOT EXISTS " + name + strings.TrimPrefix(o.GetDefinition()[0], "CREATE SEQUENCE "+ident(o.GetName()))
	set := strings.Replace(o.GetDefinition()[1], ident(o.GetName()), name, 1)
	return []*planv1.Statement{{Step: planv1.Step_STEP_CREATE, Object: objectOwnSequence + name, Sql: create},
		{Step: planv1.Step_STEP_CREATE, Object: "value of sequence " + name, Sql: set}}
}
