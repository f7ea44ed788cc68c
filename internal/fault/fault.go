// Package fault is drover's one error type. An error says which operation on
// what failed, on which side, and of what kind it is; the kind alone decides
// whether to try again, which exit code a command ends with and which gRPC
// status travels (internal/rpc maps both ways).
package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Kind classes an error. Values are append-only: they travel by name.
type Kind uint8

// The kinds.
const (
	// Internal is a defect of drover, or an error nobody classed.
	Internal Kind = iota
	// Invalid is bad input: a spec, a URL, a flag.
	Invalid
	// NotFound names something that does not exist.
	NotFound
	// Exists names something that must not exist, or must be empty.
	Exists
	// Denied is a refused login or a missing privilege.
	Denied
	// Unavailable is a server that cannot be reached or is going away.
	Unavailable
	// Exhausted is a full disk, a full stream, too many connections.
	Exhausted
	// Conflict is a deadlock, a serialization failure, a lost race: try again.
	Conflict
	// Fenced means that somebody else owns the work now.
	Fenced
	// Gap is a hole in a row stream.
	Gap
	// Corrupt is a message or a row that does not add up.
	Corrupt
	// Value is a value that the other side cannot hold exactly.
	Value
	// Unsupported is something that drover does not do.
	Unsupported
	// Changed is a table or a database that is not what the plan saw.
	Changed
	// Canceled is work that was told to stop.
	Canceled
)

var kindNames = [...]string{"internal", "invalid", "not_found", "exists", "denied", "unavailable",
	"exhausted", "conflict", "fenced", "gap", "corrupt", "value", "unsupported", "changed", "canceled"}

// String is the kind's name in reports and on the wire.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[Internal]
}

// ParseKind is the inverse of String; unknown names are Internal.
func ParseKind(s string) Kind {
	for i, n := range kindNames {
		if n == s {
			return Kind(i)
		}
	}
	return Internal
}

// Sides of a migration, as errors name them.
const (
	Source = "source"
	Target = "target"
	Stream = "stream"
)

// Error is an error with its class and its place.
type Error struct {
	Kind Kind
	// Op is the operation: "postgres.Read".
	Op string
	// Side is Source, Target, Stream or empty.
	Side string
	// Subject is the table, file or server concerned.
	Subject string
	// Key and Column name the row and column of a value at fault.
	Key, Column string
	Err         error
}

// New makes an error of a kind; format takes %w.
func New(kind Kind, op, format string, args ...any) *Error {
	return &Error{Kind: kind, Op: op, Err: fmt.Errorf(format, args...)}
}

// Wrap gives err a kind and an operation; nil stays nil. Cancellation keeps its kind.
func Wrap(kind Kind, op string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) {
		kind = Canceled
	}
	return &Error{Kind: kind, Op: op, Err: err}
}

// Error is the message without the operation: people read it.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Subject != "" {
		b.WriteString(e.Subject)
		b.WriteString(": ")
	}
	if e.Column != "" {
		fmt.Fprintf(&b, "column %s: ", e.Column)
	}
	if e.Key != "" {
		fmt.Fprintf(&b, "row %s: ", e.Key)
	}
	if e.Err != nil {
		b.WriteString(e.Err.Error())
	} else {
		b.WriteString(e.Kind.String())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// At returns a copy of err that names side and subject where it had none.
func At(err error, side, subject string) error {
	if err == nil {
		return nil
	}
	out := Error{Kind: KindOf(err), Err: err}
	var e *Error
	if errors.As(err, &e) {
		out = *e
	}
	if out.Side == "" {
		out.Side = side
	}
	if out.Subject == "" {
		out.Subject = subject
	}
	return &out
}

// Find gives the outermost *Error in err's chain, or one of kind KindOf(err).
func Find(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Kind: KindOf(err), Err: err}
}

// KindOf gives the kind of err's outermost *Error.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return Unavailable
	default:
		return Internal
	}
}

// Is tells whether err is of kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// Retryable tells whether the same operation may succeed if simply done again.
// It is the only place that decides.
func Retryable(err error) bool {
	switch KindOf(err) {
	case Unavailable, Exhausted, Conflict, Gap, Corrupt, Canceled:
		return true
	default:
		return false
	}
}
