// Package journal is the control log: one append-only sequence of events a
// migration, each appended only if the writer has seen the last one. That
// condition is what fences a leader that was replaced.
package journal

import (
	"context"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
)

// Log stores events. jetstream.go keeps them in NATS, memory.go in memory.
type Log interface {
	// Append adds an event behind the one with sequence last (0 for the first) and
	// returns its sequence. fault.Fenced means that somebody else has appended. An
	// answer that was lost is cleared up by reading the log's last event: Append
	// returns success only for an event that is in the log.
	Append(ctx context.Context, log string, last uint64, e *journalv1.Event) (uint64, error)
	// Replay calls fn for each event of a log in order and returns the last sequence.
	Replay(ctx context.Context, log string, fn func(seq uint64, e *journalv1.Event) error) (uint64, error)
	// Logs lists the logs that have events.
	Logs(ctx context.Context) ([]string, error)
	// Delete removes a log.
	Delete(ctx context.Context, log string) error
	// Durability says in words what the log's durability rests on.
	Durability(ctx context.Context) (string, error)
}

// EventName is an event's name in the log's schema: "range_verified".
func EventName(e *journalv1.Event) string {
	m := e.ProtoReflect()
	if f := m.WhichOneof(m.Descriptor().Oneofs().ByName("body")); f != nil {
		return string(f.Name())
	}
	return "unknown"
}
