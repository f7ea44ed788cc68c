package sqlite

import (
	"context"
	"database/sql"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// repairer changes single rows of one table.
type repairer struct {
	request  engine.RepairRequest
	reader   *rowReader
	inserter *inserter
}

// Repair makes rows what they should be in one transaction, which nobody else writes
// beside.
func (d *database) Repair(ctx context.Context, r engine.RepairRequest) (actions []engine.RepairAction, err error) {
	const op = "sqlite.Repair"
	err = d.writeDurably(ctx, func(tx *sql.Tx) error {
		rep := &repairer{request: r}
		if rep.reader, err = newRowReader(ctx, tx, engine.ReadRequest{Side: engine.TargetSide, Plan: r.Plan, Keys: r.Keys()}); err != nil {
			return err
		}
		if rep.inserter, err = newInserter(r.Plan, rep.reader.info); err != nil {
			return err
		}
		there := engine.RowsThere{}
		if stopped, err := rep.reader.run(ctx, tx, there.Take); stopped != nil || err != nil {
			return firstOf(stopped, err)
		}
		actions = r.Decide(there)
		if r.DryRun {
			return nil
		}
		return rep.carryOut(ctx, tx, actions)
	})
	return actions, fault.At(classify(op, err), fault.Target, engine.Label(r.Plan, engine.TargetSide))
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// carryOut writes what was decided: rows go before others come, which may take their
// place in a unique index.
func (r *repairer) carryOut(ctx context.Context, tx *sql.Tx, actions []engine.RepairAction) error {
	table := mainTable(r.reader.info.name)
	for _, row := range r.request.Chosen(actions, engine.RepairDelete) {
		if err := r.affectOne(ctx, tx, "DELETE FROM "+table, nil, row.Key); err != nil {
			return err
		}
	}
	for _, row := range r.request.Chosen(actions, engine.RepairUpdate) {
		set, args, err := r.assignments(row.Row)
		if err != nil {
			return err
		}
		// OR ABORT overrules a constraint of the table that would drop or replace rows.
		if err := r.affectOne(ctx, tx, "UPDATE OR ABORT "+table+" SET "+set, args, row.Key); err != nil {
			return err
		}
	}
	inserts := r.request.Chosen(actions, engine.RepairInsert)
	if len(inserts) == 0 {
		return nil
	}
	return r.inserter.insert(ctx, tx, engine.BatchOf(r.request.Plan, inserts))
}

// assignments sets the columns that are not the key's: a row that is replaced would
// take along what refers to it.
func (r *repairer) assignments(row []byte) (string, []any, error) {
	columns := r.request.Plan.GetColumns()
	fields := make([][]byte, len(columns))
	if _, _, err := batch.Fields(planv1.Encoding_ENCODING_CANONICAL, row, fields); err != nil {
		return "", nil, fault.Wrap(fault.Corrupt, "sqlite.Repair", err)
	}
	all, err := r.inserter.bind(nil, fields)
	if err != nil {
		return "", nil, err
	}
	key := map[int]bool{}
	for _, i := range r.reader.keyCells {
		key[i] = true
	}
	var set []string
	var args []any
	for i, c := range columns {
		if !key[i] {
			set, args = append(set, ident(c.GetTarget())+" = ?"), append(args, all[i])
		}
	}
	return strings.Join(set, ", "), args, nil
}

// affectOne runs a statement on the row that has a key; it must be there.
func (r *repairer) affectOne(ctx context.Context, tx *sql.Tx, statement string, args []any, key *planv1.Bound) error {
	p := &predicate{terms: orderTerms(r.reader.info, r.reader.key), kinds: r.reader.key.GetKinds()}
	if err := p.add("=", key); err != nil {
		return err
	}
	result, err := tx.ExecContext(context.WithoutCancel(ctx), statement+p.sql(), append(args, p.args...)...)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n != 1 {
		err = fault.New(fault.Conflict, "sqlite.Repair", "target changed %d rows instead of one: a trigger of the table is in the way", n)
	}
	return err
}
