package coordinator

import (
	"context"
	"slices"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/advice"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// toAssess tells whether a table's rows are still to be read for the plan, or what was
// found in them to be written into it. A plan that was found was carried out already.
func toAssess(m *state.Migration, t *state.Table) bool {
	return m.Deep && m.Found == "" && m.Stage == state.Planning && t.Split && !t.Skipped && (t.Assessment == nil || !t.Assessment.Concluded)
}

// assessing offers the ranges of tables that are to be read, the largest table first.
func (o *offer) assessing() {
	for _, t := range o.tables {
		if !toAssess(o.m, t) {
			continue
		}
		for n := o.run.nextToAssess(o.view, t); n <= uint32(t.Ranges); n++ {
			if r := o.view.Range(o.m.UID, t.Number, n); r.Assessed {
				continue
			}
			if !o.give(workAssess, t.Number, n) {
				return
			}
		}
	}
}

// toCompare tells whether the target is still to say which keys it takes for one.
func toCompare(m *state.Migration, t *state.Table) bool {
	return toAssess(m, t) && t.AssessedKeys() < len(t.Plan.GetComparedKeys())
}

// comparing offers the keys of each table one after another.
func (o *offer) comparing() {
	for _, t := range o.tables {
		if toCompare(o.m, t) && !o.give(workCompare, t.Number, 0) {
			return
		}
	}
}

// compared records what the target said of a key.
func (s *Leader) compared(ctx context.Context, l *lease, c *workerv1.Compared) error {
	t := s.view().Table(l.work.migration, l.work.table)
	if t == nil || l.job.GetCompareKeys().GetKey() != uint32(t.AssessedKeys()+1) {
		return nil
	}
	return s.append(ctx, l.work.migration, &journalv1.Event{Body: &journalv1.Event_KeysCompared{KeysCompared: &journalv1.KeysCompared{
		Table: t.Number, Key: l.job.GetCompareKeys().GetKey(), Findings: c.GetFindings()}}})
}

// nextToAssess is the first range of a table that was not read. Those before it need
// not be looked at again each time.
func (r *run) nextToAssess(view state.View, t *state.Table) uint32 {
	n := max(r.assessed[t.Number], 1)
	for n <= uint32(t.Ranges) && view.Range(r.uid, t.Number, n).Assessed {
		n++
	}
	r.assessed[t.Number] = n
	return n
}

// assessed records what was found in a range.
func (s *Leader) assessed(ctx context.Context, l *lease, a *workerv1.Assessed) error {
	r := s.view().Range(l.work.migration, l.work.table, l.work.number)
	if r == nil || r.Assessed {
		return nil
	}
	return s.append(ctx, l.work.migration, &journalv1.Event{Body: &journalv1.Event_RangeAssessed{RangeAssessed: &journalv1.RangeAssessed{
		Table: l.work.table, Range: l.work.number, Rows: a.GetRows(), Losses: a.GetLosses(), Touched: a.GetTouched()}}})
}

// concludeAssessments writes what was found into the plans of tables that were read to
// their end.
func (s *Leader) concludeAssessments(ctx context.Context, m *state.Migration, tables []*state.Table) error {
	for _, t := range tables {
		if !toAssess(m, t) || t.Assessment == nil || t.Assessment.Ranges < t.Ranges || toCompare(m, t) {
			continue
		}
		findings := advice.Losses(t.Plan, t.Assessment.Rows, t.Assessment.Losses)
		if err := s.concludeAssessment(ctx, t, findings); err != nil {
			return err
		}
	}
	return nil
}

func (s *Leader) concludeAssessment(ctx context.Context, t *state.Table, findings []*planv1.Finding) error {
	return s.append(ctx, t.Migration, &journalv1.Event{Body: &journalv1.Event_TableAssessed{TableAssessed: &journalv1.TableAssessed{
		Table: t.Number, Findings: findings}}})
}

// unassessable takes a table whose rows cannot all be read: neither could a migration.
func (s *Leader) unassessable(ctx context.Context, t *state.Table, p state.Problem) error {
	if t == nil || t.Assessment != nil && t.Assessment.Concluded {
		return nil
	}
	f := &planv1.Finding{Severity: planv1.Severity_SEVERITY_ERROR, Code: "CANNOT_READ", Table: sourceName(t.Plan), Column: p.Column,
		Message: "rows cannot be read: " + p.Reason}
	if p.Key != "" {
		f.Keys, f.Rows = []string{p.Key}, 1
	}
	f.Fix = advice.Fix(t.Plan, f)
	return s.concludeAssessment(ctx, t, []*planv1.Finding{f})
}

// assessment says what became of the values of each column.
func assessment(t *state.Table) *droverv1.Assessment {
	if t.Assessment == nil {
		return nil
	}
	out := &droverv1.Assessment{Rows: t.Assessment.Rows, Ranges: int32(t.Assessment.Ranges)}
	for _, c := range t.Plan.GetColumns() {
		if c.Constant == nil {
			out.Columns = append(out.Columns, &droverv1.AssessedColumn{Column: c.GetSource()})
		}
	}
	for _, l := range t.Assessment.Losses {
		if i := int(l.GetColumn()); i < len(out.GetColumns()) && l.GetIndex() == "" {
			out.Columns[i].Lossy += l.GetRows()
		}
	}
	for _, n := range t.Assessment.Touched.Proto() {
		if i := int(n.GetColumn()); i < len(out.GetColumns()) {
			out.Columns[i].Touched += n.GetValues()
		}
	}
	return out
}

// toPlan tells whether a table still holds planning up.
func toPlan(m *state.Migration, tables []*state.Table) bool {
	return slices.ContainsFunc(tables, func(t *state.Table) bool { return toSplit(t) || toAssess(m, t) })
}
