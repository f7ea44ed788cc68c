package coordinator

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/fault"
)

// change updates the migration with a spec and gives what was planned anew.
func (h *harness) change(how func(*droverv1.MigrationSpec)) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := h.api().UpdateMigration(ctx, &droverv1.UpdateMigrationRequest{Spec: specWith(how)})
	return r.GetReplanned(), err
}

// casting answers designs with the type that the spec's first cast asks for.
func casting(j *workerv1.Job) *workerv1.Result {
	if j.GetDesign() == nil || len(j.GetDesign().GetCasts()) == 0 {
		return nil
	}
	cast, r := j.GetDesign().GetCasts()[0], result(j)
	for _, p := range r.GetDesigned().GetDesign().GetTables() {
		if p.GetTargetName() != cast.GetMatch() {
			continue
		}
		p.Columns = []*planv1.ColumnPlan{{Source: "c", TargetType: cast.GetTo()}}
		if cast.GetTo() == "nonsense" {
			p.Findings = []*planv1.Finding{{Severity: planv1.Severity_SEVERITY_ERROR, Code: "CAST_IMPOSSIBLE", Table: "t", Message: "no type nonsense"}}
		}
	}
	return r
}

func cast(table, to string) *droverv1.SchemaSpec {
	return &droverv1.SchemaSpec{Casts: []*droverv1.Cast{{Match: table, To: to}}}
}

// What has not begun follows a changed spec; numbers and what has begun stay.
func TestUpdate_TablesThatHaveNotBegun(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = casting
		begin := phased("plain", "!late", "!whole")
		h.createAs(true, begin)
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_WAITING, h.migration().GetState())
		uid := h.migration().GetUid()
		replanned, err := h.change(func(s *droverv1.MigrationSpec) { begin(s); s.Schema = cast("late", "jsonb") })
		require.NoError(t, err)
		require.Equal(t, []string{"late"}, replanned)
		require.Equal(t, "jsonb", h.s.view().Table(uid, 2).Plan.GetColumns()[0].GetTargetType())
		require.Equal(t, 3, h.s.view().Table(uid, 2).Ranges)

		replanned, err = h.change(func(s *droverv1.MigrationSpec) {
			begin(s)
			s.Schema, s.Tables = cast("late", "jsonb"), []*droverv1.TableRule{{Match: "plain", Skip: true}, {Match: "late", Skip: true}, {Match: "*"}}
		})
		require.ErrorContains(t, err, `phase "p-late" has no table`)
		require.Empty(t, replanned)
		require.Empty(t, h.migration().GetSpec().GetTables(), "a refused change was kept")

		replanned, err = h.change(func(s *droverv1.MigrationSpec) {
			phased("plain", "!whole")(s)
			s.Tables = []*droverv1.TableRule{{Match: "plain", Skip: true}, {Match: "late", Skip: true}, {Match: "*"}}
		})
		require.NoError(t, err)
		require.Equal(t, []string{"whole"}, replanned, "its phase is another one now")
		require.Equal(t, droverv1.Table_STATE_SKIPPED, h.tables()["late"].GetState())
		require.Equal(t, droverv1.Table_STATE_COMPLETE, h.tables()["plain"].GetState())

		replanned, err = h.change(begin)
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"late", "whole"}, replanned)
		require.Equal(t, droverv1.Table_STATE_WAITING, h.tables()["late"].GetState())
		for range 2 {
			_, err = h.api().ApproveMigration(context.Background(), &droverv1.ApproveMigrationRequest{Name: "m"})
			require.NoError(t, err)
			h.rest(time.Minute)
		}
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.Equal(t, 1, h.count(creates("plain")))
		require.Equal(t, 1, h.count(creates("late")))
	})
}

// A new table of the source gets the next number.
func TestUpdate_NewTables(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		only := func(names ...string) func(*droverv1.MigrationSpec) {
			return func(s *droverv1.MigrationSpec) {
				for _, n := range names {
					s.Tables = append(s.Tables, &droverv1.TableRule{Match: n})
				}
				s.Tables = append(s.Tables, &droverv1.TableRule{Match: "*", Skip: true})
			}
		}
		h.createAs(false, only("whole"))
		h.rest(time.Minute)
		require.Len(t, h.tables(), 1)
		replanned, err := h.change(only("plain", "whole"))
		require.NoError(t, err)
		require.Equal(t, []string{"plain"}, replanned)
		require.EqualValues(t, "migrations/m/tables/2", h.tables()["plain"].GetName())
		require.Equal(t, droverv1.Migration_STATE_PLANNED, h.migration().GetState())
		_, err = h.api().StartMigration(context.Background(), &droverv1.StartMigrationRequest{Name: "m"})
		require.NoError(t, err)
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.Len(t, h.tables(), 2)
	})
}

