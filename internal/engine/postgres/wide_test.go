package postgres

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/testdb"
)

// A table of 1,600 columns, the most that PostgreSQL takes, moves with its rows, as its own
// tuples and by value.
func TestWide_1600Columns(t *testing.T) {
	from := testdb.Postgres(t)
	var columns, values []string
	for i := range 1599 {
		columns = append(columns, fmt.Sprintf("%s %s", ident(fmt.Sprintf("Column %04d", i)), []string{"integer", "boolean", "smallint DEFAULT 7", "real"}[i%4]))
		values = append(values, []string{"i", "i % 2 = 0", "NULL", "i / 4.0"}[i%4])
	}
	script(t, from, "CREATE TABLE wide (id integer PRIMARY KEY, "+strings.Join(columns, ", ")+")",
		"INSERT INTO wide SELECT i, "+strings.Join(values, ", ")+" FROM generate_series(1, 20) i")
	for name, encoding := range map[string]planv1.Encoding{"Pass": planv1.Encoding_ENCODING_PGCOPY, "Canonical": planv1.Encoding_ENCODING_CANONICAL} {
		t.Run(name, func(t *testing.T) {
			to := testdb.Postgres18(t)
			design := wholeDesign(t, openDB(t, from), openDB(t, to), engine.DesignRequest{})
			require.Len(t, design.GetTables()[0].GetColumns(), 1600)
			design.GetTables()[0].Encoding = encoding
			copyAll(t, openDB(t, from), openDB(t, to), design)
			again, err := openDB(t, to).Describe(t.Context(), engine.Selection{})
			require.NoError(t, err)
			require.Len(t, again.GetTables()[0].GetColumns(), 1600)
		})
	}
}
