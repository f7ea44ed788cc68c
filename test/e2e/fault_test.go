package e2e

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/fixture"
	"github.com/drover-db/drover/test/proxy"
)

// slower makes a copy of 40 ranges last ten seconds.
const slower = "DROVER_FAULTPOINTS=loader.after-write=sleep:1s"

// through is a database's URL by way of a proxy.
func through(t *testing.T, database string) (string, *proxy.Proxy) {
	t.Helper()
	var p *proxy.Proxy
	var far string
	with(t, database, func(u *url.URL) {
		p = proxy.Start(t, u.Host)
		u.Host = p.Address()
		far = u.String()
	})
	return far, p
}

// A loader that the coordinator cannot hear works on; its ranges are given to others, who
// fence it, and what it still writes is refused.
func TestFault_WorkerCutOffFromTheCoordinator(t *testing.T) {
	source, target := smallSource(t, 40_000)
	c := newCluster(t, append(secrets(t, source, target), slow)...)
	p := proxy.Start(t, c.address)
	c.start("far-loader", binary, "serve", "loader", "--coordinator", p.Address(), "--nats", c.bus, "--listen", "127.0.0.1:0", "--slots", "4")
	c.await("six workers", func() bool { return strings.Count(c.verb("get", "workers", "-o", "name"), "\n") == 6 })
	c.apply(source, target, "ranges: {targetRows: 1000}")
	c.loaded(3000)
	p.Hold()
	c.await("the end of its leases", func() bool {
		raw, err := os.ReadFile(c.member("coordinator").log)
		require.NoError(t, err)
		return strings.Contains(string(raw), "lease expired")
	})
	p.Clear()
	c.complete()
	equal(t, source, target)
}

// A link to the target that is silent for longer than two leases costs the work in hand.
func TestFault_TargetBehindASilentLink(t *testing.T) {
	source, target := smallSource(t, 40_000)
	far, p := through(t, target)
	c := newCluster(t, append(secrets(t, source, target), slow)...)
	c.apply(source, far, "ranges: {targetRows: 1000}")
	c.loaded(3000)
	p.Hold()
	time.Sleep(8 * time.Second)
	p.Clear()
	c.complete()
	equal(t, source, target)
}

// Connections that hang in a fence, or before the first row, while the worker behind them
// is as well as ever, are given up, and the work is done over others.
func TestFault_ConnectionsHang(t *testing.T) {
	for point, job := range map[string]string{"loader.before-fence": "load public.item", "extractor.before-read": "extract public.item"} {
		t.Run(point, func(t *testing.T) {
			source, target := smallSource(t, 12_000)
			from, sources := through(t, source)
			to, targets := through(t, target)
			c := newCluster(t, append(secrets(t, source, target), "DROVER_FAULTPOINTS="+point+"=sleep:2s")...)
			c.down("coordinator")
			args := c.member("coordinator").args
			args[len(args)-1] = "1s" // a lease
			c.up("coordinator")
			c.await("every worker", func() bool {
				return strings.Count(c.drover.Run(t, "get", "workers", "-o", "name", "--server", c.address, "--timeout", "2s").Stdout, "\n") == 5
			})
			c.apply(from, to, "ranges: {targetRows: 1000}")
			c.loaded(3000)
			if point == "loader.before-fence" {
				targets.Strand()
			} else {
				sources.Strand()
			}
			c.await("word of the job that hangs", func() bool {
				raw, err := os.ReadFile(c.member("coordinator").log)
				require.NoError(t, err)
				for line := range strings.Lines(string(raw)) {
					if strings.Contains(line, "its database has brought nothing for 20s") && strings.Contains(line, job) {
						return true
					}
				}
				return false
			})
			c.complete()
			equal(t, source, target)
		})
	}
}

// refusing makes the target's table, whose inserts fail with an SQLSTATE as long as a
// condition holds.
func refusing(t *testing.T, target, condition, state, message string) {
	t.Helper()
	fixture.Exec(t, target, `CREATE TABLE item (id bigint PRIMARY KEY, name text, price numeric(12,2));
		CREATE TABLE hindered (since timestamptz); INSERT INTO hindered VALUES (now());
		CREATE SEQUENCE tries;
		CREATE FUNCTION hinder() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF `+condition+` THEN
				RAISE EXCEPTION '`+message+`' USING ERRCODE = '`+state+`';
			END IF;
			RETURN NULL;
		END $$;
		CREATE TRIGGER hinder AFTER INSERT ON item FOR EACH STATEMENT EXECUTE FUNCTION hinder()`)
}

