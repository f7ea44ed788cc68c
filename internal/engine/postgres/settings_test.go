package postgres

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/testdb"
)

// A standby is no target.
func TestDesign_Standby(t *testing.T) {
	d := &designer{design: &planv1.Design{}}
	d.noteStandby(false)
	require.Empty(t, d.design.GetFindings())
	d.noteStandby(true)
	require.Len(t, d.design.GetFindings(), 1)
	f := d.design.GetFindings()[0]
	require.Equal(t, codeTargetReadOnly, f.GetCode())
	require.Equal(t, blocker, f.GetSeverity())
	require.Contains(t, f.GetMessage(), "name its primary")
}

// A database whose transactions begin read-only, unless told otherwise, takes drover's
// writes: they are told so.
func TestDesign_ReadOnlyByDefault(t *testing.T) {
	url := testdb.Postgres(t)
	name := url[strings.LastIndex(url, "/")+1:]
	script(t, url, "ALTER DATABASE "+name+" SET default_transaction_read_only = on")
	db := openDB(t, url)
	design, err := db.Design(t.Context(), engine.DesignRequest{Source: foreignSource(), Name: byName})
	require.NoError(t, err)
	for _, f := range design.GetFindings() {
		require.NotEqual(t, codeTargetReadOnly, f.GetCode())
	}
	migration := engine.Migration{UID: "01READONLY", Term: 1}
	require.NoError(t, db.Prepare(t.Context(), engine.PrepareRequest{Migration: migration, TargetIdentity: design.GetIdentity(), Statements: design.GetStatements()}))
	require.NoError(t, db.Apply(t.Context(), migration, design.GetTables()[0], planv1.Step_STEP_CREATE))
}
