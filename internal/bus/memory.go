package bus

import (
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drover-db/drover/internal/fault"
)

// Memory is a Bus in this process, for tests in virtual time: it waits on channels
// only. It behaves as JetStream does, forgets everything with the process, and
// counts a message as its data and its subject.
type Memory struct {
	opts    Options
	mu      sync.Mutex
	streams map[string]*memoryStream
}

var _ Bus = (*Memory)(nil)

// memoryStream is guarded by its Memory's mutex.
type memoryStream struct {
	cfg      StreamConfig
	messages []memoryMessage
	bytes    int64
	last     uint64
	ids      map[string]time.Time
	gone     bool
	// changed is closed, and made anew, at every change.
	changed chan struct{}
}

type memoryMessage struct {
	subject string
	seq     uint64
	data    []byte
}

func (m memoryMessage) size() int64 { return int64(len(m.data) + len(m.subject)) }

// NewMemory makes an empty bus.
func NewMemory(o Options) *Memory {
	return &Memory{opts: o.withDefaults(), streams: map[string]*memoryStream{}}
}

// EnsureStream implements Bus.
func (b *Memory) EnsureStream(_ context.Context, c StreamConfig) error {
	if c.MaxBytes <= 0 {
		return fault.New(fault.Invalid, "bus.EnsureStream", "stream %s: give its budget in bytes", c.Name)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.streams[c.Name]
	if s == nil {
		s = &memoryStream{ids: map[string]time.Time{}, changed: make(chan struct{})}
		b.streams[c.Name] = s
	}
	s.cfg = c
	s.notify()
	return nil
}

// DeleteStream implements Bus.
func (b *Memory) DeleteStream(_ context.Context, stream string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.streams[stream]; s != nil {
		s.gone = true
		s.notify()
		delete(b.streams, stream)
	}
	return nil
}

// Purge implements Bus.
func (b *Memory) Purge(_ context.Context, stream, subject string, upTo uint64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, err := b.find("bus.Purge", stream)
	if err != nil {
		return err
	}
	s.messages = slices.DeleteFunc(s.messages, func(m memoryMessage) bool {
		if !matches(subject, m.subject) || upTo > 0 && m.seq >= upTo {
			return false
		}
		s.bytes -= m.size()
		return true
	})
	s.notify()
	return nil
}

// Usage implements Bus.
func (b *Memory) Usage(_ context.Context, stream string) (Usage, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, err := b.find("bus.Usage", stream)
	if err != nil {
		return Usage{}, err
	}
	return Usage{Bytes: s.bytes, MaxBytes: s.cfg.MaxBytes, Messages: uint64(len(s.messages))}, nil
}

// Subjects implements Bus.
func (b *Memory) Subjects(_ context.Context, stream string) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, err := b.find("bus.Subjects", stream)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, m := range s.messages {
		found[m.subject] = true
	}
	return slices.Collect(maps.Keys(found)), nil
}

// Publisher implements Bus.
func (b *Memory) Publisher(stream string, windowBytes int) (Publisher, error) {
	return newPublisher(windowBytes, func(ctx context.Context, m Message) error {
		return b.store(ctx, stream, m)
	}), nil
}

// Consume implements Bus.
func (b *Memory) Consume(_ context.Context, stream, subject string) (Consumer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, err := b.find("bus.Consume", stream)
	if err != nil {
		return nil, err
	}
	return &memoryConsumer{bus: b, stream: s, subject: subject}, nil
}

func (b *Memory) find(op, stream string) (*memoryStream, error) {
	if s := b.streams[stream]; s != nil {
		return s, nil
	}
	return nil, &fault.Error{Kind: fault.Unavailable, Op: op, Side: fault.Stream, Subject: stream, Err: errGone}
}

// store puts a message into a stream, waiting for room.
func (b *Memory) store(ctx context.Context, stream string, m Message) error {
	start := time.Now()
	for {
		changed, err := b.tryStore(stream, m)
		if err != nil {
			return err
		}
		if changed == nil {
			b.opts.Published(time.Since(start))
			return nil
		}
		waited := time.Now()
		select {
		case <-changed:
		case <-ctx.Done():
			return stopped(ctx, "bus.Publish")
		}
		b.opts.Backpressure(time.Since(waited))
	}
}

// tryStore returns a channel to wait for where the stream is full.
func (b *Memory) tryStore(stream string, m Message) (<-chan struct{}, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, err := b.find("bus.Publish", stream)
	if err != nil {
		return nil, err
	}
	refuse := func(kind fault.Kind, err error) error {
		return &fault.Error{Kind: kind, Op: "bus.Publish", Side: fault.Stream, Subject: stream, Err: err}
	}
	if !slices.ContainsFunc(s.cfg.Subjects, func(p string) bool { return matches(p, m.Subject) }) {
		return nil, refuse(fault.Unavailable, errors.New("the stream does not take subject "+m.Subject))
	}
	if limit := min(MaxMessage, s.cfg.MaxBytes); int64(len(m.Data)) > limit {
		return nil, refuse(fault.Unsupported, errTooLarge(len(m.Data), limit))
	}
	if at, ok := s.ids[m.ID]; ok && time.Since(at) < duplicateWindow {
		return nil, nil
	}
	msg := memoryMessage{subject: m.Subject, seq: s.last + 1, data: slices.Clone(m.Data)}
	if s.bytes+msg.size() > s.cfg.MaxBytes {
		return s.changed, nil
	}
	s.last++
	s.bytes += msg.size()
	s.messages = append(s.messages, msg)
	s.ids[m.ID] = time.Now()
	s.notify()
	return nil, nil
}

func (s *memoryStream) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// memoryConsumer reads a memoryStream.
type memoryConsumer struct {
	bus     *Memory
	stream  *memoryStream
	subject string
	last    uint64
}

// Next implements Consumer.
func (c *memoryConsumer) Next(ctx context.Context) (Delivery, error) {
	for {
		if ctx.Err() != nil {
			return Delivery{}, stopped(ctx, "bus.Next")
		}
		d, changed, err := c.tryNext()
		if changed == nil {
			return d, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// tryNext returns a channel to wait for where there is no further message.
func (c *memoryConsumer) tryNext() (Delivery, <-chan struct{}, error) {
	c.bus.mu.Lock()
	defer c.bus.mu.Unlock()
	if c.stream.gone {
		return Delivery{}, nil, &fault.Error{Kind: fault.Unavailable, Op: "bus.Next", Side: fault.Stream, Subject: c.stream.cfg.Name, Err: errGone}
	}
	for _, m := range c.stream.messages {
		if m.seq > c.last && matches(c.subject, m.subject) {
			c.last = m.seq
			return Delivery{Data: slices.Clone(m.data), Sequence: m.seq}, nil, nil
		}
	}
	return Delivery{}, c.stream.changed, nil
}

// Close implements Consumer.
func (c *memoryConsumer) Close() {}

// matches tells whether a subject falls under a pattern with NATS's wildcards.
func matches(pattern, subject string) bool {
	if head, ok := strings.CutSuffix(pattern, ">"); ok {
		return strings.HasPrefix(subject, head) && len(subject) > len(head)
	}
	ok, err := path.Match(strings.ReplaceAll(pattern, ".", "/"), strings.ReplaceAll(subject, ".", "/"))
	return ok && err == nil
}
