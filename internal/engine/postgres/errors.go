package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/drover-db/drover/internal/fault"
)

// SQLSTATEs that code here acts on.
const (
	codeDuplicateObject   = "42710"
	codeDuplicateRelation = "42P07"
	codeDuplicateSchema   = "42P06"
	codeUniqueViolation   = "23505"
	codeUndefinedColumn   = "42703"
	codeLockTimeout       = "55P03"
	codeUnsupported       = "0A000"
	codeDependentObjects  = "2BP01"
	codeRaise             = "P0001"
	codeLimit             = "54000"
	codeInvalidParameter  = "22023"
	codeUndefinedObject   = "42704"
)

// classify gives a driver's error its kind, and keeps an error that has one.
func classify(op string, err error) error {
	if err == nil {
		return nil
	}
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return &fault.Error{Kind: kindOfCode(pe.Code), Op: op, Err: serverError(pe, err)}
	}
	return fault.Wrap(kindOfClient(err), op, err)
}

// serverError writes what the server said in one line; detail and hint often name
// the very row or setting at fault.
func serverError(pe *pgconn.PgError, err error) error {
	text := pe.Message
	for _, more := range []string{pe.Detail, pe.Hint} {
		if more != "" {
			text += ": " + strings.TrimSuffix(more, ".")
		}
	}
	return &pgError{text: fmt.Sprintf("%s (SQLSTATE %s)", strings.ReplaceAll(text, "\n", " "), pe.Code), err: err}
}

// pgError is a server's error in drover's words that still unwraps to the driver's.
type pgError struct {
	text string
	err  error
}

func (e *pgError) Error() string { return e.text }
func (e *pgError) Unwrap() error { return e.err }

// kindOfClient classes what never reached a server, or lost it on the way.
func kindOfClient(err error) fault.Kind {
	var netErr net.Error
	var connect *pgconn.ConnectError
	switch {
	case errors.Is(err, context.Canceled):
		return fault.Canceled
	case errors.As(err, &connect), errors.As(err, &netErr), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, pgconn.ErrConnClosed),
		errors.Is(err, net.ErrClosed), pgconn.Timeout(err), pgconn.SafeToRetry(err):
		return fault.Unavailable
	default:
		return fault.Internal
	}
}

// kindOfCode classes an SQLSTATE: the whole code first, then its class.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func kindOfCode(code string) fault.Kind {
	switch code {
	case "28P01", "28000", "42501":
		return fault.Denied
	case "3D000", "3F000", "42P01", "42704", "42883":
		return fault.NotFound
	case codeUniqueViolation, codeDuplicateObject, codeDuplicateRelation, codeDuplicateSchema, "42P04", "42723":
		return fault.Exists
	case "40001", "40P01", codeLockTimeout, "55006":
		return fault.Conflict
	case "22P03", "22P04":
		return fault.Corrupt
	case "57014":
		return fault.Canceled
	case "57P04", "42703", "42804":
		return fault.Changed
	case "25006":
		// A standby, or a server that was told to be read-only.
		return fault.Unavailable
	case "54000", "54001", "54011", "54023":
		return fault.Unsupported
	}
	switch code[:min(2, len(code))] {
	case "08", "57":
		return fault.Unavailable
	case "22", "23":
		return fault.Value
	case "53", "58":
		return fault.Exhausted
	case "40", "55":
		return fault.Conflict
	case "0A":
		return fault.Unsupported
	default:
		return fault.Internal
	}
}

// asPgError finds what the server said.
func asPgError(err error, pe **pgconn.PgError) bool { return errors.As(err, pe) }

// sqlState gives the SQLSTATE of an error, or nothing.
func sqlState(err error) string {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return pe.Code
	}
	return ""
}
