package sim

import (
	"context"
	"fmt"
	"maps"
	"slices"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/guard"
	"github.com/drover-db/drover/services/coordinator"
)

// controlLog is the control log that all coordinators share.
type controlLog struct {
	w    *World
	logs map[string][]record
	last uint64
}

type record struct {
	seq   uint64
	event *journalv1.Event
}

func (l *controlLog) newest(log string) uint64 {
	if r := l.logs[log]; len(r) > 0 {
		return r[len(r)-1].seq
	}
	return 0
}

func (l *controlLog) store(log string, e *journalv1.Event) uint64 {
	l.last++
	l.w.stats.Records++
	l.logs[log] = append(l.logs[log], record{l.last, e})
	if l.w.trace != nil {
		l.w.tracef("log %s %d term %d: %s", log, l.last, e.GetTerm(), brief(e))
	}
	l.w.check.logged(log, e)
	return l.last
}

// logPort is the log as one coordinator has it: it may die before or behind each append,
// and not hear what came of one.
type logPort struct {
	coordinator.Log
	l *controlLog
	c *coordinatorProcess
}

// Append implements coordinator.Log.
func (p logPort) Append(_ context.Context, log string, last uint64, e *journalv1.Event) (uint64, error) {
	const op = "sim.Append"
	w := p.l.w
	if p.c.doomed || w.fault(w.scenario.appends, "coordinator dies before an append", p.c.name) {
		p.c.doomed = true
		return 0, fault.New(fault.Unavailable, op, "the coordinator is dead")
	}
	if newest := p.l.newest(log); newest != last && !guard.Removed(guard.LogSequence) {
		return 0, fault.New(fault.Fenced, op, "log is at %d, the writer at %d", newest, last)
	}
	seq := p.l.store(log, e)
	if w.fault(w.scenario.appends, "coordinator dies behind an append", p.c.name) {
		p.c.doomed = true
		return 0, fault.New(fault.Unavailable, op, "the coordinator is dead")
	}
	if w.fault(w.scenario.appends/2, "answer of an append lost", p.c.name) {
		return 0, fault.New(fault.Unavailable, op, "no answer")
	}
	return seq, nil
}

// Replay implements coordinator.Log.
func (p logPort) Replay(_ context.Context, log string, after uint64, fn func(uint64, *journalv1.Event) error) (uint64, error) {
	for _, r := range p.l.logs[log] {
		if r.seq <= after {
			continue
		}
		if err := fn(r.seq, r.event); err != nil {
			return 0, err
		}
	}
	return max(after, p.l.newest(log)), nil
}

// Logs implements coordinator.Log.
func (p logPort) Logs(context.Context) (coordinator.LogContents, error) {
	return coordinator.LogContents{Logs: slices.Sorted(maps.Keys(p.l.logs)), Last: p.l.last}, nil
}

// brief writes an event in a line.
func brief(e *journalv1.Event) string {
	text := e.ProtoReflect().WhichOneof(e.ProtoReflect().Descriptor().Oneofs().ByName("body")).Name()
	switch b := e.GetBody().(type) {
	case *journalv1.Event_RangeLoaded:
		return fmt.Sprintf("%s %d/%d attempt %d, %d rows", text, b.RangeLoaded.GetTable(), b.RangeLoaded.GetRange(), b.RangeLoaded.GetAttempt(), b.RangeLoaded.GetDigest().GetRows())
	case *journalv1.Event_RangeVerified:
		return fmt.Sprintf("%s %d/%d attempt %d", text, b.RangeVerified.GetTable(), b.RangeVerified.GetRange(), b.RangeVerified.GetAttempt())
	case *journalv1.Event_RangeFailed:
		return fmt.Sprintf("%s %d/%d: %s", text, b.RangeFailed.GetTable(), b.RangeFailed.GetRange(), b.RangeFailed.GetReason())
	case *journalv1.Event_TableAdvanced:
		return fmt.Sprintf("%s %d %s", text, b.TableAdvanced.GetTable(), b.TableAdvanced.GetStage())
	default:
		return string(text)
	}
}
