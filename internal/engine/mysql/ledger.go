package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"

	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// ledgerPrefix begins the names of drover's own tables and databases.
const ledgerPrefix = "_drover_"

// ledgerTables make the ledger in the URL's database. In a range's row, backend is
// the connection that writes, and since the server's clock when it began: with both,
// whoever takes over knows which connection to end.
var ledgerTables = []string{`(
	uid varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
	name varchar(255) NOT NULL,
	term bigint unsigned NOT NULL,
	stage varchar(16) NOT NULL,
	published tinyint(1) NOT NULL DEFAULT 0,
	source_identity text NOT NULL,
	target_identity text NOT NULL,
	started datetime NOT NULL)`, `(
	migration varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	table_number bigint unsigned NOT NULL,
	prepared tinyint NOT NULL DEFAULT 0,
	epoch bigint unsigned NOT NULL DEFAULT 0,
	emptying tinyint(1) NOT NULL DEFAULT 0,
	finished tinyint(1) NOT NULL DEFAULT 0,
	PRIMARY KEY (migration, table_number))`, `(
	migration varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	table_number bigint unsigned NOT NULL,
	range_number bigint unsigned NOT NULL,
	attempt bigint unsigned NOT NULL DEFAULT 0,
	epoch bigint unsigned NOT NULL DEFAULT 0,
	next_sequence bigint unsigned NOT NULL DEFAULT 0,
	last_key longblob,
	row_count bigint NOT NULL DEFAULT 0,
	row_sum varbinary(16) NOT NULL DEFAULT '',
	touched longblob,
	rejected longblob,
	state varchar(16) NOT NULL DEFAULT 'NEW',
	backend bigint unsigned NOT NULL DEFAULT 0,
	since bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (migration, table_number, range_number))`, `(
	migration varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	table_number bigint unsigned NOT NULL,
	piece bigint unsigned NOT NULL,
	version bigint unsigned NOT NULL,
	body longblob NOT NULL,
	PRIMARY KEY (migration, table_number, piece))`}

// Names of the ledger's tables, in the order of ledgerTables.
const (
	ledgerMigration = ledgerPrefix + "migration"
	ledgerTable     = ledgerPrefix + "table"
	ledgerRange     = ledgerPrefix + "range"
	ledgerPlan      = ledgerPrefix + "plan"
)

// States of a range in the ledger, for people who look.
const (
	stateLoading = "LOADING"
	stateLoaded  = "LOADED"
	stateEmpty   = "EMPTY"
)

// States of a table in the ledger: DDL is in no transaction, so that there is a time
// in which a table may or may not have been made.
const (
	preparedNot = iota
	preparedBegun
	preparedDone
)

// ledger is a table of the ledger, as SQL.
func (d *database) ledger(table string) string { return qualified(d.schema, table) }

// Prepare makes the ledger, fences older terms out and makes databases.
func (d *database) Prepare(ctx context.Context, r engine.PrepareRequest) error {
	err := d.holdingLedger(ctx, func(ctx context.Context) error { return d.prepare(ctx, r) })
	return fault.At(classify("mysql.Prepare", err), fault.Target, "")
}

// ledgerPatience is how long, in seconds, to wait for others who make or remove the
// ledger.
const ledgerPatience = 60

// holdingLedger holds others off who make or remove the ledger: DDL is in no
// transaction. The lock is on a connection of its own, since f may need all of the
// pool's.
func (d *database) holdingLedger(ctx context.Context, f func(context.Context) error) error {
	pool, err := openPool(d.endpoint, d.dialect.sessionSettings())
	if err != nil {
		return err
	}
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(d.schema)) // never fails
	name := literal(fmt.Sprintf("%sledger_%x", ledgerPrefix, hash.Sum64()))
	var held sql.NullInt64
	err = pool.QueryRowContext(ctx, fmt.Sprintf("SELECT GET_LOCK(%s, %d)", name, ledgerPatience)).Scan(&held)
	if err == nil && held.Int64 != 1 {
		err = fault.New(fault.Conflict, "mysql.ledger", "another worker has held the ledger for %d seconds", ledgerPatience)
	}
	if err == nil {
		err = f(ctx)
	}
	// The lock goes with its connection.
	return errors.Join(err, pool.Close())
}

