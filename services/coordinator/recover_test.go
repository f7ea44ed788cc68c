package coordinator

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/services/coordinator/internal/journal"
)

// loses ends the coordinator with its log and begins another that knows nothing.
func (h *harness) loses(k *memory) {
	h.kill()
	h.log, h.silent, h.jobs = journal.NewMemory(), nil, nil
	h.start()
}

// read counts the extractions of a table since the log was lost.
func (h *harness) extractions(table string) int {
	return h.count(func(j *workerv1.Job) bool { return j.GetExtract().GetTable().GetTargetName() == table })
}

// A log is lost at any moment, and the one behind it too, in the middle of the recovery:
// the third one completes what is left.
func TestRecover_AnyMoment(t *testing.T) {
	for n := 12; n < 60; n += 3 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				k := newMemory()
				h.answer = k.answer
				h.stall(n)
				h.create()
				h.rest(time.Minute)
				h.loses(k)
				h.stall(n % 17)
				h.create()
				h.rest(time.Minute)
				if n%2 == 0 {
					h.loses(k)
					h.create()
				} else { // the log is there, and only the coordinator was killed
					h.kill()
					h.silent = nil
					h.start()
				}
				h.rest(10 * time.Minute)
				require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
				for name, table := range h.tables() {
					require.EqualValues(t, 3*rowsPerRange, table.GetCounters().GetRowsVerified(), name)
				}
			})
		})
	}
}

// What is loaded is validated and not read again; what was read in a snapshot begins
// again.
func TestRecover_ReadsNothingAgain(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		k := newMemory()
		h.answer = k.answer
		h.silent = func(j *workerv1.Job) bool {
			return j.GetExtract().GetTable().GetTargetName() == "whole" && j.GetExtract().GetRange().GetNumber() == 3 || j.GetValidate() != nil
		}
		h.create()
		h.rest(time.Minute)
		first := h.migration().GetUid()
		for _, body := range k.plan {
			require.NotContains(t, string(body), "memory://", "nobody who reads the target should learn where the source is")
		}
		h.loses(k)
		h.create()
		h.rest(10 * time.Minute)
		m := h.migration()
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, m.GetState(), m.GetReason())
		require.Equal(t, first, m.GetRecovery().GetUid())
		require.EqualValues(t, 6, m.GetRecovery().GetRanges(), "those of the table that begins again are not among them")
		require.EqualValues(t, 6*rowsPerRange, m.GetRecovery().GetRows())
		require.Zero(t, h.extractions("plain"))
		require.Zero(t, h.extractions("late"))
		require.Equal(t, 3, h.extractions("whole"))
		require.Equal(t, 1, h.count(func(j *workerv1.Job) bool { return j.GetEmpty() != nil }))
		require.Equal(t, 6, h.count(func(j *workerv1.Job) bool { return j.GetValidate().GetRange() != nil }))
		require.Zero(t, h.count(func(j *workerv1.Job) bool { return j.GetSplit() != nil }), "it has a plan")
	})
}

// A table that was being emptied is emptied.
func TestRecover_Emptying(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		k := newMemory()
		h.answer, k.emptying = k.answer, []uint32{1}
		h.silent = func(j *workerv1.Job) bool { return j.GetValidate() != nil }
		h.create()
		h.rest(time.Minute)
		h.loses(k)
		h.create()
		h.rest(10 * time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.Equal(t, 1, h.count(func(j *workerv1.Job) bool { return j.GetEmpty().GetTable().GetNumber() == 1 }))
	})
}

