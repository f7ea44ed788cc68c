package journal

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	"github.com/drover-db/drover/internal/bus"
)

// ahead is how many events are asked for at once.
const ahead = 4096

// Replay implements Log. It ends with the event that was the last when it began.
func (j *JetStream) Replay(ctx context.Context, log string, after uint64, fn func(uint64, *journalv1.Event) error) (uint64, error) {
	end, _, err := j.last(ctx, log)
	if err != nil || end == after {
		return after, err
	}
	if end < after {
		return 0, errOlder(log, after, end)
	}
	messages, err := j.read(ctx, bus.ControlSubject(log), after)
	if err != nil {
		return 0, logError("journal.Replay", log, err)
	}
	defer messages.Stop()
	defer context.AfterFunc(ctx, messages.Stop)()
	for check := (chain{log: log, last: after}); check.last < end; {
		seq, e, err := next(messages)
		if err == nil {
			err = check.next(seq, e)
		}
		if err != nil {
			return 0, logError("journal.Replay", log, cmp.Or(ctx.Err(), err))
		}
		if err := fn(seq, e); err != nil {
			return 0, err
		}
	}
	return end, nil
}

// Follow implements Log.
func (j *JetStream) Follow(ctx context.Context, after uint64, fn func(string, uint64, *journalv1.Event) error) error {
	messages, err := j.read(ctx, bus.ControlSubjects, after)
	if err != nil {
		return logError("journal.Follow", "", err)
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return logError("journal.Follow", "", err)
		}
		log := strings.TrimPrefix(m.Subject(), bus.ControlSubject(""))
		seq, e, err := eventOf(m)
		if err != nil {
			return logError("journal.Follow", log, err)
		}
		if err := fn(log, seq, e); err != nil {
			return err
		}
	}
}

// read opens a reader of the events behind a sequence. It comes back by itself when
// the server it is on is lost.
func (j *JetStream) read(ctx context.Context, subject string, after uint64) (jetstream.MessagesContext, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	c, err := j.stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{subject}, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: after + 1,
		InactiveThreshold: time.Minute, MaxResetAttempts: 5,
	})
	if err != nil {
		return nil, err
	}
	return c.Messages(jetstream.PullMaxMessagesWithBytesLimit(ahead, 2*maxEvent))
}

// next takes one event, which is there, off a reader.
func next(messages jetstream.MessagesContext) (uint64, *journalv1.Event, error) {
	m, err := messages.Next(jetstream.NextMaxWait(10 * answerTimeout))
	if err != nil {
		return 0, nil, err
	}
	return eventOf(m)
}

func eventOf(m jetstream.Msg) (uint64, *journalv1.Event, error) {
	meta, err := m.Metadata()
	if err != nil {
		return 0, nil, err
	}
	seq := meta.Sequence.Stream
	e, err := decode(strings.TrimPrefix(m.Subject(), bus.ControlSubject("")), seq, m.Data())
	return seq, e, err
}

// Logs implements Log.
func (j *JetStream) Logs(ctx context.Context) (Contents, error) {
	i, err := j.stream.Info(ctx, jetstream.WithSubjectFilter(bus.ControlSubjects))
	if err != nil {
		return Contents{}, logError("journal.Logs", "", err)
	}
	out := Contents{Last: i.State.LastSeq, Origin: i.Created.UTC().Format(time.RFC3339Nano)}
	for s := range i.State.Subjects {
		out.Logs = append(out.Logs, strings.TrimPrefix(s, bus.ControlSubject("")))
	}
	slices.Sort(out.Logs)
	return out, nil
}
