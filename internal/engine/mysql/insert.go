package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
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

// insert writes a batch by INSERT. A row that the server refuses, or takes with a
// warning, is looked for and named.
func (w *rangeWriter) insert(ctx context.Context, b engine.Batch) error {
	if b.Digest.Rows == 0 && len(b.Body) == 0 {
		return nil
	}
	if err := w.exec(ctx, "SAVEPOINT batch"); err != nil {
		return err
	}
	n, err := w.insertRows(ctx, b.Body)
	if w.isRefusal(err) {
		return w.locate(ctx, b.Body, err)
	}
	if err == nil && n != b.Digest.Rows {
		err = fault.New(fault.Corrupt, "mysql.Write", "batch %d: it has %d rows and says %d", b.Sequence, n, b.Digest.Rows)
	}
	return err
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

// isRefusal tells whether an error is about a row, and the row is not yet named.
func (w *rangeWriter) isRefusal(err error) bool {
	if err == nil {
		return false
	}
	f := fault.Find(classify("mysql.Write", err))
	return f.Kind == fault.Value && f.Key == "" && f.Column == ""
}

// locate finds the row that the server refuses, by halves, within the batch's
// transaction, which cannot be kept any more. Cause is given where no row is refused
// alone.
func (w *rangeWriter) locate(ctx context.Context, body []byte, cause error) error {
	if err := w.exec(ctx, "ROLLBACK TO SAVEPOINT batch"); err != nil {
		return err
	}
	var starts []int
	for rest := body; len(rest) > 0; {
		starts = append(starts, len(body)-len(rest))
		var err error
		if rest, err = w.rows.next(rest); err != nil {
			return err
		}
	}
	starts = append(starts, len(body))
	if err := w.bisect(ctx, body, starts); err != nil {
		return err
	}
	return cause
}

// bisect inserts rows that begin, and the last of them ends, at starts.
func (w *rangeWriter) bisect(ctx context.Context, body []byte, starts []int) error {
	rows := len(starts) - 1
	if err := w.exec(ctx, "SAVEPOINT part"); err != nil {
		return err
	}
	_, err := w.insertRows(ctx, body[starts[0]:starts[rows]])
	switch {
	case !w.isRefusal(err):
		return err
	case rows == 1:
		return w.named(err)
	}
	if err := w.exec(ctx, "ROLLBACK TO SAVEPOINT part"); err != nil {
		return err
	}
	if err := w.bisect(ctx, body, starts[:rows/2+1]); err != nil {
		return err
	}
	return w.bisect(ctx, body, starts[rows/2:])
}

// columnInMessage is where the server says which column it is about, in its several ways.
var columnInMessage = regexp.MustCompile("(?i)column (?:'([^']+)'|(?:`[^`]+`\\.)*`([^`]+)`)")

// named makes an error of the server one about the row in hand.
func (w *rangeWriter) named(err error) error {
	out := *fault.Find(classify("mysql.Write", err))
	out.Key = w.rows.key()
	if m := columnInMessage.FindStringSubmatch(out.Err.Error()); m != nil {
		out.Column = m[1] + m[2]
	}
	out.Err = fmt.Errorf("target refuses the row: %w", out.Err)
	return &out
}
