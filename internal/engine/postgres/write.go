package postgres

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
)

// rangeWriter writes one range over one connection.
type rangeWriter struct {
	db      *database
	request engine.RangeRequest
	conn    *pgxpool.Conn
	// fenced is the range's row as it was when this writer took it over, ledger as
	// this writer knows it now.
	fenced, ledger engine.Ledger
	// loadSQL is the COPY statement; rows makes its data of a batch's body.
	loadSQL string
	rows    *tupleEncoder
}

// Ledger is what the range had in the target when it was fenced.
func (w *rangeWriter) Ledger() engine.Ledger { return w.fenced }

// label names the table for people.
func (w *rangeWriter) label() string { return engine.Label(w.request.Plan, engine.TargetSide) }

// Close gives the connection back.
func (w *rangeWriter) Close() error {
	if w.conn != nil {
		w.conn.Release()
		w.conn = nil
	}
	return nil
}

// connect makes sure of a connection: the one before may be gone.
func (w *rangeWriter) connect(ctx context.Context) error {
	if w.conn != nil && !w.conn.Conn().IsClosed() {
		return nil
	}
	_ = w.Close()
	conn, err := w.db.pool.Acquire(ctx)
	if err != nil {
		return classify("postgres.Write", err)
	}
	w.conn = conn
	return nil
}

// Write applies a batch and its ledger row in one transaction. When the
// connection breaks nobody knows whether the COMMIT arrived; the same conditional
// UPDATE tells over a new one.
func (w *rangeWriter) Write(ctx context.Context, b engine.Batch) (engine.Outcome, error) {
	outcome, err := w.write(ctx, b)
	if err != nil && w.conn != nil && w.conn.Conn().IsClosed() && ctx.Err() == nil && fault.KindOf(classify("", err)) == fault.Unavailable {
		outcome, err = w.write(ctx, b)
	}
	if err != nil {
		return outcome, fault.At(classify("postgres.Write", err), fault.Target, engine.Label(w.request.Plan, engine.TargetSide))
	}
	return outcome, nil
}

func (w *rangeWriter) write(ctx context.Context, b engine.Batch) (engine.Outcome, error) {
	if b.Encoding != w.request.Plan.GetEncoding() {
		return 0, fault.New(fault.Corrupt, "postgres.Write", "batch %d is in encoding %s, the plan says %s", b.Sequence, b.Encoding, w.request.Plan.GetEncoding())
	}
	load := w.loadAll
	if b.Large != nil {
		load = w.loadLarge
	}
	outcome, err := w.apply(ctx, b, load)
	if _, refused := w.Refusal(err); refused && b.Sieve != nil {
		return w.apply(ctx, b, w.sift)
	}
	return outcome, err
}

// apply is the loader's step: the fence, the rows, the commit. load gives the rows that
// the target refused.
func (w *rangeWriter) apply(ctx context.Context, b engine.Batch, load func(context.Context, engine.Batch) ([]engine.Reject, error)) (engine.Outcome, error) {
	if err := w.connect(ctx); err != nil {
		return 0, err
	}
	pg := w.conn.Conn().PgConn()
	next, err := w.ledger.Next(b, nil)
	if err != nil {
		return 0, err
	}
	mine, err := w.begin(ctx, pg, b.Sequence, next)
	if err != nil {
		return 0, w.abort(ctx, pg, err)
	}
	if !mine {
		return w.decide(ctx, pg, b.Sequence)
	}
	var refused []engine.Reject
	if err = faultpoint.Hit(ctx, faultpoint.TargetAdvanced, w.label()); err == nil {
		refused, err = load(ctx, b)
	}
	if err == nil && len(refused) > 0 {
		next, err = w.reject(ctx, pg, b, refused)
	}
	if err == nil {
		err = faultpoint.Hit(ctx, faultpoint.TargetBeforeCommit, w.label())
	}
	if err != nil {
		return 0, w.abort(ctx, pg, err)
	}
	if err := commit(ctx, pg); err != nil {
		return 0, w.abort(ctx, pg, err)
	}
	if err := faultpoint.Hit(ctx, faultpoint.TargetAfterCommit, w.label()); err != nil {
		return 0, err
	}
	w.ledger = next
	return engine.Written, nil
}

