package mysql

import (
	"context"
	"database/sql"
	"strconv"
	"time"
)

// MySQL ends a connection that is killed by closing its socket under the thread that
// serves it. With TLS the thread writes on, in the middle of an answer, to whichever
// connection has got the socket's number by then. So the statement is killed first, which
// leaves the socket alone: docs/adr/0036-statements-are-killed-before-connections.md.

// killPatience is how long a statement that was killed may take to end.
const killPatience = time.Second

// killStatement ends the statement that a connection runs, if it runs one.
func killStatement(ctx context.Context, e executor, id uint64) error {
	_, err := e.ExecContext(ctx, "KILL QUERY "+strconv.FormatUint(id, 10))
	return unlessGone(err)
}

// killConnection ends a connection, when the statement that it runs has ended. One whose
// statement waits for the client is ended all the same: its thread reads.
func killConnection(ctx context.Context, e executor, id uint64) error {
	if err := killStatement(ctx, e, id); err != nil {
		return err
	}
	for begun := time.Now(); time.Since(begun) < killPatience; {
		p, found, err := findProcess(ctx, e, id)
		if err != nil || !found {
			return err
		}
		if p.idle {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(fencePause):
		}
	}
	_, err := e.ExecContext(ctx, "KILL "+strconv.FormatUint(id, 10))
	return unlessGone(err)
}

// unlessGone drops the error of a connection that has ended by itself.
func unlessGone(err error) error {
	if errorCode(err) == codeNoSuchThread {
		return nil
	}
	return err
}

// process is a connection as the server lists it.
type process struct {
	id           uint64
	user, schema string
	// idle has no statement under way.
	idle bool
}

// findProcess looks a connection up.
func findProcess(ctx context.Context, q queryer, id uint64) (out process, found bool, err error) {
	err = each(ctx, q, "SHOW PROCESSLIST", nil, func(rows *sql.Rows) error {
		p, err := scanProcess(rows)
		if p.id == id {
			out, found = p, true
		}
		return err
	})
	return out, found, err
}

// scanProcess reads the columns that both products have first.
func scanProcess(rows *sql.Rows) (p process, err error) {
	columns, err := rows.Columns()
	if err != nil {
		return p, err
	}
	var host, schema, command sql.NullString
	into := []any{&p.id, &p.user, &host, &schema, &command}
	for len(into) < len(columns) {
		into = append(into, new(sql.RawBytes))
	}
	err = rows.Scan(into...)
	p.schema, p.idle = schema.String, command.String == "Sleep"
	return p, err
}
