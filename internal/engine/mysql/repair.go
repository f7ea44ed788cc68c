package mysql

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// Repair makes rows what they should be in one transaction. It locks them, and the
// gaps where rows are missing, on its own connection and reads them on one of the
// readers': what is committed there cannot change any more.
func (d *database) Repair(ctx context.Context, r engine.RepairRequest) ([]engine.RepairAction, error) {
	const op = "mysql.Repair"
	w := &rangeWriter{db: d, request: engine.RangeRequest{Plan: r.Plan}}
	defer func() { _ = w.Close() }() // it only gives the connection back
	actions, err := w.repair(ctx, r)
	return actions, fault.At(classify(op, err), fault.Target, engine.Label(r.Plan, engine.TargetSide))
}

func (w *rangeWriter) repair(ctx context.Context, r engine.RepairRequest) (actions []engine.RepairAction, err error) {
	if err := w.connect(ctx); err != nil {
		return nil, err
	}
	if err := w.describe(ctx); err != nil {
		return nil, err
	}
	terms, err := keyTermsOf(r.Plan, engine.TargetSide)
	if err != nil {
		return nil, err
	}
	err = w.transact(ctx, func(ctx context.Context) error {
		if err := w.lockRows(ctx, terms, r); err != nil {
			return err
		}
		there := engine.RowsThere{}
		if err := w.db.Read(ctx, engine.ReadRequest{Side: engine.TargetSide, Plan: r.Plan, Keys: r.Keys()}, there.Take); err != nil {
			return err
		}
		actions = r.Decide(there)
		if r.DryRun {
			return nil
		}
		return w.carryOut(ctx, terms, r, actions)
	})
	if err == nil && w.flush && !r.DryRun {
		err = w.flushLog(ctx)
	}
	return actions, err
}

// lockRows locks the request's rows until the end of the transaction.
func (w *rangeWriter) lockRows(ctx context.Context, terms keyTerms, r engine.RepairRequest) error {
	where, err := terms.anyOf(r.Keys())
	if err != nil {
		return err
	}
	return each(ctx, w.conn, "SELECT 1 FROM "+targetTable(r.Plan)+" WHERE "+where+" FOR UPDATE", nil, func(*sql.Rows) error { return nil })
}

// carryOut writes what was decided: rows go before others come, which may take their
// place in a unique index.
func (w *rangeWriter) carryOut(ctx context.Context, terms keyTerms, r engine.RepairRequest, actions []engine.RepairAction) error {
	for _, row := range r.Chosen(actions, engine.RepairDelete) {
		where, err := terms.equal(row.Key)
		if err == nil {
			err = w.affectOne(ctx, "DELETE FROM "+targetTable(r.Plan)+" WHERE "+where)
		}
		if err != nil {
			return err
		}
	}
	for _, row := range r.Chosen(actions, engine.RepairUpdate) {
		if err := w.replace(ctx, terms, row); err != nil {
			return err
		}
	}
	b := engine.BatchOf(r.Plan, r.Chosen(actions, engine.RepairInsert))
	return w.Insert(ctx, b.Body, b.Digest.Rows)
}

// replace updates a row in place: one that is deleted takes along what refers to it.
func (w *rangeWriter) replace(ctx context.Context, terms keyTerms, row engine.RowRepair) error {
	where, err := terms.equal(row.Key)
	if err != nil {
		return err
	}
	if _, err := w.rows.next(row.Row); err != nil {
		return err
	}
	statement := []byte("UPDATE " + targetTable(w.request.Plan) + " SET ")
	separator := ""
	for i, column := range w.rows.targets() {
		if slices.Contains(terms.names, column) {
			continue
		}
		statement = append(statement, separator+column+" = "...)
		if statement, err = w.rows.appendConstant(statement, i); err != nil {
			return err
		}
		separator = ", "
	}
	return w.affectOne(ctx, strings.Join([]string{string(statement), "WHERE", where}, " "))
}

// affectOne runs a statement that must change one row, without a warning.
func (w *rangeWriter) affectOne(ctx context.Context, statement string) error {
	result, err := w.conn.ExecContext(ctx, statement)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n != 1 {
		err = fault.New(fault.Conflict, "mysql.Repair", "target changed %d rows instead of one: a trigger of the table is in the way", n)
	}
	if err != nil {
		return err
	}
	return w.refuseWarnings(ctx)
}
