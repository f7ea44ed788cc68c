package sim

import (
	"time"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/extractor"
)

// extracting is an extract job: extractor.Attempt with the source and the stream around it.
type extracting struct {
	*job
	attempt *extractor.Attempt
	rows    []*row
	// beats counts the messages that say only that the source is read.
	beats int
}

func (j *job) extract() {
	work := j.msg.GetExtract()
	if s := work.GetSnapshot(); s != "" && j.w.snapshots[s] == nil {
		j.end(nil, fault.At(fault.New(fault.Unavailable, "sim.extract", "snapshot %s is gone", s), fault.Source, ""))
		return
	}
	x := &extracting{job: j, attempt: extractor.NewAttempt(j.msg, j.p.batchBytes)}
	x.rows = j.w.rowsIn(work.GetTable().GetNumber(), work.GetRange(), keyOf(work.GetAfter()))
	x.more()
}

// more reads rows until there is something to publish, or no row is left.
func (x *extracting) more() {
	for len(x.rows) > 0 {
		r := x.rows[0]
		x.rows = x.rows[1:]
		out, err := x.attempt.Row(engine.Row{Data: r.data, Key: r.bound})
		if err != nil {
			x.end(nil, err)
			return
		}
		if len(out.Messages) > 0 {
			x.publish(out, x.more)
			return
		}
	}
	rest, err := x.attempt.Rest()
	if err != nil {
		x.end(nil, err)
		return
	}
	x.publish(rest, x.last)
}

func (x *extracting) last() {
	out, done, err := x.attempt.End()
	if err != nil {
		x.end(nil, err)
		return
	}
	x.publish(out, func() { x.end(&workerv1.Result{Outcome: &workerv1.Result_Extracted{Extracted: done}}, nil) })
}

// publish sends messages, reports them and goes on.
func (x *extracting) publish(out extractor.Output, then func()) {
	x.publishing(out.Messages, func(err error) {
		if err != nil {
			x.end(nil, err)
			return
		}
		if len(out.Messages) > 0 {
			x.report(x.attempt.Progress())
			if x.w.scenario.crawl {
				x.crawl(x.w.between(time.Second, 2*x.w.scenario.silence), then)
				return
			}
		}
		x.then(x.soon(), then)
	})
}

// crawl is a source that takes so long for its next row that the loader is told that it
// is still read.
func (x *extracting) crawl(left time.Duration, then func()) {
	beat := x.w.scenario.silence / 4
	if left <= beat {
		x.then(left, then)
		return
	}
	x.then(beat, func() {
		x.beats++
		m, err := x.attempt.Idle(x.beats)
		if err != nil {
			x.end(nil, err)
			return
		}
		x.publishing([]bus.Message{m}, func(err error) {
			if err != nil {
				x.end(nil, err)
				return
			}
			x.crawl(left-beat, then)
		})
	})
}

// bound is a row's key; nil where it is NULL.
func (r *row) bound() (*planv1.Bound, error) {
	if r.null() {
		return nil, nil
	}
	return bound(r.key), nil
}
