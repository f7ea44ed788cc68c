package bus

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/drover-db/drover/internal/fault"
)

const (
	// A consumer asks for at most this much ahead of its reader; one message of
	// the largest size must fit with its subject and header.
	pullBytes    = MaxMessage + 64<<10
	pullMessages = 256
	// heartbeat is how often an idle server shows that it lives; two missing ones
	// make the consumer anew.
	heartbeat = 2 * time.Second
	// consumerIdle is when a server forgets a consumer nobody pulls from.
	consumerIdle = time.Minute
	// deleteTimeout bounds the courtesy of removing a consumer by hand.
	deleteTimeout = 2 * time.Second
)

// consumer reads a subject in order. Like the client's ordered consumer it holds
// its position itself and makes a new consumer in the server behind it after any
// trouble; unlike that one it never outlasts its context, and it notices that a
// stream is not the one it began with.
type consumer struct {
	js              jetstream.JetStream
	stream, subject string
	// created tells a stream from another of the same name.
	created time.Time
	// last is the sequence of the last message handed over.
	last uint64

	name     string
	messages jetstream.MessagesContext
	// delivered counts messages of the present server-side consumer: a step above
	// one means that some were lost on the way.
	delivered uint64
}

// Consume implements Bus. A server that does not answer is none to give up for: Next
// tries on.
func (b *JetStream) Consume(ctx context.Context, stream, subject string) (Consumer, error) {
	c := &consumer{js: b.js, stream: stream, subject: subject}
	if err := c.reopen(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// Next implements Consumer.
func (c *consumer) Next(ctx context.Context) (Delivery, error) {
	for {
		if ctx.Err() != nil {
			return Delivery{}, stopped(ctx, "bus.Next")
		}
		if c.messages == nil {
			if err := c.reopen(ctx); err != nil {
				return Delivery{}, err
			}
			continue
		}
		d, err := c.next(ctx)
		if err == nil {
			return d, nil
		}
		if ctx.Err() == nil {
			c.Close()
		}
	}
}

// next takes a message from the present server-side consumer.
func (c *consumer) next(ctx context.Context) (Delivery, error) {
	m, err := c.messages.Next(jetstream.NextContext(ctx))
	if err != nil {
		return Delivery{}, err
	}
	meta, err := m.Metadata()
	if err != nil {
		return Delivery{}, err
	}
	if meta.Sequence.Consumer != c.delivered+1 || meta.Sequence.Stream <= c.last {
		return Delivery{}, errors.New("messages were lost on the way")
	}
	c.delivered++
	c.last = meta.Sequence.Stream
	return Delivery{Data: m.Data(), Sequence: c.last}, nil
}

// reopen makes a consumer anew until it works or the stream turns out to be lost.
func (c *consumer) reopen(ctx context.Context) error {
	err := c.open(ctx)
	switch {
	case err == nil || ctx.Err() != nil:
		return nil
	case errors.Is(err, errLost):
		return fault.At(err, fault.Stream, c.stream)
	case errors.Is(err, jetstream.ErrStreamNotFound), errors.Is(err, nats.ErrConnectionClosed):
		return streamError("bus.Consume", c.stream, err)
	}
	var api *jetstream.APIError
	if errors.As(err, &api) && api.Code < 500 {
		return streamError("bus.Consume", c.stream, err)
	}
	sleep(ctx, 250*time.Millisecond)
	return nil
}

// open makes the server-side consumer, behind the last message handed over.
func (c *consumer) open(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	s, err := c.js.Stream(ctx, c.stream)
	if err != nil {
		return err
	}
	if err := c.recognize(s.CachedInfo()); err != nil {
		return err
	}
	cfg := jetstream.ConsumerConfig{
		Name: "drover_" + nuid.Next(), FilterSubject: c.subject,
		AckPolicy: jetstream.AckNonePolicy, DeliverPolicy: jetstream.DeliverAllPolicy,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: consumerIdle,
	}
	if c.last > 0 {
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, c.last+1
	}
	cons, err := s.CreateConsumer(ctx, cfg)
	if err != nil {
		return err
	}
	c.name, c.delivered = cfg.Name, 0
	c.messages, err = cons.Messages(
		jetstream.PullMaxMessagesWithBytesLimit(pullMessages, pullBytes),
		jetstream.PullHeartbeat(heartbeat),
		jetstream.WithMessagesErrOnMissingHeartbeat(true))
	return err
}

// recognize refuses a stream that was made anew, or put back to an earlier state,
// since this consumer began.
func (c *consumer) recognize(i *jetstream.StreamInfo) error {
	if c.created.IsZero() {
		c.created = i.Created
	}
	if !c.created.Equal(i.Created) || i.State.LastSeq < c.last {
		return fault.Wrap(fault.Unavailable, "bus.Next", errLost)
	}
	return nil
}

// Close implements Consumer.
func (c *consumer) Close() {
	if c.messages == nil {
		return
	}
	c.messages.Stop()
	c.messages = nil
	ctx, cancel := context.WithTimeout(context.Background(), deleteTimeout)
	defer cancel()
	if c.js.Conn().Status() != nats.CONNECTED {
		return
	}
	// A consumer that stays behind is forgotten by the server after consumerIdle.
	_ = c.js.DeleteConsumer(ctx, c.stream, c.name)
}
