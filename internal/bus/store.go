package bus

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
)

const (
	// ackTimeout is how long one try waits for an acknowledgement; one that went
	// with a lost connection never comes.
	ackTimeout = 5 * time.Second
	// giveUp ends the tries of a message whose fate is unknown: half the duplicate
	// window, so that every try is still recognized as the same message.
	giveUp = duplicateWindow / 2
	// A full stream is asked again after fullMin, later after up to fullMax.
	fullMin = 5 * time.Millisecond
	fullMax = 200 * time.Millisecond
)

// store publishes one message and returns when the stream has it. A full stream
// is waited for as long as ctx lives.
func (b *JetStream) store(ctx context.Context, stream string, m Message) error {
	msg := &nats.Msg{Subject: m.Subject, Data: m.Data, Header: nats.Header{
		jetstream.MsgIDHeader:          {m.ID},
		jetstream.ExpectedStreamHeader: {stream},
	}}
	start := time.Now()
	pause := fullBackoff()
	var unknown time.Time // since when the message's fate is unknown
	for {
		err := b.publish(ctx, msg)
		switch outcome := classify(err); {
		case outcome == stored:
			b.opts.Published(time.Since(start))
			return nil
		case ctx.Err() != nil:
			return stopped(ctx, "bus.Publish")
		case outcome == refused:
			return b.refusal(stream, m, err)
		case outcome == full:
			unknown = time.Time{}
			if err := b.awaitRoom(ctx, stream, m, pause.NextBackOff()); err != nil {
				return err
			}
		default:
			if unknown.IsZero() {
				unknown = time.Now()
			}
			if err := b.retryLater(ctx, stream, m.Subject, unknown, err); err != nil {
				return err
			}
		}
	}
}

func (b *JetStream) publish(ctx context.Context, msg *nats.Msg) error {
	if err := faultpoint.Hit(ctx, faultpoint.BusBeforeStore, msg.Subject); err != nil {
		return err
	}
	asking, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	if _, err := b.js.PublishMsg(asking, msg); err != nil {
		return err
	}
	return faultpoint.Hit(ctx, faultpoint.BusAfterStore, msg.Subject)
}

// awaitRoom pauses before the next try at a full stream.
func (b *JetStream) awaitRoom(ctx context.Context, stream string, m Message, d time.Duration) error {
	if d > fullMax/2 {
		// Slow to clear: make sure that it ever can.
		u, err := b.Usage(ctx, stream)
		if err == nil && int64(len(m.Data)) > u.MaxBytes {
			return &fault.Error{Kind: fault.Unsupported, Op: "bus.Publish", Side: fault.Stream, Subject: stream,
				Err: errTooLarge(len(m.Data), u.MaxBytes)}
		}
	}
	start := time.Now()
	sleep(ctx, d)
	b.opts.Backpressure(time.Since(start))
	return nil
}

// retryLater pauses before the next try after a lost answer, or gives up.
func (b *JetStream) retryLater(ctx context.Context, stream, subject string, since time.Time, err error) error {
	if gone := b.probe(ctx, stream, subject); gone != nil {
		return streamError("bus.Publish", stream, gone)
	}
	if time.Since(since) > giveUp {
		return &fault.Error{Kind: fault.Unavailable, Op: "bus.Publish", Side: fault.Stream, Subject: stream, Err: err}
	}
	sleep(ctx, 100*time.Millisecond)
	return nil
}

// probe asks why a stream does not answer, and returns an error where trying on is
// no use. A server whose disk is full never answers a publish; a purge, here of a
// subject that no message has, tells what the matter is.
func (b *JetStream) probe(ctx context.Context, stream, subject string) error {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	s, err := b.js.Stream(ctx, stream)
	if err == nil {
		err = s.Purge(ctx, jetstream.WithPurgeSubject(subject+".none"))
	}
	if errors.Is(err, jetstream.ErrStreamNotFound) || isDiskFull(err) {
		return err
	}
	return nil
}

// fullBackoff paces the tries at a full stream, with jitter so that publishers
// do not all come back at once.
func fullBackoff() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = fullMin, fullMax
	return b
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
