package rpc

import (
	"errors"
	"io"
	"strings"
	"time"

	validatepb "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/drover-db/drover/internal/fault"
)

// domain is who gives the reasons in ErrorInfo: kinds of internal/fault, in capitals.
const domain = "drover.dev"

// Keys of ErrorInfo's metadata.
const (
	metaOp      = "op"
	metaSide    = "side"
	metaSubject = "subject"
	metaKey     = "key"
	metaColumn  = "column"
)

// retryAfter is what clients are told to wait before they call again.
const retryAfter = time.Second

var kindCodes = map[fault.Kind]codes.Code{
	fault.Internal:    codes.Internal,
	fault.Invalid:     codes.InvalidArgument,
	fault.NotFound:    codes.NotFound,
	fault.Exists:      codes.AlreadyExists,
	fault.Denied:      codes.PermissionDenied,
	fault.Unavailable: codes.Unavailable,
	fault.Exhausted:   codes.ResourceExhausted,
	fault.Conflict:    codes.Aborted,
	fault.Fenced:      codes.FailedPrecondition,
	fault.Gap:         codes.DataLoss,
	fault.Corrupt:     codes.DataLoss,
	fault.Value:       codes.OutOfRange,
	fault.Unsupported: codes.Unimplemented,
	fault.Changed:     codes.FailedPrecondition,
	fault.Canceled:    codes.Canceled,
}

// codeKinds class statuses that drover did not make.
var codeKinds = map[codes.Code]fault.Kind{
	codes.InvalidArgument:    fault.Invalid,
	codes.NotFound:           fault.NotFound,
	codes.AlreadyExists:      fault.Exists,
	codes.PermissionDenied:   fault.Denied,
	codes.Unauthenticated:    fault.Denied,
	codes.Unavailable:        fault.Unavailable,
	codes.DeadlineExceeded:   fault.Unavailable,
	codes.ResourceExhausted:  fault.Exhausted,
	codes.Aborted:            fault.Conflict,
	codes.FailedPrecondition: fault.Changed,
	codes.OutOfRange:         fault.Value,
	codes.DataLoss:           fault.Corrupt,
	codes.Unimplemented:      fault.Unsupported,
	codes.Canceled:           fault.Canceled,
}

// Status makes a gRPC status of an error, with its kind and its place as details.
// nil stays nil, a status stays what it is.
func Status(err error) error {
	if err == nil {
		return nil
	}
	var e *fault.Error
	if !errors.As(err, &e) {
		if st, ok := status.FromError(err); ok {
			return describeViolations(st).Err()
		}
		e = fault.Find(err)
	}
	st := status.New(kindCodes[e.Kind], err.Error())
	details := []protoadapt.MessageV1{errorInfo(e)}
	if e.Kind == fault.Unavailable || e.Kind == fault.Exhausted {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(retryAfter)})
	}
	return detailed(st, details...).Err()
}

func errorInfo(e *fault.Error) *errdetails.ErrorInfo {
	info := &errdetails.ErrorInfo{Domain: domain, Reason: strings.ToUpper(e.Kind.String()), Metadata: map[string]string{}}
	for k, v := range map[string]string{metaOp: e.Op, metaSide: e.Side, metaSubject: e.Subject, metaKey: e.Key, metaColumn: e.Column} {
		if v != "" {
			info.Metadata[k] = v
		}
	}
	return info
}

// detailed adds details; a status that cannot carry them goes without.
func detailed(st *status.Status, details ...protoadapt.MessageV1) *status.Status {
	if with, err := st.WithDetails(details...); err == nil {
		return with
	}
	return st
}

// describeViolations turns what the validation of a request found into the
// standard BadRequest, which every client can read.
func describeViolations(st *status.Status) *status.Status {
	for _, d := range st.Details() {
		v, ok := d.(*validatepb.Violations)
		if !ok {
			continue
		}
		bad := &errdetails.BadRequest{}
		var lines []string
		for _, one := range v.GetViolations() {
			f := &errdetails.BadRequest_FieldViolation{Field: protovalidate.FieldPathString(one.GetField()), Description: one.GetMessage(), Reason: one.GetRuleId()}
			bad.FieldViolations = append(bad.FieldViolations, f)
			lines = append(lines, strings.TrimPrefix(f.GetField()+": ", ": ")+f.GetDescription())
		}
		return detailed(status.New(codes.InvalidArgument, strings.Join(lines, "; ")),
			errorInfo(&fault.Error{Kind: fault.Invalid, Op: "rpc.Validate"}), bad)
	}
	return st
}

// Fault makes an error with a kind of a gRPC status; it is the inverse of Status.
// nil and io.EOF, the end of a stream, stay what they are.
func Fault(err error) error {
	var e *fault.Error
	if err == nil || errors.Is(err, io.EOF) || errors.As(err, &e) {
		return err
	}
	st, ok := status.FromError(err)
	if !ok {
		return fault.Wrap(fault.KindOf(err), "rpc", err)
	}
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetDomain() == domain {
			return restore(st.Message(), info)
		}
	}
	return &fault.Error{Kind: codeKinds[st.Code()], Op: "rpc", Err: errors.New(transportMessage(st))}
}

// restore makes the error that Status was given.
func restore(message string, info *errdetails.ErrorInfo) *fault.Error {
	m := info.GetMetadata()
	e := &fault.Error{
		Kind: fault.ParseKind(strings.ToLower(info.GetReason())), Op: m[metaOp], Side: m[metaSide],
		Subject: m[metaSubject], Key: m[metaKey], Column: m[metaColumn],
	}
	// The message begins with the place, which Error would put there again.
	const mark = "\x00"
	e.Err = errors.New(mark)
	if rest, ok := strings.CutPrefix(message, strings.TrimSuffix(e.Error(), mark)); ok {
		e.Err = errors.New(rest)
		return e
	}
	return &fault.Error{Kind: e.Kind, Op: e.Op, Side: e.Side, Err: errors.New(message)}
}

// transportMessage takes gRPC's wrapping off the reason of a failed connection.
func transportMessage(st *status.Status) string {
	msg := st.Message()
	if i := strings.LastIndex(msg, "Error while dialing: "); i >= 0 {
		return strings.TrimRight(msg[i+len("Error while dialing: "):], `"`)
	}
	if rest, ok := strings.CutPrefix(msg, "connection error: desc = "); ok {
		return strings.Trim(rest, `"`)
	}
	return msg
}