// begin opens the batch's transaction: the stage is held in share until its end,
// and the conditional UPDATE fences, deduplicates and orders. It tells whether
// the batch is the one the ledger waits for.
func (w *rangeWriter) begin(ctx context.Context, pg *pgconn.PgConn, sequence uint64, next engine.Ledger) (bool, error) {
	key, err := marshalKey(next.After)
	if err != nil {
		return false, err
	}
	touched, err := next.Touched.Marshal()
	if err != nil {
		return false, err
	}
	rejected := ""
	if len(next.Rejected) != len(w.ledger.Rejected) {
		rejected = ", rejected = " + bytea(next.Rejected.Marshal())
	}
	r := w.request
	results, err := pg.Exec(ctx, fmt.Sprintf(`BEGIN;
SET LOCAL synchronous_commit = off;
SELECT FROM drover.migration WHERE uid = %s AND stage = '%s' FOR SHARE;
UPDATE drover.range SET next_sequence = %d, last_key = %s, rows = %d, sum = %s, touched = %s, backend = pg_backend_pid()%s
WHERE %s AND attempt = %d AND epoch = %d AND next_sequence = %d`,
		literal(r.Migration.UID), engine.StageCopy, next.NextSequence, bytea(key), next.Digest.Rows, bytea(next.Digest.Sum()), bytea(touched),
		rejected, rangeID(r), int64(r.Attempt), int64(r.Epoch), sequence)).ReadAll()
	if err != nil {
		return false, err
	}
	if len(results) != 4 || len(results[2].Rows) == 0 {
		return false, fault.New(fault.Fenced, "postgres.Write", "migration has ended in the target")
	}
	return results[3].CommandTag.RowsAffected() == 1, nil
}

func marshalKey(b *planv1.Bound) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	raw, err := proto.Marshal(b)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "postgres.Write", err)
	}
	if raw == nil {
		raw = []byte{}
	}
	return raw, nil
}

// decide reads the row that the UPDATE did not match: there are four cases.
func (w *rangeWriter) decide(ctx context.Context, pg *pgconn.PgConn, sequence uint64) (engine.Outcome, error) {
	row, found, err := w.readRow(ctx, pg)
	if err != nil {
		return 0, w.abort(ctx, pg, err)
	}
	if err := w.abort(ctx, pg, nil); err != nil {
		return 0, err
	}
	r := w.request
	switch {
	case !found:
		return 0, fault.New(fault.Fenced, "postgres.Write", "range %d is not in the ledger any more", r.Range.GetNumber())
	case row.epoch != r.Epoch:
		return 0, engine.NotOwned("postgres.Write", r, row.epoch)
	case row.attempt != r.Attempt:
		return 0, fault.New(fault.Fenced, "postgres.Write", "range %d is loaded from another extraction", r.Range.GetNumber())
	case row.ledger.NextSequence > sequence:
		w.ledger = row.ledger
		return engine.Duplicate, nil
	default:
		return 0, fault.New(fault.Gap, "postgres.Write", "batch %d came, the ledger waits for batch %d", sequence, row.ledger.NextSequence)
	}
}

func (w *rangeWriter) readRow(ctx context.Context, pg *pgconn.PgConn) (ledgerRow, bool, error) {
	results, err := pg.Exec(ctx, "SELECT "+rangeColumns+" FROM drover.range WHERE "+rangeID(w.request)).ReadAll()
	if err != nil || len(results[0].Rows) == 0 {
		return ledgerRow{}, false, err
	}
	row, err := ledgerOf(results[0])
	return row, err == nil, err
}

// loadAll copies all of a batch's rows.
func (w *rangeWriter) loadAll(ctx context.Context, b engine.Batch) ([]engine.Reject, error) {
	data, err := w.rows.encode(b.Body)
	if err != nil {
		return nil, err
	}
	return nil, w.load(ctx, w.conn.Conn().PgConn(), data, b)
}

// load copies a batch's rows; the server must count as many as the batch says.
func (w *rangeWriter) load(ctx context.Context, pg *pgconn.PgConn, data io.Reader, b engine.Batch) error {
	tag, err := pg.CopyFrom(ctx, data, w.loadSQL)
	if err != nil {
		return w.rows.locate(err, b.Body)
	}
	if tag.RowsAffected() != b.Digest.Rows {
		return fault.New(fault.Corrupt, "postgres.Write", "batch %d: target took %d rows, the batch says %d", b.Sequence, tag.RowsAffected(), b.Digest.Rows)
	}
	return nil
}

