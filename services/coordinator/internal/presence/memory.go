package presence

import (
	"context"
	"sync"
)

// Memory is the Presence of coordinators in one process, for tests. Each has its own;
// Join makes another one that knows the same leaders.
type Memory struct {
	room    *room
	vacated chan struct{}
}

type room struct {
	mu      sync.Mutex
	leaders map[uint64]announced
	members []*Memory
}

type announced struct {
	name  string
	alive func() bool
}

var _ Presence = (*Memory)(nil)

// NewMemory makes a Presence that knows nobody.
func NewMemory() *Memory { return (&Memory{room: &room{leaders: map[uint64]announced{}}}).Join() }

// Join makes the Presence of another coordinator.
func (m *Memory) Join() *Memory {
	other := &Memory{room: m.room, vacated: make(chan struct{}, 1)}
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	m.room.members = append(m.room.members, other)
	return other
}

// Announce implements Presence.
func (m *Memory) Announce(term uint64, name string, alive func() bool) (func(), error) {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	m.room.leaders[term] = announced{name: name, alive: alive}
	return func() {
		m.room.mu.Lock()
		defer m.room.mu.Unlock()
		delete(m.room.leaders, term)
		for _, other := range m.room.members {
			signal(other.vacated)
		}
	}, nil
}

// Ask implements Presence. A leader that is not alive is silent until ctx ends.
func (m *Memory) Ask(ctx context.Context, term uint64) (string, Answer) {
	m.room.mu.Lock()
	l, there := m.room.leaders[term]
	m.room.mu.Unlock()
	switch {
	case !there:
		return "", Absent
	case l.alive():
		return l.name, Alive
	}
	<-ctx.Done()
	return "", Silent
}

// Vacated implements Presence.
func (m *Memory) Vacated() <-chan struct{} { return m.vacated }

// Close implements Presence.
func (m *Memory) Close() {}
