package loader

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// conflictTries bounds how often a batch is written again after a deadlock or a
// serialization failure, before the job fails and its range is tried as a whole.
const conflictTries = 6

// writeAgain writes a batch, again where the target asks for just that. It is
// safe whatever became of the try before: the ledger knows.
func writeAgain(ctx context.Context, w engine.RangeWriter, b engine.Batch) (engine.Outcome, error) {
	delay := backoff.NewExponentialBackOff()
	delay.InitialInterval = 50 * time.Millisecond
	return backoff.Retry(ctx, func() (engine.Outcome, error) {
		outcome, err := w.Write(ctx, b)
		if err != nil && !fault.Is(err, fault.Conflict) {
			err = backoff.Permanent(err)
		}
		return outcome, err
	}, backoff.WithBackOff(delay), backoff.WithMaxTries(conflictTries))
}