// The target knows that a range was cut before a row of its end can come by another way.
func TestRecover_CutRange(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		k, cut := newMemory(), false
		h.straggling("plain", 2)
		straggling := h.silent
		h.silent = func(j *workerv1.Job) bool {
			if cut && j.GetKeep() != nil {
				return true // whoever keeps it hangs
			}
			return straggling(j)
		}
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			if cuts(j) {
				cut = true
				return &workerv1.Result{Outcome: &workerv1.Result_Split{Split: &workerv1.Split{Ranges: []*planv1.Range{
					{Number: 1, Label: "first"}, {Number: 2, Label: "second"}}}}}
			}
			if j.GetCount().GetTable().GetTargetName() == "plain" {
				return &workerv1.Result{Outcome: &workerv1.Result_Counted{Counted: &workerv1.Counted{Rows: 4 * rowsPerRange}}}
			}
			return k.answer(j)
		}
		h.create()
		h.crawl(32, "plain", 2)
		h.rest(time.Minute)
		pieces := func(label string) bool {
			return h.count(func(j *workerv1.Job) bool {
				return j.GetExtract().GetRange().GetLabel() == label || j.GetLoad().GetRange().GetLabel() == label
			}) > 0
		}
		require.True(t, cut)
		require.False(t, pieces("first") || pieces("second"), "the target does not know of the cut yet")
		h.kill()
		cut = false
		h.silent = func(j *workerv1.Job) bool { return extracts("plain", 4)(j) }
		h.start()
		h.rest(time.Minute)
		require.True(t, pieces("first") && pieces("second"))
		h.loses(k)
		h.create()
		h.rest(10 * time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.EqualValues(t, 4, h.tables()["plain"].GetCounters().GetRanges())
		require.True(t, pieces("second"))
		require.False(t, pieces("first"), "it was loaded")
	})
}

// What users gave up stays given up.
func TestRecover_Skipped(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		k := newMemory()
		h.answer = answers(k.answer, describes("whole>plain"))
		h.silent = func(j *workerv1.Job) bool {
			return extracts("plain", 2)(j) || extracts("late", 3)(j) || j.GetValidate() != nil
		}
		h.create()
		h.rest(time.Minute)
		require.NoError(t, h.skip("plain", 0))
		require.NoError(t, h.skip("late", 3))
		h.rest(time.Minute)
		h.loses(k)
		h.create()
		h.rest(10 * time.Minute)
		m, tables := h.migration(), h.tables()
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, m.GetState(), m.GetReason())
		require.NotNil(t, m.GetRecovery())
		require.Equal(t, droverv1.Table_STATE_SKIPPED, tables["plain"].GetState())
		require.EqualValues(t, 1, tables["late"].GetRangesSkipped())
		require.Zero(t, h.extractions("plain")+h.extractions("late"))
	})
}

// What an appended table held before is not what it holds now.
func TestRecover_Baseline(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		k := newMemory()
		held := &planv1.Digest{Rows: 7, Sum: bytes.Repeat([]byte{7}, 16)}
		h.answer = answers(func(j *workerv1.Job) *workerv1.Result {
			if j.GetBaseline() == nil {
				return nil
			}
			return &workerv1.Result{Outcome: &workerv1.Result_Verdict{Verdict: &workerv1.Verdict{Actual: held}}}
		}, k.answer, func(j *workerv1.Job) *workerv1.Result {
			if j.GetDesign() == nil {
				return nil
			}
			d := scriptedDesign(j.GetDesign())
			for _, t := range d.GetTables() {
				t.TargetExists = true
			}
			return &workerv1.Result{Outcome: &workerv1.Result_Designed{Designed: &workerv1.Designed{Design: d}}}
		})
		h.silent = func(j *workerv1.Job) bool { return j.GetValidate() != nil }
		appends := func(s *droverv1.MigrationSpec) { s.Existing = "append" }
		h.createAs(true, appends)
		h.rest(time.Minute)
		h.loses(k)
		h.createAs(true, appends)
		h.rest(10 * time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.NotNil(t, h.migration().GetRecovery())
		require.Zero(t, h.count(func(j *workerv1.Job) bool { return j.GetBaseline() != nil }))
		require.Equal(t, 3, h.count(func(j *workerv1.Job) bool { return j.GetValidate().GetBaseline().GetRows() == 7 }))
	})
}

// A target, or a loader of before, that does not keep the plan makes the migration wait,
// and never fail.
func TestKeep_WaitsUntilItWorks(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		works := false
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			if j.GetKeep() != nil && !works {
				return failure("unsupported", "none of a loader's")
			}
			return nil
		}
		h.createAs(true, func(s *droverv1.MigrationSpec) { s.Publish = "atomic" })
		h.rest(time.Hour)
		require.Equal(t, droverv1.Migration_STATE_RUNNING, h.migration().GetState())
		require.Contains(t, h.migration().GetReason(), "none of a loader's")
		require.Zero(t, h.count(func(j *workerv1.Job) bool { return j.GetApplySchema() != nil || j.GetLoad() != nil }))
		works = true
		h.rest(10 * time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
	})
}

