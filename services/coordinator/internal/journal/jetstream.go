package journal

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/faultpoint"
)

const (
	// answerTimeout is how long one request to the server may take before it is made
	// again: an answer that went with a lost connection never comes.
	answerTimeout = 3 * time.Second
	// maxEvent is the largest event, header included.
	maxEvent = bus.MaxMessage
)

// codeNotLast is the server's refusal on a replicated stream while another append
// is under way; nats.go names the other one, JSErrCodeStreamWrongLastSequence.
const codeNotLast = jetstream.JSErrCodeStreamWrongLastSequenceConstant

// codeNoPeers is the refusal of a stream that needs more servers than are there.
const codeNoPeers = 10005

// Config of a JetStream log.
type Config struct {
	// Replicas of the log: 1, or 3 on a cluster.
	Replicas int
	// SyncAlways says that the server is known to sync every write, as drover's own
	// does. A client cannot ask.
	SyncAlways bool
}

// JetStream keeps logs in one NATS stream, a subject each. Reads that decide
// anything go to the stream's leader (AllowDirect is off): a follower may be behind.
type JetStream struct {
	js     jetstream.JetStream
	stream jetstream.Stream
	cfg    Config
	// cluster is the sequence of this writer's last event in the cluster's log.
	cluster atomic.Uint64
}

var _ Log = (*JetStream)(nil)

// NewJetStream opens the control log, making its stream where there is none. The
// connection stays the caller's to close.
func NewJetStream(ctx context.Context, nc *nats.Conn, c Config) (*JetStream, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "journal.NewJetStream", err)
	}
	j := &JetStream{js: js, cfg: c}
	j.stream, err = j.open(ctx)
	if err != nil {
		return nil, logError("journal.NewJetStream", "", err)
	}
	return j, j.makeRoom(ctx)
}

// Append implements Log.
func (j *JetStream) Append(ctx context.Context, log string, last uint64, e *journalv1.Event) (uint64, error) {
	data, err := encode(e, last)
	if err != nil {
		return 0, err
	}
	if err := faultpoint.Hit(ctx, faultpoint.JournalBeforeAppend, EventName(e)); err != nil {
		return 0, err
	}
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 50*time.Millisecond, 2*time.Second
	for {
		seq, err := j.publish(ctx, log, last, data)
		if err == nil {
			return j.appended(log, seq), faultpoint.Hit(ctx, faultpoint.JournalAfterAppend, EventName(e))
		}
		if !ambiguous(err) {
			return 0, logError("journal.Append", log, err)
		}
		seq, settled, err := j.settle(ctx, log, last, e.GetId(), err)
		if settled && err == nil {
			return j.appended(log, seq), nil
		}
		if settled {
			return 0, err
		}
		if err := j.probe(ctx); err != nil {
			return 0, logError("journal.Append", log, err)
		}
		select {
		case <-time.After(pause.NextBackOff()):
		case <-ctx.Done():
			return 0, logError("journal.Append", log, ctx.Err())
		}
	}
}

// appended remembers where the cluster's log ends.
func (j *JetStream) appended(log string, seq uint64) uint64 {
	if log == bus.ClusterLog {
		j.cluster.Store(seq)
	}
	return seq
}

func (j *JetStream) publish(ctx context.Context, log string, last uint64, data []byte) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	header := nats.Header{jetstream.ExpectedStreamHeader: {bus.ControlStream}}
	if fencedBy(log, last) {
		end, err := j.end(ctx, log)
		if err != nil {
			return 0, err
		}
		header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(end, 10))
	} else {
		header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(last, 10))
	}
	ack, err := j.js.PublishMsg(ctx, &nats.Msg{Subject: bus.ControlSubject(log), Data: data, Header: header})
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// end gives the end of all logs, provided that the cluster's log ends where this
// writer left it and log is empty. Whoever appends on condition of that end has both
// conditions, of which the server checks only one at a time.
func (j *JetStream) end(ctx context.Context, log string) (uint64, error) {
	i, err := j.stream.Info(ctx)
	if err != nil {
		return 0, err
	}
	for name, want := range map[string]uint64{bus.ClusterLog: j.cluster.Load(), log: 0} {
		if seq, _, err := j.last(ctx, name); err != nil {
			return 0, err
		} else if seq != want {
			return 0, errFenced(name, want, seq)
		}
	}
	return i.State.LastSeq, nil
}

// ambiguous tells whether an event may be in the log although its append
// returned err. A refused sequence is one such: the event itself may have come
// first, by a try whose answer was lost.
func ambiguous(err error) bool {
	var api *jetstream.APIError
	if fault.Is(err, fault.Corrupt) {
		return false
	}
	if errors.As(err, &api) {
		return api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == codeNotLast
	}
	return !errors.Is(err, nats.ErrMaxPayload) && !errors.Is(err, nats.ErrConnectionClosed)
}

