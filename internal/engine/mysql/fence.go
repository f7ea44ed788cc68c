package mysql

import (
	"context"
	"errors"
	"fmt"
	"time"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
	"github.com/drover-db/drover/internal/keyrange"
)

const (
	// patience is how long a fence waits for the loader of before: one that lives
	// commits a batch in far less. After it the loader's connection is ended, and the
	// fence waits as long again for its transaction to be undone.
	patience = 3 * time.Second
	// fencePause lies between two tries.
	fencePause = 50 * time.Millisecond
)

// OpenRange fences a range: after its transaction nobody with an older epoch can
// write. A zombie that sits in a transaction on the row is ended.
func (d *database) OpenRange(ctx context.Context, r engine.RangeRequest) (engine.RangeWriter, error) {
	w := &rangeWriter{db: d, request: r}
	if err := w.open(ctx); err != nil {
		return nil, fault.At(classify("mysql.OpenRange", errors.Join(err, w.Close())), fault.Target, engine.Label(r.Plan, engine.TargetSide))
	}
	return w, nil
}

func (w *rangeWriter) open(ctx context.Context) error {
	if err := w.connect(ctx); err != nil {
		return err
	}
	r := w.request
	// A look without a lock, so that nothing is written for a migration that is over.
	if err := w.db.checkMigration(ctx, w.conn, r.Migration, "mysql.OpenRange"); err != nil {
		return err
	}
	if err := w.db.enterTable(ctx, w.conn, r.Migration, r.Plan); err != nil {
		return err
	}
	if err := w.enterRange(ctx); err != nil {
		return err
	}
	if err := w.takeOver(ctx); err != nil {
		return err
	}
	return w.describe(ctx)
}

// enterRange makes the range's row in the ledger, outside of any transaction as
// enterTable does, and only where there is none: an INSERT waits for whoever writes it.
func (w *rangeWriter) enterRange(ctx context.Context) error {
	r := w.request
	_, found, err := w.db.readRange(ctx, w.conn, r, "")
	if err != nil || found {
		return err
	}
	return w.exec(ctx, fmt.Sprintf("INSERT IGNORE INTO %s (migration, table_number, range_number) VALUES (%s, %d, %d)",
		w.db.ledger(ledgerRange), literal(r.Migration.UID), r.Plan.GetNumber(), r.Range.GetNumber()))
}

// takeOver fences, and ends whoever holds the range's row for too long.
func (w *rangeWriter) takeOver(ctx context.Context) error {
	begun, ended := time.Now(), false
	for {
		err := w.transact(ctx, w.fence)
		if code := errorCode(err); code != codeLockWait && code != codeLockNowait {
			return err
		}
		switch waited := time.Since(begun); {
		case waited > 2*patience:
			return fault.New(fault.Conflict, "mysql.OpenRange", "range %d is held by another connection: %w", w.request.Range.GetNumber(), err)
		case waited > patience && !ended:
			if err := w.endZombie(ctx); err != nil {
				return err
			}
			ended = true
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(fencePause):
		}
	}
}

// fence takes the range over in one transaction.
func (w *rangeWriter) fence(ctx context.Context) error {
	const op = "mysql.OpenRange"
	r := w.request
	if err := w.db.checkMigration(ctx, w.conn, r.Migration, op); err != nil {
		return err
	}
	var epoch uint64
	var emptying bool
	if err := w.conn.QueryRowContext(ctx, "SELECT epoch, emptying FROM "+w.db.ledger(ledgerTable)+" WHERE "+tableID(r.Migration, r.Plan)+" LOCK IN SHARE MODE").Scan(&epoch, &emptying); err != nil {
		return err
	}
	row, found, err := w.db.readRange(ctx, w.conn, r, " FOR UPDATE NOWAIT")
	switch {
	case err != nil:
		return err
	case emptying:
		return fault.New(fault.Conflict, op, "the table is being emptied")
	case !found || epoch > r.Epoch || row.epoch >= r.Epoch:
		return fault.New(fault.Fenced, op, "range %d belongs to a later loader", r.Range.GetNumber())
	}
	if r.Reset {
		if err := w.reset(ctx, row); err != nil {
			return err
		}
		row.ledger = engine.Ledger{}
	}
	if row.attempt != r.Attempt {
		row.ledger.NextSequence = 0
	}
	set, err := assignments(row.ledger)
	if err != nil {
		return err
	}
	w.opened, w.ledger = row.ledger, row.ledger
	if err := w.exec(ctx, fmt.Sprintf("UPDATE %s SET %s, epoch = %d, attempt = %d, state = '%s', %s WHERE %s",
		w.db.ledger(ledgerRange), set, r.Epoch, r.Attempt, stateLoading, ownConnection, rangeID(r))); err != nil {
		return err
	}
	return faultpoint.Hit(ctx, faultpoint.TargetFenceLocked, w.label())
}

