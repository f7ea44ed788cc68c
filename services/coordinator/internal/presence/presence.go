// Package presence tells coordinators whether the one that leads is alive. It is for
// liveness alone: who leads is settled by the control log, and whoever is wrongly
// thought dead finds out there. nats.go asks over NATS, memory.go within a process.
package presence

import "context"

// Answer is what became of a question.
type Answer uint8

// The answers.
const (
	// Silent: somebody listens and does not answer, or nobody can be asked.
	Silent Answer = iota
	// Absent: nobody listens.
	Absent
	// Alive: the leader answered.
	Alive
)

// Presence is known by the term: a leader of before is never taken for the one of now.
type Presence interface {
	// Announce answers for the leader of a term, as long as alive says so, until stop.
	// Stop tells the others that the place is vacant.
	Announce(term uint64, name string, alive func() bool) (stop func(), err error)
	// Ask asks for the leader of a term, and tells its name where it is alive. ctx
	// bounds how long an answer is waited for.
	Ask(ctx context.Context, term uint64) (name string, a Answer)
	// Vacated is sent to when a leader has gone of its own will.
	Vacated() <-chan struct{}
	// Close gives back what is held.
	Close()
}
