package sim

import (
	"fmt"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
)

// told is a coordinator's message as a trace has it.
type told struct{ *workerv1.WorkResponse }

// String writes it in a few words.
func (m told) String() string {
	switch b := m.GetMessage().(type) {
	case *workerv1.WorkResponse_Grant:
		if l := b.Grant.GetLoad(); l != nil {
			return fmt.Sprintf("grant %s %s, attempt %d, epoch %d", b.Grant.GetLease(), b.Grant.GetTitle(), l.GetAttempt(), l.GetEpoch())
		}
		return fmt.Sprintf("grant %s %s", b.Grant.GetLease(), b.Grant.GetTitle())
	case *workerv1.WorkResponse_Revoke:
		return fmt.Sprintf("revoke %s: %s", b.Revoke.GetLease(), b.Revoke.GetReason())
	case *workerv1.WorkResponse_Ack:
		return "ack " + b.Ack.GetLease()
	default:
		return "welcome"
	}
}

// said is a worker's message as a trace has it.
type said struct{ *workerv1.WorkRequest }

// String writes it in a few words.
func (m said) String() string {
	switch b := m.GetMessage().(type) {
	case *workerv1.WorkRequest_Hello:
		return fmt.Sprintf("hello with %d jobs", len(b.Hello.GetHeld()))
	case *workerv1.WorkRequest_Credit:
		return fmt.Sprintf("credit %d", b.Credit.GetJobs())
	case *workerv1.WorkRequest_Result:
		return fmt.Sprintf("result %s %s", b.Result.GetLease(), outcome(b.Result))
	default:
		return "draining"
	}
}

func outcome(r *workerv1.Result) string {
	switch o := r.GetOutcome().(type) {
	case *workerv1.Result_Failure:
		return "failed: " + o.Failure.GetMessage()
	case *workerv1.Result_Released:
		return "released"
	case *workerv1.Result_Verdict:
		return fmt.Sprintf("equal: %t", o.Verdict.GetEqual())
	default:
		return "done"
	}
}
