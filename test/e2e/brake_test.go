package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/fixture"
)

// fillItems makes n rows of about 100 bytes.
func fillItems(t *testing.T, source string, n int) {
	t.Helper()
	fixture.Exec(t, source, fmt.Sprintf(`CREATE TABLE item (id bigint PRIMARY KEY, name text, price numeric(12,2));
		INSERT INTO item SELECT n, repeat('x', 80) || n, n / 100.0 FROM generate_series(1, %d) n; ANALYZE`, n))
}

// verb runs a command on the migration of a cluster.
func (c *cluster) verb(args ...string) string {
	c.t.Helper()
	r := c.drover.Run(c.t, append(args, "--server", c.address)...)
	if r.Code != 0 {
		c.t.Fatalf("drover %s: exit code %d: %s", strings.Join(args, " "), r.Code, r.Stderr)
	}
	return r.Stdout
}

// loaded waits for rows in the target.
func (c *cluster) loaded(rows int64) {
	c.t.Helper()
	c.until(fmt.Sprintf("%d rows loaded", rows), func(s status) bool { return s.Counters.RowsLoaded >= rows })
}

// reaches waits for a state of the migration.
func (c *cluster) reaches(state string) {
	c.t.Helper()
	c.await(state, func() bool {
		s, ok := c.status()
		return ok && s.State == state
	})
}

// sessions counts drover's in a database.
func sessions(t *testing.T, database string) int {
	t.Helper()
	out := fixture.Exec(t, database, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'drover%'")
	n, err := strconv.Atoi(out)
	require.NoError(t, err)
	return n
}

// A limit holds over all extractors from the first row on, and another one at once.
func TestThrottle_HoldsAndChanges(t *testing.T) {
	const n, limit, seconds = 60_000, 4000, 4
	source, target := testdb.Postgres(t), testdb.Postgres(t)
	fillItems(t, source, n)
	c := newCluster(t, secrets(t, source, target)...)
	c.apply(source, target, fmt.Sprintf("limits: {rows: %d/s}\nranges: {targetRows: 10000}", limit))
	c.loaded(1)
	before, _ := c.status()
	time.Sleep(seconds * time.Second)
	after, _ := c.status()
	moved := after.Counters.RowsLoaded - before.Counters.RowsLoaded
	// What was read before the first look is loaded by then, and a batch for each reader.
	if most := int64(limit * (seconds + 7)); moved > most || after.Counters.RowsLoaded == n {
		t.Errorf("%d rows moved in %d s, more than %d: %+v", moved, seconds, most, after)
	}
	c.verb("throttle", "e2e", "--rows", "0/s")
	freed := time.Now()
	c.complete()
	if took := time.Since(freed); took > n/limit*time.Second {
		t.Errorf("without the limit the rest took %s", took)
	}
	equal(t, source, target)
	require.Contains(t, c.verb("get", "events", "-m", "e2e", "-o", "jsonl"), "migration_throttled")
}

// A paused migration holds no session of either database, stays paused over a new
// coordinator, and goes on where it was.
func TestPause_HoldsNothingAndGoesOn(t *testing.T) {
	const n = 60_000
	source, target := testdb.Postgres(t), testdb.Postgres(t)
	fillItems(t, source, n)
	c := newCluster(t, secrets(t, source, target)...)
	c.apply(source, target, "limits: {rows: 6000/s}\nranges: {targetRows: 10000}")
	c.loaded(1)
	c.verb("pause", "e2e")
	c.reaches("STATE_PAUSED")
	c.await("an end of all sessions", func() bool { return sessions(t, source)+sessions(t, target) == 0 })
	stood, _ := c.status()
	c.kill("coordinator")
	c.reaches("STATE_PAUSED")
	time.Sleep(2 * time.Second)
	if s, _ := c.status(); s.Counters.RowsLoaded > stood.Counters.RowsLoaded || s.Counters.RowsLoaded == n {
		t.Errorf("rows are loaded while the migration is paused: %+v, then %+v", stood, s)
	}
	require.Zero(t, sessions(t, source)+sessions(t, target), "sessions of a paused migration")
	c.verb("throttle", "e2e", "--rows", "0/s")
	c.verb("resume", "e2e")
	c.complete()
	equal(t, source, target)
	s, _ := c.status()
	require.Zero(t, s.Counters.Retries, "attempts that a pause failed")
}

// No more sessions than the spec allows, over all workers, whatever they do.
func TestConnections_AreBounded(t *testing.T) {
	const most = 3
	source, target := testdb.Postgres(t), testdb.Postgres(t)
	fillItems(t, source, 60_000)
	fixture.Exec(t, source, "CREATE TABLE loose (word text); INSERT INTO loose SELECT 'same' FROM generate_series(1, 5000); ANALYZE")
	c := newCluster(t, secrets(t, source, target)...)
	c.apply(source, target, fmt.Sprintf("limits: {connections: %d}\nranges: {targetRows: 2000}", most))
	var watching sync.WaitGroup
	done, seen := make(chan struct{}), [2]int{}
	watching.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
				seen[0], seen[1] = max(seen[0], sessions(t, source)), max(seen[1], sessions(t, target))
			}
		}
	})
	c.complete()
	close(done)
	watching.Wait()
	t.Logf("%d sessions on the source and %d on the target at most", seen[0], seen[1])
	if seen[0] > most || seen[1] > most || seen[0] == 0 || seen[1] == 0 {
		t.Errorf("sessions on source and target: %v, want at most %d", seen, most)
	}
	equal(t, source, target)
}

