package spec

import (
	"strconv"
	"strings"
	"time"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
)

// The least that limits may be. Below them a loader would hear nothing for so long that
// it takes its stream for lost, or a job could not have the sessions that it needs.
const (
	leastRows        = 10
	leastBytes       = 64 << 10
	leastConnections = 2
)

// Limits are a spec's limits in numbers; 0 is none.
type Limits struct {
	// Rows and bytes a second.
	Rows, Bytes float64
	// Connections on each database.
	Connections int
	// ReplicaLag and ActiveSessions are what the source may show before it is read more
	// slowly.
	ReplicaLag     time.Duration
	ActiveSessions int
}

// Watched tells whether the source's load matters.
func (l Limits) Watched() bool { return l.ReplicaLag > 0 || l.ActiveSessions > 0 }

// LimitsOf reads limits that CheckLimits has let through.
func LimitsOf(s *droverv1.LimitSpec) Limits {
	if s == nil {
		return Limits{}
	}
	rows, _ := perSecond(s.GetRows())
	bytes, _ := bytesPerSecond(s.GetBytes())
	lag, _ := time.ParseDuration(s.GetSource().GetReplicaLag()) // empty is an error, and 0
	return Limits{Rows: float64(rows), Bytes: float64(bytes), Connections: int(s.GetConnections()), ReplicaLag: lag,
		ActiveSessions: int(s.GetSource().GetActiveSessions())}
}

// CheckLimits tells what is wrong with limits; errors are fault.Invalid.
func CheckLimits(s *droverv1.LimitSpec) error {
	return Check(s)
}

// perSecond reads "10000/s"; nothing is 0.
func perSecond(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	digits, ok := strings.CutSuffix(text, "/s")
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n < 0 {
		return 0, fault.New(fault.Invalid, "spec.LimitsOf", "%q is not a number a second, such as 10000/s", text)
	}
	return n, nil
}

// bytesPerSecond reads "50MiB/s"; nothing is 0.
func bytesPerSecond(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	size, ok := strings.CutSuffix(text, "/s")
	if !ok {
		return 0, fault.New(fault.Invalid, "spec.LimitsOf", "%q is not a size a second, such as 50MiB/s", text)
	}
	return ParseSize(size)
}

// checkLimits finds limits of a spec that cannot be kept.
func checkLimits(s *droverv1.MigrationSpec) []*protovalidate.Violation {
	return limitsAt(s.GetLimits(), field("limits"))
}

func limitsAt(l *droverv1.LimitSpec, at ...*validate.FieldPathElement) []*protovalidate.Violation {
	var out []*protovalidate.Violation
	bad := func(name, message string) {
		out = append(out, violation(message, append(at[:len(at):len(at)], field(name))...))
	}
	if n, err := perSecond(l.GetRows()); err != nil || n > 0 && n < leastRows {
		bad("rows", "must be at least "+strconv.Itoa(leastRows)+"/s, or 0/s for no limit")
	}
	if n, err := bytesPerSecond(l.GetBytes()); err != nil || n > 0 && n < leastBytes {
		bad("bytes", "must be at least 64KiB/s, or 0B/s for no limit")
	}
	least := leastConnections
	if LimitsOf(l).Watched() {
		least++ // for the session that watches the source
	}
	if n := l.GetConnections(); n > 0 && int(n) < least {
		bad("connections", "must be at least "+strconv.Itoa(least)+", or 0 for no limit")
	}
	return out
}
