package main

import (
	"context"
	"errors"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"

	"github.com/drover-db/drover/cmd/drover/internal/progress"
)

// The exit codes. They are documented in the help of the root command and do not
// change their meaning.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitDifferences = 3
	exitRejected    = 4
	exitSource      = 5
	exitTarget      = 6
	exitCoordinator = 7
	exitPreflight   = 8
	exitPending     = 10
	exitWaiting     = 11
	exitTimeout     = 124
	exitInterrupted = 130
)

const exitHelp = `Exit codes:
    0  done, everything proven
    1  failed
    2  wrong usage or spec, or the state folder's migration is already complete
    3  validation found differences that remain
    4  finished, but rows were rejected
    5  source unreachable or access denied
    6  target unreachable or access denied
    7  coordinator or message server unreachable or access denied
    8  preflight failed: the plan has errors
   10  plan: there is something to move (only with --detailed-exitcode)
   11  the next phase waits for drover approve; resumable
  124  --timeout passed
  130  interrupted; resumable`

// Why a command was stopped from outside; causes of the command's context.
var (
	errInterrupted = errors.New("interrupted")
	errTimeout     = errors.New("--timeout passed")
)

// codeError carries an exit code that no fault stands for.
type codeError struct {
	code int
	// message is empty where everything has been said.
	message string
}

func (e *codeError) Error() string { return e.message }

// exitCode gives the code a command ends with.
func exitCode(err error) int {
	var coded *codeError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &coded):
		return coded.code
	case errors.Is(err, errTimeout):
		return exitTimeout
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	default:
		f := fault.Find(err)
		return codeOf(f.Kind, f.Side)
	}
}

// codeOf gives the exit code of a fault: the one place that decides it.
func codeOf(kind fault.Kind, side string) int {
	switch kind {
	case fault.Invalid:
		return exitUsage
	case fault.Exists:
		if side == "" {
			return exitUsage // a name, a port or a folder that is taken
		}
		return exitPreflight
	case fault.Unsupported:
		return exitPreflight
	case fault.Value:
		return exitRejected
	case fault.Corrupt:
		return exitDifferences
	case fault.NotFound, fault.Denied, fault.Unavailable:
		return unreachable(kind, side)
	case fault.Canceled:
		return exitInterrupted
	default:
		return exitFailed
	}
}

// unreachable is the code of a side that is not there or lets nobody in. What is
// not found on no side is a name that the user got wrong.
func unreachable(kind fault.Kind, side string) int {
	switch {
	case side == fault.Source:
		return exitSource
	case side == fault.Target:
		return exitTarget
	case kind == fault.NotFound:
		return exitUsage
	default:
		return exitCoordinator
	}
}

// outcome gives the error that the end of a migration amounts to; nil when it is
// complete with all rows. The reason was printed with the summary, so the error has no text but
// where the migration never began.
func outcome(s progress.Snapshot) error {
	m := s.Migration
	switch m.GetState() {
	case droverv1.Migration_STATE_COMPLETE:
		if m.GetCounters().GetRowsRejected() > 0 {
			return &codeError{code: exitRejected}
		}
		return nil
	case droverv1.Migration_STATE_FAILED:
		return failure(m)
	case droverv1.Migration_STATE_INCOMPLETE, droverv1.Migration_STATE_STOPPED:
		return &codeError{code: incompleteCode(s)}
	case droverv1.Migration_STATE_WAITING:
		return &codeError{code: exitWaiting}
	case droverv1.Migration_STATE_ROLLED_BACK:
		return &codeError{code: rolledBackCode(m)}
	case droverv1.Migration_STATE_CANCELLED:
		return &codeError{code: exitFailed, message: m.GetName() + " was cancelled"}
	case droverv1.Migration_STATE_CONTROL_REGRESSED:
		return &codeError{code: exitFailed, message: m.GetName() + " is at rest: " + m.GetReason()}
	default:
		return &codeError{code: exitFailed, message: m.GetName() + " is " + progress.StateName(m.GetState())}
	}
}

// preflight is a coordinator's reason that no fault has: the plan has errors.
const preflight = "preflight"

// failure is a failed migration's reason as the fault it was.
func failure(m *droverv1.Migration) error {
	kind := fault.ParseKind(m.GetReasonKind())
	if m.GetReasonKind() == preflight {
		kind = fault.Unsupported
	}
	return &fault.Error{Kind: kind, Op: "drover.run", Side: m.GetReasonSide(), Err: errors.New(m.GetReason())}
}

// incompleteCode is the code of the worst thing that blocks a table: rows that
// differ, then rows that were rejected, then anything else. Where no table is
// blocked, the migration itself says what stopped it.
func incompleteCode(s progress.Snapshot) int {
	code := exitOK
	for _, t := range s.Tables {
		if t.GetState() != droverv1.Table_STATE_BLOCKED {
			continue
		}
		switch c := blockedCode(t.GetReasonKind(), t.GetReasonSide()); {
		case len(t.GetDifferences()) > 0, c == exitDifferences:
			return exitDifferences
		case c == exitRejected, code == exitOK:
			code = c
		}
	}
	if code == exitOK {
		return blockedCode(s.Migration.GetReasonKind(), s.Migration.GetReasonSide())
	}
	return code
}

// blockedCode is the code of what stands in the way of a migration that has begun:
// codes of usage and preflight would say that it had not.
func blockedCode(kind, side string) int {
	switch code := codeOf(fault.ParseKind(kind), side); code {
	case exitUsage, exitPreflight, exitInterrupted:
		return exitFailed
	default:
		return code
	}
}

// rolledBackCode tells rows that differed from any other reason to roll back.
func rolledBackCode(m *droverv1.Migration) int {
	if fault.ParseKind(m.GetReasonKind()) == fault.Corrupt {
		return exitDifferences
	}
	return exitFailed
}
