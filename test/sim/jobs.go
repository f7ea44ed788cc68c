package sim

import (
	"time"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/services/validator"
)

// begin does a job. The order is a migration's.
func (j *job) begin() {
	if j.over {
		return
	}
	switch work := j.msg.GetWork().(type) {
	case *workerv1.Job_Extract, *workerv1.Job_Load, *workerv1.Job_Validate:
		if j.w.fault(j.w.scenario.hangs, "database hangs", j.msg.GetTitle()) {
			return // its worker renews it for as long as it may
		}
		j.moving()
	case *workerv1.Job_HoldSnapshot:
		j.w.snapshots[j.msg.GetLease()] = j
		j.report(&workerv1.Progress{Snapshot: j.msg.GetLease()})
	case *workerv1.Job_Describe:
		j.answer(&workerv1.Result{Outcome: &workerv1.Result_Described{Described: &workerv1.Described{Database: j.w.describe()}}})
	case *workerv1.Job_Design:
		j.answer(&workerv1.Result{Outcome: &workerv1.Result_Designed{Designed: &workerv1.Designed{Design: j.w.design()}}})
	case *workerv1.Job_Split:
		ranges := j.w.split(work.Split.GetTable().GetNumber())
		if work.Split.GetWithin() != nil {
			ranges = j.w.pieces(work.Split)
		}
		j.answer(&workerv1.Result{Outcome: &workerv1.Result_Split{Split: &workerv1.Split{Ranges: ranges}}})
	case *workerv1.Job_Prepare:
		j.statement(func(tx *transaction, then func(error)) { j.w.target.prepare(tx, j.msg.GetTerm(), then) }, j.done)
	case *workerv1.Job_Keep:
		j.then(j.w.latency(), func() { j.done(nil) })
	case *workerv1.Job_ApplySchema:
		j.apply(work.ApplySchema)
	case *workerv1.Job_Empty:
		j.statement(func(tx *transaction, then func(error)) {
			j.w.target.empty(tx, j.msg.GetTerm(), work.Empty.GetTable().GetNumber(), work.Empty.GetEpoch(), then)
		}, j.done)
	case *workerv1.Job_Count:
		rows := int64(0)
		for _, r := range j.w.ranges[work.Count.GetTable().GetNumber()] {
			rows += int64(len(r.rows))
		}
		j.answer(&workerv1.Result{Outcome: &workerv1.Result_Counted{Counted: &workerv1.Counted{Rows: rows}}})
	case *workerv1.Job_ReadLedger:
		var page *workerv1.LedgerPage
		j.exec(func(reply func(error)) {
			page = j.w.target.page(work.ReadLedger)
			reply(nil)
		}, func(err error) {
			j.end(&workerv1.Result{Outcome: &workerv1.Result_LedgerPage{LedgerPage: page}}, atTarget(err))
		})
	case *workerv1.Job_Finish:
		j.statement(func(tx *transaction, then func(error)) {
			j.w.target.finish(tx, j.msg.GetTerm(), work.Finish.GetStage(), then)
		}, j.done)
	default:
		j.end(nil, fault.New(fault.Unsupported, "sim.begin", "no worker does %s", j.msg.GetTitle()))
	}
}

// moving moves rows, or compares them.
func (j *job) moving() {
	switch work := j.msg.GetWork().(type) {
	case *workerv1.Job_Extract:
		j.extract()
	case *workerv1.Job_Load:
		j.load()
	case *workerv1.Job_Validate:
		j.validate(work.Validate)
	}
}

// answer hands in a result that needs no target.
func (j *job) answer(r *workerv1.Result) {
	j.then(j.w.between(time.Millisecond, 200*time.Millisecond), func() { j.end(r, nil) })
}

// apply does a step of a table; those behind the first change nothing here.
func (j *job) apply(work *workerv1.ApplySchema) {
	if work.GetStep() != planv1.Step_STEP_CREATE {
		j.then(j.w.latency(), func() { j.done(nil) })
		return
	}
	j.statement(func(tx *transaction, then func(error)) {
		j.w.target.create(tx, j.msg.GetTerm(), work.GetTable().GetNumber(), then)
	}, j.done)
}

// validate reads a range or a table back and compares it.
func (j *job) validate(work *workerv1.ValidateRange) {
	expected, err := batch.DigestOf(work.GetExpected())
	if err != nil {
		j.end(nil, err)
		return
	}
	var actual batch.Digest
	j.exec(func(reply func(error)) {
		actual = digestOf(j.w.rowsIn(work.GetTable().GetNumber(), work.GetRange(), 0))
		reply(nil)
	}, func(err error) {
		v := validator.Judge(expected, batch.Digest{}, actual)
		if !v.GetEqual() {
			v.DifferentRows = 1
		}
		j.end(&workerv1.Result{Outcome: &workerv1.Result_Verdict{Verdict: v}}, atTarget(err))
	})
}