// A target that turns read-only, as a primary does that becomes a standby, is waited for.
func TestFault_TargetTurnsReadOnly(t *testing.T) {
	source, target := testdb.Postgres(t), testdb.Postgres(t)
	fillItems(t, source, 20_000)
	refusing(t, target, "EXISTS (SELECT FROM public.hindered)", "25006", "cannot execute COPY FROM in a read-only transaction")
	c := newCluster(t, secrets(t, source, target)...)
	c.apply(source, target, "existing: append\nranges: {targetRows: 2000, maxAttempts: 2}")
	c.await("word of the read-only target", func() bool {
		return strings.Contains(c.verb("get", "migrations", "e2e", "-o", "json"), "read-only transaction")
	})
	time.Sleep(5 * time.Second) // more tries than the spec allows of those that count
	if s, _ := c.status(); s.State != "STATE_RUNNING" || s.Counters.RowsLoaded > 0 {
		t.Fatalf("the read-only target has made of it: %+v", s)
	}
	fixture.Exec(t, target, "DELETE FROM hindered")
	c.complete()
	fixture.Exec(t, target, "DROP TABLE hindered; DROP SEQUENCE tries")
	equal(t, source, target)
}

// Every third transaction is the victim of a deadlock: its batch is written again, and no
// attempt fails.
func TestFault_DeadlocksAreWrittenAgain(t *testing.T) {
	source, target := testdb.Postgres(t), testdb.Postgres(t)
	fillItems(t, source, 20_000)
	refusing(t, target, "nextval('public.tries') % 3 = 0", "40P01", "deadlock detected")
	c := newCluster(t, secrets(t, source, target)...)
	c.apply(source, target, "existing: append\nranges: {targetRows: 2000}")
	c.complete()
	require.NotEqual(t, "0", fixture.Exec(t, target, "SELECT last_value / 3 FROM tries"), "deadlocks")
	s, _ := c.status()
	require.Zero(t, s.Counters.Retries, "attempts that a deadlock failed")
	fixture.Exec(t, target, "DROP TABLE hindered; DROP SEQUENCE tries")
	equal(t, source, target)
}

// A column that the source's table gets in the middle blocks the table, and says why; the
// others complete.
func TestFault_SourceIsAltered(t *testing.T) {
	source, target := smallSource(t, 30_000)
	fixture.Exec(t, source, "CREATE TABLE other (id int PRIMARY KEY); INSERT INTO other SELECT generate_series(1, 100); ANALYZE")
	c := newCluster(t, append(secrets(t, source, target), slower)...)
	c.apply(source, target, "ranges: {targetRows: 1000}")
	c.loaded(3000)
	fixture.Exec(t, source, "ALTER TABLE item ADD COLUMN extra int")
	c.reaches("STATE_INCOMPLETE")
	r := c.drover.Run(t, "get", "tables", "-m", "e2e", "-o", "jsonl", "--server", c.address)
	for line := range strings.Lines(r.Stdout) {
		if strings.Contains(line, `"source":"public.item"`) {
			require.Contains(t, line, "STATE_BLOCKED")
			require.Contains(t, line, `"reason_kind":"changed"`)
		} else {
			require.Contains(t, line, "STATE_COMPLETE")
		}
	}
}

// NATS comes back without its row streams: the rows that were under way are read again,
// behind what is in the target.
func TestFault_RowStreamsGone(t *testing.T) {
	source, target := smallSource(t, 40_000)
	c := newCluster(t, append(secrets(t, source, target), slower)...)
	c.apply(source, target, "ranges: {targetRows: 1000}")
	for _, rows := range []int64{3000, 20_000} {
		c.loaded(rows)
		var streams []string
		c.await("a row stream", func() bool {
			var err error
			streams, err = filepath.Glob(filepath.Join(c.drover.Dir, "nats", "jetstream", "*", "streams", "DATA_*"))
			require.NoError(t, err)
			return len(streams) == 1
		})
		c.down("nats")
		require.NoError(t, os.RemoveAll(streams[0]))
		c.up("nats")
	}
	c.complete()
	equal(t, source, target)
}
