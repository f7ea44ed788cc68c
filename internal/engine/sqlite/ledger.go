package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// ledgerDDL makes the ledger: the only truth about what is in the file.
var ledgerDDL = []string{`CREATE TABLE IF NOT EXISTS main._drover_migration (
	uid TEXT NOT NULL PRIMARY KEY,
	name TEXT NOT NULL,
	term INTEGER NOT NULL,
	stage TEXT NOT NULL,
	source_identity TEXT NOT NULL,
	target_identity TEXT NOT NULL,
	journal_mode TEXT NOT NULL,
	made_file INTEGER NOT NULL DEFAULT 0,
	published INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID`, `CREATE TABLE IF NOT EXISTS main._drover_table (
	migration TEXT NOT NULL,
	table_number INTEGER NOT NULL,
	prepared INTEGER NOT NULL DEFAULT 0,
	epoch INTEGER NOT NULL DEFAULT 0,
	finished INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (migration, table_number)
) WITHOUT ROWID`, `CREATE TABLE IF NOT EXISTS main._drover_range (
	migration TEXT NOT NULL,
	table_number INTEGER NOT NULL,
	range_number INTEGER NOT NULL,
	attempt INTEGER NOT NULL DEFAULT 0,
	epoch INTEGER NOT NULL DEFAULT 0,
	next_sequence INTEGER NOT NULL DEFAULT 0,
	last_key BLOB,
	rows INTEGER NOT NULL DEFAULT 0,
	sum BLOB NOT NULL DEFAULT x'',
	state TEXT NOT NULL DEFAULT 'NEW',
	touched BLOB,
	rejected BLOB,
	PRIMARY KEY (migration, table_number, range_number)
) WITHOUT ROWID`, `CREATE TABLE IF NOT EXISTS main._drover_plan (
	migration TEXT NOT NULL,
	table_number INTEGER NOT NULL,
	piece INTEGER NOT NULL,
	version INTEGER NOT NULL,
	body BLOB NOT NULL,
	PRIMARY KEY (migration, table_number, piece)
)`}

// laterColumns are those that ledgers of earlier versions lack.
var laterColumns = []struct{ table, column, declaration string }{
	{"_drover_migration", "made_file", "made_file INTEGER NOT NULL DEFAULT 0"},
	{"_drover_migration", "published", "published INTEGER NOT NULL DEFAULT 0"},
	{"_drover_table", "finished", "finished INTEGER NOT NULL DEFAULT 0"},
	{"_drover_range", "touched", "touched BLOB"},
	{"_drover_range", "rejected", "rejected BLOB"},
}

// States of a range in the ledger, for people who look.
const (
	stateLoading = "LOADING"
	stateLoaded  = "LOADED"
	stateEmpty   = "EMPTY"
)

// Prepare makes the file and the ledger, and fences older terms out.
func (d *database) Prepare(ctx context.Context, r engine.PrepareRequest) error {
	const op = "sqlite.Prepare"
	if r.TargetIdentity != d.identity() {
		return &fault.Error{Kind: fault.Changed, Op: op, Side: fault.Target, Err: errors.New("the target is " + d.identity() +
			", the migration was planned for " + r.TargetIdentity + ": plan it again")}
	}
	madeFile := !d.exists()
	err := d.onWriter(ctx, func(c *sql.Conn) error {
		var mode string
		if err := c.QueryRowContext(ctx, "PRAGMA main.journal_mode").Scan(&mode); err != nil {
			return err
		}
		err := transact(ctx, c, func(tx *sql.Tx) error { return enterMigration(ctx, tx, r, mode, madeFile) })
		if err != nil {
			return err
		}
		// Readers and the writer do not wait for each other. A file system that
		// cannot do it leaves the mode as it is, which is slower and as safe.
		return c.QueryRowContext(ctx, "PRAGMA main.journal_mode = WAL").Scan(&mode)
	})
	return fault.At(classify(op, err), fault.Target, d.path)
}

// makeLedger makes the ledger, or completes one of an earlier version.
func makeLedger(ctx context.Context, tx *sql.Tx) error {
	for _, statement := range ledgerDDL {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	for _, c := range laterColumns {
		var there bool
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM pragma_table_info(?, 'main') WHERE name = ?", c.table, c.column).Scan(&there); err != nil {
			return err
		}
		if there {
			continue
		}
		if _, err := tx.ExecContext(ctx, "ALTER TABLE "+mainTable(c.table)+" ADD COLUMN "+c.declaration); err != nil {
			return err
		}
	}
	return nil
}

