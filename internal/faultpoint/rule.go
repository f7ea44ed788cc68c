//go:build faultpoint

package faultpoint

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/drover-db/drover/internal/fault"
)

// Rules are separated by semicolons:
//
//	point = [condition ,]... action
//
// Conditions, all of which must hold:
//
//	hit:N         the Nth time that this process comes here, from 1
//	match:TEXT    the job's title contains TEXT
//	once:FILE     FILE does not exist; it is made, so that the rule fires once
//	              over all processes and their restarts
//
// Actions:
//
//	exec:COMMAND  run COMMAND by sh and wait; its failure fails the job. It finds
//	              DROVER_FAULTPOINT and DROVER_FAULTPOINT_SUBJECT in its environment
//	kill          end the process at once, as kill -9 does
//	stop          stop the process until somebody sends SIGCONT
//	stop:TIME     the same, and go on after a while: "3s"
//	sleep:TIME    wait: "5s"
//	fail:KIND     fail the job with an error of a kind: "unavailable"
type rules struct {
	mu   sync.Mutex
	list []*rule
}

type rule struct {
	point       Point
	nth         int
	match, once string
	verb, arg   string

	// Guarded by rules.mu.
	met int
}

func parse(text string) (*rules, error) {
	r := &rules{}
	for entry := range strings.SplitSeq(text, ";") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		one, err := parseRule(entry)
		if err != nil {
			return nil, fmt.Errorf("read rule %q: %w", entry, err)
		}
		r.list = append(r.list, one)
	}
	return r, nil
}

func parseRule(entry string) (*rule, error) {
	point, rest, ok := strings.Cut(entry, "=")
	if !ok {
		return nil, errors.New("want point=action")
	}
	if !slices.Contains(Points(), Point(point)) {
		return nil, fmt.Errorf("unknown point %q", point)
	}
	r := &rule{point: Point(point)}
	for {
		word, after, more := strings.Cut(rest, ",")
		condition, value, _ := strings.Cut(word, ":")
		switch condition {
		case "hit":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("hit:%s is not a number from 1", value)
			}
			r.nth = n
		case "match":
			r.match = value
		case "once":
			r.once = value
		default:
			r.verb, r.arg, _ = strings.Cut(rest, ":")
			return r, r.check()
		}
		if !more {
			return nil, errors.New("no action")
		}
		rest = after
	}
}

func (r *rule) check() error {
	switch r.verb {
	case "kill":
	case "stop":
		if r.arg != "" {
			_, err := time.ParseDuration(r.arg)
			return err
		}
	case "exec":
		if r.arg == "" {
			return errors.New("exec without a command")
		}
	case "sleep":
		if _, err := time.ParseDuration(r.arg); err != nil {
			return err
		}
	case "fail":
		if fault.ParseKind(r.arg).String() != r.arg {
			return fmt.Errorf("unknown kind %q", r.arg)
		}
	default:
		return fmt.Errorf("unknown action %q", r.verb)
	}
	return nil
}

// hit does what the rules of a point ask for, in their order.
func (r *rules) hit(ctx context.Context, p Point, subject string) error {
	for _, one := range r.list {
		if one.point != p {
			continue
		}
		due, err := r.due(one, subject)
		if err != nil {
			return err
		}
		if !due {
			continue
		}
		if err := one.act(ctx, subject); err != nil {
			return err
		}
	}
	return nil
}

// due tells whether a rule's conditions hold, and uses up its marker if so.
func (r *rules) due(one *rule, subject string) (bool, error) {
	if !strings.Contains(subject, one.match) {
		return false, nil
	}
	r.mu.Lock()
	one.met++
	met := one.met
	r.mu.Unlock()
	if one.nth != 0 && met != one.nth {
		return false, nil
	}
	if one.once == "" {
		return true, nil
	}
	marker, err := os.OpenFile(one.once, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, fault.New(fault.Internal, "faultpoint.Hit", "make marker: %w", err)
	}
	return true, marker.Close()
}

func (r *rule) act(ctx context.Context, subject string) error {
	const op = "faultpoint.Hit"
	switch r.verb {
	case "kill":
		return syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "stop":
		return r.stop()
	case "sleep":
		d, _ := time.ParseDuration(r.arg) // checked when the rules were read
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return fault.Wrap(fault.Canceled, op, ctx.Err())
		}
	case "fail":
		return fault.New(fault.ParseKind(r.arg), op, "fail at %s as asked", r.point)
	default:
		cmd := exec.CommandContext(ctx, "/bin/sh", "-c", r.arg)
		cmd.Env = append(os.Environ(), "DROVER_FAULTPOINT="+string(r.point), "DROVER_FAULTPOINT_SUBJECT="+subject)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fault.New(fault.Internal, op, "run command at %s: %w: %s", r.point, err, out)
		}
		return nil
	}
}

// stop stops the process. Somebody else must wake it: a shell that was started before.
func (r *rule) stop() error {
	if r.arg != "" {
		d, _ := time.ParseDuration(r.arg) // checked when the rules were read
		alarm := exec.Command("/bin/sh", "-c", fmt.Sprintf("sleep %.3f && kill -CONT %d", d.Seconds(), os.Getpid()))
		if err := alarm.Start(); err != nil {
			return fault.New(fault.Internal, "faultpoint.Hit", "set an alarm at %s: %w", r.point, err)
		}
		go func() { _ = alarm.Wait() }() // its end is of no interest
	}
	return syscall.Kill(os.Getpid(), syscall.SIGSTOP)
}
