package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ledgerSchema is drover's own schema in a target.
const ledgerSchema = "drover"

// ledgerDDL makes the ledger, and adds to one of before what it lacks. Rows of drover.range change with every batch: room
// on their pages keeps those updates out of the index.
const ledgerDDL = `CREATE SCHEMA IF NOT EXISTS drover;
CREATE TABLE IF NOT EXISTS drover.migration (
	uid text PRIMARY KEY,
	name text NOT NULL,
	term int8 NOT NULL,
	stage text NOT NULL,
	source_identity text NOT NULL,
	target_identity text NOT NULL,
	started timestamptz NOT NULL DEFAULT now(),
	published bool NOT NULL DEFAULT false,
	made text[] NOT NULL DEFAULT '{}');
CREATE TABLE IF NOT EXISTS drover."table" (
	migration text NOT NULL,
	table_number int8 NOT NULL,
	prepared bool NOT NULL DEFAULT false,
	epoch int8 NOT NULL DEFAULT 0,
	finished bool NOT NULL DEFAULT false,
	PRIMARY KEY (migration, table_number));
CREATE TABLE IF NOT EXISTS drover.range (
	migration text NOT NULL,
	table_number int8 NOT NULL,
	range_number int8 NOT NULL,
	attempt int8 NOT NULL DEFAULT 0,
	epoch int8 NOT NULL DEFAULT 0,
	next_sequence int8 NOT NULL DEFAULT 0,
	last_key bytea,
	rows int8 NOT NULL DEFAULT 0,
	sum bytea NOT NULL DEFAULT '',
	state text NOT NULL DEFAULT 'NEW',
	backend int4 NOT NULL DEFAULT 0,
	touched bytea,
	rejected bytea,
	PRIMARY KEY (migration, table_number, range_number),
	FOREIGN KEY (migration, table_number) REFERENCES drover."table") WITH (fillfactor = 50);
CREATE TABLE IF NOT EXISTS drover.plan (
	migration text NOT NULL,
	table_number int8 NOT NULL,
	piece int8 NOT NULL,
	version int8 NOT NULL,
	body bytea NOT NULL,
	PRIMARY KEY (migration, table_number, piece));
DO $$BEGIN
	-- ALTER TABLE alone would wait for every batch in flight before it sees that there is nothing to do.
	IF 5 > (SELECT count(*) FROM pg_attribute WHERE attrelid = 'drover.range'::regclass AND attname IN ('touched', 'rejected')
		OR attrelid = 'drover.migration'::regclass AND attname IN ('published', 'made') OR attrelid = 'drover."table"'::regclass AND attname = 'finished') THEN
		ALTER TABLE drover."table" ADD COLUMN IF NOT EXISTS finished bool NOT NULL DEFAULT false;
		ALTER TABLE drover.range ADD COLUMN IF NOT EXISTS touched bytea, ADD COLUMN IF NOT EXISTS rejected bytea;
		ALTER TABLE drover.migration ADD COLUMN IF NOT EXISTS published bool NOT NULL DEFAULT false, ADD COLUMN IF NOT EXISTS made text[] NOT NULL DEFAULT '{}';
	END IF;
END$$`

// lockLedger holds others off who make or remove the ledger.
const lockLedger = "SELECT pg_advisory_xact_lock(hashtextextended('drover.ledger', 0))"

// States of a range in the ledger, for people who look.
const (
	stateLoading = "LOADING"
	stateLoaded  = "LOADED"
	stateEmpty   = "EMPTY"
)

// Prepare makes the ledger, fences older terms out and makes schemas and types.
func (db *database) Prepare(ctx context.Context, r engine.PrepareRequest) error {
	const op = "postgres.Prepare"
	if r.TargetIdentity != db.identity {
		return &fault.Error{Kind: fault.Changed, Op: op, Side: fault.Target,
			Err: fmt.Errorf("target is %s, the migration was planned for %s: plan it again", db.identity, r.TargetIdentity)}
	}
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		// IF NOT EXISTS alone is no protection against two workers at once.
		if _, err := tx.Exec(ctx, lockLedger); err != nil {
			return err
		}
		if _, err := tx.Conn().PgConn().Exec(ctx, ledgerDDL).ReadAll(); err != nil {
			return err
		}
		if err := enterMigration(ctx, tx, r); err != nil {
			return err
		}
		return makeObjects(ctx, tx, r)
	})
	return fault.At(classify(op, err), fault.Target, "")
}