// abort rolls back and keeps the error that made it necessary.
func (w *rangeWriter) abort(ctx context.Context, pg *pgconn.PgConn, cause error) error {
	if pg.IsClosed() {
		return cause
	}
	_, err := pg.Exec(context.WithoutCancel(ctx), "ROLLBACK").ReadAll()
	if cause != nil {
		return cause
	}
	return err
}

// commit ends a transaction; the server answers ROLLBACK where it had failed.
func commit(ctx context.Context, pg *pgconn.PgConn) error {
	results, err := pg.Exec(ctx, "COMMIT").ReadAll()
	if err != nil {
		return err
	}
	if tag := results[0].CommandTag.String(); tag != "COMMIT" {
		return fault.New(fault.Conflict, "postgres.Write", "target answered %s to COMMIT", tag)
	}
	return nil
}

// Complete marks the range loaded in a transaction that waits for the disk:
// everything committed before it is then there too.
func (w *rangeWriter) Complete(ctx context.Context, batches uint64) (engine.Ledger, error) {
	ledger, err := w.complete(ctx, batches)
	if err != nil {
		return engine.Ledger{}, fault.At(classify("postgres.Complete", err), fault.Target, engine.Label(w.request.Plan, engine.TargetSide))
	}
	return ledger, nil
}

func (w *rangeWriter) complete(ctx context.Context, batches uint64) (engine.Ledger, error) {
	if err := w.connect(ctx); err != nil {
		return engine.Ledger{}, err
	}
	pg := w.conn.Conn().PgConn()
	r := w.request
	results, err := pg.Exec(ctx, fmt.Sprintf(`BEGIN;
SET LOCAL synchronous_commit = on;
SELECT FROM drover.migration WHERE uid = %s AND stage = '%s' FOR SHARE;
UPDATE drover.range SET state = '%s' WHERE %s AND attempt = %d AND epoch = %d AND next_sequence = %d RETURNING %s`,
		literal(r.Migration.UID), engine.StageCopy, stateLoaded, rangeID(r), int64(r.Attempt), int64(r.Epoch), batches, rangeColumns)).ReadAll()
	if err != nil {
		return engine.Ledger{}, w.abort(ctx, pg, err)
	}
	if len(results[2].Rows) == 0 {
		return engine.Ledger{}, w.abort(ctx, pg, fault.New(fault.Fenced, "postgres.Complete", "migration has ended in the target"))
	}
	if len(results[3].Rows) == 0 {
		if _, err := w.decide(ctx, pg, batches); err != nil {
			return engine.Ledger{}, err
		}
		return engine.Ledger{}, fault.New(fault.Gap, "postgres.Complete", "ledger holds %d batches, the attempt had %d", w.ledger.NextSequence, batches)
	}
	row, err := ledgerOf(results[3])
	if err == nil {
		err = faultpoint.Hit(ctx, faultpoint.TargetCompleteLocked, w.label())
	}
	if err != nil {
		return engine.Ledger{}, w.abort(ctx, pg, err)
	}
	if err := commit(ctx, pg); err != nil {
		return engine.Ledger{}, w.abort(ctx, pg, err)
	}
	w.ledger = row.ledger
	return row.ledger, nil
}

// describe asks for the target's column types and prepares the way of rows.
func (w *rangeWriter) describe(ctx context.Context) error {
	p := w.request.Plan
	var names []string
	for _, c := range p.GetColumns() {
		names = append(names, ident(c.GetTarget()))
	}
	schema, name := engine.TableName(p, engine.TargetSide)
	columns, table := strings.Join(names, ", "), qualified(schema, name)
	pg := w.conn.Conn().PgConn()
	described, err := pg.Prepare(ctx, "", "SELECT "+columns+" FROM "+table, nil)
	if err != nil {
		return err
	}
	w.rows, err = newTupleEncoder(ctx, w.conn, p, described.Fields)
	if err != nil {
		return err
	}
	if columns != "" { // a table may have none
		table += " (" + columns + ")"
	}
	w.loadSQL = fmt.Sprintf("COPY %s FROM STDIN (FORMAT %s)", table, w.rows.format())
	return nil
}

// copyData puts signature and trailer around tuples without copying them.
func copyData(tuples []byte) io.Reader {
	return io.MultiReader(strings.NewReader(copySignature), bytes.NewReader(tuples), strings.NewReader(copyTrailer))
}
