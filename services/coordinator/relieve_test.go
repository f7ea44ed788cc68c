package coordinator

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/bus"
)

// A stream that was full when everything died has room again: its messages are of
// attempts that no coordinator knows any more.
func TestRelieve_StreamLeftFull(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.silent = func(j *workerv1.Job) bool { return j.GetExtract() != nil }
		h.createAs(true, func(s *droverv1.MigrationSpec) { s.Stream = &droverv1.StreamSpec{MaxBytes: "1MiB"} })
		h.rest(5 * time.Second)
		var subjects []string
		for _, j := range h.jobs {
			if j.GetExtract() != nil {
				subjects = append(subjects, j.GetExtract().GetSubject())
			}
		}
		require.NotEmpty(t, subjects)
		stream := bus.RowStream(h.migration().GetUid())
		h.fill(stream, subjects)
		h.rest(15 * time.Second)
		require.Greater(t, h.usage(stream).Messages, uint64(100), "nothing of an attempt that lives is removed")
		h.kill()
		h.start()
		h.rest(time.Minute)
		require.Zero(t, h.usage(stream).Messages)
	})
}

// What extractors write that do not know that their attempt has ended goes when the
// stream needs room, and no sooner.
func TestRelieve_LateExtractor(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		isFirst := func(j *workerv1.Job) bool { return j.GetExtract() != nil }
		h.silent = isFirst
		h.createAs(true, func(s *droverv1.MigrationSpec) { s.Stream = &droverv1.StreamSpec{MaxBytes: "1MiB"} })
		h.rest(5 * time.Second)
		uid := h.migration().GetUid()
		ended := bus.RowSubject(uid, 1, 1, 1<<32|1)
		h.store(bus.RowStream(uid), ended, 1)
		h.rest(time.Minute)
		require.EqualValues(t, 1, h.usage(bus.RowStream(uid)).Messages)
		h.fill(bus.RowStream(uid), []string{ended})
		h.rest(time.Minute)
		require.Zero(t, h.usage(bus.RowStream(uid)).Messages)
	})
}

// A coordinator that was replaced, and does not know it, removes nothing of attempts that
// its successor gave out.
func TestLeftovers_LaterTerm(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.silent = func(j *workerv1.Job) bool { return j.GetExtract() != nil }
		h.create()
		h.rest(5 * time.Second)
		uid := h.migration().GetUid()
		earlier, later := bus.RowSubject(uid, 1, 1, 1), bus.RowSubject(uid, 1, 1, 2<<32|1)
		h.s.mu.Lock()
		defer h.s.mu.Unlock()
		require.EqualValues(t, 1, h.s.term)
		require.Equal(t, []Removal{{Stream: bus.RowStream(uid), Subject: earlier}}, h.s.Leftovers(uid, []string{earlier, later}))
	})
}

// fill stores messages until the stream takes no more.
func (h *harness) fill(stream string, subjects []string) {
	for n := 0; n < 10000; n++ {
		if !h.store(stream, subjects[n%len(subjects)], n) {
			return
		}
	}
	h.t.Fatal("the stream has no end")
}

// store tells whether the stream took a message.
func (h *harness) store(stream, subject string, n int) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	p, err := h.bus.Publisher(stream, 1<<20)
	require.NoError(h.t, err)
	defer p.Close()
	return p.Publish(ctx, bus.Message{Subject: subject, ID: fmt.Sprint(subject, n), Data: make([]byte, 4096)}) == nil && p.Flush(ctx) == nil
}

func (h *harness) usage(stream string) bus.Usage {
	u, err := h.bus.Usage(context.Background(), stream)
	require.NoError(h.t, err)
	return u
}
