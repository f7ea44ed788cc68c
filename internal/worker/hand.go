package worker

import (
	"context"
	"errors"

	"github.com/drover-db/drover/internal/pace"
)

// gentle is why a job is to end at the next place where that costs nothing, and not at
// once.
type gentle struct{ error }

func (g gentle) Unwrap() error { return g.error }

func isGentle(cause error) bool {
	var g gentle
	return errors.As(cause, &g)
}

// hand is what a job in hand has beside its context.
type hand struct {
	gentle context.Context
	pacer  *pace.Pacer
}

type handKey struct{}

// inHand makes the context of a job; ease ends what Gentle gives of it.
func inHand(ctx context.Context, p *pace.Pacer) (_ context.Context, ease context.CancelCauseFunc) {
	soft, ease := context.WithCancelCause(ctx)
	h := &hand{pacer: p}
	h.gentle = context.WithValue(soft, handKey{}, h)
	return context.WithValue(ctx, handKey{}, h), ease
}

// Gentle gives the context for what a handler may leave at any moment without loss: it
// ends with ctx, and before that when the worker drains or the job is to be handed back.
// What has begun in the target goes by ctx itself.
func Gentle(ctx context.Context) context.Context {
	if h, ok := ctx.Value(handKey{}).(*hand); ok {
		return h.gentle
	}
	return ctx
}

// Pacer gives the pace at which a handler may read.
func Pacer(ctx context.Context) *pace.Pacer {
	if h, ok := ctx.Value(handKey{}).(*hand); ok {
		return h.pacer
	}
	return &pace.Pacer{}
}
