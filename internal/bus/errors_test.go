package bus

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/fault"
)

func apiError(code int, errCode jetstream.ErrorCode, words string) error {
	return fmt.Errorf("nats: %w", &jetstream.APIError{Code: code, ErrorCode: errCode, Description: words})
}

// The words are the server's own, as seen on NATS 2.15.2.
func TestClassify(t *testing.T) {
	for _, c := range []struct {
		err  error
		want outcome
	}{
		{nil, stored},
		{apiError(503, 10077, "maximum bytes exceeded"), full},
		{apiError(429, 10167, "too many requests"), full},
		{apiError(503, 10077, "message too large"), refused},
		{apiError(400, 10054, "message size exceeds maximum allowed"), refused},
		{apiError(503, 10023, "insufficient resources"), full},
		{apiError(400, 10002, "resource limits exceeded for account"), full},
		{apiError(400, 10060, "expected stream does not match"), refused},
		{nats.ErrMaxPayload, refused},
		{apiError(503, 10008, "JetStream system temporarily unavailable"), lost},
		{jetstream.ErrNoStreamResponse, lost},
		{context.DeadlineExceeded, lost},
		{nats.ErrReconnectBufExceeded, lost},
	} {
		require.Equal(t, c.want, classify(c.err), "%v", c.err)
	}
}

func TestStreamError_Kinds(t *testing.T) {
	for _, c := range []struct {
		err   error
		kind  fault.Kind
		words string
	}{
		{jetstream.ErrStreamNotFound, fault.Unavailable, "read again"},
		{apiError(500, 10047, "insufficient storage resources available"), fault.Exhausted, "max_file_store"},
		{apiError(500, 10051, "write /x/1.blk: no space left on device"), fault.Exhausted, "disk"},
		{apiError(503, 10077, "message too large"), fault.Exhausted, "store"},
		{apiError(400, 10052, "bad config"), fault.Invalid, "bad config"},
		{context.Canceled, fault.Canceled, "canceled"},
		{errors.New("broken pipe"), fault.Unavailable, "broken pipe"},
	} {
		err := streamError("op", "S", c.err)
		require.Equal(t, c.kind, fault.KindOf(err), "%v", c.err)
		require.Equal(t, fault.Stream, fault.Find(err).Side)
		require.ErrorContains(t, err, c.words)
	}
	require.NoError(t, streamError("op", "S", nil))
}
