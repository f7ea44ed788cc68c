package postgres

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

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
	p, err := db.project(ctx, pg, r)
	if err != nil {
		return err
	}
	sql, err := p.statement(ctx, conn.Conn(), r)
	if err != nil {
		return err
	}
	reader := &rowReader{projection: p, emit: row, lossy: r.Lossy, pieces: r.Pieces}
	return reader.run(ctx, pg, sql)
}

func beginRead(ctx context.Context, pg *pgconn.PgConn, snapshot string) error {
	sql := readSettings
	if snapshot != "" {
		// The snapshot must come before any query of the transaction.
		sql = strings.Replace(sql, ";\n", ";\nSET TRANSACTION SNAPSHOT "+literal(snapshot)+";\n", 1)
	}
	_, err := pg.Exec(ctx, sql).ReadAll()
	if code := sqlState(err); snapshot != "" && (code == codeInvalidParameter || code == codeUndefinedObject) {
		// Its holder has died, or will find out by its next look.
		return fault.New(fault.Unavailable, "postgres.Read", "the snapshot that the table is read in is gone: %w", err)
	}
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

// statement is the COPY statement of a read.
func (p *projection) statement(ctx context.Context, q querier, r engine.ReadRequest) (string, error) {
	if r.Side != engine.SourceSide || !byLeaves(p.plan.GetSource()) {
		return p.query(r)
	}
	leaves, err := leavesOf(ctx, q, p.plan)
	if err != nil {
		return "", err
	}
	return p.leafQuery(r, leaves)
}

// query reads a range of one relation.
func (p *projection) query(r engine.ReadRequest) (string, error) {
	where, err := selected(r)
	if err != nil {
		return "", err
	}
	sql := "COPY (SELECT " + strings.Join(p.exprs, ", ") + " FROM " + relation(p.plan, p.side) + " AS r" + where
	// A scan by ctid comes in its order, and a sort would cost a copy of the table.
	if engine.HasKey(p.plan) && keyrange.Ordered(r.Range) {
		names, _, err := keyColumns(p.plan, p.side)
		if err != nil {
			return "", err
		}
		// A bare name would mean the output column, which may be the key's text form.
		sql += " ORDER BY r." + strings.Join(names, ", r.")
	}
	return sql + p.lock + ") TO STDOUT (FORMAT binary)", nil
}

// Count counts the source's rows, and those that the condition leaves behind.
func (db *database) Count(ctx context.Context, t *planv1.TablePlan) (engine.Count, error) {
	n, err := db.count(ctx, t)
	if err != nil {
		return engine.Count{}, fault.At(classify("postgres.Count", err), fault.Source, engine.Label(t, engine.SourceSide))
	}
	return n, nil
}

func (db *database) count(ctx context.Context, t *planv1.TablePlan) (engine.Count, error) {
	moving := "count(*)"
	only, err := condition(t.GetSource())
	if err != nil {
		return engine.Count{}, err
	}
	if only != "" {
		moving = "count(*) FILTER (WHERE " + only + ")"
	}
	var all int64
	var out engine.Count
	err = db.pool.QueryRow(ctx, "SELECT count(*), "+moving+" FROM "+relation(t, engine.SourceSide)).Scan(&all, &out.Rows)
	out.Filtered = all - out.Rows
	return out, err
}