func enterMigration(ctx context.Context, tx pgx.Tx, r engine.PrepareRequest) error {
	m := r.Migration
	_, err := tx.Exec(ctx, `INSERT INTO drover.migration (uid, name, term, stage, source_identity, target_identity)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (uid) DO NOTHING`,
		m.UID, m.Name, int64(m.Term), engine.StageCopy, r.SourceIdentity, r.TargetIdentity)
	if err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, `UPDATE drover.migration SET term = $2, name = $3, stage = $4 WHERE uid = $1 AND term <= $2 AND stage = ANY ($5)`,
		m.UID, int64(m.Term), m.Name, engine.StageCopy, r.Stages())
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 {
		return fault.New(fault.Fenced, "postgres.Prepare", "migration %s has ended in the target, or a later coordinator leads it", m.Name)
	}
	return nil
}

// makeObjects runs plan-wide statements that have not been run, and notes in the
// ledger what they made: only that may be dropped again.
func makeObjects(ctx context.Context, tx pgx.Tx, r engine.PrepareRequest) error {
	made := []string{}
	for _, s := range r.Statements {
		there, err := isThere(ctx, tx, r.Migration, s.GetObject())
		if err != nil {
			return err
		}
		if there {
			continue
		}
		if err := runScript(ctx, tx, s.GetSql()); err != nil {
			return fault.At(classify("postgres.Prepare", err), fault.Target, s.GetObject())
		}
		made = append(made, s.GetObject())
	}
	_, err := tx.Exec(ctx, "UPDATE drover.migration SET made = made || $2 WHERE uid = $1", r.Migration.UID, made)
	return err
}

// isThere tells whether the target has an object of a plan already: a schema or a type
// by whoever made it, anything else by this migration.
func isThere(ctx context.Context, tx pgx.Tx, m engine.Migration, object string) (there bool, err error) {
	switch name, _ := strings.CutPrefix(object, objectType); {
	case strings.HasPrefix(object, objectSchema):
		err = tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", strings.TrimPrefix(object, objectSchema)).Scan(&there)
	case strings.HasPrefix(object, objectType):
		err = tx.QueryRow(ctx, "SELECT to_regtype($1) IS NOT NULL", name).Scan(&there)
	default:
		return isNoted(ctx, tx, m, object)
	}
	return there, err
}

// Finish waits for batches in flight, which hold the row in share, and lets no
// later one in.
func (db *database) Finish(ctx context.Context, m engine.Migration, stage string) error {
	const op = "postgres.Finish"
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE drover.migration SET stage = $3 WHERE uid = $1 AND term <= $2 AND stage IN ($3, $4)`,
			m.UID, int64(m.Term), stage, engine.StageCopy)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return fault.New(fault.Fenced, op, "migration %s has ended otherwise in the target, or a later coordinator leads it", m.Name)
		}
		return forgetPlan(ctx, tx, m.UID)
	})
	return fault.At(classify(op, err), fault.Target, "")
}

// rangeID is a range's key in the ledger, as SQL.
func rangeID(r engine.RangeRequest) string {
	return fmt.Sprintf("migration = %s AND table_number = %d AND range_number = %d", literal(r.Migration.UID), r.Plan.GetNumber(), r.Range.GetNumber())
}

// rangeColumns is what ledgerOf reads.
const rangeColumns = "epoch, attempt, next_sequence, rows, encode(sum, 'hex'), encode(last_key, 'hex'), encode(touched, 'hex'), encode(rejected, 'hex')"

// ledgerRow is a range's row.
type ledgerRow struct {
	epoch, attempt uint64
	ledger         engine.Ledger
}

// ledgerOf reads a row of rangeColumns in text form.
func ledgerOf(r *pgconn.Result) (ledgerRow, error) {
	var out ledgerRow
	var numbers [4]int64
	v := r.Rows[0]
	for i := range numbers {
		n, err := strconv.ParseInt(string(v[i]), 10, 64)
		if err != nil {
			return out, fault.New(fault.Corrupt, "postgres.ledger", "read ledger: %w", err)
		}
		numbers[i] = n
	}
	out.epoch, out.attempt = uint64(numbers[0]), uint64(numbers[1])
	var raw [4][]byte
	for i := range raw {
		if v[4+i] == nil {
			continue
		}
		var err error
		if raw[i], err = unhex(v[4+i]); err != nil {
			return out, err
		}
	}
	var err error
	out.ledger, err = engine.ReadLedger(uint64(numbers[2]), numbers[3], raw[0], raw[1], raw[2], raw[3])
	return out, err
}

// bytea writes bytes as a constant; nil is NULL.
func bytea(b []byte) string {
	if b == nil {
		return "NULL"
	}
	return fmt.Sprintf("decode('%x', 'hex')", b)
}
