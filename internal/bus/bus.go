// Package bus moves row batches from extractors to loaders: streams with a byte
// budget, a subject an attempt, publishers with a window in bytes and ordered
// consumers. It is a conveyor, never the only copy of anything: every user of it
// must come right if a message is lost, doubled or late.
//
// jetstream.go is the implementation on NATS JetStream, memory.go the one for
// tests in virtual time; both pass the same suite. publisher.go says how messages
// stay in order, consume.go how a reader outlives a server. subjects.go names
// everything.
package bus

import "context"

// Streams are row streams, as those see them who keep them.
type Streams interface {
	// EnsureStream makes a stream or brings its budget up to date.
	EnsureStream(ctx context.Context, c StreamConfig) error
	// DeleteStream removes a stream with all it holds; a missing one is no error.
	DeleteStream(ctx context.Context, stream string) error
	// Purge removes a subject's messages with a stream sequence below upTo; all of
	// them where upTo is 0.
	Purge(ctx context.Context, stream, subject string, upTo uint64) error
	// Usage tells how full a stream is.
	Usage(ctx context.Context, stream string) (Usage, error)
	// Subjects lists the subjects that have messages in a stream, in no order.
	Subjects(ctx context.Context, stream string) ([]string, error)
}

// Bus is a set of row streams to write and to read.
type Bus interface {
	Streams
	// Publisher publishes to one stream, in the order of one goroutine's calls; another
	// goroutine's messages come somewhere between.
	Publisher(stream string, windowBytes int) (Publisher, error)
	// Consume delivers a subject's messages in the order they were stored, from the
	// oldest that is there, and goes on with those to come.
	Consume(ctx context.Context, stream, subject string) (Consumer, error)
}

// StreamConfig sizes a stream.
type StreamConfig struct {
	Name string
	// Subjects the stream takes, wildcards included.
	Subjects []string
	// MaxBytes the stream may hold; publishers wait when it is full.
	MaxBytes int64
	Replicas int
}

// Usage of a stream.
type Usage struct {
	Bytes, MaxBytes int64
	Messages        uint64
}

// Message to publish.
type Message struct {
	Subject string
	// ID is remembered by the stream for a while: the same one is stored once.
	ID   string
	Data []byte
	// Done is called once when the stream has the message and Data may be used
	// again; it may be nil. It is not called for a message that was never stored.
	Done func()
}

// Publisher keeps at most a window of bytes unacknowledged.
type Publisher interface {
	// Publish waits for room in the window and sends. A full stream is back-pressure
	// and waited for; any other refusal of this or an earlier message is returned.
	Publish(ctx context.Context, m Message) error
	// Flush waits until everything published is stored.
	Flush(ctx context.Context) error
	Close()
}

// Delivery is a message received.
type Delivery struct {
	Data []byte
	// Sequence in the stream: what Purge counts by.
	Sequence uint64
}

// Consumer receives.
type Consumer interface {
	// Next waits for a message. Data is the receiver's to keep.
	Next(ctx context.Context) (Delivery, error)
	Close()
}