// A table that could not be created is planned anew and retried.
func TestUpdate_BlockedBeforeItBegan(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = answers(casting, func(j *workerv1.Job) *workerv1.Result {
			if creates("late")(j) && len(j.GetApplySchema().GetTable().GetColumns()) == 0 {
				return &workerv1.Result{Outcome: &workerv1.Result_Failure{Failure: &workerv1.Failure{Kind: "unsupported", Side: "target", Message: "no such type"}}}
			}
			return nil
		})
		h.create()
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_INCOMPLETE, h.migration().GetState())
		require.Equal(t, "unsupported", h.tables()["late"].GetReasonKind())
		replanned, err := h.change(func(s *droverv1.MigrationSpec) { s.Schema = cast("late", "jsonb") })
		require.NoError(t, err)
		require.Equal(t, []string{"late"}, replanned)
		_, err = h.api().RetryMigration(context.Background(), &droverv1.RetryMigrationRequest{Name: "m"})
		require.NoError(t, err)
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
	})
}

// A spec that cannot be carried out changes nothing while tables move.
func TestUpdate_Refused(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = casting
		begin := phased("plain", "!late", "whole")
		h.createAs(true, begin)
		h.rest(time.Minute)
		for want, change := range map[string]func(*droverv1.MigrationSpec){
			"cannot change its source":   func(s *droverv1.MigrationSpec) { s.Source.Url = "memory://x/y" },
			"cannot change its target":   func(s *droverv1.MigrationSpec) { s.Target.Url = "memory://x/y" },
			"cannot change its strategy": func(s *droverv1.MigrationSpec) { s.Strategy, s.Phases = "bulk", nil },
			"cannot change its publish":  atomic,
			"cannot change its stream":   func(s *droverv1.MigrationSpec) { s.Stream = &droverv1.StreamSpec{MaxBytes: "2GiB"} },
			`phase "p-plain" has begun`:  func(s *droverv1.MigrationSpec) { s.Phases[0].Tables[0] = "plai?" },
			"no type nonsense":           func(s *droverv1.MigrationSpec) { s.Schema = cast("late", "nonsense") },
			"no table that matches nix": func(s *droverv1.MigrationSpec) {
				s.Tables = []*droverv1.TableRule{{Match: "*", Skip: true}, {Match: "nix"}}
			},
		} {
			_, err := h.change(func(s *droverv1.MigrationSpec) { begin(s); change(s) })
			require.ErrorContains(t, err, want)
			require.Len(t, h.migration().GetSpec().GetPhases(), 3)
			require.Nil(t, h.migration().GetSpec().GetSchema())
		}
		again, err := h.change(func(s *droverv1.MigrationSpec) { begin(s); s.Phases[0].Approve = "auto" })
		require.NoError(t, err, "a default that is written out is no change")
		require.Empty(t, again)
	})
}

// Without workers the call ends with its time and nothing is changed.
func TestUpdate_NobodyThere(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.createAs(false, func(*droverv1.MigrationSpec) {})
		h.rest(time.Minute)
		h.silent = func(j *workerv1.Job) bool { return j.GetDesign() != nil }
		_, err := h.change(func(s *droverv1.MigrationSpec) { s.Existing = "truncate" })
		require.Equal(t, fault.Canceled, fault.KindOf(err))
		h.rest(time.Second)
		require.Empty(t, h.migration().GetSpec().GetExisting())
		h.silent = nil
		h.credit("loader-1")
		replanned, err := h.change(func(s *droverv1.MigrationSpec) { s.Existing = "truncate" })
		require.NoError(t, err)
		require.Len(t, replanned, 3)
	})
}

// A coordinator that dies while tables are split by a changed spec goes on from its log.
func TestUpdate_Restart(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.answer = casting
		h.createAs(false, func(*droverv1.MigrationSpec) {})
		h.rest(time.Minute)
		h.silent = func(j *workerv1.Job) bool { return j.GetSplit() != nil }
		_, err := h.change(func(s *droverv1.MigrationSpec) { s.Schema = cast("late", "jsonb") })
		require.ErrorContains(t, err, "the spec is changed")
		h.kill()
		h.start()
		_, err = h.api().StartMigration(context.Background(), &droverv1.StartMigrationRequest{Name: "m"})
		require.ErrorContains(t, err, "being planned anew")
		h.kill()
		h.silent = nil
		h.start()
		h.rest(time.Minute)
		_, err = h.api().StartMigration(context.Background(), &droverv1.StartMigrationRequest{Name: "m"})
		require.NoError(t, err)
		h.rest(time.Minute)
		require.Equal(t, droverv1.Migration_STATE_COMPLETE, h.migration().GetState(), h.migration().GetReason())
		require.Len(t, h.jobs[h.first(creates("late"))].GetApplySchema().GetTable().GetColumns(), 1)
	})
}

// A migration that ends takes a pending change with it.
func TestUpdate_CancelledMeanwhile(t *testing.T) {
	bubble(t, func(t *testing.T, h *harness) {
		h.createAs(true, phased("!plain", "late"))
		h.rest(time.Minute)
		h.silent = func(j *workerv1.Job) bool { return j.GetDescribe() != nil }
		go func() {
			time.Sleep(time.Second)
			_, err := h.api().CancelMigration(context.Background(), &droverv1.CancelMigrationRequest{Name: "m"})
			require.NoError(t, err)
		}()
		_, err := h.change(func(s *droverv1.MigrationSpec) { phased("!plain", "whole")(s) })
		require.ErrorContains(t, err, "has ended meanwhile: it is cancelled")
		h.rest(time.Minute)
		h.s.mu.Lock()
		defer h.s.mu.Unlock()
		require.Empty(t, h.s.busy)
		require.Empty(t, h.s.runs)
	})
}
