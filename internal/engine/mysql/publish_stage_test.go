package mysql

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
)

// A migration of which every table was skipped leaves no staging database, and takes no
// other's.
func TestPublish_DropsTheStageOfSkippedTables(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		end := d.schema[len(d.schema)-shortestStage:]
		m := engine.Migration{UID: "01SKIPPED" + strings.ToUpper(end), Name: "skipped", Term: 1}
		stage, other := ledgerPrefix+end+"_"+d.schema, ledgerPrefix+"x"+end[1:]+"_"+d.schema
		statement := func(name string) *planv1.Statement {
			return &planv1.Statement{Step: planv1.Step_STEP_CREATE, Object: objectDatabase + name, Sql: "CREATE DATABASE IF NOT EXISTS " + ident(name)}
		}
		defer script(t, d, "DROP DATABASE IF EXISTS "+ident(stage), "DROP DATABASE IF EXISTS "+ident(other))
		require.NoError(t, d.Prepare(t.Context(), engine.PrepareRequest{Migration: m, TargetIdentity: d.identity, Statements: []*planv1.Statement{statement(stage), statement(other)}}))
		require.NoError(t, d.Publish(t.Context(), m, nil))
		var left string
		require.NoError(t, d.db.QueryRow("SELECT GROUP_CONCAT(SCHEMA_NAME) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN (?, ?)", stage, other).Scan(&left))
		require.Equal(t, other, left)
	})
}
