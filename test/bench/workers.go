package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/drover-db/drover/internal/freeport"
)

// member is one process of an installation.
type member struct {
	role string
	cmd  *exec.Cmd
	log  bytes.Buffer
}

// installation is drover with each role a process, as in production.
type installation struct {
	dir, address, bus string
	drover            string
	env               []string
	members           []*member
}

// workers moves the database with each role a process of its own, and tells the most
// that each had in memory; rss is the greatest of the workers'.
func workers(ctx context.Context, source, target string, o options) (s sample, err error) {
	dir, err := os.MkdirTemp("", "drover-bench-")
	if err != nil {
		return sample{}, err
	}
	in := &installation{dir: dir, drover: o.drover, env: os.Environ()}
	defer func() { err = errors.Join(err, in.stop(), os.RemoveAll(dir)) }()
	spec, err := in.spec(source, target)
	if err != nil {
		return sample{}, err
	}
	if err := in.start(ctx, o); err != nil {
		return sample{}, err
	}
	begin := time.Now()
	if err := in.move(ctx, spec); err != nil {
		return sample{}, err
	}
	s.total = time.Since(begin)
	if err := in.stop(); err != nil {
		return sample{}, err
	}
	var parts []string
	for _, m := range in.members {
		rss, err := peak(m.cmd)
		if err != nil {
			return sample{}, err
		}
		parts = append(parts, fmt.Sprintf("%s %d MiB", m.role, rss>>20))
		if m.role != "nats" && m.role != "coordinator" {
			s.rss = max(s.rss, rss)
		}
	}
	s.note, in.members = strings.Join(parts, ", "), nil
	return s, nil
}

// spec writes the migration; passwords go to the workers' environment.
func (in *installation) spec(source, target string) (string, error) {
	var text strings.Builder
	text.WriteString("apiVersion: drover.dev/v1\nkind: Migration\nname: bench\n")
	for side, raw := range map[string]string{"source": source, "target": target} {
		u, err := url.Parse(raw)
		if err != nil {
			return "", err
		}
		password, _ := u.User.Password()
		variable := "DROVER_BENCH_" + strings.ToUpper(side)
		in.env = append(in.env, variable+"="+password)
		u.User = url.User(u.User.Username())
		fmt.Fprintf(&text, "%s: {url: %q, password: '${env:%s}'}\n", side, u, variable)
	}
	file := filepath.Join(in.dir, "spec.yaml")
	return file, os.WriteFile(file, []byte(text.String()), 0o600)
}

func (in *installation) start(ctx context.Context, o options) error {
	nats := filepath.Join(in.dir, "natsd")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", nats, "github.com/drover-db/drover/test/cmd/natsd").CombinedOutput(); err != nil {
		return fmt.Errorf("build natsd: %w: %s", err, out)
	}
	ports, err := freeport.Addresses(2)
	if err != nil {
		return err
	}
	in.address, in.bus = ports[0], "nats://"+ports[1]
	if err := in.run("nats", nats, "-listen", ports[1], "-store", filepath.Join(in.dir, "nats")); err != nil {
		return err
	}
	if err := await(ctx, func() bool { c, err := net.Dial("tcp", ports[1]); return err == nil && c.Close() == nil }); err != nil {
		return fmt.Errorf("nats: %w", err)
	}
	if err := in.run("coordinator", o.drover, "serve", "coordinator", "--nats", in.bus, "--listen", in.address); err != nil {
		return err
	}
	if err := await(ctx, func() bool { return in.call(ctx, "ping", in.address) == nil }); err != nil {
		return fmt.Errorf("coordinator: %w", err)
	}
	for _, role := range []string{"extractor", "loader", "validator"} {
		args := []string{"serve", role, "--coordinator", in.address, "--listen", "127.0.0.1:0", "--slots", strconv.Itoa(o.jobs)}
		if role != "validator" {
			args = append(args, "--nats", in.bus)
		}
		if err := in.run(role, o.drover, args...); err != nil {
			return err
		}
	}
	return nil
}

func (in *installation) run(role, binary string, args ...string) error {
	m := &member{role: role, cmd: exec.Command(binary, args...)}
	m.cmd.Env, m.cmd.Stdout, m.cmd.Stderr = in.env, &m.log, &m.log
	if err := m.cmd.Start(); err != nil {
		return err
	}
	in.members = append(in.members, m)
	return nil
}

// call runs a command of drover against the coordinator.
func (in *installation) call(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, in.drover, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("drover %s: %w: %s", args[0], err, lastLines(string(out)))
	}
	return nil
}

// move applies the migration and waits for its end.
func (in *installation) move(ctx context.Context, spec string) error {
	if err := in.call(ctx, "apply", "-f", spec, "--server", in.address); err != nil {
		return err
	}
	for ; ctx.Err() == nil; time.Sleep(200 * time.Millisecond) {
		out, err := exec.CommandContext(ctx, in.drover, "get", "migrations", "bench", "-o", "jsonl", "--server", in.address).Output()
		if err != nil {
			return fmt.Errorf("drover get: %w", err)
		}
		var status struct{ State string }
		if err := json.Unmarshal(out, &status); err != nil {
			return err
		}
		switch status.State {
		case "STATE_COMPLETE":
			return nil
		case "STATE_PLANNING", "STATE_RUNNING":
		default:
			return fmt.Errorf("migration is %s: %s", status.State, out)
		}
	}
	return ctx.Err()
}

// stop ends the processes, workers first.
func (in *installation) stop() error {
	var all error
	for i := len(in.members) - 1; i >= 0; i-- {
		m := in.members[i]
		if m.cmd.ProcessState != nil {
			continue
		}
		if err := errors.Join(m.cmd.Process.Signal(syscall.SIGTERM), m.cmd.Wait()); err != nil {
			all = errors.Join(all, fmt.Errorf("%s: %w: %s", m.role, err, lastLines(m.log.String())))
		}
	}
	return all
}

func await(ctx context.Context, ready func() bool) error {
	for range 300 {
		if ready() {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		time.Sleep(100 * time.Millisecond)
	}
	return errors.New("is not there after 30 seconds")
}
