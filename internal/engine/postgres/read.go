package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

// maxScratch bounds the buffer that is kept for decoding: larger fields are text
// or bytes, which need none.
const maxScratch = 256 << 10

// readSettings hold for the transaction of one read: one process, in the order
// of the heap where no key orders rows.
const readSettings = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL jit = off`

// Read copies a range out of one snapshot. The table's fingerprint is taken in
// the same one, so that rows and description belong together.
func (db *database) Read(ctx context.Context, r engine.ReadRequest, row engine.RowFunc) error {
	err := db.read(ctx, r, row)
	if err == nil {
		return nil
	}
	side := fault.Source
	if r.Side == engine.TargetSide {
		side = fault.Target
	}
	var own *callerError
	if errors.As(err, &own) {
		return own.err
	}
	return fault.At(err, side, engine.Label(r.Plan, r.Side))
}

func (db *database) read(ctx context.Context, r engine.ReadRequest, row engine.RowFunc) error {
	const op = "postgres.Read"
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return classify(op, err)
	}
	defer conn.Release()
	pg := conn.Conn().PgConn()
	if err := beginRead(ctx, pg, r.Snapshot); err != nil {
		return classify(op, err)
	}
	defer rollback(ctx, conn)
	if r.Side == engine.SourceSide {
		if err := checkFingerprint(ctx, conn.Conn(), r.Plan); err != nil {
			return err
		}
	}
	p, err := db.project(ctx, pg, r.Plan, r.Side)
	if err != nil {
		return err
	}
	sql, err := p.query(r)
	if err != nil {
		return err
	}
	reader := &rowReader{projection: p, emit: row}
	return reader.run(ctx, pg, sql)
}

func beginRead(ctx context.Context, pg *pgconn.PgConn, snapshot string) error {
	sql := readSettings
	if snapshot != "" {
		// The snapshot must come before any query of the transaction.
		sql = strings.Replace(sql, ";\n", ";\nSET TRANSACTION SNAPSHOT "+literal(snapshot)+";\n", 1)
	}
	_, err := pg.Exec(ctx, sql).ReadAll()
	return err
}

// rollback ends a read's transaction; a connection that cannot is closed by the
// pool when it is released.
func rollback(ctx context.Context, conn *pgxpool.Conn) {
	if !conn.Conn().PgConn().IsClosed() {
		_, _ = conn.Conn().PgConn().Exec(context.WithoutCancel(ctx), "ROLLBACK").ReadAll()
	}
}

func checkFingerprint(ctx context.Context, q querier, p *planv1.TablePlan) error {
	schema, name := engine.TableName(p, engine.SourceSide)
	t, err := describeOne(ctx, q, schema, name)
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.Changed, "postgres.Read", "table is gone: it was there when the migration was planned")
	}
	if err != nil {
		return err
	}
	if t.table.GetFingerprint() != p.GetSource().GetFingerprint() {
		return fault.New(fault.Changed, "postgres.Read", "table is not what was planned: its columns or its key changed; plan the migration again")
	}
	return nil
}

// query is the COPY statement of a read.
func (p *projection) query(r engine.ReadRequest) (string, error) {
	where, err := predicate(p.plan, p.side, r.Range, r.After)
	if err != nil {
		return "", err
	}
	sql := "COPY (SELECT " + strings.Join(p.exprs, ", ") + " FROM " + relation(p.plan, p.side) + " AS r" + where
	// A scan by ctid comes in its order, and a sort would cost a copy of the table.
	if engine.HasKey(p.plan) {
		names, _, err := keyColumns(p.plan, p.side)
		if err != nil {
			return "", err
		}
		// A bare name would mean the output column, which may be the key's text form.
		sql += " ORDER BY r." + strings.Join(names, ", r.")
	}
	return sql + ") TO STDOUT (FORMAT binary)", nil
}

// callerError carries the error of a caller's function back to the caller, which
// gets it as it was.
type callerError struct{ err error }

func (e *callerError) Error() string { return e.err.Error() }

// rowReader turns tuples into rows of the plan's encoding.
type rowReader struct {
	*projection
	emit engine.RowFunc
	// tuple is the one in hand, fields its fields.
	tuple  []byte
	fields [][]byte
	// row is the encoded row where it is not the tuple itself.
	row, scratch []byte
	lastTID      uint64
}

func (r *rowReader) run(ctx context.Context, pg *pgconn.PgConn, sql string) error {
	r.fields = make([][]byte, len(r.exprs))
	// One bound method for all rows: a closure a row would be an allocation a row.
	key := r.currentKey
	take := r.take
	w := &tupleWriter{row: func(tuple []byte) error {
		data, err := take(tuple)
		if err != nil {
			return err
		}
		if err := r.emit(engine.Row{Data: data, Key: key}); err != nil {
			return &callerError{err}
		}
		return nil
	}}
	_, err := pg.CopyTo(ctx, w, sql)
	switch {
	case w.rowErr != nil:
		return classifyRow(w.rowErr)
	case err != nil:
		return classify("postgres.Read", err)
	case !w.ended:
		return fault.New(fault.Corrupt, "postgres.Read", "server ended the rows without a trailer")
	}
	return nil
}

// classifyRow keeps a row's fault; a row too large is a value at fault too.
func classifyRow(err error) error {
	var own *callerError
	if errors.As(err, &own) {
		return own
	}
	if f := fault.Find(err); f.Op != "" {
		return f
	}
	return fault.Wrap(fault.Value, "postgres.Read", err)
}

// take encodes one tuple.
func (r *rowReader) take(tuple []byte) ([]byte, error) {
	r.tuple = tuple
	hidden := r.plan.GetSource().GetKey().GetSource() == planv1.KeySource_KEY_SOURCE_HIDDEN && r.side == engine.SourceSide
	columns := len(r.plan.GetColumns())
	if r.decode == nil && len(r.exprs) == columns {
		return tuple, nil
	}
	if _, _, err := batch.Fields(planv1.Encoding_ENCODING_PGCOPY, tuple, r.fields); err != nil {
		return nil, fault.Wrap(fault.Corrupt, "postgres.Read", err)
	}
	if hidden {
		if err := r.checkOrder(r.fields[columns]); err != nil {
			return nil, err
		}
	}
	if r.decode == nil {
		r.row = cutTuple(r.row, tuple, columns)
		return r.row, nil
	}
	r.row = r.row[:0]
	for i, decode := range r.decode {
		if r.fields[i] == nil {
			r.row = batch.AppendNull(r.row)
			continue
		}
		if n := 2*len(r.fields[i]) + 64; n > cap(r.scratch) && n <= maxScratch {
			r.scratch = make([]byte, 0, 2*n)
		}
		v, err := decode(r.scratch[:0], r.fields[i])
		if err != nil {
			return nil, r.valueError(i, err)
		}
		r.row = batch.AppendValue(r.row, v)
	}
	return r.row, nil
}

// checkOrder sees that rows come in the order of ctid: After depends on it.
func (r *rowReader) checkOrder(tid []byte) error {
	at := uint64(binary.BigEndian.Uint32(tid))<<16 | uint64(binary.BigEndian.Uint16(tid[4:]))
	if at <= r.lastTID {
		return fault.New(fault.Internal, "postgres.Read", "rows came out of the order of ctid")
	}
	r.lastTID = at
	return nil
}

// currentKey computes the key of the tuple in hand.
func (r *rowReader) currentKey() (*planv1.Bound, error) {
	if len(r.key) == 0 {
		return nil, nil
	}
	if _, _, err := batch.Fields(planv1.Encoding_ENCODING_PGCOPY, r.tuple, r.fields); err != nil {
		return nil, fault.Wrap(fault.Corrupt, "postgres.Read", err)
	}
	out := &planv1.Bound{Values: make([][]byte, len(r.key))}
	for i, k := range r.key {
		v, err := k.decode(nil, r.fields[k.field])
		if err != nil {
			return nil, fault.Wrap(fault.Value, "postgres.Read", fmt.Errorf("read key: %w", err))
		}
		out.Values[i] = append([]byte{}, v...)
	}
	return out, nil
}

func (r *rowReader) valueError(column int, err error) error {
	out := &fault.Error{Kind: fault.Value, Op: "postgres.Read", Column: engine.ColumnName(r.plan.GetColumns()[column], r.side), Err: err}
	if key, kerr := r.currentKey(); kerr == nil && key != nil {
		k := r.plan.GetSource().GetKey()
		out.Key = keyrange.Named(k.GetColumns(), k.GetKinds(), key)
	}
	return out
}

// Count counts the source's rows.
func (db *database) Count(ctx context.Context, t *planv1.TablePlan) (engine.Count, error) {
	rows, err := db.pool.Query(ctx, "SELECT count(*) FROM "+relation(t, engine.SourceSide))
	if err != nil {
		return engine.Count{}, fault.At(classify("postgres.Count", err), fault.Source, engine.Label(t, engine.SourceSide))
	}
	n, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[int64])
	if err != nil {
		return engine.Count{}, fault.At(classify("postgres.Count", err), fault.Source, engine.Label(t, engine.SourceSide))
	}
	return engine.Count{Rows: n}, nil
}
