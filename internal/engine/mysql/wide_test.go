package mysql

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// The plan warns of a table just where the server will not make it, and refuses more
// columns than InnoDB takes.
func TestDesign_WideTables(t *testing.T) {
	key := &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_PRIMARY, Columns: []string{"id"}, Kinds: []planv1.Kind{canon.Int}}
	wide := func(name string, columns int, native string, kind planv1.Kind, length int64) *planv1.Table {
		table := &planv1.Table{Schema: "public", Name: name, Key: key, Indexes: []*planv1.Index{{Name: "k", Primary: true, Unique: true, Columns: []*planv1.IndexColumn{{Name: "id"}}}},
			Columns: []*planv1.Column{{Name: "id", NativeType: "bigint", Kind: canon.Int}}}
		for i := range columns {
			table.Columns = append(table.Columns, &planv1.Column{Name: fmt.Sprintf("c%d", i), NativeType: native, Kind: kind, Length: length, Nullable: true})
		}
		return table
	}
	source := &planv1.Database{Engine: "postgres", Tables: []*planv1.Table{
		wide("some_texts", 195, "text", canon.Text, 0), wide("many_texts", 500, "text", canon.Text, 0),
		wide("some_numbers", 980, "bigint", canon.Int, 0), wide("many_numbers", 1016, "bigint", canon.Int, 0),
		wide("short", 1016, "smallint", canon.Int, 0), wide("uuids", 1000, "uuid", canon.UUID, 0),
		wide("every", 1599, "integer", canon.Int, 0),
	}}
	eachFlavour(t, func(t *testing.T, d *database) {
		design, err := d.Design(t.Context(), engine.DesignRequest{Source: source})
		require.NoError(t, err)
		require.NoError(t, d.Prepare(t.Context(), engine.PrepareRequest{Migration: testMigration, TargetIdentity: design.GetIdentity(), Statements: design.GetStatements()}))
		for _, p := range design.GetTables() {
			if p.GetTargetName() == "every" {
				require.Contains(t, codes(p, blocker), codeTooManyColumns)
				continue
			}
			require.Empty(t, codes(p, blocker), p.GetTargetName())
			err := d.Apply(t.Context(), testMigration, p, planv1.Step_STEP_CREATE)
			if said := codes(p, warning); len(said) > 0 {
				require.Equal(t, []string{codeRowTooWide}, said, p.GetTargetName())
				require.ErrorContains(t, err, "Row size too large", p.GetTargetName())
			} else {
				require.NoError(t, err, p.GetTargetName())
			}
		}
	})
}
