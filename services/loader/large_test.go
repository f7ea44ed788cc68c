package loader

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

// large makes the next batch of one row in parts of at most size bytes, as they are sent
// while the row is read.
func (b *builder) large(i int, body string, size int) [][]byte {
	data := row(i, body)
	var d batch.Digest
	d.Add(data)
	var parts batch.Parts
	var out [][]byte
	for piece := range slices.Chunk(data, size) {
		h, last := b.header(), (len(out)+1)*size >= len(data)
		if last {
			h.Digest, h.LastKey = d.Proto(), keyrange.Of(id(i))
		}
		message, err := parts.Seal(append(batch.NewBuffer(0), piece...), h, last)
		require.NoError(b.t, err)
		out = append(out, message)
	}
	b.total.Merge(d)
	b.next++
	return out
}

func largeStream(f *fixture) (messages [][]byte) {
	b := f.builder(attempt)
	messages = append(messages, b.batch(0, 10))
	messages = append(messages, b.large(10, strings.Repeat("wide ", 1000), 600)...)
	return append(messages, b.batch(11, 4), b.end())
}

func TestLoad_LargeRowByTheDisk(t *testing.T) {
	f := newFixture(t)
	dir := t.TempDir()
	f.service.config.SpillDir = dir
	messages := largeStream(f)
	f.publish(messages...)
	loaded := f.load(1, 1)
	require.EqualValues(t, 15, loaded.GetRows())
	require.EqualValues(t, 3, loaded.GetBatches())
	require.Len(t, f.rows(), 15)
	require.Greater(t, loaded.GetBytes(), int64(5000))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "the loader left files behind")
	last := f.progress[len(f.progress)-1]
	require.EqualValues(t, len(messages)-1, last.GetCommittedSequence())
	require.True(t, slices.ContainsFunc(f.progress, func(p *workerv1.Progress) bool { return p.GetCommittedSequence() == 4 }),
		"the stream may forget what is on the loader's disk")
}

func TestLoad_LargeRowTwice(t *testing.T) {
	f := newFixture(t)
	m := largeStream(f)
	f.publish(slices.Concat(m[:5], m[1:5], m[5:], m[1:5])...)
	require.EqualValues(t, 15, f.load(1, 1).GetRows())
	require.Len(t, f.rows(), 15)
}

// A part that is lost is a gap, and nothing of the row is written.
func TestLoad_LostPartOfALargeRowIsGap(t *testing.T) {
	for name, lost := range map[string]int{"First": 1, "Middle": 4, "Last": 9} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				m := largeStream(f)
				require.Len(t, m, 12)
				f.publish(slices.Delete(slices.Clone(m), lost, lost+1)...)
				_, err := f.try(t.Context(), f.job(1, 1))
				require.Equal(t, fault.Gap, fault.KindOf(err), "%v", err)
				require.Len(t, f.rows(), 10)
			})
		})
	}
}

// One flipped bit is seen, in the part or in what the parts make.
func TestLoad_FlippedBitInAPart(t *testing.T) {
	f := newFixture(t)
	m := largeStream(f)
	m[3] = slices.Clone(m[3])
	m[3][50] ^= 4
	f.publish(m...)
	_, err := f.try(t.Context(), f.job(1, 1))
	require.Equal(t, fault.Corrupt, fault.KindOf(err), "%v", err)
	require.Len(t, f.rows(), 10)
}

func TestLoad_NoRoomToSpill(t *testing.T) {
	f := newFixture(t)
	f.service.config.SpillDir = t.TempDir() + "/missing"
	f.publish(largeStream(f)...)
	_, err := f.try(t.Context(), f.job(1, 1))
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.ErrorContains(t, err, "--spill-dir")
}
