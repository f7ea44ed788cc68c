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
	// attempt knows how long to wait.
	attempt *Attempt
}

// next waits for a message.
func (i *inbox) next(ctx context.Context) (bus.Delivery, error) {
	for {
		d, silent, err := i.wait(ctx)
		if silent {
			err = i.attempt.Silent(i.silence, i.full(ctx))
		}
		if !silent || err != nil {
			return d, fault.At(err, fault.Stream, i.stream)
		}
	}
}

// wait waits once; silent tells that the time was up.
func (i *inbox) wait(ctx context.Context) (d bus.Delivery, silent bool, err error) {
	if !i.attempt.Impatient() {
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
