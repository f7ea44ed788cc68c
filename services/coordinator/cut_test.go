package coordinator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/keyrange"
)

func cuts(j *workerv1.Job) bool { return j.GetSplit().GetWithin() != nil }

// straggling takes the first extraction of a range and never ends it.
func (h *harness) straggling(table string, number uint32) {
	taken := false
	h.silent = func(j *workerv1.Job) bool {
		if taken || !extracts(table, number)(j) {
			return false
		}
		taken = true
		return true
	}
}

// crawl reports ten more rows of the straggling extraction every second, all of which
// its loader has written.
func (h *harness) crawl(seconds int, table string, number uint32) {
	h.rest(time.Second)
	h.read(seconds, table, number, true)
}

func (h *harness) read(seconds int, table string, number uint32, written bool) {
	load := func(j *workerv1.Job) bool {
		return j.GetLoad().GetTable().GetTargetName() == table && j.GetLoad().GetRange().GetNumber() == number
	}
	for i := range seconds {
		h.rest(time.Second)
		h.progress("extractor", extracts(table, number), int64(10*(i+1)))
		if written {
			h.progress("loader", load, int64(10*(i+1)))
		}
	}
}

// progress reports rows of the first job that matches.
func (h *harness) progress(role string, match func(*workerv1.Job) bool, rows int64) {
	n := h.first(match)
	require.GreaterOrEqual(h.t, n, 0)
	h.mu.Lock()
	lease := h.jobs[n].GetLease()
	h.mu.Unlock()
	h.says(fmt.Sprintf("%s-%d", role, h.s.term), &workerv1.WorkRequest{Message: &workerv1.WorkRequest_Progress{
		Progress: &workerv1.Progress{Lease: lease, Rows: rows}}})
}

// A range of which nothing is in the target yet is not cut: its first row may be a large
// one, and would be read from its beginning each time.
func TestCut_NotBeforeSomethingIsWritten(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.straggling("plain", 2)
		h.create()
		h.rest(time.Second)
		h.read(60, "plain", 2, false)
		require.Zero(t, h.count(cuts))
	})
}

// The last range takes long and nothing else is left: it is given up, cut behind its
// fence, and shared.
func TestCut_Straggler(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.straggling("plain", 2)
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			switch {
			case cuts(j):
				return &workerv1.Result{Outcome: &workerv1.Result_Split{Split: &workerv1.Split{Ranges: []*planv1.Range{
					{Number: 1, Label: "first"}, {Number: 2, Label: "second"}}}}}
			case j.GetCount().GetTable().GetTargetName() == "plain":
				return &workerv1.Result{Outcome: &workerv1.Result_Counted{Counted: &workerv1.Counted{Rows: 4 * rowsPerRange}}}
			}
			return nil
		}
		h.create()
		h.crawl(12, "plain", 2)
		require.Zero(t, h.count(cuts), "it has not run for long")
		h.crawl(20, "plain", 2)
		require.Equal(t, 1, h.count(cuts))
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.EqualValues(t, 4, h.tables()["plain"].GetCounters().GetRanges())
		attempts, labels := map[uint64]bool{}, map[string]int{}
		for _, j := range h.jobs {
			if e := j.GetExtract(); e.GetTable().GetTargetName() == "plain" {
				require.False(t, attempts[e.GetAttempt()], "no attempt is extracted twice")
				attempts[e.GetAttempt()] = true
				labels[fmt.Sprint(e.GetRange().GetNumber(), " ", e.GetRange().GetLabel())]++
			}
		}
		require.Equal(t, map[string]int{"1 [0)": 1, "2 [1)": 1, "2 first": 1, "3 [2)": 1, "4 second": 1}, labels)
	})
}

// A range that the source cannot cut, or will not, is read on as it is.
func TestCut_Refused(t *testing.T) {
	for name, answer := range map[string]*workerv1.Result{
		"one piece": {Outcome: &workerv1.Result_Split{Split: &workerv1.Split{Ranges: []*planv1.Range{{Number: 1}}}}},
		"failure":   {Outcome: &workerv1.Result_Failure{Failure: &workerv1.Failure{Kind: "unavailable", Side: "source", Message: "away"}}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				h.straggling("plain", 2)
				h.answer = func(j *workerv1.Job) *workerv1.Result {
					if cuts(j) {
						return answer
					}
					return nil
				}
				h.create()
				h.crawl(32, "plain", 2)
				h.rest(time.Minute)
				require.Equal(t, 1, h.count(cuts))
				require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
				require.EqualValues(t, 3, h.tables()["plain"].GetCounters().GetRanges())
			})
		})
	}
}

