package sim

import (
	"errors"
	"time"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/loader"
)

var errPoison = errors.New("the target refuses this row, always")

// Times of the target's adapters: how long a fence waits before it ends who is in its
// way, how often it does, and when a deadlock's victim tries again.
const (
	fenceWait  = 3 * time.Second
	fenceTries = 5
)

// loading is a load job: loader.Attempt with the target and the stream around it, as
// services/loader and an adapter are.
type loading struct {
	*job
	work     *workerv1.LoadRange
	request  engine.RangeRequest
	attempt  *loader.Attempt
	consumer *consumer
	// ledger is the range's row as this loader knows it.
	ledger engine.Ledger
	// waits counts the waits for messages: a silence ends only its own.
	waits int
}

func (j *job) load() {
	work := j.msg.GetLoad()
	l := &loading{job: j, work: work, request: engine.RangeRequest{
		Migration: engine.Migration{UID: j.msg.GetMigration(), Term: j.msg.GetTerm()}, Plan: work.GetTable(), Range: work.GetRange(),
		Attempt: work.GetAttempt(), Epoch: work.GetEpoch(), Reset: work.GetReset_() >= workerv1.Reset_RESET_RANGE}}
	l.fence(fenceTries)
}

// fence takes the range over; who sits on its row for long is ended.
func (l *loading) fence(tries int) {
	l.exec(func(reply func(error)) {
		tx, done := l.session.begin(), false
		l.w.target.fence(tx, l.request, func(row engine.Ledger, err error) {
			done, l.ledger = true, row
			reply(err)
		})
		l.w.after(nil, fenceWait, func() {
			if done || tx.over {
				return
			}
			tx.abort()
			if tries > 1 {
				l.w.target.endZombie(l.request)
			}
			reply(errLockTimeout)
		})
	}, func(err error) {
		switch {
		case errors.Is(err, errLockTimeout) && tries > 1:
			l.fence(tries - 1)
		case err != nil:
			l.end(nil, atTarget(err))
		default:
			l.commit(true, l.fenced)
		}
	})
}

var errLockTimeout = fault.New(fault.Conflict, "sim.fence", "lock timeout")

// endZombie ends the connections that hold a range's row.
func (t *target) endZombie(q engine.RangeRequest) {
	r := t.tables[q.Plan.GetNumber()].ranges[q.Range.GetNumber()]
	for _, s := range append([]*session(nil), t.sessions...) {
		for _, tx := range r.lock.holders {
			if s.tx == tx {
				t.w.tracef("a fence ends a connection")
				s.kill()
				break
			}
		}
	}
}

// fenced reports where the extraction begins, and starts to listen.
func (l *loading) fenced(err error) {
	if err != nil {
		l.end(nil, atTarget(err))
		return
	}
	if l.work.GetReset_() == workerv1.Reset_RESET_REMOVE {
		l.end(&workerv1.Result{Outcome: &workerv1.Result_Loaded{Loaded: &workerv1.Loaded{Digest: l.ledger.Digest.Proto()}}}, nil)
		return
	}
	l.report(&workerv1.Progress{Fenced: &workerv1.Fenced{After: l.ledger.After, Digest: l.ledger.Digest.Proto()}})
	l.attempt = loader.NewAttempt(l.msg, l.ledger, "")
	l.then(l.w.latency(), func() {
		l.consumer, err = l.w.stream.consume(l.job, l.work.GetSubject())
		if err != nil {
			l.end(nil, err)
			return
		}
		l.next()
	})
}

// next waits for a message, for as long as the attempt says.
func (l *loading) next() {
	l.waits++
	wait := l.waits
	l.consumer.next(l.take, func(err error) { l.end(nil, err) })
	if l.attempt.Impatient() {
		l.then(l.w.scenario.silence, func() { l.silent(wait) })
	}
}

func (l *loading) silent(wait int) {
	if wait != l.waits {
		return
	}
	if err := l.attempt.Silent(l.w.scenario.silence, false); err != nil {
		l.end(nil, fault.At(err, fault.Stream, ""))
		return
	}
	l.then(l.w.scenario.silence, func() { l.silent(wait) })
}