func (d *database) prepare(ctx context.Context, r engine.PrepareRequest) error {
	if r.TargetIdentity != d.identity {
		return fault.New(fault.Changed, "mysql.Prepare", "target is %s, the migration was planned for %s: plan it again", d.identity, r.TargetIdentity)
	}
	for i, name := range []string{ledgerMigration, ledgerTable, ledgerRange, ledgerPlan} {
		_, err := d.db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+d.ledger(name)+" "+ledgerTables[i]+
			" ENGINE="+innoDB+" DEFAULT CHARSET="+charset+" COLLATE="+collation)
		if err != nil {
			return err
		}
	}
	if err := d.completeLedger(ctx); err != nil {
		return err
	}
	if err := d.transact(ctx, func(tx *sql.Tx) error { return d.enterMigration(ctx, tx, r) }); err != nil {
		return err
	}
	for _, s := range r.Statements {
		if _, err := d.db.ExecContext(ctx, s.GetSql()); err != nil {
			return fault.At(classify("mysql.Prepare", err), fault.Target, s.GetObject())
		}
	}
	return nil
}

// laterColumns are those that ledgers of earlier versions lack.
var laterColumns = []struct{ table, column, declaration string }{
	{ledgerRange, "rejected", "longblob"},
	{ledgerTable, "finished", "tinyint(1) NOT NULL DEFAULT 0"},
}

// completeLedger adds to a ledger of before what it lacks.
func (d *database) completeLedger(ctx context.Context) error {
	for _, c := range laterColumns {
		var there bool
		err := d.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND COLUMN_NAME = ?)",
			d.schema, c.table, c.column).Scan(&there)
		if err == nil && !there {
			_, err = d.db.ExecContext(ctx, "ALTER TABLE "+d.ledger(c.table)+" ADD COLUMN "+c.column+" "+c.declaration)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *database) enterMigration(ctx context.Context, tx *sql.Tx, r engine.PrepareRequest) error {
	m := r.Migration
	_, err := tx.ExecContext(ctx, "INSERT INTO "+d.ledger(ledgerMigration)+" (uid, name, term, stage, source_identity, target_identity, started) VALUES (?, ?, ?, ?, ?, ?, UTC_TIMESTAMP()) "+
		"ON DUPLICATE KEY UPDATE uid = uid", m.UID, m.Name, m.Term, engine.StageCopy, r.SourceIdentity, r.TargetIdentity)
	if err != nil {
		return err
	}
	stages := r.Stages()
	result, err := tx.ExecContext(ctx, "UPDATE "+d.ledger(ledgerMigration)+" SET term = ?, name = ?, stage = ? WHERE uid = ? AND term <= ? AND stage IN (?, ?)",
		m.Term, m.Name, engine.StageCopy, m.UID, m.Term, stages[0], stages[len(stages)-1])
	return one(result, err, fault.New(fault.Fenced, "mysql.Prepare", "migration %s has ended in the target, or a later coordinator leads it", m.Name))
}

// one sees that a statement found one row; otherwise is the error where it has not.
func one(result sql.Result, err error, otherwise *fault.Error) error {
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return otherwise
}

// Finish waits for batches in flight, which hold the row in share, and lets no later
// one in.
func (d *database) Finish(ctx context.Context, m engine.Migration, stage string) error {
	const op = "mysql.Finish"
	result, err := d.db.ExecContext(ctx, "UPDATE "+d.ledger(ledgerMigration)+" SET stage = ? WHERE uid = ? AND term <= ? AND stage IN (?, ?)",
		stage, m.UID, m.Term, stage, engine.StageCopy)
	err = one(result, err, fault.New(fault.Fenced, op, "migration %s has ended otherwise in the target, or a later coordinator leads it", m.Name))
	if err == nil {
		err = d.forgetPlan(ctx, m.UID)
	}
	return fault.At(classify(op, err), fault.Target, "")
}

// errEnded refuses work for a migration that is over, or that a later coordinator
// leads.
func errEnded(op string) *fault.Error {
	return fault.New(fault.Fenced, op, "migration has ended in the target, or a later coordinator leads it")
}

