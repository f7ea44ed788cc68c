package telemetry

import (
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/mattn/go-isatty"

	"github.com/drover-db/drover/internal/fault"
)

// Attribute keys of log lines: the same thing has the same name everywhere.
const (
	KeyMigration = "migration"
	KeyTable     = "table"
	KeyRange     = "range"
	KeyAttempt   = "attempt"
	KeyWorker    = "worker"
	KeyRole      = "role"
	KeyLease     = "lease"
	KeyJob       = "job"
	KeyError     = "error"
)

// NewLog makes a logger that writes to w. Format is "text", "json" or "auto": text
// on a terminal, JSON elsewhere. Level is "debug", "info", "warn" or "error".
// Empty means auto and info.
func NewLog(w io.Writer, format, level string) (*slog.Logger, error) {
	var opts slog.HandlerOptions
	if level != "" {
		var l slog.Level
		if err := l.UnmarshalText([]byte(level)); err != nil {
			return nil, fault.New(fault.Invalid, "telemetry.NewLog", "log level %q is none of debug, info, warn, error", level)
		}
		opts.Level = l
	}
	switch strings.ToLower(format) {
	case "", "auto":
		if f, ok := w.(*os.File); ok && isatty.IsTerminal(f.Fd()) {
			return slog.New(slog.NewTextHandler(w, &opts)), nil
		}
		return slog.New(slog.NewJSONHandler(w, &opts)), nil
	case "text":
		return slog.New(slog.NewTextHandler(w, &opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, &opts)), nil
	default:
		return nil, fault.New(fault.Invalid, "telemetry.NewLog", "log format %q is none of auto, text, json", format)
	}
}
