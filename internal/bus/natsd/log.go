package natsd

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/drover-db/drover/internal/fault"
)

// logger hands the server's words to slog and keeps the first fatal one.
type logger struct {
	log   *slog.Logger
	fatal chan string
}

func newLogger(log *slog.Logger) *logger {
	return &logger{log: log.With("component", "nats"), fatal: make(chan string, 1)}
}

func (l *logger) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *logger) Warnf(format string, v ...any)   { l.log.Warn(fmt.Sprintf(format, v...)) }
func (l *logger) Errorf(format string, v ...any)  { l.log.Error(fmt.Sprintf(format, v...)) }
func (l *logger) Debugf(string, ...any)           {}
func (l *logger) Tracef(string, ...any)           {}

// Fatalf is a start that went wrong; unlike the server's own logger this one does
// not end the process.
func (l *logger) Fatalf(format string, v ...any) {
	msg := fmt.Sprintf(format, v...)
	l.log.Error(msg)
	select {
	case l.fatal <- msg:
	default:
	}
}

func startError(msg string) error {
	kind := fault.Invalid
	if strings.Contains(msg, "no space left") {
		kind = fault.Exhausted
	}
	return fault.New(kind, "natsd.Start", "start the NATS server: %s", msg)
}
