package coordinator

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
)

func audits(j *workerv1.Job) bool { return j.GetReadLedger() != nil }

// lost answers the first audit as a target would that lost something, and those behind
// it as one that has everything.
func (h *harness) lost(change func(*workerv1.LedgerPage)) {
	done := false
	h.answer = func(j *workerv1.Job) *workerv1.Result {
		if !audits(j) || done {
			return nil
		}
		done = true
		page := h.ledger(j.GetMigration())
		change(page)
		return &workerv1.Result{Outcome: &workerv1.Result_LedgerPage{LedgerPage: page}}
	}
}

func steps(table string, step planv1.Step) func(*workerv1.Job) bool {
	return func(j *workerv1.Job) bool {
		return j.GetApplySchema().GetTable().GetTargetName() == table && j.GetApplySchema().GetStep() == step
	}
}

// The tables are numbered plain, late, whole; each has three ranges.
func TestAudit_WhatIsLostLoadsAgain(t *testing.T) {
	type want struct {
		// extractions of a table, and of all others together.
		table         string
		reads, others int
		reset         workerv1.Reset
		creates       int
	}
	none, removed := workerv1.Reset_RESET_NONE, workerv1.Reset_RESET_RANGE
	without := func(table, number uint32) func(*workerv1.LedgerPage) {
		return func(p *workerv1.LedgerPage) {
			p.Ranges = slices.DeleteFunc(p.Ranges, func(r *workerv1.LedgerRange) bool {
				return r.GetTable() == table && (number == 0 || r.GetNumber() == number)
			})
		}
	}
	at := func(table, number uint32, change func(*workerv1.LedgerRange)) func(*workerv1.LedgerPage) {
		return func(p *workerv1.LedgerPage) {
			for _, r := range p.Ranges {
				if r.GetTable() == table && r.GetNumber() == number {
					change(r)
				}
			}
		}
	}
	for name, c := range map[string]struct {
		lost func(*workerv1.LedgerPage)
		want want
	}{
		"a range":         {without(1, 2), want{"plain", 4, 6, none, 1}},
		"the end of one":  {at(1, 3, func(r *workerv1.LedgerRange) { r.Loaded, r.Digest = false, rangeDigest(9, 9).Proto() }), want{"plain", 4, 6, none, 1}},
		"its newest load": {at(2, 1, func(r *workerv1.LedgerRange) { r.Digest = rangeDigest(9, 9).Proto() }), want{"late", 4, 6, removed, 1}},
		"an earlier load": {at(2, 3, func(r *workerv1.LedgerRange) { r.Attempt-- }), want{"late", 4, 6, removed, 1}},
		"of a snapshot":   {without(3, 1), want{"whole", 4, 6, none, 1}},
		"all of a table": {func(p *workerv1.LedgerPage) {
			without(2, 0)(p)
			p.Tables = slices.DeleteFunc(p.Tables, func(t *workerv1.LedgerTable) bool { return t.GetNumber() == 2 })
		}, want{"late", 6, 6, none, 2}},
		"the last steps": {func(p *workerv1.LedgerPage) { p.Tables[1].Finished = false }, want{"late", 3, 6, none, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *harness) {
				h.lost(c.lost)
				h.create()
				h.rest(5 * time.Minute)
				require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
				for name, table := range h.tables() {
					require.EqualValues(t, 3*rowsPerRange, table.GetCounters().GetRowsVerified(), name)
				}
				all := h.count(func(j *workerv1.Job) bool { return j.GetExtract() != nil })
				require.Equal(t, []int{c.want.reads, c.want.others}, []int{h.extractions(c.want.table), all - h.extractions(c.want.table)})
				require.Equal(t, c.want.creates, h.count(steps(c.want.table, planv1.Step_STEP_CREATE)))
				require.Equal(t, 2, h.count(steps(c.want.table, planv1.Step_STEP_SEQUENCES)), "every step is done again")
				require.Equal(t, 2, h.count(audits))
				require.Equal(t, 1, h.count(func(j *workerv1.Job) bool { return j.GetFinish() != nil }))
				var last *workerv1.LoadRange
				for _, j := range h.jobs {
					if j.GetLoad() != nil {
						last = j.GetLoad()
					}
				}
				require.Equal(t, c.want.reset, last.GetReset_())
				told := slices.ContainsFunc(h.events(1000), func(e *droverv1.Event) bool { return e.GetType() == "target_lost" })
				require.True(t, told)
			})
		})
	}
}