// ownConnection says in a range's row who writes it.
const ownConnection = "backend = CONNECTION_ID(), since = UNIX_TIMESTAMP()"

// reset deletes the range's rows. Others wait meanwhile at its bounds.
func (w *rangeWriter) reset(ctx context.Context, row ledgerRow) error {
	r := w.request
	if !keyrange.Whole(r.Range) && keyrange.Ordered(r.Range) && !r.Plan.GetValidateByRange() {
		return fault.New(fault.Unsupported, "mysql.reset", "the target cannot tell one range's rows from another's: the whole table must be emptied")
	}
	if !keyrange.Ordered(r.Range) && row.ledger.Digest.Rows == 0 {
		return nil // such a range begins with a reset always, which would lock others out
	}
	from, err := rangeOf(r.Plan, r.Range)
	if err != nil {
		return err
	}
	if err := guardAppended(ctx, w.conn, r.Plan, from, row.ledger.Digest.Rows); err != nil {
		return err
	}
	return w.exec(ctx, "DELETE FROM "+from)
}

// rangeOf is a range's rows in the target, as SQL behind FROM.
func rangeOf(p *planv1.TablePlan, r *planv1.Range) (string, error) {
	out := targetTable(p)
	if keyrange.Whole(r) {
		return out, nil
	}
	terms, err := keyTermsOf(p, engine.TargetSide)
	if err != nil {
		return "", err
	}
	conditions, err := terms.bounds(r, nil)
	for i, c := range conditions {
		out += map[bool]string{true: " WHERE ", false: " AND "}[i == 0] + c
	}
	return out, err
}

// guardAppended refuses to delete rows that were in an appended table before: only
// where all rows found are the ledger's is it sure that they are drover's.
func guardAppended(ctx context.Context, q queryer, p *planv1.TablePlan, from string, loaded int64) error {
	if p.GetExisting() != planv1.Existing_EXISTING_APPEND || !p.GetTargetExists() {
		return nil
	}
	var n int64
	if err := q.QueryRowContext(ctx, "SELECT count(*) FROM "+from).Scan(&n); err != nil {
		return err
	}
	if n != loaded {
		return fault.New(fault.Unsupported, "mysql.reset", "%d rows are there, drover loaded %d: doing it again would delete rows that were there before; "+
			"remove drover's rows by hand or use --existing=truncate", n, loaded)
	}
	return nil
}

// endZombie ends the connection that writes a range, if it is drover's: of this user
// in this database, and begun since the server was started, for numbers of
// connections begin again then.
func (w *rangeWriter) endZombie(ctx context.Context) error {
	var backend uint64
	var since, now, uptime int64
	err := w.conn.QueryRowContext(ctx, "SELECT backend, since, UNIX_TIMESTAMP() FROM "+w.db.ledger(ledgerRange)+" WHERE "+rangeID(w.request)).Scan(&backend, &since, &now)
	if err != nil {
		return err
	}
	var name string
	if err := w.conn.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE 'Uptime'").Scan(&name, &uptime); err != nil || now-uptime > since {
		return err
	}
	p, found, err := findProcess(ctx, w.conn, backend)
	if err != nil || !found || p.user != w.db.endpoint.user || p.schema != w.db.schema {
		return err
	}
	return killConnection(ctx, w.conn, backend)
}