// As long as the source is at work for others, it is read more slowly, and the state says
// why.
func TestBackOff_FromALoadedSource(t *testing.T) {
	const n = 40_000
	source, target := testdb.Postgres(t), testdb.Postgres(t)
	fillItems(t, source, n)
	c := newCluster(t, append(secrets(t, source, target), "DROVER_FAULTPOINTS=loader.after-write=sleep:50ms")...)
	c.apply(source, target, "limits: {source: {activeSessions: 1}}\nranges: {targetRows: 500}")
	var busy sync.WaitGroup
	for range 3 {
		busy.Go(func() { _, _ = fixture.Try(t.Context(), source, "SELECT pg_sleep(8)") })
	}
	c.await("a slower pace", func() bool {
		return strings.Contains(c.verb("get", "migrations", "e2e", "-o", "json"), "active sessions are over 1")
	})
	busy.Wait()
	c.complete()
	equal(t, source, target)
}

// Every role is restarted in the middle of a run as an upgrade does it: no attempt fails.
func TestProcesses_RollingRestartFailsNothing(t *testing.T) {
	const n = 80_000
	source, target := testdb.Postgres(t), testdb.Postgres(t)
	fixture.Mixed(t, source, n)
	env := append(secrets(t, source, target), "DROVER_FAULTPOINTS=loader.after-write=sleep:100ms;validator.before-read=sleep:100ms")
	c := newCluster(t, env...)
	c.apply(source, target, "ranges: {targetRows: 4000}")
	for i, m := range c.members {
		c.until("ready to lose "+m.name, func(s status) bool { return s.Counters.RowsLoaded > int64(n*(i+1)/12) })
		begun := time.Now()
		require.NoError(t, m.cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(t, m.cmd.Wait(), "%s did not end well", m.name)
		t.Logf("%s ended after %s", m.name, time.Since(begun).Round(time.Millisecond))
		c.run(m)
	}
	c.complete()
	equal(t, source, target)
	events := c.verb("get", "events", "-m", "e2e", "-o", "jsonl")
	require.NotContains(t, events, "range_failed", "attempts that failed")
	require.NotContains(t, events, "table_restarted", "tables that began again")
}

// A target whose disk is full is waited for: nothing is blocked, the state says why, and
// the rows come when there is room.
func TestFullDisk_OfTheTargetIsWaitedFor(t *testing.T) {
	const n = 20_000
	source, target := testdb.Postgres(t), testdb.Postgres(t)
	fillItems(t, source, n)
	fixture.Exec(t, target, `CREATE TABLE item (id bigint PRIMARY KEY, name text, price numeric(12,2));
		CREATE TABLE full_disk (since timestamptz);
		CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF EXISTS (SELECT FROM public.full_disk) THEN
				RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
			END IF;
			RETURN NULL;
		END $$;
		CREATE TRIGGER no_room AFTER INSERT ON item FOR EACH STATEMENT EXECUTE FUNCTION no_room();
		INSERT INTO full_disk VALUES (now())`)
	c := newCluster(t, secrets(t, source, target)...)
	c.apply(source, target, "existing: append\nranges: {targetRows: 2000, maxAttempts: 2}")
	c.await("word of the full disk", func() bool {
		return strings.Contains(c.verb("get", "migrations", "e2e", "-o", "json"), "No space left on device")
	})
	time.Sleep(5 * time.Second) // more tries than the spec allows of those that count
	if s, _ := c.status(); s.State != "STATE_RUNNING" || s.Counters.RowsLoaded > 0 {
		t.Fatalf("the full disk has made of it: %+v", s)
	}
	fixture.Exec(t, target, "DELETE FROM full_disk")
	c.complete()
	fixture.Exec(t, target, "DROP TABLE full_disk")
	equal(t, source, target)
}

// A stream that is too small for the rows makes extractors wait, and that is all.
func TestFullStream_MakesExtractorsWait(t *testing.T) {
	source, target := testdb.Postgres(t), testdb.Postgres(t)
	fixture.Exec(t, source, `CREATE TABLE wide (id int PRIMARY KEY, body text);
		INSERT INTO wide SELECT n, repeat(md5(n::text), 128) FROM generate_series(1, 8000) n; ANALYZE`)
	c := newCluster(t, append(secrets(t, source, target), "DROVER_FAULTPOINTS=loader.before-write=sleep:100ms")...)
	c.apply(source, target, "stream: {maxBytes: 4MiB}\nranges: {targetRows: 1000}")
	c.complete()
	equal(t, source, target)
	s, _ := c.status()
	require.Zero(t, s.Counters.Retries, "attempts that a full stream failed")
}

// A row that can never arrive blocks its range, with its key and column; the table's other
// ranges are loaded, and other tables complete.
func TestPoison_BlocksItsRangeAlone(t *testing.T) {
	source, target := testdb.Postgres(t), testdb.Postgres(t)
	fixture.Exec(t, source, `CREATE TABLE item (id int PRIMARY KEY, n text);
		INSERT INTO item SELECT n, CASE n WHEN 1700 THEN 'poison' ELSE n::text END FROM generate_series(1, 4000) n;
		CREATE TABLE other (id int PRIMARY KEY); INSERT INTO other SELECT generate_series(1, 100); ANALYZE`)
	d := drover(t)
	file := spec(t, &d, source, target, "tables: [{match: public.item, columns: {n: {type: integer}}}, {match: '*'}]\nranges: {targetRows: 500}")
	r := runSpec(t, d, file)
	require.Equal(t, 4, r.Code, r.Stderr)
	require.Equal(t, "COMPLETE", r.Summary.Table(t, "other").State)
	item := r.Summary.Table(t, "item")
	require.Equal(t, "BLOCKED", item.State)
	require.Contains(t, item.Reason, "1700")
	require.Contains(t, item.Reason, "column n")
	require.EqualValues(t, 3500, item.Rows, "rows of the other ranges: %+v", item)
}