// Nothing is published that the ledger was not seen to have.
func TestAudit_BeforePublishing(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.lost(func(p *workerv1.LedgerPage) { p.Ranges = p.Ranges[1:] })
		h.createAs(true, atomic)
		h.rest(5 * time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.Equal(t, 4, h.extractions("plain"))
		var order []string
		for _, j := range h.jobs {
			switch {
			case audits(j):
				order = append(order, "audit")
			case publishes(j):
				order = append(order, "publish")
			case extracts("plain", 1)(j):
				order = append(order, "extract")
			}
		}
		require.Equal(t, []string{"extract", "audit", "extract", "audit", "publish"}, order, "what has its final names is not compared again")
	})
}

// The ledger is read by the page, and from its beginning by a coordinator that comes in
// the middle.
func TestAudit_PageByPage(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		pages := 0
		h.answer = func(j *workerv1.Job) *workerv1.Result {
			if !audits(j) {
				return nil
			}
			pages++
			all, work := h.ledger(j.GetMigration()), j.GetReadLedger()
			page := &workerv1.LedgerPage{Last: true}
			for _, r := range all.Ranges {
				switch behind := work.AfterTable == nil || order([2]uint32{r.GetTable(), r.GetNumber()}, [2]uint32{work.GetAfterTable(), work.GetAfterNumber()}) > 0; {
				case !behind:
				case len(page.Ranges) < 2:
					page.Ranges = append(page.Ranges, r)
				default:
					page.Last = false
				}
			}
			if page.Last {
				page.Tables = all.Tables
			}
			return &workerv1.Result{Outcome: &workerv1.Result_LedgerPage{LedgerPage: page}}
		}
		h.silent = func(j *workerv1.Job) bool { return audits(j) && pages == 3 }
		h.create()
		h.rest(20 * time.Second)
		require.Equal(t, droverv1.Migration_STATE_RUNNING, h.migration().GetState())
		h.kill()
		h.silent = nil
		h.start()
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.Equal(t, 3+5, pages, "nine ranges, two a page")
		require.Equal(t, 9, h.count(func(j *workerv1.Job) bool { return j.GetExtract() != nil }))
	})
}

// A step that fails for good may fail for what the target has lost: that is found out
// before its table is blocked.
func TestAudit_BeforeABlock(t *testing.T) {
	for _, gone := range []bool{true, false} {
		bubble(t, func(t *testing.T, h *harness) {
			audited := 0
			h.answer = func(j *workerv1.Job) *workerv1.Result {
				switch {
				case audits(j):
					audited++
					page := h.ledger(j.GetMigration())
					if gone && audited == 1 {
						page.Ranges = page.Ranges[:len(page.Ranges)-1]
					}
					return &workerv1.Result{Outcome: &workerv1.Result_LedgerPage{LedgerPage: page}}
				case steps("late", planv1.Step_STEP_FOREIGN_KEYS)(j) && (audited < 2 || !gone): // once more, when the loss is known and not made good yet
					r := failure("value", "the key refers to nothing")
					r.GetFailure().Side = "target"
					return r
				}
				return nil
			}
			h.create()
			h.rest(5 * time.Minute)
			m := h.migration()
			if gone {
				require.Equal(t, droverv1.Migration_STATE_COMPLETE, m.GetState(), m.GetReason())
				require.Equal(t, 4, h.extractions("whole"))
				return
			}
			require.Equal(t, droverv1.Migration_STATE_INCOMPLETE, m.GetState())
			require.Contains(t, h.tables()["late"].GetReason(), "refers to nothing")
			require.Equal(t, 2, audited)
			require.Equal(t, 9, h.count(func(j *workerv1.Job) bool { return j.GetExtract() != nil }))
		})
	}
}

// A coordinator that begins in the middle looks first whether the target has what the log
// says, and no step comes before it knows.
func TestAudit_WhenALeaderBegins(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.silent = extracts("whole", 3)
		h.create()
		h.rest(10 * time.Second)
		require.Zero(t, h.count(audits), "there was nothing in the target when the first one began")
		h.kill()
		h.silent, h.jobs = nil, nil
		h.lost(func(p *workerv1.LedgerPage) { p.Ranges = p.Ranges[2:] })
		h.start()
		h.rest(5 * time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.Equal(t, 2, h.extractions("plain"))
		require.Equal(t, 2, h.count(audits))
		step := h.first(func(j *workerv1.Job) bool { return j.GetApplySchema() != nil })
		require.Less(t, h.first(audits), step)
	})
}
