package mysql

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/fault"
)

// A foreign key is made without the server's checks; a row that it does not allow is
// found all the same, after a call that did not come back too, and the key goes again.
func TestForeignKey_FindsOrphans(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		script(t, d, "CREATE TABLE parent (a int, b varchar(10), PRIMARY KEY (a, b)) ENGINE=InnoDB",
			"CREATE TABLE child (id int PRIMARY KEY, x int, y varchar(10)) ENGINE=InnoDB",
			"INSERT INTO parent VALUES (1, 'one')", "INSERT INTO child VALUES (1, 1, 'one'), (2, NULL, 'none'), (3, 7, NULL)")
		p := &planv1.TablePlan{TargetSchema: d.schema, TargetName: "child"}
		s := &planv1.Statement{Step: planv1.Step_STEP_FOREIGN_KEYS, Object: objectForeignKey + "up",
			Sql: "ALTER TABLE child ADD CONSTRAINT up FOREIGN KEY (x, y) REFERENCES parent (a, b)"}
		require.NoError(t, d.addForeignKey(t.Context(), p, s))
		require.NoError(t, d.addForeignKey(t.Context(), p, s), "again")
		_, err := d.db.ExecContext(t.Context(), "INSERT INTO child VALUES (4, 2, 'it''s')")
		require.EqualValues(t, 1452, errorCode(err), "the key holds, and so do the connections' checks: %v", err)

		require.NoError(t, d.unchecked(t.Context(), "INSERT INTO child VALUES (4, 2, 'it''s')"))
		err = d.addForeignKey(t.Context(), p, s)
		require.Equal(t, fault.Value, fault.KindOf(err), "%v", err)
		require.ErrorContains(t, err, `a='2', b='it\'s'`)
		made, err := d.isMade(t.Context(), p, s)
		require.NoError(t, err)
		require.False(t, made)
	})
}

// Where names are compared without case, foreign keys have them in lower case; elsewhere
// that is another table.
func TestAddForeignKeys_OfNamesThatAreComparedFolded(t *testing.T) {
	for folded, want := range map[bool]string{true: "Parent", false: "parent"} {
		child, parent := &planv1.Table{Schema: "s", Name: "Child"}, &planv1.Table{Schema: "s", Name: "Parent"}
		cat := &catalog{folded: folded, tables: []*planv1.Table{child, parent}, byName: map[string]*planv1.Table{"Child": child, "Parent": parent}}
		cat.addForeignKeys([]foreignKeyRow{{table: "Child", name: "f", schema: "s", referenced: "parent", column: "p", to: "id"}})
		require.Equal(t, want, child.GetForeignKeys()[0].GetReferencedTable())
	}
}