// A range is not cut while others wait for a worker, or while it is nearly done.
func TestCut_OnlyWhenIdle(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.silent = func(j *workerv1.Job) bool { return j.GetExtract() != nil }
		h.create()
		h.crawl(25, "plain", 1)
		require.Zero(t, h.count(cuts))
	})
	bubble(t, func(t *testing.T, h *harness) {
		h.straggling("plain", 2)
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			if j.GetSplit() == nil || cuts(j) {
				return nil
			}
			var ranges []*planv1.Range
			for i := range uint32(3) {
				ranges = append(ranges, &planv1.Range{Number: i + 1, EstimatedRows: 260})
			}
			return &workerv1.Result{Outcome: &workerv1.Result_Split{Split: &workerv1.Split{Ranges: ranges}}}
		}
		h.create()
		h.crawl(25, "plain", 2)
		require.Zero(t, h.count(cuts))
	})
}

// Rows whose key has a NULL have no order to go on in: each attempt begins anew, and a
// cut would only lose what has been read.
func TestCut_NotWhatBeginsAnew(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.straggling("plain", 2)
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			if j.GetSplit() == nil || cuts(j) {
				return nil
			}
			return &workerv1.Result{Outcome: &workerv1.Result_Split{Split: &workerv1.Split{Ranges: keyrange.WithNulls([]*planv1.Range{{Number: 1}}, 1000)}}}
		}
		h.create()
		h.crawl(60, "plain", 2)
		require.Zero(t, h.count(cuts))
		require.Equal(t, 1, h.count(extracts("plain", 2)))
	})
}

// A source that cannot cut a range is asked again, ever more seldom.
func TestCut_RefusedAgainAndAgain(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.silent = extracts("plain", 2)
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			if cuts(j) {
				return &workerv1.Result{Outcome: &workerv1.Result_Split{Split: &workerv1.Split{Ranges: []*planv1.Range{{Number: 1}}}}}
			}
			return nil
		}
		h.create()
		h.rest(time.Second)
		for range 10 * 60 {
			h.rest(time.Second)
			h.renew(10)
		}
		require.Equal(t, 5, h.count(cuts), "after 15 s, and when it is read as it is for 30, 60, 120 and 240 s")
	})
}

// The plan of a range that was cut is kept before it is read. Where loaders that wait for
// such ranges have all sessions, one of them makes room.
func TestCut_LoadersMakeRoomForThePlan(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.twoAreCut()
		h.throttle(&droverv1.ThrottleMigrationRequest{Connections: proto.Int32(2)})
		h.cutInTwo()
		for range 120 { // loaders that wait renew what they hold
			h.rest(5 * time.Second)
			h.renew(0)
		}
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
	})
}

// Where slots are what is short, one load makes room, and not all that wait.
func TestCut_OneLoadMakesRoom(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.twoAreCut()
		h.late = 200 * time.Millisecond
		h.s.mu.Lock()
		for _, id := range []string{"loader-1", "loader-more"} {
			h.s.workers[id].credit = 0 // other migrations have the rest
		}
		h.s.mu.Unlock()
		h.revoked = nil
		h.cutInTwo()
		h.rest(20 * time.Second)
		made := slices.DeleteFunc(h.revoked, func(why string) bool { return !strings.Contains(why, "makes room") })
		require.Len(t, made, 1, h.revoked)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
	})
}

// twoAreCut has two ranges of two tables take long until they are to be cut.
func (h *harness) twoAreCut() {
	straggles := map[string]bool{"plain": true, "late": true}
	h.silent = func(j *workerv1.Job) bool {
		name := j.GetExtract().GetTable().GetTargetName()
		if straggles[name] && j.GetExtract().GetRange().GetNumber() == 3 {
			delete(straggles, name)
			return true
		}
		return cuts(j)
	}
	h.answer = func(j *workerv1.Job) *workerv1.Result {
		if name := j.GetCount().GetTable().GetTargetName(); name == "plain" || name == "late" {
			return &workerv1.Result{Outcome: &workerv1.Result_Counted{Counted: &workerv1.Counted{Rows: 4 * rowsPerRange}}}
		}
		return nil
	}
	h.work(h.t.Context(), h.s, "extractor-more", extractor, nil)
	h.work(h.t.Context(), h.s, "loader-more", loader, nil)
	h.create()
	for i := range 40 {
		h.rest(time.Second)
		h.renew(int64(i))
	}
	require.Equal(h.t, 2, h.count(cuts))
}

// cutInTwo answers each cut that was asked for.
func (h *harness) cutInTwo() {
	for _, j := range h.jobs {
		if !cuts(j) {
			continue
		}
		h.s.mu.Lock()
		worker := h.s.leases[j.GetLease()].worker.id
		h.s.mu.Unlock()
		h.says(worker, &workerv1.WorkRequest{Message: &workerv1.WorkRequest_Result{Result: &workerv1.Result{Lease: j.GetLease(),
			Outcome: &workerv1.Result_Split{Split: &workerv1.Split{Ranges: []*planv1.Range{{Number: 1, Label: "first"}, {Number: 2, Label: "second"}}}}}}})
		h.credit(worker)
	}
}
