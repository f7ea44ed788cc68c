package postgres

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// snapshot is an exported snapshot: it stands while its transaction is open.
type snapshot struct {
	name string
	// mu guards conn: Check and Close may be called from anywhere.
	mu   sync.Mutex
	conn *pgxpool.Conn
	tx   pgx.Tx
}

// HoldSnapshot exports a snapshot. It holds back VACUUM on the source until it
// is closed.
func (db *database) HoldSnapshot(ctx context.Context) (engine.Snapshot, error) {
	const op = "postgres.HoldSnapshot"
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return nil, classify(op, err)
	}
	s := &snapshot{conn: conn}
	if err := s.begin(ctx); err != nil {
		_ = conn.Conn().Close(context.WithoutCancel(ctx))
		conn.Release()
		return nil, classify(op, err)
	}
	return s, nil
}

func (s *snapshot) begin(ctx context.Context) error {
	tx, err := s.conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return err
	}
	s.tx = tx
	if _, err := tx.Exec(ctx, "SET LOCAL idle_in_transaction_session_timeout = 0"); err != nil {
		return err
	}
	return tx.QueryRow(ctx, "SELECT pg_export_snapshot()").Scan(&s.name)
}

// Name is what SET TRANSACTION SNAPSHOT takes.
func (s *snapshot) Name() string { return s.name }

// Check asks the server over the connection that holds the snapshot.
func (s *snapshot) Check(ctx context.Context) error {
	const op = "postgres.Snapshot"
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return fault.New(fault.Changed, op, "snapshot is closed")
	}
	if _, err := s.tx.Exec(ctx, "SELECT 1"); err != nil {
		return classify(op, err)
	}
	return nil
}

// Close lets the snapshot go.
func (s *snapshot) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return nil
	}
	conn := s.conn
	s.conn = nil
	defer conn.Release()
	if conn.Conn().IsClosed() {
		// The server ended the transaction, and the snapshot with it.
		return nil
	}
	return classify("postgres.Snapshot", s.tx.Rollback(context.Background()))
}
