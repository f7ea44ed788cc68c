package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/fixture"
)

func TestCopy_ManyRowsOfMixedTypes(t *testing.T) {
	source, target := testdb.Postgres(t), testdb.Postgres(t)
	fixture.Mixed(t, source, rows(t))
	r := drover(t).Copy(t, source, target, "--jobs", "2")
	proven(t, r)
	equal(t, source, target)
	fixture.Probe{Name: "FreshIdentity", SQL: "INSERT INTO customer (email) VALUES ('new') RETURNING id > (SELECT max(id) FROM customer)", Want: "t"}.Check(t, target)
	fixture.Probe{Name: "Check", SQL: "UPDATE orders SET amount = -1", Fails: true, Want: "check"}.Check(t, target)
	fixture.Probe{Name: "Cascade", SQL: "DELETE FROM customer WHERE id = 7; SELECT count(*) FROM orders WHERE customer_id = 7", Want: "0"}.Check(t, target)
}

// A range larger than everything the stream may hold goes through.
func TestCopy_RangeLargerThanTheStream(t *testing.T) {
	source, target := testdb.Postgres(t), testdb.Postgres(t)
	fixture.Mixed(t, source, 100_000)
	r := drover(t).Copy(t, source, target, "--stream-max-bytes", "4MiB", "--range-rows", "10000000")
	proven(t, r)
	equal(t, source, target)
	if n := r.Summary.Table(t, "orders").Ranges; n != 1 {
		t.Errorf("orders is cut into %d ranges, not one", n)
	}
}

// The tables of sysbench and one of mixed types, from both servers.
func TestCopy_ManyRowsFromMySQL(t *testing.T) {
	n := rows(t)
	for _, from := range []side{mysql, mariadb} {
		t.Run(from.name, func(t *testing.T) {
			source, target := from.make(t), testdb.Postgres(t)
			require.NoError(t, fixture.FillSysbench(t.Context(), source, 4, sysbenchRows(n)))
			require.NoError(t, fixture.FillMixedMySQL(t.Context(), source, n))
			r := drover(t).Copy(t, source, target, "--jobs", "2")
			proven(t, r)
			equal(t, source, target)
			require.Equal(t, int64(n), r.Summary.Table(t, "mixed").Rows)
			fixture.Probe{Name: "FreshIdentity", SQL: "INSERT INTO sbtest3 DEFAULT VALUES RETURNING id = (SELECT max(id) + 1 FROM sbtest3)", Want: "t"}.Check(t, target)
			fixture.Probe{Name: "SecondaryIndex", SQL: "SELECT count(*) FROM pg_index WHERE indrelid = 'sbtest2'::regclass AND NOT indisprimary AND indisvalid", Want: "1"}.Check(t, target)
		})
	}
}

// sysbenchRows is a quarter of the rows for each of four tables in a full run, and
// 10,000 where the run is short.
func sysbenchRows(n int) int {
	if n < 4_000_000 {
		return 10_000
	}
	return n / 4
}
