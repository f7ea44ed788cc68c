package journal

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/drover-db/drover/internal/fault"
)

var _ Archive = (*Memory)(nil)

// Save implements Archive.
func (m *Memory) Save(_ context.Context, log string, seq uint64, write func(Put) error) error {
	var b bytes.Buffer
	if err := writeSnapshot(&b, log, seq, write); err != nil {
		return err
	}
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	m.store.snapshots[snapshotName(log, seq)] = b.Bytes()
	return nil
}

// Snapshots implements Archive.
func (m *Memory) Snapshots(_ context.Context, log string) (out []uint64, err error) {
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(m.store.snapshots)) {
		if text, ok := strings.CutPrefix(name, log+"."); ok {
			seq, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				return nil, fault.Wrap(fault.Internal, "journal.Snapshots", err)
			}
			out = append(out, seq)
		}
	}
	slices.Reverse(out)
	return out, nil
}

// Load implements Archive.
func (m *Memory) Load(_ context.Context, log string, seq uint64, take Put) error {
	m.store.mu.Lock()
	raw, ok := m.store.snapshots[snapshotName(log, seq)]
	m.store.mu.Unlock()
	if !ok {
		return fault.New(fault.NotFound, "journal.Load", "control log %s has no snapshot at event %d", log, seq)
	}
	return readSnapshot(bytes.NewReader(raw), log, seq, take)
}

// Damage changes a byte of a snapshot, as a disk may.
func (m *Memory) Damage(log string, seq uint64) {
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	raw := slices.Clone(m.store.snapshots[snapshotName(log, seq)])
	raw[len(raw)/2] ^= 1
	m.store.snapshots[snapshotName(log, seq)] = raw
}

// Remove implements Archive.
func (m *Memory) Remove(_ context.Context, log string, seq uint64) error {
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	delete(m.store.snapshots, snapshotName(log, seq))
	return nil
}

// Drop implements Archive.
func (m *Memory) Drop(ctx context.Context, log string, below uint64) error {
	list, err := m.Snapshots(ctx, log)
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	for _, seq := range list {
		if below == 0 || seq < below {
			delete(m.store.snapshots, snapshotName(log, seq))
		}
	}
	return err
}

// Truncate takes the events behind a sequence from all logs, as a backup would have them
// that is brought back; snapshots stay. undo brings them back.
func (m *Memory) Truncate(seq uint64) (undo func()) {
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	records, last := m.store.records, m.store.last
	m.store.records = slices.DeleteFunc(slices.Clone(records), func(r record) bool { return r.seq > seq })
	m.store.last = seq
	return func() {
		m.store.mu.Lock()
		defer m.store.mu.Unlock()
		m.store.records, m.store.last = records, last
	}
}