func enterMigration(ctx context.Context, tx *sql.Tx, r engine.PrepareRequest, journalMode string, madeFile bool) error {
	if err := makeLedger(ctx, tx); err != nil {
		return err
	}
	m := r.Migration
	_, err := tx.ExecContext(ctx, `INSERT INTO main._drover_migration (uid, name, term, stage, source_identity, target_identity, journal_mode, made_file)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		m.UID, m.Name, int64(m.Term), engine.StageCopy, r.SourceIdentity, r.TargetIdentity, journalMode, madeFile)
	if err != nil {
		return err
	}
	if r.Reopen {
		if _, err := tx.ExecContext(ctx, "UPDATE main._drover_migration SET stage = ? WHERE uid = ? AND term <= ? AND stage = ?",
			engine.StageCopy, m.UID, int64(m.Term), engine.StageComplete); err != nil {
			return err
		}
	}
	if err := checkMigration(ctx, tx, m); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE main._drover_migration SET term = ?, name = ? WHERE uid = ?", int64(m.Term), m.Name, m.UID); err != nil {
		return err
	}
	for _, s := range r.Statements {
		if _, err := tx.ExecContext(ctx, s.GetSql()); err != nil {
			return fault.At(classify("sqlite.Prepare", err), fault.Target, s.GetObject())
		}
	}
	return nil
}

// checkMigration tells whether a migration still copies into this file under
// this term.
func checkMigration(ctx context.Context, tx *sql.Tx, m engine.Migration) error {
	const op = "sqlite.ledger"
	var there, term int64
	var stage string
	err := tx.QueryRowContext(ctx, "SELECT count(*) FROM main.sqlite_schema WHERE name = '_drover_migration'").Scan(&there)
	if err == nil && there > 0 {
		err = tx.QueryRowContext(ctx, "SELECT term, stage FROM main._drover_migration WHERE uid = ?", m.UID).Scan(&term, &stage)
	}
	switch {
	case errors.Is(err, sql.ErrNoRows) || (err == nil && there == 0):
		return fault.New(fault.NotFound, op, "migration %s is not prepared in this file", m.Name)
	case err != nil:
		return err
	case stage != engine.StageCopy:
		return fault.New(fault.Fenced, op, "migration %s has ended in the target: %s", m.Name, stage)
	case term > int64(m.Term):
		return fault.New(fault.Fenced, op, "a later coordinator leads migration %s", m.Name)
	}
	return nil
}

// Finish ends the migration in the file, which goes back to the journal mode it
// had before.
func (d *database) Finish(ctx context.Context, m engine.Migration, stage string) error {
	const op = "sqlite.Finish"
	var mode string
	err := d.writeDurably(ctx, func(tx *sql.Tx) (err error) {
		mode, err = endMigration(ctx, tx, m, stage)
		return err
	})
	if err != nil {
		return fault.At(classify(op, err), fault.Target, d.path)
	}
	if mode != "wal" {
		d.leaveWAL(ctx, mode)
	}
	return nil
}

// endMigration sets the migration's stage, and gives the journal mode that the file
// should go back to.
func endMigration(ctx context.Context, tx *sql.Tx, m engine.Migration, stage string) (mode string, err error) {
	result, err := tx.ExecContext(ctx, "UPDATE main._drover_migration SET stage = ? WHERE uid = ? AND term <= ? AND stage IN (?, ?)",
		stage, m.UID, int64(m.Term), stage, engine.StageCopy)
	if err != nil {
		return "", err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		err = fault.New(fault.Fenced, "sqlite.Finish", "migration %s has ended otherwise in the target, or a later coordinator leads it", m.Name)
	}
	if err != nil {
		return "", err
	}
	if err := forgetPlan(ctx, tx, m.UID); err != nil {
		return "", err
	}
	err = tx.QueryRowContext(ctx, `SELECT journal_mode FROM main._drover_migration WHERE uid = ?
		AND NOT EXISTS (SELECT 1 FROM main._drover_migration WHERE stage = ?) UNION ALL SELECT 'wal' LIMIT 1`, m.UID, engine.StageCopy).Scan(&mode)
	return mode, err
}

// leaveWAL changes the journal mode back and tells whether it could. That needs
// every other connection to be gone; where one stays, so does the mode, and the file
// is as good.
func (d *database) leaveWAL(ctx context.Context, mode string) bool {
	for range 20 {
		var now string
		err := d.onWriter(ctx, func(c *sql.Conn) error {
			return c.QueryRowContext(ctx, "PRAGMA main.journal_mode = "+mode).Scan(&now)
		})
		if err == nil && now == mode {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		time.Sleep(50 * time.Millisecond)
	}
	return false
}

// rangeID is a range's key in the ledger.
type rangeID struct {
	migration     string
	table, number uint32
}

const whereRange = " WHERE migration = ? AND table_number = ? AND range_number = ?"

func (id rangeID) args(before ...any) []any {
	return append(before, id.migration, int64(id.table), int64(id.number))
}

// ledgerRow is a range's row.
type ledgerRow struct {
	attempt, epoch uint64
	engine.Ledger
}

func readRange(ctx context.Context, tx *sql.Tx, id rangeID) (ledgerRow, error) {
	var attempt, epoch, next, rows int64
	var key, sum, touched, rejected []byte
	err := tx.QueryRowContext(ctx, "SELECT attempt, epoch, next_sequence, last_key, rows, sum, touched, rejected FROM main._drover_range"+whereRange, id.args()...).
		Scan(&attempt, &epoch, &next, &key, &rows, &sum, &touched, &rejected)
	if err != nil {
		return ledgerRow{}, err
	}
	out := ledgerRow{attempt: uint64(attempt), epoch: uint64(epoch)}
	out.Ledger, err = engine.ReadLedger(uint64(next), rows, sum, key, touched, rejected)
	return out, err
}

// save writes a range's row.
func (r ledgerRow) save(ctx context.Context, tx *sql.Tx, id rangeID, state string) error {
	var key []byte
	if r.After != nil {
		var err error
		if key, err = proto.Marshal(r.After); err != nil {
			return fault.Wrap(fault.Internal, "sqlite.ledger", err)
		}
	}
	touched, err := r.Touched.Marshal()
	if err != nil {
		return err
	}
	result, err := tx.ExecContext(ctx, `UPDATE main._drover_range SET attempt = ?, epoch = ?, next_sequence = ?, last_key = ?, rows = ?, sum = ?, state = ?,
		touched = ?, rejected = ?`+whereRange, id.args(int64(r.attempt), int64(r.epoch), int64(r.NextSequence), key, r.Digest.Rows, r.Digest.Sum(), state, touched, r.Rejected.Marshal())...)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n != 1 {
		err = fault.New(fault.Internal, "sqlite.ledger", "range %d of table %d has lost its row", id.number, id.table)
	}
	return err
}
