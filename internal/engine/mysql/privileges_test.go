package mysql

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// A user without a privilege is told at planning, which one and where; and where it is
// not asked, nothing is made.
func TestDesign_PrivilegeMissing(t *testing.T) {
	eachFlavour(t, func(t *testing.T, admin *database) {
		t.Cleanup(func() { dropUser(t, admin) })
		script(t, admin, "CREATE USER "+admin.schema+" IDENTIFIED BY 'secret'", "GRANT SELECT, INSERT, UPDATE, DELETE ON "+ident(admin.schema)+".* TO "+admin.schema)
		d := openAs(t, admin, admin.schema, "secret")
		source := foreignTable(&planv1.Column{Name: "v", NativeType: "TEXT", Kind: canon.Text, Nullable: true})
		findings := func(r engine.DesignRequest) (out []string, design *planv1.Design) {
			r.Source, r.Name = source, keepNames
			design, err := d.Design(t.Context(), r)
			require.NoError(t, err)
			for _, f := range design.GetFindings() {
				if f.GetSeverity() == blocker {
					require.Equal(t, codePrivilegeMissing, f.GetCode())
					out = append(out, f.GetMessage())
				}
			}
			return out, design
		}
		found, design := findings(engine.DesignRequest{})
		require.Len(t, found, 1)
		require.Contains(t, found[0], "the user may not CREATE, ALTER, INDEX in database "+d.schema)
		err := d.Prepare(t.Context(), engine.PrepareRequest{Migration: testMigration, TargetIdentity: design.GetIdentity(), Statements: design.GetStatements()})
		require.Equal(t, fault.Denied, fault.KindOf(err), "%v", err)
		require.Contains(t, err.Error(), "grant it")
		var n int
		scan(t, admin.db, "SELECT count(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = database()", &n)
		require.Zero(t, n)
		script(t, admin, "GRANT ALL ON "+ident(admin.schema)+".* TO "+admin.schema)
		found, _ = findings(engine.DesignRequest{})
		require.Empty(t, found)
		found, _ = findings(engine.DesignRequest{Stage: "01priv"})
		require.Len(t, found, 1)
		require.Contains(t, found[0], "_drover_01priv_"+d.schema)
		script(t, admin, "GRANT ALL ON `\\_drover\\_01priv%`.* TO "+admin.schema)
		found, _ = findings(engine.DesignRequest{Stage: "01priv"})
		require.Empty(t, found)
	})
}

func TestLike(t *testing.T) {
	for pattern, names := range map[string][2]string{"%": {"anything", ""}, "a_c": {"abc", "abbc"}, `a\_c`: {"a_c", "abc"}, "drover%x": {"drover_1x", "drover_1y"}, "": {"", "a"}} {
		require.True(t, like(pattern, names[0]), pattern)
		if pattern != "%" {
			require.False(t, like(pattern, names[1]), pattern)
		}
	}
}