// checkMigration sees that a migration still copies and that no later coordinator
// leads it, and holds it so until the end of the transaction.
func (d *database) checkMigration(ctx context.Context, q queryer, m engine.Migration, op string) error {
	term, err := d.checkCopying(ctx, q, m, op)
	if err == nil && term > m.Term {
		return errEnded(op)
	}
	return err
}

// checkCopying is checkMigration for batches: those under way when the coordinator
// changed may still be written.
func (d *database) checkCopying(ctx context.Context, q queryer, m engine.Migration, op string) (term uint64, err error) {
	var stage string
	err = q.QueryRowContext(ctx, "SELECT term, stage FROM "+d.ledger(ledgerMigration)+" WHERE uid = "+literal(m.UID)+" LOCK IN SHARE MODE").Scan(&term, &stage)
	if errors.Is(err, sql.ErrNoRows) || err == nil && stage != engine.StageCopy {
		return 0, errEnded(op)
	}
	return term, err
}

// enterTable makes a table's row in the ledger, outside of any transaction: workers
// that begin at once would wait for each other in a ring.
func (d *database) enterTable(ctx context.Context, q executor, m engine.Migration, t *planv1.TablePlan) error {
	var found bool
	err := q.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+d.ledger(ledgerTable)+" WHERE "+tableID(m, t)+")").Scan(&found)
	if err != nil || found {
		return err
	}
	_, err = q.ExecContext(ctx, fmt.Sprintf("INSERT IGNORE INTO %s (migration, table_number) VALUES (%s, %d)", d.ledger(ledgerTable), literal(m.UID), t.GetNumber()))
	return err
}

// executor is a pool, a connection or a transaction.
type executor interface {
	queryer
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// tableID is a table's key in the ledger, as SQL.
func tableID(m engine.Migration, t *planv1.TablePlan) string {
	return fmt.Sprintf("migration = %s AND table_number = %d", literal(m.UID), t.GetNumber())
}

// rangeID is a range's key in the ledger, as SQL.
func rangeID(r engine.RangeRequest) string {
	return fmt.Sprintf("%s AND range_number = %d", tableID(r.Migration, r.Plan), r.Range.GetNumber())
}

// ledgerRow is a range's row.
type ledgerRow struct {
	epoch, attempt uint64
	ledger         engine.Ledger
}

// readRange reads a range's row; lock is what the statement ends with. Found is false
// where there is none.
func (d *database) readRange(ctx context.Context, q queryer, r engine.RangeRequest, lock string) (row ledgerRow, found bool, err error) {
	var key, sum, touched, rejected []byte
	var rows int64
	var next uint64
	err = q.QueryRowContext(ctx, "SELECT epoch, attempt, next_sequence, last_key, row_count, row_sum, touched, rejected FROM "+d.ledger(ledgerRange)+" WHERE "+rangeID(r)+lock).
		Scan(&row.epoch, &row.attempt, &next, &key, &rows, &sum, &touched, &rejected)
	if errors.Is(err, sql.ErrNoRows) {
		return row, false, nil
	}
	if err != nil {
		return row, false, err
	}
	row.ledger, err = engine.ReadLedger(next, rows, sum, key, touched, rejected)
	return row, err == nil, err
}

// assignments write a range's row from what a writer knows.
func assignments(l engine.Ledger) (string, error) {
	key := "NULL"
	if l.After != nil {
		raw, err := proto.Marshal(l.After)
		if err != nil {
			return "", fault.Wrap(fault.Internal, "mysql.ledger", err)
		}
		key = bytesConstant(raw)
	}
	touched, err := l.Touched.Marshal()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("next_sequence = %d, last_key = %s, row_count = %d, row_sum = %s, touched = %s, rejected = %s",
		l.NextSequence, key, l.Digest.Rows, bytesConstant(l.Digest.Sum()), optionalBytes(touched), optionalBytes(l.Rejected.Marshal())), nil
}

// optionalBytes writes bytes as a constant; nil is NULL.
func optionalBytes(b []byte) string {
	if b == nil {
		return "NULL"
	}
	return bytesConstant(b)
}
