package bus

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
)

const (
	// MaxMessage is the largest message a row stream takes, header included.
	MaxMessage = 8 << 20
	// duplicateWindow is how long a stream remembers message ids.
	duplicateWindow = 2 * time.Minute
	// maxConsumers is set because a server caps it at 1,000 by default; it cannot
	// be changed afterwards.
	maxConsumers = 4096
)

// Options of a bus; the zero value works.
type Options struct {
	// Published is told how long each message took to be stored; may be nil.
	Published func(time.Duration)
	// Backpressure is told each time waited for room in a full stream; may be nil.
	Backpressure func(time.Duration)
}

func (o Options) withDefaults() Options {
	if o.Published == nil {
		o.Published = func(time.Duration) {}
	}
	if o.Backpressure == nil {
		o.Backpressure = func(time.Duration) {}
	}
	return o
}

// JetStream is the Bus on NATS JetStream, in process or over TCP.
//
// Streams have Limits retention: what a consumer has read stays until Purge, so
// that a loader that takes over finds it. They refuse new messages when full
// (DiscardNew) and never age any out: both would be silent loss.
type JetStream struct {
	js   jetstream.JetStream
	opts Options
}

var _ Bus = (*JetStream)(nil)

// NewJetStream makes a Bus on a connection, which stays the caller's to close.
func NewJetStream(nc *nats.Conn, o Options) (*JetStream, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, streamError("bus.NewJetStream", "", err)
	}
	return &JetStream{js: js, opts: o.withDefaults()}, nil
}

// EnsureStream implements Bus.
func (b *JetStream) EnsureStream(ctx context.Context, c StreamConfig) error {
	if c.MaxBytes <= 0 {
		return fault.New(fault.Invalid, "bus.EnsureStream", "stream %s: give its budget in bytes", c.Name)
	}
	_, err := b.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:         c.Name,
		Subjects:     c.Subjects,
		Retention:    jetstream.LimitsPolicy,
		Storage:      jetstream.FileStorage,
		Discard:      jetstream.DiscardNew,
		MaxBytes:     c.MaxBytes,
		MaxMsgSize:   MaxMessage,
		MaxConsumers: maxConsumers,
		Replicas:     max(c.Replicas, 1),
		Duplicates:   duplicateWindow,
		PersistMode:  persistMode(c),
	})
	if err == nil {
		err = faultpoint.Hit(ctx, faultpoint.BusAfterOpenStream, c.Name)
	}
	return streamError("bus.EnsureStream", c.Name, err)
}

// persistMode lets a stream without replicas write behind its acknowledgements: a
// crash of the host loses rows that can be read again, and a loader sees the gap.
// The control log never does (journal). A replicated stream cannot.
func persistMode(c StreamConfig) jetstream.PersistModeType {
	if c.Replicas <= 1 {
		return jetstream.AsyncPersistMode
	}
	return jetstream.DefaultPersistMode
}

// DeleteStream implements Bus.
func (b *JetStream) DeleteStream(ctx context.Context, stream string) error {
	err := b.js.DeleteStream(ctx, stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err == nil {
		err = faultpoint.Hit(ctx, faultpoint.BusAfterCloseStream, stream)
	}
	return streamError("bus.DeleteStream", stream, err)
}

// Purge implements Bus.
func (b *JetStream) Purge(ctx context.Context, stream, subject string, upTo uint64) error {
	if upTo == 1 {
		return nil // nothing is below the first; older servers purge everything
	}
	if err := faultpoint.Hit(ctx, faultpoint.BusBeforePurge, subject); err != nil {
		return err
	}
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return streamError("bus.Purge", stream, err)
	}
	opts := []jetstream.StreamPurgeOpt{jetstream.WithPurgeSubject(subject)}
	if upTo > 0 {
		opts = append(opts, jetstream.WithPurgeSequence(upTo))
	}
	if err := s.Purge(ctx, opts...); err != nil {
		return streamError("bus.Purge", stream, err)
	}
	return faultpoint.Hit(ctx, faultpoint.BusAfterPurge, subject)
}

// Usage implements Bus.
func (b *JetStream) Usage(ctx context.Context, stream string) (Usage, error) {
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return Usage{}, streamError("bus.Usage", stream, err)
	}
	return usageOf(s.CachedInfo()), nil
}

// Subjects implements Bus.
func (b *JetStream) Subjects(ctx context.Context, stream string) ([]string, error) {
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return nil, streamError("bus.Subjects", stream, err)
	}
	i, err := s.Info(ctx, jetstream.WithSubjectFilter(">"))
	if err != nil {
		return nil, streamError("bus.Subjects", stream, err)
	}
	return slices.Collect(maps.Keys(i.State.Subjects)), nil
}

// Usages tells how full every row stream is, by name.
func (b *JetStream) Usages(ctx context.Context) (map[string]Usage, error) {
	list := b.js.ListStreams(ctx)
	out := map[string]Usage{}
	for i := range list.Info() {
		if strings.HasPrefix(i.Config.Name, RowStream("")) {
			out[i.Config.Name] = usageOf(i)
		}
	}
	return out, streamError("bus.Usages", "", list.Err())
}

func usageOf(i *jetstream.StreamInfo) Usage {
	return Usage{Bytes: int64(i.State.Bytes), MaxBytes: i.Config.MaxBytes, Messages: i.State.Msgs}
}

// Publisher implements Bus.
func (b *JetStream) Publisher(stream string, windowBytes int) (Publisher, error) {
	return newPublisher(windowBytes, func(ctx context.Context, m Message) error {
		return b.store(ctx, stream, m)
	}), nil
}
