package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/drover-db/drover/test/fixture"
	"github.com/drover-db/drover/test/proxy"
)

// faults are all that can happen, and how often.
var faults = []fault{
	{name: "kill a coordinator", weight: 4, inflict: kill("coordinator")},
	{name: "kill an extractor", weight: 5, inflict: kill("extractor")},
	{name: "kill a loader", weight: 5, inflict: kill("loader")},
	{name: "kill a validator", weight: 3, inflict: kill("validator")},
	{name: "kill NATS", weight: 3, inflict: func(_ context.Context, n *nemesis) error { n.stack.signal("nats", syscall.SIGKILL); return nil }},
	{name: "stop a process for longer than its lease", weight: 6, inflict: pause},
	{name: "restart a service", weight: 5, inflict: restart},
	{name: "cut connections to the source", weight: 4, inflict: cut(func(n *nemesis) *proxy.Proxy { return n.pair.source.link })},
	{name: "cut connections to the target", weight: 4, inflict: cut(func(n *nemesis) *proxy.Proxy { return n.pair.target.link })},
	{name: "cut connections to NATS", weight: 4, inflict: cut(func(n *nemesis) *proxy.Proxy { return n.stack.nats })},
	{name: "cut connections to a coordinator", weight: 4, inflict: cut(func(n *nemesis) *proxy.Proxy { return pick(n, n.stack.links) })},
	{name: "a link is silent", weight: 5, inflict: hold},
	{name: "a link is slow", weight: 4, inflict: slow},
	{name: "terminate sessions of the source", weight: 4, inflict: terminate(func(n *nemesis) *database { return n.pair.source })},
	{name: "terminate sessions of the target", weight: 4, inflict: terminate(func(n *nemesis) *database { return n.pair.target })},
	{name: "crash the source", weight: 1, inflict: crash(func(n *nemesis) *database { return n.pair.source }), server: true},
	{name: "crash the target", weight: 1, inflict: crash(func(n *nemesis) *database { return n.pair.target }), server: true},
	{name: "NATS comes back with rows of some seconds ago", weight: 3, inflict: rollBack},
	{name: "NATS comes back without rows", weight: 3, inflict: wipe},
	{name: "NATS comes back with nothing", weight: 2, inflict: wipeStore},
	{name: "the stream is full", weight: 2, inflict: fill},
}

// kill ends one process of a role at once.
func kill(role string) func(context.Context, *nemesis) error {
	return func(_ context.Context, n *nemesis) error {
		name := pick(n, []string{role + "1", role + "2"})
		defer n.spare(name)()
		n.stack.signal(name, syscall.SIGKILL)
		return nil
	}
}

// pause stops a process, which then goes on with leases that are somebody else's.
func pause(ctx context.Context, n *nemesis) error {
	name := pick(n, append(n.stack.workers(), "nats"))
	defer n.spare(name)()
	n.stack.signal(name, syscall.SIGSTOP)
	lasts(ctx, n.between(leaseTTL/2, 5*leaseTTL/2))
	n.stack.signal(name, syscall.SIGCONT)
	return nil
}

// restart ends a process as a deployment does.
func restart(_ context.Context, n *nemesis) error {
	name := pick(n, n.stack.workers())
	defer n.spare(name)()
	n.stack.signal(name, syscall.SIGTERM)
	return nil
}

func cut(link func(*nemesis) *proxy.Proxy) func(context.Context, *nemesis) error {
	return func(_ context.Context, n *nemesis) error {
		link(n).Cut()
		return nil
	}
}

// anyLink is a way between two processes.
func (n *nemesis) anyLink() *proxy.Proxy {
	return pick(n, append([]*proxy.Proxy{n.pair.source.link, n.pair.target.link, n.stack.nats}, n.stack.links...))
}

// hold lets a link pass nothing for a while.
func hold(ctx context.Context, n *nemesis) error {
	l := n.anyLink()
	l.Hold()
	lasts(ctx, n.between(time.Second, 3*leaseTTL))
	l.Clear()
	return nil
}

// slow makes a link slow for a while.
func slow(ctx context.Context, n *nemesis) error {
	l := n.anyLink()
	l.Delay(n.between(2*time.Millisecond, 50*time.Millisecond))
	lasts(ctx, n.between(time.Second, 4*time.Second))
	l.Clear()
	return nil
}

