package loader

import (
	"context"
	"time"

	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/fault"
)

// inbox waits for the messages of one attempt.
type inbox struct {
	bus      bus.Bus
	stream   string
	consumer bus.Consumer
	silence  time.Duration
	// begun is set by the first message.
	begun bool
}

// next waits for a message: for the first as long as the lease lasts, since the
// extraction may have to wait for a free worker; for the others no longer than
// the silence, and longer only while the stream is too full to take more, or was
// when last looked at: its extractor has just begun to move again.
func (i *inbox) next(ctx context.Context) (bus.Delivery, error) {
	full := false
	for {
		d, silent, err := i.wait(ctx)
		if !silent {
			i.begun = true
			return d, fault.At(err, fault.Stream, i.stream)
		}
		was := full
		if full = i.full(ctx); !full && !was {
			return bus.Delivery{}, fault.At(gap("no message came for %s before the end of the range", i.silence), fault.Stream, i.stream)
		}
	}
}

// wait waits once; silent tells that the time was up.
func (i *inbox) wait(ctx context.Context) (d bus.Delivery, silent bool, err error) {
	if !i.begun {
		d, err = i.consumer.Next(ctx)
		return d, false, err
	}
	waiting, cancel := context.WithTimeout(ctx, i.silence)
	defer cancel()
	d, err = i.consumer.Next(waiting)
	return d, err != nil && waiting.Err() != nil && ctx.Err() == nil, err
}

// full tells whether extractors are kept waiting by other ranges' messages: the
// stream has no room for what one of them may have on its way.
func (i *inbox) full(ctx context.Context) bool {
	u, err := i.bus.Usage(ctx, i.stream)
	if err != nil || u.MaxBytes <= 0 {
		return false
	}
	room := min(8<<20, u.MaxBytes/8)
	return u.Bytes+room > u.MaxBytes
}