// take takes a message.
func (l *loading) take(data []byte, seq uint64) {
	l.waits++
	step, err := l.attempt.Take(data)
	if err != nil {
		l.end(nil, fault.At(err, fault.Stream, ""))
		return
	}
	switch step.Action {
	case loader.Write:
		l.write(step.Batch, 2, func(outcome engine.Outcome, err error) {
			if err != nil {
				l.end(nil, atTarget(err))
				return
			}
			if outcome == engine.Duplicate {
				l.w.stats.Duplicates++
			}
			l.attempt.Written(outcome, step.Batch.Body)
			l.report(l.attempt.Progress(seq))
			l.next()
		})
	case loader.Complete:
		l.complete(step.Batches)
	case loader.Report:
		l.report(l.attempt.Progress(seq))
		l.next()
	default:
		l.next()
	}
}

// write brings a batch in; when the connection broke, once more over a new one: the
// conditional update tells what became of the first.
func (l *loading) write(b engine.Batch, tries int, done func(engine.Outcome, error)) {
	next, err := l.ledger.Next(b, nil)
	if err != nil {
		done(0, err)
		return
	}
	again := func(err error) {
		if tries > 1 && l.session.dead && fault.Is(err, fault.Unavailable) {
			l.reconnect()
			l.write(b, tries-1, done)
			return
		}
		done(0, err)
	}
	var mine bool
	var row engine.Ledger
	l.exec(func(reply func(error)) {
		l.w.target.advance(l.session.begin(), l.request, b.Sequence, next, func(m bool, r engine.Ledger, err error) {
			mine, row = m, r
			reply(err)
		})
	}, func(err error) {
		switch {
		case err != nil:
			l.session.rollBack()
			again(err)
		case !mine:
			l.session.rollBack()
			l.decide(b, row, done)
		default:
			l.insert(b, next, again, done)
		}
	})
}

// decide tells what a batch is that the ledger does not wait for.
func (l *loading) decide(b engine.Batch, row engine.Ledger, done func(engine.Outcome, error)) {
	if row.NextSequence > b.Sequence {
		l.ledger = row
		done(engine.Duplicate, nil)
		return
	}
	done(0, fault.New(fault.Gap, "sim.write", "batch %d came, the ledger waits for batch %d", b.Sequence, row.NextSequence))
}

// insert brings the rows in and commits.
func (l *loading) insert(b engine.Batch, next engine.Ledger, again func(error), done func(engine.Outcome, error)) {
	l.exec(func(reply func(error)) { reply(l.w.target.insert(l.session.tx, l.work.GetTable(), b.Body)) }, func(err error) {
		if err != nil {
			l.session.rollBack()
			again(err)
			return
		}
		l.commit(false, func(err error) {
			if err != nil {
				again(err)
				return
			}
			l.ledger = next
			done(engine.Written, nil)
		})
	})
}

// complete marks the range loaded.
func (l *loading) complete(batches uint64) {
	var final engine.Ledger
	l.reconnect()
	l.exec(func(reply func(error)) {
		l.w.target.complete(l.session.begin(), l.request, batches, func(row engine.Ledger, err error) {
			final = row
			reply(err)
		})
	}, func(err error) {
		if err != nil {
			l.end(nil, atTarget(err))
			return
		}
		l.commit(true, func(err error) {
			if err != nil {
				l.end(nil, atTarget(err))
				return
			}
			loaded, err := l.attempt.Completed(final)
			l.end(&workerv1.Result{Outcome: &workerv1.Result_Loaded{Loaded: loaded}}, atTarget(err))
		})
	})
}

// rollBack gives up what is open; the server hears of it at once.
func (s *session) rollBack() {
	if s.tx != nil && !s.dead {
		s.tx.abort()
	}
}

func atTarget(err error) error { return fault.At(err, fault.Target, "") }
