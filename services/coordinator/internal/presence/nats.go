package presence

import (
	"context"
	"errors"
	"strconv"

	"github.com/nats-io/nats.go"

	"github.com/drover-db/drover/internal/fault"
)

// Subjects; no stream takes them.
const (
	subjectLeader  = "drover.leader."
	subjectVacated = "drover.vacated"
)

// NATS asks by requests. One that nobody has subscribed to is refused at once, so the
// death of a process, which ends its connection, is known in no time.
type NATS struct {
	conn    *nats.Conn
	vacated chan struct{}
	sub     *nats.Subscription
}

var _ Presence = (*NATS)(nil)

// NewNATS makes a Presence on a connection, which stays the caller's to close.
func NewNATS(nc *nats.Conn) (*NATS, error) {
	p := &NATS{conn: nc, vacated: make(chan struct{}, 1)}
	sub, err := nc.Subscribe(subjectVacated, func(*nats.Msg) { signal(p.vacated) })
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "presence.NewNATS", err)
	}
	p.sub = sub
	return p, nil
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func leaderSubject(term uint64) string { return subjectLeader + strconv.FormatUint(term, 10) }

// Announce implements Presence.
func (p *NATS) Announce(term uint64, name string, alive func() bool) (func(), error) {
	sub, err := p.conn.Subscribe(leaderSubject(term), func(m *nats.Msg) {
		if alive() {
			_ = m.Respond([]byte(name)) // who asked will ask again
		}
	})
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "presence.Announce", err)
	}
	return func() {
		_ = sub.Unsubscribe() // a connection that is gone has no subscriptions
		_ = p.conn.Publish(subjectVacated, nil)
		_ = p.conn.Flush()
	}, nil
}

// Ask implements Presence.
func (p *NATS) Ask(ctx context.Context, term uint64) (string, Answer) {
	m, err := p.conn.RequestWithContext(ctx, leaderSubject(term), nil)
	switch {
	case err == nil:
		return string(m.Data), Alive
	case errors.Is(err, nats.ErrNoResponders):
		return "", Absent
	default:
		return "", Silent
	}
}

// Vacated implements Presence.
func (p *NATS) Vacated() <-chan struct{} { return p.vacated }

// Close implements Presence.
func (p *NATS) Close() { _ = p.sub.Unsubscribe() }
