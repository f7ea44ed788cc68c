package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/fixture"
)

// A server with lower_case_table_names=1 keeps names of tables in lower case: those of
// a source that does not arrive so, with references and views, and go on from there.
func TestCopy_LowerCaseTableNames(t *testing.T) {
	folding := testdb.OwnMariaDB(t, "--lower-case-table-names=1")
	source := testdb.MariaDB(t)
	fixture.Exec(t, source, `CREATE TABLE Parent (Id int PRIMARY KEY, Name varchar(20));
		CREATE TABLE ChildOf (Id int PRIMARY KEY, ParentId int, CONSTRAINT ToParent FOREIGN KEY (ParentId) REFERENCES Parent (Id));
		CREATE VIEW Names AS SELECT c.Id, p.Name FROM ChildOf c JOIN Parent p ON p.Id = c.ParentId;
		CREATE TRIGGER Trimmed BEFORE INSERT ON Parent FOR EACH ROW SET NEW.Name = trim(NEW.Name);
		INSERT INTO Parent VALUES (1, 'x'), (2, 'y'); INSERT INTO ChildOf VALUES (1, 2), (2, NULL)`)
	d := drover(t)

	// Two tables that it takes for one are a finding before anything is made.
	fixture.Exec(t, source, "CREATE TABLE parent (Id int PRIMARY KEY)")
	r := d.Copy(t, source, folding)
	require.Equal(t, 8, r.Code, r.Stderr)
	require.Contains(t, r.Stderr+r.Stdout, "would both become")
	require.Equal(t, "0", fixture.Exec(t, folding, "SELECT count(*) FROM information_schema.tables WHERE table_schema = database()"))
	fixture.Exec(t, source, "DROP TABLE parent")

	proven(t, d.Copy(t, source, folding))
	require.Equal(t, "1\ty", fixture.Exec(t, folding, "SELECT * FROM Names"))
	require.Equal(t, "childof\nnames\nparent", fixture.Exec(t, folding, "SELECT table_name FROM information_schema.tables WHERE table_schema = database() AND table_name NOT LIKE '\\_drover%' ORDER BY 1"))
	out, err := fixture.Try(t.Context(), folding, "INSERT INTO ChildOf VALUES (3, 9)")
	require.Error(t, err)
	require.Contains(t, out, "foreign key")

	// A trigger names its tables as somebody typed them, which another server may not take.
	fixture.Exec(t, folding, "DROP TRIGGER Trimmed")
	for _, back := range []side{postgres15, mariadb} {
		target := back.make(t)
		proven(t, d.Copy(t, folding, target, "--exclude", "_drover*"))
		require.Equal(t, "2", fixture.Exec(t, target, "SELECT count(*) FROM childof"), back.name)
	}
}
