package engine

import (
	"context"
	"time"
)

// Monitor looks at what a database bears besides drover.
type Monitor interface {
	// Load looks at it now.
	Load(ctx context.Context) (Load, error)
}

// Load is what a database bears. What an engine does not know, or this user may not see,
// is 0.
type Load struct {
	// ActiveSessions are sessions at work that are not drover's.
	ActiveSessions int
	// ReplicaLag is that of the replica furthest behind, or the database's own where it
	// is a replica.
	ReplicaLag time.Duration
	// HiddenSessions and HiddenLag say what this user may not see of the one and the
	// other, and what would let it; empty where it may.
	HiddenSessions, HiddenLag string
}
