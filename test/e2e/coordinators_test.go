package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/rpc"
	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/fixture"
)

// layout is how many servers a cluster has.
type layout struct {
	nats, coordinators int
	// store is how many bytes a NATS server may hold; 0 for what the disk has.
	store int
}

// newClusterOf starts NATS servers, that keep streams together where there are
// several, coordinators, and two extractors, two loaders and a validator.
func newClusterOf(t *testing.T, l layout, env ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, drover: drover(t, env...)}
	nats := filepath.Join(c.drover.Dir, "natsd")
	if out, err := exec.Command("go", "build", "-o", nats, "github.com/drover-db/drover/test/cmd/natsd").CombinedOutput(); err != nil {
		t.Fatalf("build natsd: %v: %s", err, out)
	}
	t.Cleanup(c.stop)
	var clients, peers, coordinators []string
	for range l.nats {
		clients, peers = append(clients, deadPort(t)), append(peers, deadPort(t))
	}
	for i, listen := range clients {
		name := "nats-" + strconv.Itoa(i)
		args := []string{"-listen", listen, "-store", filepath.Join(c.drover.Dir, name), "-max-store", strconv.Itoa(l.store), "-name", name}
		if l.nats > 1 {
			args = append(args, "-cluster-listen", peers[i], "-peers", strings.Join(peers, ","))
		}
		c.start(name, nats, args...)
		awaitPort(t, listen)
	}
	c.bus = "nats://" + strings.Join(clients, ",nats://")
	for i := range l.coordinators {
		coordinators = append(coordinators, deadPort(t))
		c.start("coordinator-"+strconv.Itoa(i), binary, "serve", "coordinator", "--nats", c.bus, "--listen", coordinators[i],
			"--metrics-listen", c.newHealth(), "--lease-ttl", "3s", "--log-replicas", strconv.Itoa(l.nats))
	}
	c.address = strings.Join(coordinators, ",")
	c.leader()
	c.workers(c.bus)
	return c
}

// newHealth is an address for another coordinator's health.
func (c *cluster) newHealth() string {
	address := deadPort(c.t)
	c.health = append(c.health, "http://"+address+"/healthz")
	return address
}

// workers starts them and waits until the leader knows all.
func (c *cluster) workers(bus string) {
	c.t.Helper()
	for i, role := range []string{"extractor", "extractor", "loader", "loader", "validator"} {
		args := []string{"serve", role, "--coordinator", c.address, "--listen", "127.0.0.1:0", "--slots", "2"}
		if role != "validator" {
			args = append(args, "--nats", bus)
		}
		c.start(role+"-"+strconv.Itoa(i), binary, args...)
	}
	c.await("every worker", func() bool {
		r := c.drover.Run(c.t, "get", "workers", "-o", "name", "--server", c.address, "--timeout", "5s")
		return strings.Count(r.Stdout, "\n") == 5
	})
}

