// Package journal is the control log: one append-only sequence of events a
// migration, each appended only if the writer has seen the last one. That
// condition is what fences a leader that was replaced. Each event names the one
// before it, so that a reader finds a hole.
//
// jetstream.go appends, read.go replays and follows, snapshot.go keeps what a log
// amounts to, so that the events before need not be read again. store.go makes the
// place of all logs anew where it was lost.
package journal

import (
	"context"
	"errors"
	"fmt"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/fault"
)

// Log stores events. jetstream.go keeps them in NATS, memory.go in memory.
type Log interface {
	// Append adds an event behind the one with sequence last (0 for the first) and
	// returns its sequence. fault.Fenced means that somebody else has appended; for
	// the first event of a log it means too that the cluster's log has moved on since
	// this Log appended to it. An answer that was lost is cleared up by reading the
	// log's last event: Append returns success only for an event that is in the log.
	Append(ctx context.Context, log string, last uint64, e *journalv1.Event) (uint64, error)
	// Replay calls fn for each event of a log behind sequence after in order and
	// returns the last sequence, which is after where there is none. fault.Corrupt
	// means that an event is missing, after itself included.
	Replay(ctx context.Context, log string, after uint64, fn func(seq uint64, e *journalv1.Event) error) (uint64, error)
	// Follow calls fn for each event of any log behind sequence after, those to come
	// included, until ctx ends or fn returns an error.
	Follow(ctx context.Context, after uint64, fn func(log string, seq uint64, e *journalv1.Event) error) error
	// Logs tells which logs have events, and the last sequence of all. ErrGone is a store
	// that does not exist.
	Logs(ctx context.Context) (Contents, error)
	// Delete removes the events of a log with a sequence below upTo; all of them
	// where it is 0.
	Delete(ctx context.Context, log string, upTo uint64) error
	// Durability says in words what the log's durability rests on.
	Durability(ctx context.Context) (string, error)
}

// Contents of all logs.
type Contents struct {
	// Logs by name, ClusterLog included where it has events.
	Logs []string
	// Last sequence over all logs.
	Last uint64
	// Origin tells one store from another that came into its place: sequences of the one
	// mean nothing in the other. Empty where it is not known.
	Origin string
}

// chain checks that events follow each other; the zero value of last is a log's begin.
type chain struct {
	log  string
	last uint64
}

// next takes an event. Logs of before have none that names the one before it.
func (c *chain) next(seq uint64, e *journalv1.Event) error {
	if p := e.GetPrevious(); p != 0 && p != c.last {
		return errHole(c.log, c.last, seq, p)
	}
	c.last = seq
	return nil
}

// ErrOlder is in the error of a log that ends before an event that it once had.
var ErrOlder = errors.New("it was wiped, or restored from a backup")

// Older is a log that has lost its end: it has none of its events behind Lost, though
// event Had was there once. Events may have come behind the loss.
type Older struct {
	Log       string
	Lost, Had uint64
}

func (e *Older) Error() string {
	return fmt.Sprintf("control log %s ends at event %d and once had event %d: %s", e.Log, e.Lost, e.Had, ErrOlder)
}

// Unwrap gives ErrOlder.
func (e *Older) Unwrap() error { return ErrOlder }

func errOlder(log string, after, end uint64) error {
	return fault.Wrap(fault.Corrupt, "journal.Replay", &Older{Log: log, Lost: end, Had: after})
}

// errHole is an event that does not follow the last one that is known. One that follows an
// earlier one was appended to a log that had lost that.
func errHole(log string, last, seq, previous uint64) error {
	if previous < last {
		return errOlder(log, last, previous)
	}
	return fault.New(fault.Corrupt, "journal.Replay",
		"control log %s has a hole: event %d follows event %d, and the last one there is %d", log, seq, previous, last)
}

// fencedBy tells which log the first event of a log depends on besides its own.
func fencedBy(log string, last uint64) bool { return last == 0 && log != bus.ClusterLog }

// EventName is an event's name in the log's schema: "range_verified".
func EventName(e *journalv1.Event) string {
	m := e.ProtoReflect()
	if f := m.WhichOneof(m.Descriptor().Oneofs().ByName("body")); f != nil {
		return string(f.Name())
	}
	return "unknown"
}
