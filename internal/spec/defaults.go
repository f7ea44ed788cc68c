package spec

import (
	"cmp"

	"google.golang.org/protobuf/proto"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
)

// The defaults of a spec.
const (
	DefaultStrategy       = "bulk"
	DefaultExisting       = "fail"
	DefaultPublish        = "direct"
	DefaultOnFailure      = "discard"
	DefaultApprove        = "auto"
	DefaultMaxConnections = 16
	DefaultRangeRows      = 250_000
	DefaultRangeBytes     = "64MiB"
	DefaultMaxAttempts    = 5
	DefaultStreamBytes    = "1GiB"
	DefaultReplicas       = 1
)

// WithDefaults gives a copy of s in which every default is written out.
func WithDefaults(s *droverv1.MigrationSpec) *droverv1.MigrationSpec {
	out := proto.CloneOf(s)
	out.ApiVersion = cmp.Or(out.GetApiVersion(), APIVersion)
	out.Kind = cmp.Or(out.GetKind(), Kind)
	out.Strategy = cmp.Or(out.GetStrategy(), DefaultStrategy)
	out.Existing = cmp.Or(out.GetExisting(), DefaultExisting)
	out.Publish = cmp.Or(out.GetPublish(), DefaultPublish)
	if out.GetPublish() == publishAtomic {
		out.OnFailure = cmp.Or(out.GetOnFailure(), DefaultOnFailure)
	}
	for _, p := range out.GetPhases() {
		p.Approve = cmp.Or(p.GetApprove(), DefaultApprove)
	}
	if out.Ranges == nil {
		out.Ranges = &droverv1.RangeSpec{}
	}
	if out.Stream == nil {
		out.Stream = &droverv1.StreamSpec{}
	}
	out.Ranges.TargetRows = cmp.Or(out.Ranges.GetTargetRows(), DefaultRangeRows)
	out.Ranges.TargetBytes = cmp.Or(out.Ranges.GetTargetBytes(), DefaultRangeBytes)
	out.Ranges.MaxAttempts = cmp.Or(out.Ranges.GetMaxAttempts(), DefaultMaxAttempts)
	out.Stream.MaxBytes = cmp.Or(out.Stream.GetMaxBytes(), DefaultStreamBytes)
	out.Stream.Replicas = cmp.Or(out.Stream.GetReplicas(), DefaultReplicas)
	for _, e := range []*droverv1.EndpointSpec{out.GetSource(), out.GetTarget()} {
		if e != nil {
			e.MaxConnections = cmp.Or(e.GetMaxConnections(), DefaultMaxConnections)
		}
	}
	return out
}