// settle looks at the log's last event to learn what became of an append. Where
// it is not settled, the log is as it was and the append is to be tried again.
func (j *JetStream) settle(ctx context.Context, log string, last uint64, id string, cause error) (seq uint64, settled bool, err error) {
	seq, e, err := j.last(ctx, log)
	switch {
	case ctx.Err() != nil:
		return 0, true, logError("journal.Append", log, cause)
	case err != nil && (fault.Is(err, fault.Corrupt) || errors.Is(err, ErrGone)):
		return 0, true, err
	case err != nil: // not even that is known: ask again
		return 0, false, nil
	case e.GetId() == id && seq > last:
		return seq, true, nil
	case fault.Is(cause, fault.Fenced):
		return 0, true, cause
	case seq == last:
		return 0, false, nil
	default:
		return 0, true, errFenced(log, last, seq)
	}
}

// probe tells where trying on is no use: a server whose disk is full never answers
// an append, but says so when asked to purge, here a subject that no log has.
func (j *JetStream) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	err := j.stream.Purge(ctx, jetstream.WithPurgeSubject(bus.ControlSubject("probe.none")))
	if isDiskFull(err) {
		return err
	}
	return nil
}

func isDiskFull(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && strings.Contains(api.Description, "no space left")
}

// last reads a log's last event from the stream's leader; sequence 0 is an empty log.
func (j *JetStream) last(ctx context.Context, log string) (uint64, *journalv1.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	m, err := j.stream.GetLastMsgForSubject(ctx, bus.ControlSubject(log))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, logError("journal.Last", log, err)
	}
	e, err := decode(log, m.Sequence, m.Data)
	return m.Sequence, e, err
}

// Delete implements Log.
func (j *JetStream) Delete(ctx context.Context, log string, upTo uint64) error {
	if upTo == 1 {
		return nil // nothing is below the first
	}
	opts := []jetstream.StreamPurgeOpt{jetstream.WithPurgeSubject(bus.ControlSubject(log))}
	if upTo > 0 {
		opts = append(opts, jetstream.WithPurgeSequence(upTo))
	}
	return logError("journal.Delete", log, j.stream.Purge(ctx, opts...))
}

// Durability implements Log.
func (j *JetStream) Durability(ctx context.Context) (string, error) {
	i, err := j.stream.Info(ctx)
	if err != nil {
		return "", logError("journal.Durability", "", err)
	}
	sync := "the server's sync_interval decides what a power failure can take; set it to always"
	if j.cfg.SyncAlways {
		sync = "every event is synced to disk before it counts"
	}
	copies := "one copy, on one server"
	if i.Config.Replicas > 1 {
		copies = fmt.Sprintf("%d copies, on as many servers", i.Config.Replicas)
	}
	return copies + "; " + sync, nil
}

// encode writes an event that comes behind the one with sequence last.
func encode(e *journalv1.Event, last uint64) ([]byte, error) {
	if e.GetId() == "" {
		return nil, fault.New(fault.Internal, "journal.Append", "event has no id")
	}
	e.Previous = last
	data, err := proto.Marshal(e)
	return data, fault.Wrap(fault.Internal, "journal.Append", err)
}

func decode(log string, seq uint64, data []byte) (*journalv1.Event, error) {
	e := new(journalv1.Event)
	if err := proto.Unmarshal(data, e); err != nil {
		return nil, fault.New(fault.Corrupt, "journal.Read", "control log %s, event %d cannot be read: %w", log, seq, err)
	}
	return e, nil
}

func errFenced(log string, last, seq uint64) error {
	return fault.New(fault.Fenced, "journal.Append",
		"control log %s has moved on from event %d to %d: another coordinator has taken over", log, last, seq)
}

// logError gives an error of NATS its kind. nil stays nil.
func logError(op, log string, err error) error {
	if err == nil {
		return nil
	}
	kind := fault.Unavailable
	var api *jetstream.APIError
	var known *fault.Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled):
		kind = fault.Canceled
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		kind, err = fault.Invalid, errors.New("the NATS server runs without JetStream; start it with -js")
	case errors.As(err, &api) && api.ErrorCode == codeNoPeers:
		err = fmt.Errorf("too few NATS servers are there for the copies of the control log: %w", err)
	case errors.Is(err, jetstream.ErrStreamNotFound):
		err = ErrGone
	case errors.As(err, &api) && (api.ErrorCode == 10023 || api.ErrorCode == 10047 || api.ErrorCode == 10077):
		kind, err = fault.Exhausted, fmt.Errorf("the NATS server's store has no room left: free some of its disk or raise its max_file_store: %w", err)
	case isDiskFull(err):
		kind, err = fault.Exhausted, errors.New("the disk under the NATS server's store is full; free some of it, then restart the server")
	case errors.Is(err, nats.ErrMaxPayload), errors.As(err, &api) && api.Code >= 400 && api.Code < 500:
		kind = fault.Internal
	}
	out := fault.New(kind, op, "control log %s: %w", log, err)
	if log == "" {
		out = fault.New(kind, op, "control log: %w", err)
	}
	return out
}
