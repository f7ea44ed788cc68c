package journal

import (
	"context"
	"errors"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/fault"
)

// ErrGone means that there is no store of logs any more. An append that ends with it
// left no event.
var ErrGone = errors.New("the control log's stream is gone from the NATS server")

// Store is the place of all logs, as far as it can be lost and made again.
type Store interface {
	// Make makes the store where there is none.
	Make(ctx context.Context) error
	// Skip removes every event, and has those to come get sequences above last. No writer
	// that knew another store can then meet a condition by chance.
	Skip(ctx context.Context, last uint64) error
}

var _ Store = (*JetStream)(nil)

// open opens the stream of all logs, making it where there is none.
func (j *JetStream) open(ctx context.Context) (jetstream.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	return j.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:        bus.ControlStream,
		Description: "drover's control log: the state of every migration",
		Subjects:    []string{bus.ControlSubjects},
		Retention:   jetstream.LimitsPolicy,
		Storage:     jetstream.FileStorage,
		Discard:     jetstream.DiscardNew,
		MaxMsgSize:  maxEvent,
		Replicas:    max(j.cfg.Replicas, 1),
		// Single events are never deleted; a whole log is, by purging its subject.
		DenyDelete:  true,
		AllowDirect: false,
	})
}

// Make implements Store.
func (j *JetStream) Make(ctx context.Context) error {
	if _, err := j.open(ctx); err != nil { // the handle that is there goes by the name
		return logError("journal.Make", "", err)
	}
	return j.makeRoom(ctx)
}

// Skip implements Store.
func (j *JetStream) Skip(ctx context.Context, last uint64) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	if err := j.stream.Purge(ctx, jetstream.WithPurgeSequence(last+1)); err != nil {
		return logError("journal.Skip", "", err)
	}
	i, err := j.stream.Info(ctx)
	if err != nil {
		return logError("journal.Skip", "", err)
	}
	if i.State.LastSeq < last {
		return fault.New(fault.Unsupported, "journal.Skip", "the NATS server does not skip sequences: use version 2.10 or a later one")
	}
	return nil
}

var _ Store = (*Memory)(nil)

// Make implements Store.
func (m *Memory) Make(context.Context) error {
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	m.store.gone = false
	return nil
}

// Skip implements Store.
func (m *Memory) Skip(_ context.Context, last uint64) error {
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	if m.store.gone {
		return m.store.missing("journal.Skip")
	}
	m.store.records, m.store.last = nil, last
	return nil
}

// Wipe loses everything, as a server does whose store was removed; another store comes
// in its place when somebody makes it.
func (m *Memory) Wipe() {
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	m.store.records, m.store.last, m.store.snapshots, m.store.gone = nil, 0, map[string][]byte{}, true
	m.store.wiped++
	m.store.move()
}

// move tells followers to look. The lock is held.
func (s *memoryStore) move() {
	close(s.moved)
	s.moved = make(chan struct{})
}

// missing is the error of a call while there is no store; nil while there is one. The
// lock is held.
func (s *memoryStore) missing(op string) error {
	if !s.gone {
		return nil
	}
	return fault.New(fault.Unavailable, op, "%w", ErrGone)
}

// origin names the store. The lock is held.
func (s *memoryStore) origin() string { return strconv.Itoa(s.wiped) }