// terminate ends half of the sessions that a server has with this soak's databases.
func terminate(of func(*nemesis) *database) func(context.Context, *nemesis) error {
	return func(ctx context.Context, n *nemesis) error {
		d, half := of(n), n.roll(2)
		if fixture.IsMySQL(d.at("")) {
			list, err := fixture.Try(ctx, d.at(d.maintenance()), fmt.Sprintf("SELECT concat('KILL ', id, ';') FROM information_schema.processlist WHERE db LIKE '%s%%' AND id %% 2 = %d", n.pair.sourceName, half))
			if err != nil {
				return fmt.Errorf("%w: %s", err, list)
			}
			_, _ = fixture.Try(ctx, d.at(d.maintenance()), list) // a session may end before it is killed
			return nil
		}
		out, err := fixture.Try(ctx, d.at(d.maintenance()), fmt.Sprintf("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE '%s%%' AND pid %% 2 = %d", n.pair.sourceName, half))
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
}

// crash ends a database server at once and starts it again. One crash at a time: what a
// server does when it is killed on its way up is not drover's.
func crash(of func(*nemesis) *database) func(context.Context, *nemesis) error {
	return func(_ context.Context, n *nemesis) error {
		n.crashing.Lock()
		defer n.crashing.Unlock()
		if out, err := exec.Command("scripts/testdb", "crash", of(n).server).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
}

// rollBack brings NATS back with the row streams as they were some seconds before, as a
// power cut does that takes what was not synced. The control log is synced, and stays.
func rollBack(ctx context.Context, n *nemesis) error {
	n.storing.Lock()
	defer n.storing.Unlock()
	saved := filepath.Join(n.dir, "saved")
	if err := n.copyStreams(saved); err != nil {
		return err
	}
	lasts(ctx, n.between(time.Second, 5*time.Second))
	n.stack.hold("nats")
	defer n.stack.release("nats")
	streams, err := n.rowStreams()
	if err != nil {
		return err
	}
	for _, s := range streams {
		then := filepath.Join(saved, filepath.Base(s))
		if err := os.RemoveAll(s); err != nil {
			return err
		}
		if _, err := os.Stat(then); err == nil {
			if err := os.Rename(then, s); err != nil {
				return err
			}
		}
	}
	return os.RemoveAll(saved)
}

// copyStreams copies the row streams while the server stands still, so that the copy is
// one that it may have left.
func (n *nemesis) copyStreams(to string) error {
	n.stack.signal("nats", syscall.SIGSTOP)
	defer n.stack.signal("nats", syscall.SIGCONT)
	streams, err := n.rowStreams()
	if err != nil {
		return err
	}
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	for _, s := range streams {
		if err := os.CopyFS(filepath.Join(to, filepath.Base(s)), os.DirFS(s)); err != nil {
			return err
		}
	}
	return nil
}

// rowStreams are the folders of the row streams.
func (n *nemesis) rowStreams() ([]string, error) {
	return filepath.Glob(filepath.Join(n.stack.store, "jetstream", "*", "streams", "DATA_*"))
}

// wipe brings NATS back with no row stream at all.
func wipe(_ context.Context, n *nemesis) error {
	n.storing.Lock()
	defer n.storing.Unlock()
	n.stack.hold("nats")
	defer n.stack.release("nats")
	streams, err := n.rowStreams()
	if err != nil {
		return err
	}
	for _, s := range streams {
		if err := os.RemoveAll(s); err != nil {
			return err
		}
	}
	return nil
}

// wipeStore brings NATS back with nothing at all, control log and snapshots included. Who
// leads survives it: no coordinator is touched until one leads again.
func wipeStore(ctx context.Context, n *nemesis) error {
	n.storing.Lock()
	defer n.storing.Unlock()
	n.deciding.Lock()
	defer n.deciding.Unlock()
	before, err := n.stack.led(ctx, 0)
	if err != nil {
		return err
	}
	n.stack.hold("nats")
	err = errors.Join(os.RemoveAll(n.stack.store), os.MkdirAll(n.stack.store, 0o700))
	n.stack.release("nats")
	if err == nil {
		_, err = n.stack.led(ctx, before)
	}
	return err
}

// fill puts messages of nobody into the row stream until it takes no more, and removes
// them after a while.
func fill(ctx context.Context, n *nemesis) error {
	j, err := openJunk(n.stack.natsAddress)
	if err != nil {
		return err
	}
	defer j.close()
	if err := j.fill(ctx); err != nil {
		return err
	}
	lasts(ctx, n.between(time.Second, 3*time.Second))
	return j.remove(context.WithoutCancel(ctx))
}
