package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/drover-db/drover/internal/fault"
)

// Error codes of the server that nats.go has no names for.
const (
	codeAccountExceeded       jetstream.ErrorCode = 10002
	codeInsufficientResources jetstream.ErrorCode = 10023
	codeStorageExceeded       jetstream.ErrorCode = 10047
	codeStoreFailed           jetstream.ErrorCode = 10077
	codeTooManyRequests       jetstream.ErrorCode = 10167
)

// outcome is what is known of a message after a try to publish it.
type outcome int

const (
	stored outcome = iota
	// full: not stored, and its id is not remembered: the stream has no room, or the
	// server's store, which others fill too.
	full
	// refused: not stored, and would not be the next time.
	refused
	// lost: no answer came; it may be stored or not.
	lost
)

func classify(err error) outcome {
	if err == nil {
		return stored
	}
	var api *jetstream.APIError
	switch {
	case errors.Is(err, nats.ErrMaxPayload):
		return refused
	case !errors.As(err, &api):
		return lost
	case api.ErrorCode == codeStoreFailed && strings.Contains(api.Description, "maximum bytes exceeded"),
		api.ErrorCode == codeTooManyRequests, api.ErrorCode == codeInsufficientResources, api.ErrorCode == codeAccountExceeded:
		return full
	case api.Code == 503 && api.ErrorCode != codeStoreFailed:
		return lost
	default:
		return refused
	}
}

// refusal explains why a message can never be stored.
func (b *JetStream) refusal(stream string, m Message, err error) error {
	var api *jetstream.APIError
	tooLarge := errors.Is(err, nats.ErrMaxPayload) || errors.As(err, &api) &&
		(api.ErrorCode == jetstream.JSErrCodeStreamMessageExceedsMaximum || strings.Contains(api.Description, "message too large"))
	if tooLarge {
		return &fault.Error{Kind: fault.Unsupported, Op: "bus.Publish", Side: fault.Stream, Subject: stream,
			Err: errTooLarge(len(m.Data), MaxMessage)}
	}
	return streamError("bus.Publish", stream, err)
}

// errGone and errLost say that what a stream held is no more.
var (
	errGone = errors.New("the stream is gone; its rows have to be read again")
	errLost = errors.New("the stream lost messages; its rows have to be read again")
)

// errDiskFull also says to restart: a server freezes a stream that it could not write.
var errDiskFull = errors.New("the disk under the NATS server's store is full; free some of it, then restart the server")

// isDiskFull tells whether err is a server's word that its disk is full.
func isDiskFull(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && strings.Contains(api.Description, "no space left")
}

// stopped is the error of a call whose context ended.
func stopped(ctx context.Context, op string) error {
	kind := fault.Unavailable
	if errors.Is(ctx.Err(), context.Canceled) {
		kind = fault.Canceled
	}
	return &fault.Error{Kind: kind, Op: op, Side: fault.Stream, Err: context.Cause(ctx)}
}

func errTooLarge(size int, limit int64) error {
	return fmt.Errorf("message of %d bytes is larger than the stream's limit of %d bytes", size, limit)
}

// streamError gives an error of NATS its kind. nil stays nil.
func streamError(op, stream string, err error) error {
	if err == nil {
		return nil
	}
	out := &fault.Error{Kind: fault.Unavailable, Op: op, Side: fault.Stream, Subject: stream, Err: err}
	var api *jetstream.APIError
	switch {
	case errors.Is(err, context.Canceled):
		out.Kind = fault.Canceled
	case errors.Is(err, jetstream.ErrStreamNotFound):
		out.Err = errGone
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		out.Kind, out.Err = fault.Invalid, errors.New("the NATS server runs without JetStream; start it with -js")
	case isDiskFull(err):
		out.Kind, out.Err = fault.Exhausted, errDiskFull
	case !errors.As(err, &api):
	case api.ErrorCode == codeStorageExceeded, api.ErrorCode == codeInsufficientResources, api.ErrorCode == codeAccountExceeded:
		out.Kind, out.Err = fault.Exhausted, fmt.Errorf("the NATS server's store has no room left: free some of its disk, raise its max_file_store, or give this stream less: %w", err)
	case api.ErrorCode == codeStoreFailed:
		out.Kind, out.Err = fault.Exhausted, fmt.Errorf("the NATS server cannot write to its store; is its disk full? %w", err)
	case api.Code >= 400 && api.Code < 500:
		out.Kind = fault.Invalid
	}
	return out
}
