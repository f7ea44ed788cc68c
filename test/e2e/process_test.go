package e2e

import (
	"fmt"
	"testing"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/fixture"
)

// workerMemory is what a worker may have in memory, whatever it moves.
const workerMemory = 256 << 20

// boundedMemory checks what each worker had in memory at most.
func (c *cluster) boundedMemory() {
	c.t.Helper()
	for _, m := range c.members[2:] {
		peak := m.peakMemory(c.t)
		c.t.Logf("%s had %d MiB at most", m.name, peak>>20)
		if peak > workerMemory {
			c.t.Errorf("%s had %d MiB in memory, more than %d", m.name, peak>>20, workerMemory>>20)
		}
	}
}

// Seven processes over TCP do what one does, in bounded memory.
func TestProcesses_CopyManyRows(t *testing.T) {
	source, target := testdb.Postgres(t), testdb.Postgres(t)
	fixture.Mixed(t, source, rows(t))
	c := newCluster(t, secrets(t, source, target)...)
	c.apply(source, target, "")
	c.complete()
	equal(t, source, target)
	c.boundedMemory()
}

// Rows of 2 KiB from MySQL, and rows of mixed types, cost no more memory.
func TestProcesses_CopyFromMySQL(t *testing.T) {
	source, target := testdb.MySQL(t), testdb.Postgres(t)
	n := rows(t)
	if err := fixture.FillMixedMySQL(t.Context(), source, n/2); err != nil {
		t.Fatal(err)
	}
	if err := fixture.FillWide(t.Context(), source, n/8); err != nil {
		t.Fatal(err)
	}
	c := newCluster(t, secrets(t, source, target)...)
	c.apply(source, target, "")
	c.complete()
	equal(t, source, target)
	c.boundedMemory()
}

// kill -9 of each role once, one after another, each in the middle of its work: the
// run completes, and no row is lost or doubled.
func TestProcesses_SurviveKill(t *testing.T) {
	t.Run("PostgreSQLToPostgreSQL", func(t *testing.T) {
		source, target := testdb.Postgres(t), testdb.Postgres(t)
		n := rows(t)
		fixture.Mixed(t, source, n)
		surviveKill(t, source, target, n)
		for _, p := range []fixture.Probe{
			{Name: "FreshIdentity", SQL: "INSERT INTO customer (email) VALUES ('new') RETURNING id > (SELECT max(id) FROM customer WHERE email <> 'new')", Want: "t"},
			{Name: "ForeignKey", SQL: "INSERT INTO orders (id, customer_id, code, amount, placed) VALUES (5, -1, gen_random_uuid(), 1, now())", Fails: true, Want: "foreign key"},
		} {
			p.Check(t, target)
		}
	})
	t.Run("MySQLToPostgreSQL", func(t *testing.T) {
		source, target := testdb.MySQL(t), testdb.Postgres(t)
		n := rows(t)
		if n < 1_000_000 {
			n /= 2
		}
		if err := fixture.FillMixedMySQL(t.Context(), source, n); err != nil {
			t.Fatal(err)
		}
		surviveKill(t, source, target, n)
	})
	t.Run("PostgreSQLToMySQL", func(t *testing.T) {
		source, target := testdb.Postgres(t), testdb.MySQL(t)
		n := min(rows(t), 300_000)
		fixture.Exec(t, source, fmt.Sprintf(`CREATE TABLE item (id bigint PRIMARY KEY, name varchar(60), price numeric(12,2), at timestamp);
			INSERT INTO item SELECT n * 3, 'Näme ' || n, n / 100.0, timestamp '2020-01-01' + n * interval '1 s' FROM generate_series(1, %d) n; ANALYZE`, n))
		surviveKill(t, source, target, n)
	})
}

func surviveKill(t *testing.T, source, target string, n int) {
	t.Helper()
	// Slow enough that every kill comes in the middle, fast enough for a test.
	env := secrets(t, source, target)
	if n < 1_000_000 {
		env = append(env, "DROVER_FAULTPOINTS=loader.after-write=sleep:60ms;validator.before-read=sleep:200ms")
	}
	c := newCluster(t, env...)
	c.apply(source, target, "ranges: {targetRows: 10000}")
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
}
