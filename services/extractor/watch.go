package extractor

import (
	"context"
	"time"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/worker"
)

// watchSource looks at the source's load now and then, until it is told to stop: it
// ends by an error only.
func (s *Service) watchSource(ctx context.Context, db engine.Monitor, report worker.Report) (*workerv1.Result, error) {
	tick := time.NewTicker(s.config.WatchEvery)
	defer tick.Stop()
	for look := int64(1); ; look++ {
		seen, err := db.Load(ctx)
		if err != nil {
			return nil, fault.At(err, fault.Source, "")
		}
		report(&workerv1.Progress{Load: &workerv1.SourceLoad{Look: look, ActiveSessions: int32(seen.ActiveSessions), ReplicaLagSeconds: seen.ReplicaLag.Seconds()}})
		select {
		case <-ctx.Done():
			return nil, fault.Wrap(fault.Canceled, "extractor.watchSource", ctx.Err())
		case <-tick.C:
		}
	}
}

// unseen are findings about what this user may not see of a load that is to be watched.
func unseen(ctx context.Context, db engine.Monitor, limits *droverv1.SourceLimitSpec) ([]*planv1.Finding, error) {
	lag, sessions := limits.GetReplicaLag() != "", limits.GetActiveSessions() > 0
	if !lag && !sessions {
		return nil, nil
	}
	seen, err := db.Load(ctx)
	if err != nil {
		return nil, fault.At(err, fault.Source, "")
	}
	var out []*planv1.Finding
	add := func(wanted bool, field, hidden string) {
		if wanted && hidden != "" {
			out = append(out, &planv1.Finding{Severity: planv1.Severity_SEVERITY_WARNING, Code: "LOAD_NOT_SEEN",
				Message: "limits.source." + field + " has no effect: " + hidden})
		}
	}
	add(lag, "replicaLag", seen.HiddenLag)
	add(sessions, "activeSessions", seen.HiddenSessions)
	return out, nil
}
