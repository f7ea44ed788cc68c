package mysql

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"

	driver "github.com/go-sql-driver/mysql"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// infiles numbers the readers that LOAD DATA names: their registry is the process's.
var infiles atomic.Uint64

// loadData writes a batch by LOAD DATA LOCAL, about twice as fast as by INSERT. With
// LOCAL the server takes what it can make of wrong values and warns, and leaves out
// rows that are there already: anything short of all rows without a warning is an
// error here, and the transaction is undone.
//
// Data is read as bytes: as text, MySQL refuses what is no UTF-8 in columns of bytes,
// and bytes go unchanged into columns of UTF-8, where the server checks them. Columns
// that take text only, or in another character set, convert.
func (w *rangeWriter) loadData(ctx context.Context, b engine.Batch) ([]engine.Reject, error) {
	return nil, w.loadLines(ctx, b)
}

func (w *rangeWriter) loadLines(ctx context.Context, b engine.Batch) error {
	buf := w.buf[:0]
	for rest := b.Body; len(rest) > 0; {
		var err error
		if rest, err = w.rows.next(rest); err != nil {
			return err
		}
		if buf, err = w.rows.appendLine(buf); err != nil {
			return err
		}
	}
	w.buf = buf
	name := fmt.Sprintf("drover-%d", infiles.Add(1))
	driver.RegisterReaderHandler(name, func() io.Reader { return bytes.NewReader(buf) })
	defer driver.DeregisterReaderHandler(name)
	return w.loadInfile(ctx, name, b)
}

// loadInfile runs the LOAD DATA that reads a registered reader.
func (w *rangeWriter) loadInfile(ctx context.Context, name string, b engine.Batch) error {
	result, err := w.conn.ExecContext(ctx, w.loadStatement(name))
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return err
	}
	// A warning says why a row was left out.
	if err := w.refuseWarnings(ctx); err != nil {
		return err
	}
	if n != b.Digest.Rows {
		return fault.New(fault.Value, "mysql.Write", "batch %d: target took %d rows, the batch says %d", b.Sequence, n, b.Digest.Rows)
	}
	return nil
}

// loadStatement is the LOAD DATA of the table.
func (w *rangeWriter) loadStatement(reader string) string {
	fields := w.rows.targets()
	var set []string
	for i, c := range w.rows.columns {
		if c.transcode {
			variable := fmt.Sprintf("@v%d", i+1)
			set = append(set, fields[i]+" = CONVERT("+variable+" USING "+charset+")")
			fields[i] = variable
		}
	}
	out := "LOAD DATA LOCAL INFILE 'Reader::" + reader + "' INTO TABLE " + targetTable(w.request.Plan) +
		` CHARACTER SET binary FIELDS TERMINATED BY '\t' ESCAPED BY '\\' LINES TERMINATED BY '\n' (` + strings.Join(fields, ", ") + ")"
	if len(set) > 0 {
		out += " SET " + strings.Join(set, ", ")
	}
	return out
}

// tryInserts tells whether INSERT may do better, or say better what is wrong, than
// the LOAD DATA that failed.
func (w *rangeWriter) tryInserts(err error) bool {
	if err == nil {
		return false
	}
	if slices.Contains([]uint16{codeNotAllowed, codeLocalInfile, codeLocalInfileMaria}, errorCode(err)) {
		w.bulk = false // switched off since
		return true
	}
	kind := fault.KindOf(classify("", err))
	// A row that is named has been refused by drover itself.
	return (kind == fault.Value && fault.Find(classify("", err)).Column == "") || kind == fault.Internal || kind == fault.Unsupported
}
