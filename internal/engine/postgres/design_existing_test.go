package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/testdb"
)

// Tables that are there already and refer to each other are refused before
// anything moves: their rows would be checked while tables load in any order.
func TestDesign_ForeignKeyOnTarget(t *testing.T) {
	ddl := []string{"CREATE TABLE parent (id int PRIMARY KEY)", "CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent)"}
	source, target := testdb.Postgres(t), testdb.Postgres(t)
	script(t, source, ddl...)
	script(t, target, ddl...)
	found, err := openDB(t, source).Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	design, err := openDB(t, target).Design(t.Context(), engine.DesignRequest{Source: found, Existing: planv1.Existing_EXISTING_FAIL})
	require.NoError(t, err)
	codes := map[string][]string{}
	for _, p := range design.GetTables() {
		for _, f := range p.GetFindings() {
			if f.GetSeverity() == planv1.Severity_SEVERITY_ERROR {
				codes[p.GetTargetName()] = append(codes[p.GetTargetName()], f.GetCode())
			}
		}
	}
	require.Equal(t, map[string][]string{"child": {codeTargetForeignKey}}, codes)
}
