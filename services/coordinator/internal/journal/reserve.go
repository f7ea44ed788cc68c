package journal

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/fault"
)

// The part of the server's store that no row stream is given: an eighth of what could be
// promised when it was made, of 8 GiB at most.
const (
	reserveShare = 8
	reserveMost  = 8 << 30
	reserveLeast = 8 << 20
)

// reserveState tells, in its metadata, that the size of the reserve was found.
const reserveState, reserveFound = "drover", "reserve"

// reserveWait bounds the making of all that is beside the log.
const reserveWait = 30 * time.Second

// makeRoom makes the place of snapshots, which a server that has promised all of its store
// would not make later, and the reserve. A log without them can be kept.
func (j *JetStream) makeRoom(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reserveWait)
	defer cancel()
	if _, err := j.bucket(ctx); err != nil && !fault.Is(err, fault.Exhausted) {
		return err
	}
	return j.reserve(ctx)
}

// reserve keeps room in the server's store for events and snapshots. A server promises its
// streams no more than it may store, and rows fill what theirs are promised: without this,
// a full store would refuse events too, and with them all that makes room again. An empty
// stream holds the promise, so the log itself has no limit.
func (j *JetStream) reserve(ctx context.Context) error {
	s, err := j.js.Stream(ctx, bus.ReserveStream)
	if err == nil {
		c := s.CachedInfo().Config
		if c.Metadata[reserveState] == reserveFound {
			return nil
		}
		return j.settleReserve(ctx, c.MaxBytes) // whoever made it died before
	}
	if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return logError("journal.reserve", "", err)
	}
	// A client cannot ask how much there is.
	for size := int64(reserveMost); size >= reserveLeast; size /= 2 {
		_, err = j.js.CreateStream(ctx, j.reserveConfig(size))
		if err == nil {
			return j.settleReserve(ctx, size)
		}
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			return nil // another coordinator is at it
		}
		if err = logError("journal.reserve", "", err); !fault.Is(err, fault.Exhausted) && !isNoPeers(err) {
			return err
		}
	}
	return nil // as little as there is serves the log alone
}

// settleReserve gives back all but the reserve's share.
func (j *JetStream) settleReserve(ctx context.Context, size int64) error {
	c := j.reserveConfig(size / reserveShare)
	c.Metadata = map[string]string{reserveState: reserveFound}
	_, err := j.js.UpdateStream(ctx, c)
	return logError("journal.reserve", "", err)
}

func (j *JetStream) reserveConfig(size int64) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        bus.ReserveStream,
		Description: "drover: room for the control log that rows cannot have; always empty",
		Subjects:    []string{bus.ReserveSubject},
		Storage:     jetstream.FileStorage,
		Discard:     jetstream.DiscardNew,
		MaxBytes:    size,
		MaxMsgSize:  1,
		Replicas:    max(j.cfg.Replicas, 1),
	}
}

// isNoPeers is a cluster's refusal of a stream for which no servers have room.
func isNoPeers(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == codeNoPeers
}
