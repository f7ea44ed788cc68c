package e2e

import (
	"testing"

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
