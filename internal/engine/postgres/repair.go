package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// Repair makes rows what they should be in one transaction, in which they are locked
// before they are looked at.
func (db *database) Repair(ctx context.Context, r engine.RepairRequest) ([]engine.RepairAction, error) {
	const op = "postgres.Repair"
	w := &rangeWriter{db: db, request: engine.RangeRequest{Plan: r.Plan}}
	defer func() { _ = w.Close() }() // it only gives the connection back
	actions, err := w.repair(ctx, r)
	return actions, fault.At(classify(op, err), fault.Target, engine.Label(r.Plan, engine.TargetSide))
}

func (w *rangeWriter) repair(ctx context.Context, r engine.RepairRequest) ([]engine.RepairAction, error) {
	if err := w.connect(ctx); err != nil {
		return nil, err
	}
	pg := w.conn.Conn().PgConn()
	if err := w.run(ctx, "BEGIN; SET LOCAL synchronous_commit = on; SET CONSTRAINTS ALL DEFERRED"); err != nil {
		return nil, w.abort(ctx, pg, err)
	}
	there, err := w.lockRows(ctx, pg, r)
	if err != nil {
		return nil, w.abort(ctx, pg, err)
	}
	actions := r.Decide(there)
	if r.DryRun {
		return actions, w.abort(ctx, pg, nil)
	}
	if err := w.carryOut(ctx, pg, r, actions); err != nil {
		return nil, w.abort(ctx, pg, err)
	}
	if err := commit(ctx, pg); err != nil {
		return nil, w.abort(ctx, pg, err)
	}
	return actions, nil
}

// lockRows locks the request's rows and reads them.
func (w *rangeWriter) lockRows(ctx context.Context, pg *pgconn.PgConn, r engine.RepairRequest) (engine.RowsThere, error) {
	read := engine.ReadRequest{Side: engine.TargetSide, Plan: r.Plan, Keys: r.Keys()}
	p, err := w.db.project(ctx, pg, read)
	if err != nil {
		return nil, err
	}
	p.lock = " FOR UPDATE"
	sql, err := p.query(read)
	if err != nil {
		return nil, err
	}
	there := engine.RowsThere{}
	return there, (&rowReader{projection: p, emit: there.Take}).run(ctx, pg, sql)
}

// carryOut writes what was decided: rows go before others come, which may take their
// place in a unique index.
func (w *rangeWriter) carryOut(ctx context.Context, pg *pgconn.PgConn, r engine.RepairRequest, actions []engine.RepairAction) error {
	if !slices.ContainsFunc(actions, engine.RepairAction.Writes) {
		return nil
	}
	if err := w.describe(ctx); err != nil {
		return err
	}
	update, err := w.stageUpdate(ctx, pg, r.Chosen(actions, engine.RepairUpdate))
	if err != nil {
		return err
	}
	if err := update.open(ctx, w); err != nil {
		return err
	}
	if gone := r.Chosen(actions, engine.RepairDelete); len(gone) > 0 {
		where, err := anyOf(r.Plan, engine.TargetSide, engine.RepairRequest{Rows: gone}.Keys())
		if err != nil {
			return err
		}
		if err := w.affect(ctx, pg, "DELETE FROM "+relation(r.Plan, engine.TargetSide)+" WHERE "+where, len(gone)); err != nil {
			return err
		}
	}
	if err := update.run(ctx, w, pg); err != nil {
		return err
	}
	if err := w.copyRows(ctx, r.Chosen(actions, engine.RepairInsert)); err != nil {
		return err
	}
	return update.close(ctx, w)
}

// copyRows loads rows by the writer's COPY statement.
func (w *rangeWriter) copyRows(ctx context.Context, rows []engine.RowRepair) error {
	if len(rows) == 0 {
		return nil
	}
	b := engine.BatchOf(w.request.Plan, rows)
	return w.Insert(ctx, b.Body, b.Digest.Rows)
}

// affect runs a statement that must change so many rows.
func (w *rangeWriter) affect(ctx context.Context, pg *pgconn.PgConn, sql string, rows int) error {
	results, err := pg.Exec(ctx, sql).ReadAll()
	if err != nil {
		return err
	}
	if n := results[0].CommandTag.RowsAffected(); n != int64(rows) {
		return fault.New(fault.Conflict, "postgres.Repair", "target changed %d rows instead of %d: a trigger or a rule of the table is in the way", n, rows)
	}
	return nil
}
