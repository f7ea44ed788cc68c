package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

const (
	// insertBytes is about how long an INSERT gets: longer ones are no faster.
	insertBytes = 512 << 10
	// packetRoom is what a statement may need beside its rows' text.
	packetRoom = 1 << 10
)

// insert writes a batch by INSERT, all of it.
func (w *rangeWriter) insert(ctx context.Context, b engine.Batch) error {
	b.Sieve = nil
	_, err := w.insertSifted(ctx, b)
	return err
}

// insertSifted writes a batch by INSERT. A row that the server refuses, or takes with a
// warning, is looked for and named, or left out where the batch has a sieve.
func (w *rangeWriter) insertSifted(ctx context.Context, b engine.Batch) ([]engine.Reject, error) {
	if b.Digest.Rows == 0 && len(b.Body) == 0 {
		return nil, nil
	}
	if err := w.Save(ctx); err != nil {
		return nil, err
	}
	err := w.Insert(ctx, b.Body, b.Digest.Rows)
	f, refused := w.Refusal(err)
	switch {
	case !refused:
		return nil, err
	case b.Sieve == nil && f.Key != "":
		return nil, err // drover's own refusal
	}
	if err := w.Restore(ctx); err != nil {
		return nil, err
	}
	room := 0 // names the first
	if b.Sieve != nil {
		room = b.Sieve.Room(w.ledger)
	}
	rejects, siftErr := engine.Sift(ctx, w.request.Plan, b, room, w)
	if siftErr == nil && b.Sieve == nil {
		return nil, err // no row is refused alone
	}
	return rejects, siftErr
}

// insertRows inserts the rows of a body in statements that the server takes.
func (w *rangeWriter) insertRows(ctx context.Context, body []byte) (rows int64, err error) {
	head := "INSERT INTO " + targetTable(w.request.Plan) + " (" + strings.Join(w.rows.targets(), ", ") + ") VALUES "
	statement := append(make([]byte, 0, insertBytes+packetRoom), head...)
	pending := int64(0)
	flush := func() error {
		if pending == 0 {
			return nil
		}
		err := w.insertOnce(ctx, string(statement), pending)
		statement, pending = append(statement[:0], head...), 0
		return err
	}
	for rest := body; len(rest) > 0; {
		if rest, err = w.rows.next(rest); err != nil {
			return rows, err
		}
		at := len(statement)
		if pending > 0 {
			statement = append(statement, ',')
		}
		if statement, err = w.rows.appendTuple(statement); err != nil {
			return rows, err
		}
		rows, pending = rows+1, pending+1
		if len(statement)+packetRoom <= min(insertBytes, w.maxPacket) {
			continue
		}
		if len(statement)+packetRoom > w.maxPacket && pending > 1 {
			// This row begins the next statement.
			tuple := slices.Clone(statement[at+1:])
			statement, pending = statement[:at], pending-1
			if err = flush(); err != nil {
				return rows, err
			}
			statement, pending = append(statement, tuple...), 1
		}
		if len(statement)+packetRoom > w.maxPacket {
			return rows, &fault.Error{Kind: fault.Value, Op: "mysql.Write", Key: w.rows.key(),
				Err: fmt.Errorf("the row takes %d bytes as text and max_allowed_packet is %d: raise it on the server", len(statement), w.maxPacket)}
		}
		if len(statement) >= insertBytes {
			if err = flush(); err != nil {
				return rows, err
			}
		}
	}
	return rows, flush()
}

// insertOnce runs one INSERT. It must take all its rows without a warning.
func (w *rangeWriter) insertOnce(ctx context.Context, statement string, rows int64) error {
	result, err := w.conn.ExecContext(ctx, statement)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n != rows {
		err = fault.New(fault.Value, "mysql.Write", "the table took %d of %d rows: a trigger of it removes rows", n, rows)
	}
	if err != nil {
		return err
	}
	return w.refuseWarnings(ctx)
}

// harmlessWarnings say nothing about values: a statement that is unsafe in a binary
// log of statements, and what is deprecated.
var harmlessWarnings = []uint16{1592, 1287, 1681, 3719, 4095}

// refuseWarnings makes an error of the first warning of the last statement: a strict
// server still only notes digits and spaces that it cut.
func (w *rangeWriter) refuseWarnings(ctx context.Context) error {
	var first *fault.Error
	kept := 0
	err := each(ctx, w.conn, "SHOW WARNINGS", nil, func(rows *sql.Rows) error {
		var level, message string
		var code uint16
		kept++
		err := rows.Scan(&level, &code, &message)
		if err == nil && first == nil && !slices.Contains(harmlessWarnings, code) && !w.isComputed(code, message) {
			first = fault.New(fault.Value, "mysql.Write", "%s (%s %d)", oneLine(message), strings.ToLower(level), code)
		}
		return err
	})
	if err != nil {
		return err
	}
	if first != nil {
		return first
	}
	// max_error_count is not everybody's to set.
	var all int
	if err := w.conn.QueryRowContext(ctx, "SELECT @@warning_count").Scan(&all); err != nil {
		return err
	}
	if all > kept {
		return fault.New(fault.Unsupported, "mysql.Write", "the server keeps %d of %d warnings, and drover must see all: raise max_error_count on it", kept, all)
	}
	return nil
}

// isComputed tells whether a note is about a value that the server computes, and
// rounds as it did in the source.
func (w *rangeWriter) isComputed(code uint16, message string) bool {
	m := columnInMessage.FindStringSubmatch(message)
	return code == codeTruncated && m != nil && slices.Contains(w.request.Plan.GetRecomputed(), m[1]+m[2])
}
