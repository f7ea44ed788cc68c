package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/drover-db/drover/internal/fault"
)

func TestStatus_EveryKindComesBack(t *testing.T) {
	for k := fault.Internal; k <= fault.Canceled; k++ {
		in := &fault.Error{Kind: k, Op: "postgres.Read", Side: fault.Source, Subject: "public.album", Key: "(7)", Column: "title", Err: errors.New("text holds a NUL")}
		st := Status(in)
		require.Equal(t, kindCodes[k], status.Code(st))
		require.Equal(t, in.Error(), status.Convert(st).Message(), "people with grpcurl read the whole message")
		var out *fault.Error
		require.ErrorAs(t, Fault(st), &out)
		require.Equal(t, in.Error(), out.Error())
		require.Equal(t, *in, *out)
		require.Equal(t, fault.Retryable(in), fault.Retryable(out))
	}
}

func TestStatus_WrappedKeepsItsMessage(t *testing.T) {
	in := fmt.Errorf("plan shop: %w", fault.At(fault.New(fault.Denied, "x", "no right to read"), fault.Source, "public.t"))
	out := Fault(Status(in))
	require.Equal(t, in.Error(), out.Error())
	require.Equal(t, fault.Denied, fault.KindOf(out))
	require.Equal(t, fault.Source, fault.Find(out).Side)
}

func TestStatus_RetryInfo(t *testing.T) {
	var found bool
	for _, d := range status.Convert(Status(fault.New(fault.Unavailable, "x", "later"))).Details() {
		_, ok := d.(*errdetails.RetryInfo)
		found = found || ok
	}
	require.True(t, found)
}

func TestFault_Foreign(t *testing.T) {
	require.NoError(t, Status(nil))
	require.NoError(t, Fault(nil))
	require.Equal(t, io.EOF, Fault(io.EOF))
	require.Equal(t, fault.Denied, fault.KindOf(Fault(status.Error(codes.Unauthenticated, "who?"))))
	require.Equal(t, fault.Internal, fault.KindOf(Fault(status.Error(codes.Unknown, "?"))))
	require.Equal(t, fault.Canceled, fault.KindOf(Fault(Status(context.Canceled))))
	refused := status.Error(codes.Unavailable, `connection error: desc = "transport: Error while dialing: dial tcp 127.0.0.1:1: connect: connection refused"`)
	require.EqualError(t, Fault(refused), "dial tcp 127.0.0.1:1: connect: connection refused")
}
