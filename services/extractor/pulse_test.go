package extractor

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/engine"
)

// slowly is a source that takes its time before each row.
type slowly struct {
	engine.Reader
	pause time.Duration
}

func (s slowly) Read(ctx context.Context, r engine.ReadRequest, emit engine.RowFunc) error {
	return s.Reader.Read(ctx, r, func(row engine.Row) error {
		time.Sleep(s.pause)
		return emit(row)
	})
}

func (f *fixture) extractSlowly(pause time.Duration) []message {
	db, err := f.engine.Open(f.t.Context(), engine.Config{URL: "memory://src"})
	require.NoError(f.t, err)
	defer func() { require.NoError(f.t, db.Close()) }()
	job := f.job(whole, nil)
	job.Migration = uid
	_, err = f.service.extract(f.t.Context(), slowly{db, pause}, job, func(*workerv1.Progress) {})
	require.NoError(f.t, err)
	return f.published(whole)
}

// While a source is silent the loader is told that its extraction still reads, often
// enough not to take the attempt for lost. What was read does not wait for a full batch.
func TestExtract_SaysThatTheSourceIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, Config{}, 3, short)
		var kinds string
		var idle int
		for _, m := range f.extractSlowly(10 * time.Minute) {
			switch {
			case m.header.GetIdle():
				require.Empty(t, m.body)
				idle++
				continue
			case m.header.GetEnd() != nil:
				kinds += "e"
				require.EqualValues(t, 3, m.header.GetEnd().GetDigest().GetRows())
			default:
				kinds += "b"
				require.EqualValues(t, 1, m.header.GetDigest().GetRows())
			}
		}
		require.Equal(t, "bbbe", kinds)
		require.InDelta(t, 20*time.Minute/(20*time.Second), idle, 22)
		require.NoError(t, f.service.Close())
	})
}

// Rows of a source that is fast enough travel in whole batches, and nothing beside them.
func TestExtract_FastSourceIsNotSpokenOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, Config{BatchBytes: 1000}, 1000, short)
		messages := f.extractSlowly(time.Millisecond)
		for _, m := range messages[:len(messages)-2] {
			require.False(t, m.header.GetIdle())
			require.Greater(t, len(m.body), 1000-50)
		}
		require.NoError(t, f.service.Close())
	})
}
