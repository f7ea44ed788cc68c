package loader

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
)

// watched is the body of a large batch; it knows how far the target has taken it.
type watched struct {
	io.ReaderAt
	reached atomic.Int64
}

// ReadAt notes what was read.
func (w *watched) ReadAt(p []byte, at int64) (int, error) {
	n, err := w.ReaderAt.ReadAt(p, at)
	if end := at + int64(n); end > w.reached.Load() {
		w.reached.Store(end)
	}
	return n, err
}

// watch reports each second how far a large batch is, until it is stopped: one batch
// may take longer than a load may stand still. A server that has all of it stores it
// before it answers; for that it gets a second a MiB, in which a byte each shows that
// the load is alive.
func (l *loading) watch(body *io.SectionReader) (_ *io.SectionReader, stop func()) {
	w := &watched{ReaderAt: body}
	so, done := l.attempt.Progress(0), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for alive := range 60 + body.Size()>>20 {
			select {
			case <-done:
				return
			case <-ticker.C:
				l.report(&workerv1.Progress{Rows: so.GetRows(), Bytes: so.GetBytes() + w.reached.Load() + alive})
			}
		}
	})
	return io.NewSectionReader(w, 0, body.Size()), func() { close(done); group.Wait() }
}
