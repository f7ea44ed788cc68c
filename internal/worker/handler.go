package worker

import (
	"context"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
)

// Report sends progress; the loop fills in the lease and thins out what comes
// faster than it need be sent. Reports with Fenced or Snapshot are sent at once,
// and again after a reconnect.
type Report func(*workerv1.Progress)

// Handler does the jobs of one role.
type Handler interface {
	// Handle does a job. Its result's outcome is what the job's kind asks for; an
	// error becomes a Failure. ctx ends when the lease is revoked or lost, or the
	// worker is killed.
	Handle(ctx context.Context, job *workerv1.Job, report Report) (*workerv1.Result, error)
}
