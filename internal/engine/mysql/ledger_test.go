package mysql

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/engine"
)

// A ledger of an earlier version gets the columns that it lacks.
func TestPrepare_CompletesLedger(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		r := engine.PrepareRequest{Migration: testMigration, TargetIdentity: d.identity}
		require.NoError(t, d.Prepare(t.Context(), r))
		for _, c := range laterColumns {
			_, err := d.db.ExecContext(t.Context(), "ALTER TABLE "+d.ledger(c.table)+" DROP COLUMN "+c.column)
			require.NoError(t, err)
		}
		for range 2 {
			require.NoError(t, d.Prepare(t.Context(), r))
		}
		for _, c := range laterColumns {
			_, err := d.db.ExecContext(t.Context(), "SELECT "+c.column+" FROM "+d.ledger(c.table))
			require.NoError(t, err)
		}
	})
}