// A plan of many ranges, with keys as long as they come, is kept and read in pages.
func TestRecover_ManyRanges(t *testing.T) {
	const many = 3000
	bubble(t, func(t *testing.T, h *harness) {
		k := newMemory()
		k.page = 4
		h.answer = answers(func(j *workerv1.Job) *workerv1.Result {
			if j.GetSplit() == nil || j.GetSplit().GetTable().GetTargetName() != "plain" {
				return nil
			}
			var ranges []*planv1.Range
			for i := range uint32(many) {
				key := &planv1.Bound{Values: [][]byte{bytes.Repeat([]byte{byte(i)}, 700)}}
				ranges = append(ranges, &planv1.Range{Number: i + 1, Lower: key, Upper: key})
			}
			return &workerv1.Result{Outcome: &workerv1.Result_Split{Split: &workerv1.Split{Ranges: ranges}}}
		}, k.answer)
		h.silent = func(j *workerv1.Job) bool { return j.GetLoad() != nil }
		h.create()
		h.rest(time.Minute)
		require.Greater(t, k.jobs, 2)
		require.Less(t, k.largest, 3*keepPageBytes)
		clear(k.ranges)
		h.loses(k)
		h.silent = func(j *workerv1.Job) bool { return j.GetLoad() != nil }
		h.create()
		h.rest(time.Minute)
		require.EqualValues(t, many, h.tables()["plain"].GetCounters().GetRanges())
		require.EqualValues(t, 3, h.tables()["late"].GetCounters().GetRanges())
	})
}

// Whoever says so begins anew, as does whoever wants rows removed first.
func TestRecover_NotAsked(t *testing.T) {
	for name, change := range map[string]func(*droverv1.CreateMigrationRequest){
		"fresh":    func(r *droverv1.CreateMigrationRequest) { r.Fresh = true },
		"truncate": func(r *droverv1.CreateMigrationRequest) { r.Spec.Existing = "truncate" },
		"plan":     func(r *droverv1.CreateMigrationRequest) { r.Start = false },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				k := newMemory()
				h.answer = k.answer
				h.stall(30)
				h.create()
				h.rest(time.Minute)
				h.loses(k)
				r := &droverv1.CreateMigrationRequest{Start: true, Spec: specWith(func(*droverv1.MigrationSpec) {})}
				change(r)
				_, err := h.api().CreateMigration(t.Context(), r)
				require.NoError(t, err)
				h.rest(time.Minute)
				require.Nil(t, h.migration().GetRecovery())
				require.Zero(t, h.count(func(j *workerv1.Job) bool { return j.GetReadLedger().GetFrom() != "" }))
			})
		})
	}
}

// A migration that is at work is left alone, and so is one whose tables are live.
func TestRecover_Refused(t *testing.T) {
	for says, found := range map[string]*workerv1.FoundMigration{
		"another drover works for":      {Uid: "other", Busy: true},
		"has published its tables":      {Uid: "other", Published: true},
		"is not whole, it has 0 tables": {Uid: "other"},
	} {
		t.Run(says, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				k := newMemory()
				h.answer = func(j *workerv1.Job) *workerv1.Result {
					if j.GetDesign() == nil {
						return k.answer(j)
					}
					d := scriptedDesign(j.GetDesign())
					d.Tables[0].TargetExists = true
					return &workerv1.Result{Outcome: &workerv1.Result_Designed{Designed: &workerv1.Designed{Design: d, Found: found}}}
				}
				h.create()
				h.rest(time.Minute)
				require.Equal(t, droverv1.Migration_STATE_FAILED, h.migration().GetState())
				require.Contains(t, h.migration().GetReason(), says)
				require.Empty(t, k.ranges)
			})
		})
	}
}

// A spec is the same where what it makes is.
func TestRecover_Differing(t *testing.T) {
	was := specWith(func(s *droverv1.MigrationSpec) { s.Ranges = &droverv1.RangeSpec{TargetRows: 5} })
	require.Empty(t, differing(was, specWith(func(s *droverv1.MigrationSpec) {
		s.Source.Url, s.Target.Password, s.OnFailure, s.Existing = "memory://x/b", "${env:P}", "keep", "fail"
	})))
	require.Equal(t, []string{"strategy", "tables", "schema", "publish"}, differing(was, specWith(func(s *droverv1.MigrationSpec) {
		s.Strategy, s.Publish, s.Tables, s.Schema = "phased", "atomic", []*droverv1.TableRule{{Match: "a.*", Skip: true}}, &droverv1.SchemaSpec{Owners: "skip"}
	})))
}
