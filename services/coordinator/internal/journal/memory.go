package journal

import (
	"context"
	"slices"
	"sync"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/fault"
)

// Memory keeps logs in this process, for tests. Events are stored encoded, so that
// nobody shares one with the log; sequences count over all logs, as a stream's do.
type Memory struct {
	store *memoryStore
	// cluster is the sequence of this writer's last event in the cluster's log.
	cluster uint64
}

// memoryStore is what the writers of one log share.
type memoryStore struct {
	mu      sync.Mutex
	records []record
	last    uint64
	// moved closes when an event is appended.
	moved chan struct{}
	// snapshots by name.
	snapshots map[string][]byte
	// gone: there is no store. wiped is how many there were before.
	gone  bool
	wiped int
}

type record struct {
	log  string
	seq  uint64
	data []byte
}

var _ Log = (*Memory)(nil)

// NewMemory makes a log without events.
func NewMemory() *Memory {
	return &Memory{store: &memoryStore{moved: make(chan struct{}), snapshots: map[string][]byte{}}}
}

// Writer makes another writer of the same log, as another process would be.
func (m *Memory) Writer() *Memory { return &Memory{store: m.store} }

func (s *memoryStore) endOf(log string) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end(log), s.missing("journal.Replay")
}

// end is the last sequence of a log, or 0. The lock is held.
func (s *memoryStore) end(log string) uint64 {
	for _, r := range slices.Backward(s.records) {
		if r.log == log {
			return r.seq
		}
	}
	return 0
}

// Append implements Log.
func (m *Memory) Append(ctx context.Context, log string, last uint64, e *journalv1.Event) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, fault.Wrap(fault.Unavailable, "journal.Append", err)
	}
	data, err := encode(e, last)
	if err != nil {
		return 0, err
	}
	s := m.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.missing("journal.Append"); err != nil {
		return 0, err
	}
	if seq := s.end(log); seq != last {
		return 0, errFenced(log, last, seq)
	}
	if seq := s.end(bus.ClusterLog); fencedBy(log, last) && seq != m.cluster {
		return 0, errFenced(bus.ClusterLog, m.cluster, seq)
	}
	s.last++
	s.records = append(s.records, record{log: log, seq: s.last, data: data})
	if log == bus.ClusterLog {
		m.cluster = s.last
	}
	s.move()
	return s.last, nil
}

// Replay implements Log.
func (m *Memory) Replay(ctx context.Context, log string, after uint64, fn func(uint64, *journalv1.Event) error) (uint64, error) {
	check := chain{log: log, last: after}
	end, err := m.store.endOf(log)
	if err != nil {
		return 0, err
	}
	if end < after {
		return 0, errOlder(log, after, end)
	}
	records, _, _ := m.store.behind(after)
	for _, r := range records {
		if r.log != log {
			continue
		}
		if err := ctx.Err(); err != nil {
			return 0, fault.Wrap(fault.Unavailable, "journal.Replay", err)
		}
		e, err := decode(log, r.seq, r.data)
		if err == nil {
			err = check.next(r.seq, e)
		}
		if err == nil {
			err = fn(r.seq, e)
		}
		if err != nil {
			return 0, err
		}
	}
	return check.last, nil
}

// behind gives the records behind a sequence, and what closes when there are more.
func (s *memoryStore) behind(after uint64) ([]record, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, _ := slices.BinarySearchFunc(s.records, after+1, func(r record, seq uint64) int { return int(int64(r.seq) - int64(seq)) })
	return slices.Clone(s.records[i:]), s.moved, s.missing("journal.Follow")
}

// Follow implements Log.
func (m *Memory) Follow(ctx context.Context, after uint64, fn func(string, uint64, *journalv1.Event) error) error {
	for {
		records, moved, err := m.store.behind(after)
		if err != nil {
			return err
		}
		for _, r := range records {
			e, err := decode(r.log, r.seq, r.data)
			if err == nil {
				err = fn(r.log, r.seq, e)
			}
			if err != nil {
				return err
			}
			after = r.seq
		}
		select {
		case <-ctx.Done():
			return fault.Wrap(fault.Canceled, "journal.Follow", ctx.Err())
		case <-moved:
		}
	}
}

// Logs implements Log.
func (m *Memory) Logs(context.Context) (Contents, error) {
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	if err := m.store.missing("journal.Logs"); err != nil {
		return Contents{}, err
	}
	out := Contents{Last: m.store.last, Origin: m.store.origin()}
	for _, r := range m.store.records {
		out.Logs = append(out.Logs, r.log)
	}
	slices.Sort(out.Logs)
	out.Logs = slices.Compact(out.Logs)
	return out, nil
}

// Delete implements Log.
func (m *Memory) Delete(_ context.Context, log string, upTo uint64) error {
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	m.store.records = slices.DeleteFunc(slices.Clone(m.store.records), func(r record) bool {
		return r.log == log && (upTo == 0 || r.seq < upTo)
	})
	return nil
}

// Durability implements Log.
func (m *Memory) Durability(context.Context) (string, error) {
	return "none: the log is gone with this process", nil
}
