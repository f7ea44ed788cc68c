package journal

import (
	"context"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	"github.com/drover-db/drover/internal/fault"
)

// Memory keeps logs in this process, for tests. Events are stored encoded, so that
// nobody shares one with the log; sequences count over all logs, as a stream's do.
type Memory struct {
	mu   sync.Mutex
	logs map[string][]record
	last uint64
}

type record struct {
	seq  uint64
	data []byte
}

var _ Log = (*Memory)(nil)

// NewMemory makes a log without events.
func NewMemory() *Memory { return &Memory{logs: map[string][]record{}} }

// Append implements Log.
func (m *Memory) Append(ctx context.Context, log string, last uint64, e *journalv1.Event) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, fault.Wrap(fault.Unavailable, "journal.Append", err)
	}
	data, err := encode(e)
	if err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var seq uint64
	if r := m.logs[log]; len(r) > 0 {
		seq = r[len(r)-1].seq
	}
	if seq != last {
		return 0, errFenced(log, last, seq)
	}
	m.last++
	m.logs[log] = append(m.logs[log], record{seq: m.last, data: data})
	return m.last, nil
}

// Replay implements Log.
func (m *Memory) Replay(ctx context.Context, log string, fn func(uint64, *journalv1.Event) error) (uint64, error) {
	m.mu.Lock()
	records := slices.Clone(m.logs[log])
	m.mu.Unlock()
	var last uint64
	for _, r := range records {
		if err := ctx.Err(); err != nil {
			return 0, fault.Wrap(fault.Unavailable, "journal.Replay", err)
		}
		e := new(journalv1.Event)
		if err := proto.Unmarshal(r.data, e); err != nil {
			return 0, fault.Wrap(fault.Corrupt, "journal.Replay", err)
		}
		if err := fn(r.seq, e); err != nil {
			return 0, err
		}
		last = r.seq
	}
	return last, nil
}

// Logs implements Log.
func (m *Memory) Logs(context.Context) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	logs := make([]string, 0, len(m.logs))
	for log := range m.logs {
		logs = append(logs, log)
	}
	slices.Sort(logs)
	return logs, nil
}

// Delete implements Log.
func (m *Memory) Delete(_ context.Context, log string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.logs, log)
	return nil
}

// Durability implements Log.
func (m *Memory) Durability(context.Context) (string, error) {
	return "none: the log is gone with this process", nil
}
