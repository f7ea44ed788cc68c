package e2e

import (
	"testing"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/fixture"
)

// workerMemory is what a worker may have in memory, whatever it moves.
const workerMemory = 256 << 20

// Seven processes over TCP do what one does, in bounded memory.
func TestProcesses_CopyManyRows(t *testing.T) {
	source, target := testdb.Postgres(t), testdb.Postgres(t)
	fixture.Mixed(t, source, rows(t))
	c := newCluster(t, passwordOf(t, source))
	c.apply(source, target, "")
	c.complete()
	equal(t, source, target)
	for _, m := range c.members[2:] {
		peak := m.peakMemory(t)
		t.Logf("%s had %d MiB at most", m.name, peak>>20)
		if peak > workerMemory {
			t.Errorf("%s had %d MiB in memory, more than %d", m.name, peak>>20, workerMemory>>20)
		}
	}
}

// kill -9 of each role once, one after another, each in the middle of its work: the
// run completes, and no row is lost or doubled.
func TestProcesses_SurviveKill(t *testing.T) {
	source, target := testdb.Postgres(t), testdb.Postgres(t)
	n := rows(t)
	fixture.Mixed(t, source, n)
	// Slow enough that every kill comes in the middle, fast enough for a test.
	env := []string{passwordOf(t, source)}
	if n < 1_000_000 {
		env = append(env, "DROVER_FAULTPOINTS=loader.after-write=sleep:60ms;validator.before-read=sleep:200ms")
	}
	c := newCluster(t, env...)
	c.apply(source, target, "targetRows: 10000")
	for i, role := range []string{"extractor", "loader", "coordinator", "nats", "validator"} {
		// A tenth more of the rows each time; the validator once it has work.
		c.until("ready to lose the "+role, func(s status) bool {
			if role == "validator" {
				return s.Counters.RangesVerified > 0 && s.Counters.RangesVerified < s.Counters.Ranges
			}
			return s.Counters.RowsLoaded > int64(n*(i+1)/10)
		})
		c.kill(role)
	}
	c.complete()
	equal(t, source, target)
	for _, p := range []fixture.Probe{
		{Name: "FreshIdentity", SQL: "INSERT INTO customer (email) VALUES ('new') RETURNING id > (SELECT max(id) FROM customer WHERE email <> 'new')", Want: "t"},
		{Name: "ForeignKey", SQL: "INSERT INTO orders (id, customer_id, code, amount, placed) VALUES (5, -1, gen_random_uuid(), 1, now())", Fails: true, Want: "foreign key"},
	} {
		p.Check(t, target)
	}
}
