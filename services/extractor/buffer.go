package extractor

import (
	"sync"

	"github.com/drover-db/drover/internal/batch"
)

// mostSlack is room for the row that crosses the batch size and for the header; small
// batches get by with less.
const mostSlack = 64 << 10

// buffers recycles message buffers, so that a range in flight costs no garbage.
type buffers struct {
	pool sync.Pool
	// most is the capacity above which a buffer is not kept.
	most int
}

func newBuffers(batchBytes int) *buffers {
	slack := min(mostSlack, 1<<10+batchBytes)
	return &buffers{
		pool: sync.Pool{New: func() any { b := batch.NewBuffer(batchBytes + slack); return &b }},
		most: 2*batchBytes + slack,
	}
}

// get gives an empty message buffer.
func (b *buffers) get() []byte { return batch.ResetBuffer(*b.pool.Get().(*[]byte)) }

// put takes back a buffer, or a message made from one; one that a large row has
// grown is left to the garbage collector.
func (b *buffers) put(buf []byte) {
	if cap(buf) <= b.most {
		b.pool.Put(&buf)
	}
}
