package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drover-db/drover/test/cli"
)

// cluster is drover as an installation has it: NATS, a coordinator and workers,
// each a process, talking over TCP.
type cluster struct {
	t       *testing.T
	drover  cli.Drover
	address string
	// bus is where NATS is, and health the pages of the coordinators that say how they are.
	bus     string
	health  []string
	members []*member
}

// member is one process of a cluster; it may die and start again.
type member struct {
	name, log string
	binary    string
	args      []string
	cmd       *exec.Cmd
}

// newCluster starts NATS, a coordinator, two extractors, two loaders and a
// validator. env is theirs besides the test's.
func newCluster(t *testing.T, env ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, address: deadPort(t), drover: drover(t, env...)}
	nats := filepath.Join(c.drover.Dir, "natsd")
	if out, err := exec.Command("go", "build", "-o", nats, "github.com/drover-db/drover/test/cmd/natsd").CombinedOutput(); err != nil {
		t.Fatalf("build natsd: %v: %s", err, out)
	}
	t.Cleanup(c.stop)
	listen := deadPort(t)
	c.start("nats", nats, "-listen", listen, "-store", filepath.Join(c.drover.Dir, "nats"))
	awaitPort(t, listen)
	c.bus = "nats://" + listen
	c.start("coordinator", binary, "serve", "coordinator", "--nats", c.bus, "--listen", c.address, "--lease-ttl", "3s")
	c.await("the coordinator", func() bool {
		return c.drover.Run(t, "ping", c.address, "--timeout", "2s").Code == 0
	})
	for _, role := range []string{"extractor", "extractor", "loader", "loader", "validator"} {
		args := []string{"serve", role, "--coordinator", c.address, "--listen", "127.0.0.1:0", "--slots", "2"}
		if role != "validator" {
			args = append(args, "--nats", c.bus)
		}
		c.start(role+"-"+strconv.Itoa(len(c.members)), binary, args...)
	}
	c.await("every worker", func() bool {
		r := c.drover.Run(t, "get", "workers", "-o", "name", "--server", c.address, "--timeout", "2s")
		return strings.Count(r.Stdout, "\n") == 5
	})
	return c
}

func (c *cluster) start(name, binary string, args ...string) {
	m := &member{name: name, binary: binary, args: args, log: filepath.Join(c.drover.Dir, name+".log")}
	c.members = append(c.members, m)
	c.run(m)
}

// run starts a member's process, for the first time or again.
func (c *cluster) run(m *member) {
	c.t.Helper()
	log, err := os.OpenFile(m.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	m.cmd = exec.Command(m.binary, m.args...)
	m.cmd.Dir, m.cmd.Stdout, m.cmd.Stderr = c.drover.Dir, log, log
	m.cmd.Env = append(os.Environ(), c.drover.Env...)
	if err := m.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
}

// kill ends a member as a power cut would, and starts it again a moment later.
func (c *cluster) kill(name string) {
	c.t.Helper()
	c.down(name)
	time.Sleep(200 * time.Millisecond)
	c.up(name)
}

// down ends a member as a power cut would.
func (c *cluster) down(name string) {
	c.t.Helper()
	m := c.member(name)
	if err := m.cmd.Process.Kill(); err != nil {
		c.t.Fatalf("kill %s: %v", m.name, err)
	}
	if err := m.cmd.Wait(); err == nil {
		c.t.Fatalf("%s had ended by itself before it was killed", m.name)
	}
}

// up starts a member again.
func (c *cluster) up(name string) {
	c.t.Helper()
	c.run(c.member(name))
}

// member is the first whose name begins so.
func (c *cluster) member(name string) *member {
	c.t.Helper()
	for _, m := range c.members {
		if strings.HasPrefix(m.name, name) {
			return m
		}
	}
	c.t.Fatalf("no member %s", name)
	return nil
}

// stop ends every member by SIGTERM, workers first, and checks that each goes
// quietly.
func (c *cluster) stop() {
	for i := len(c.members) - 1; i >= 0; i-- {
		m := c.members[i]
		if err := m.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			c.t.Errorf("stop %s: %v", m.name, err)
		}
		done := make(chan error, 1)
		go func() { done <- m.cmd.Wait() }()
		select {
		case err := <-done:
			if err != nil {
				c.t.Errorf("%s did not end well: %v", m.name, err)
			}
		case <-time.After(40 * time.Second):
			c.t.Errorf("%s does not stop on SIGTERM", m.name)
			if err := m.cmd.Process.Kill(); err != nil {
				c.t.Errorf("kill %s: %v", m.name, err)
			}
			<-done
		}
	}
	if c.t.Failed() {
		c.showLogs()
	}
}

