package pausepoints

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/bus/natsd"
	"github.com/drover-db/drover/internal/freeport"
	"github.com/drover-db/drover/internal/rpc"
	"github.com/drover-db/drover/test/proxy"
)

// migrationName is what every spec of test/cli calls its migration.
const migrationName = "migrations/e2e"

// cluster is one process of each role, which are started again when they die, and a
// NATS server behind a proxy.
type cluster struct {
	t       *testing.T
	dir     string
	env     []string
	address string
	stream  *proxy.Proxy
	client  droverv1.MigrationServiceClient

	supervisors sync.WaitGroup
	mu          sync.Mutex
	stopping    bool
	running     map[string]*os.Process
	restarts    int
}

// newCluster makes the NATS server and the addresses; start starts the roles.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	dir := t.TempDir()
	server, err := natsd.Start(natsd.Config{StoreDir: filepath.Join(dir, "nats"), Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(server.Shutdown)
	c := &cluster{t: t, dir: dir, address: freeAddress(t), running: map[string]*os.Process{},
		stream: proxy.Start(t, strings.TrimPrefix(server.URL(), "nats://"))}
	conn, err := rpc.Dial(c.address, rpc.ClientOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	c.client = droverv1.NewMigrationServiceClient(conn)
	return c
}

// start starts the roles with variables besides the test's own.
func (c *cluster) start(env ...string) {
	c.env = append(os.Environ(), env...)
	c.t.Cleanup(c.stop)
	bus := "nats://" + c.stream.Address()
	c.supervise("coordinator", "--listen", c.address, "--nats", bus, "--lease-ttl", leaseTTL.String())
	for _, role := range []string{"extractor", "loader", "validator"} {
		args := []string{"--listen", "none", "--coordinator", c.address, "--slots", "2"}
		if role != "validator" {
			args = append(args, "--nats", bus)
		}
		c.supervise(role, args...)
	}
}

// supervise runs a role, and again whenever it ends.
func (c *cluster) supervise(role string, args ...string) {
	args = append([]string{"serve", role, "--metrics-listen", "none", "--log-level", "debug"}, args...)
	c.supervisors.Go(func() {
		for c.run(role, args) {
			time.Sleep(100 * time.Millisecond)
		}
	})
}

// run runs a role's process to its end and tells whether to start another.
func (c *cluster) run(role string, args []string) bool {
	log, err := os.OpenFile(c.log(role), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.t.Error(err)
		return false
	}
	defer log.Close()
	cmd := exec.Command(binary, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = c.dir, c.env, log, log
	// What a fault runs goes with the process.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.mu.Lock()
	if c.stopping {
		c.mu.Unlock()
		return false
	}
	if err = cmd.Start(); err == nil {
		c.running[role] = cmd.Process
	}
	c.mu.Unlock()
	if err != nil {
		c.t.Error(err)
		return false
	}
	_ = cmd.Wait() // however it ended
	c.mu.Lock()
	defer c.mu.Unlock()
	c.restarts++
	return !c.stopping
}

// stop ends every process at once.
func (c *cluster) stop() {
	c.mu.Lock()
	c.stopping = true
	for _, p := range c.running {
		_ = syscall.Kill(-p.Pid, syscall.SIGKILL) // it may have ended
	}
	c.mu.Unlock()
	c.supervisors.Wait()
	if c.t.Failed() {
		c.showLogs()
	}
}

func (c *cluster) log(role string) string { return filepath.Join(c.dir, role+".log") }

// showLogs prints the end of what each role logged.
func (c *cluster) showLogs() {
	const shown = 60
	for _, role := range []string{"coordinator", "extractor", "loader", "validator"} {
		raw, err := os.ReadFile(c.log(role))
		if err != nil {
			c.t.Log(err)
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
		c.t.Logf("%s:\n%s", role, strings.Join(lines[max(0, len(lines)-shown):], "\n"))
	}
}

// get asks for the migration; nil while there is none, or nobody to ask.
func (c *cluster) get() *droverv1.Migration {
	ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Second)
	defer cancel()
	r, err := c.client.GetMigration(ctx, &droverv1.GetMigrationRequest{Name: migrationName})
	if err != nil {
		return nil
	}
	return r.GetMigration()
}

// patience is how long a case may take between two steps.
const patience = 90 * time.Second

// until waits for something to come true, with a try each time if it has not.
func (c *cluster) until(what string, there func(*droverv1.Migration) bool) *droverv1.Migration {
	c.t.Helper()
	var last *droverv1.Migration
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if m := c.get(); m != nil || last == nil {
			last = m
			if there(m) {
				return m
			}
		}
	}
	c.t.Fatalf("not %s after %s: %s %s %v", what, patience, last.GetState(), last.GetReason(), last.GetCounters())
	return nil
}

// reaches waits for a state; no other end will do.
func (c *cluster) reaches(state droverv1.Migration_State) *droverv1.Migration {
	c.t.Helper()
	return c.until(state.String(), func(m *droverv1.Migration) bool {
		if m.GetEndTime() != nil && m.GetState() != state {
			c.t.Fatalf("%s, want %s: %s", m.GetState(), state, m.GetReason())
		}
		return m.GetState() == state
	})
}

func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := freeport.Address()
	require.NoError(t, err)
	return address
}