// leader waits until a coordinator leads, and gives its member's name and its term.
func (c *cluster) leader() (name string, term uint64) {
	c.t.Helper()
	conn, err := rpc.DialLeader(c.address, rpc.ClientOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close()
	c.await("a coordinator that leads", func() bool {
		ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
		defer cancel()
		r, err := droverv1.NewSystemServiceClient(conn).GetSystemInfo(ctx, &droverv1.GetSystemInfoRequest{})
		if err != nil || !r.GetLeading() {
			return false
		}
		i := slices.IndexFunc(strings.Split(c.address, ","), func(a string) bool { return strings.HasSuffix(r.GetLeader(), a) })
		name, term = "coordinator-"+strconv.Itoa(i), r.GetTerm()
		return i >= 0
	})
	return name, term
}

// slow makes a copy last long enough for what happens to it.
const slow = "DROVER_FAULTPOINTS=loader.after-write=sleep:150ms;validator.before-read=sleep:100ms"

// source makes a table that is moved in ranges of 1,000 rows.
func smallSource(t *testing.T, n int) (source, target string) {
	t.Helper()
	source, target = testdb.Postgres(t), testdb.Postgres(t)
	fixture.Exec(t, source, fmt.Sprintf(`CREATE TABLE item (id bigint PRIMARY KEY, name text, price numeric(12,2));
		INSERT INTO item SELECT n * 3, 'Näme ' || n, n / 100.0 FROM generate_series(1, %d) n; ANALYZE`, n))
	return source, target
}

// The coordinator that leads dies again and again: the other one takes over in under
// five seconds, and nothing is lost, doubled or forgotten.
func TestCoordinators_KilledInTurn(t *testing.T) {
	source, target := smallSource(t, 70_000)
	c := newClusterOf(t, layout{nats: 1, coordinators: 2}, append(secrets(t, source, target), slow)...)
	c.apply(source, target, "ranges: {targetRows: 1000}")
	for i := range 4 {
		c.until("under way", func(s status) bool { return s.Counters.RangesVerified >= 10*i+3 })
		name, term := c.leader()
		killed := time.Now()
		c.down(name)
		next, later := c.leader()
		took := time.Since(killed)
		c.up(name)
		t.Logf("%s led term %d, %s leads term %d after %d ms", name, term, next, later, took.Milliseconds())
		if later <= term || next == name {
			t.Errorf("%s leads term %d after %s led term %d", next, later, name, term)
		}
		if took > 5*time.Second {
			t.Errorf("takeover took %s", took)
		}
	}
	c.complete()
	equal(t, source, target)
}

// Three NATS servers keep three copies of everything: the loss of one is a pause, the
// loss of two a wait, and the copy goes on when they are back.
func TestNATSCluster_LosesServers(t *testing.T) {
	source, target := smallSource(t, 40_000)
	c := newClusterOf(t, layout{nats: 3, coordinators: 2}, append(secrets(t, source, target), slow)...)
	c.apply(source, target, "ranges: {targetRows: 1000}\nstream: {replicas: 3}")
	loaded := func() (n int) {
		c.until("answered", func(s status) bool { n = s.Counters.RangesVerified; return true })
		return n
	}
	c.until("under way", func(s status) bool { return s.Counters.RangesVerified >= 3 })
	c.down("nats-0")
	before, begin := loaded(), time.Now()
	c.until("going on without one server", func(s status) bool { return s.Counters.RangesVerified >= before+3 })
	t.Logf("without one server: 3 ranges in %s", time.Since(begin).Round(time.Millisecond))
	c.up("nats-0")
	c.until("a little further", func(s status) bool { return s.Counters.RangesVerified >= before+6 })
	c.down("nats-1")
	c.down("nats-2")
	time.Sleep(8 * time.Second)
	c.up("nats-1")
	c.up("nats-2")
	begin = time.Now()
	c.complete()
	t.Logf("with all servers again: complete after %s", time.Since(begin).Round(time.Millisecond))
	equal(t, source, target)
}

// killing is for how long coordinators are killed: DROVER_TEST_KILL_FOR, or 40 s.
func killing(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("DROVER_TEST_KILL_FOR")
	if text == "" {
		return 40 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 20*time.Second {
		t.Fatalf("DROVER_TEST_KILL_FOR=%s is not a time of at least 20s", text)
	}
	return d
}

// Every coordinator is killed every ten seconds, all at once: the migration moves in
// between, and completes.
func TestCoordinators_AllKilledAgainAndAgain(t *testing.T) {
	const every = 10 * time.Second
	// Four loads at a time, each half a second: what there is takes longer than the killing.
	const slower = "DROVER_FAULTPOINTS=loader.after-write=sleep:500ms"
	lasts := killing(t)
	source, target := smallSource(t, int(lasts/time.Second)*4000)
	c := newClusterOf(t, layout{nats: 1, coordinators: 2}, append(secrets(t, source, target), slower)...)
	c.apply(source, target, "ranges: {targetRows: 500}")
	names := []string{"coordinator-0", "coordinator-1"}
	kills, moved, loaded := 0, 0, int64(0)
	for begin := time.Now(); time.Since(begin) < lasts; kills++ {
		time.Sleep(every)
		s, ok := c.status()
		if ok && s.State == "STATE_COMPLETE" {
			break
		}
		t.Logf("after %s: %d rows loaded", time.Since(begin).Round(time.Second), s.Counters.RowsLoaded)
		switch now := s.Counters.RowsLoaded; {
		case ok && now < loaded:
			t.Errorf("%d rows are loaded, and %d were before", now, loaded)
		case ok && now > loaded:
			moved, loaded = moved+1, now
		}
		for _, name := range names {
			c.down(name)
		}
		for _, name := range names {
			c.up(name)
		}
	}
	if least := int(lasts/every) / 2; kills < least || moved < least {
		t.Errorf("coordinators were killed %d times, and the copy moved in between %d times; %d is the least", kills, moved, least)
	}
	c.complete()
	equal(t, source, target)
}