// showLogs prints the end of what each member logged.
func (c *cluster) showLogs() {
	for _, m := range c.members {
		raw, err := os.ReadFile(m.log)
		if err != nil {
			c.t.Log(err)
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
		c.t.Logf("%s:\n%s", m.name, strings.Join(lines[max(0, len(lines)-15):], "\n"))
	}
}

func (c *cluster) await(what string, ready func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if ready() {
			return
		}
	}
	c.t.Fatalf("%s is not there after a minute", what)
}

func awaitPort(t *testing.T, address string) {
	t.Helper()
	c := &cluster{t: t}
	c.await(address, func() bool {
		return exec.Command("bash", "-c", "exec 3<>/dev/tcp/"+strings.Replace(address, ":", "/", 1)).Run() == nil
	})
}

// apply sends a migration to the cluster; rest is the spec behind its two ends. The
// workers were started with the passwords.
func (c *cluster) apply(source, target, rest string) {
	c.t.Helper()
	file := spec(c.t, &c.drover, source, target, rest)
	if r := c.drover.Run(c.t, "apply", "-f", file, "--server", c.address); r.Code != 0 {
		c.t.Fatalf("apply: exit code %d: %s", r.Code, r.Stderr)
	}
}

// status is what drover get tells of the migration.
type status struct {
	State    string
	Counters struct {
		RowsEstimated  int64 `json:"rows_estimated,string"`
		RowsLoaded     int64 `json:"rows_loaded,string"`
		RowsVerified   int64 `json:"rows_verified,string"`
		RangesVerified int   `json:"ranges_verified"`
		Ranges         int
		Retries        int64 `json:",string"`
	}
}

// status asks the coordinator; not ok while there is none.
func (c *cluster) status() (s status, ok bool) {
	c.t.Helper()
	r := c.drover.Run(c.t, "get", "migrations", "e2e", "-o", "jsonl", "--server", c.address, "--timeout", "5s")
	if r.Code != 0 {
		return s, false
	}
	if err := json.Unmarshal([]byte(r.Stdout), &s); err != nil {
		c.t.Fatalf("drover get: %v in %s", err, r.Stdout)
	}
	return s, true
}

// standstill is how long a migration may show no change at all: longer than any
// lease, silence or back-off of a cluster under test.
const standstill = 2 * time.Minute

// until waits for the migration to get somewhere; it must not have ended before.
func (c *cluster) until(what string, there func(status) bool) {
	c.t.Helper()
	var last status
	for moved := time.Now(); time.Since(moved) < standstill; time.Sleep(50 * time.Millisecond) {
		s, ok := c.status()
		switch {
		case ok && there(s):
			return
		case ok && s.State != "STATE_RUNNING" && s.State != "STATE_PLANNING" && s.State != "STATE_PLANNED":
			c.t.Fatalf("%s before %s: %+v", s.State, what, s)
		case ok && s != last:
			last, moved = s, time.Now()
		}
	}
	c.t.Fatalf("not %s, and nothing moves: %+v", what, last)
}

// complete waits for the end.
func (c *cluster) complete() {
	c.t.Helper()
	c.until("complete", func(s status) bool { return s.State == "STATE_COMPLETE" })
}

// peakMemory is the most a member's process has had in memory, in bytes.
func (m *member) peakMemory(t *testing.T) int64 {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatalf("no VmHWM of %s", m.name)
	return 0
}
