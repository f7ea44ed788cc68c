package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/testdb"
)

// A ledger of before counts what policies change from its next migration on.
func TestPrepare_CompletesLedger(t *testing.T) {
	url := testdb.Postgres(t)
	db := openDB(t, url)
	require.NoError(t, db.Prepare(t.Context(), engine.PrepareRequest{Migration: engine.Migration{UID: "01OLD", Term: 1}, TargetIdentity: db.identity}))
	script(t, url, "ALTER TABLE drover.range DROP COLUMN touched", "ALTER TABLE drover.migration DROP COLUMN published, DROP COLUMN made",
		`ALTER TABLE drover."table" DROP COLUMN finished`)
	w := writerFor(t, db, foreignSource(&planv1.Column{Name: "v", Kind: canon.Text}), planv1.Existing_EXISTING_FAIL)
	b := rowsOf([]byte("a"), []byte("b"))
	b.Touched = engine.Touched{1: 2}
	_, err := w.Write(t.Context(), b)
	require.NoError(t, err)
	ledger, err := w.Complete(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, engine.Touched{1: 2}, ledger.Touched)
	_, err = db.LedgerTables(t.Context(), "01OLD")
	require.NoError(t, err)
}
