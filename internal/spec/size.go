package spec

import (
	"math"
	"strconv"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
)

// units of sizes, largest suffix first so that "MiB" is not read as "B".
var units = []struct {
	suffix string
	bytes  int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
	{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1},
}

// ParseSize reads a size such as "64MiB", in bytes. KiB, MiB and GiB are powers
// of 1024; KB, MB and GB of 1000.
func ParseSize(text string) (int64, error) {
	const op = "spec.ParseSize"
	for _, u := range units {
		digits, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(digits, " "), 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/u.bytes {
			break
		}
		return n * u.bytes, nil
	}
	return 0, fault.New(fault.Invalid, op, "%q is not a size: write a whole number and a unit, such as 64MiB (B, KiB, MiB, GiB, KB, MB, GB)", text)
}

// sizes finds sizes that are zero or too large to count.
func sizes(s *droverv1.MigrationSpec) []*protovalidate.Violation {
	var out []*protovalidate.Violation
	check := func(text string, path ...*validate.FieldPathElement) {
		if n, err := ParseSize(text); text != "" && (err != nil || n == 0) {
			out = append(out, violation("must be a size above zero, such as 64MiB", path...))
		}
	}
	check(s.GetRanges().GetTargetBytes(), field("ranges"), field("target_bytes"))
	check(s.GetStream().GetMaxBytes(), field("stream"), field("max_bytes"))
	return out
}
