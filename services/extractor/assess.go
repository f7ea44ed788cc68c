package extractor

import (
	"context"
	"slices"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
	"github.com/drover-db/drover/internal/loss"
	"github.com/drover-db/drover/internal/worker"
)

const (
	// lossKeys is how many rows are named of each column and rule.
	lossKeys = 3
	// assessReport is how many rows lie between two reports of progress.
	assessReport = 10_000
)

// assess reads a range as an extraction would, hands every row to the target's check,
// and counts what does not arrive as it is. A value at fault does not end it.
func (s *Service) assess(ctx context.Context, db engine.Reader, job *workerv1.Job, report worker.Report) (*workerv1.Result, error) {
	work := job.GetAssess()
	target, err := s.config.Engines.ForURL(job.GetTarget().GetUrl())
	if err != nil {
		return nil, fault.At(err, fault.Target, "")
	}
	check, err := target.Check(work.GetTable())
	if err != nil {
		return nil, err
	}
	a := newAssessment(work.GetTable(), check, report)
	err = db.Read(ctx, engine.ReadRequest{Side: engine.SourceSide, Plan: work.GetTable(), Range: work.GetRange(),
		Pieces: s.config.LargeRow, Touch: a.touch, Lossy: a.refuse}, a.row)
	if err != nil {
		return nil, atTable(err, work.GetTable())
	}
	return &workerv1.Result{Outcome: &workerv1.Result_Assessed{Assessed: a.result()}}, nil
}

// lossID is what losses are counted by.
type lossID struct {
	column int
	rule   loss.Rule
	index  string
}

// refusal is a value of the row in hand that does not arrive, or does not fit an index.
type refusal struct {
	column int
	index  string
	err    error
}

// assessment is a range being assessed.
type assessment struct {
	plan   *planv1.TablePlan
	check  engine.ValueCheck
	report worker.Report
	// required are the columns that take no NULL.
	required []bool
	fields   [][]byte
	large    *largeRow
	entries  *entries
	refused  []refusal
	losses   map[lossID]*planv1.Loss
	touched  engine.Touched
	rows     int64
	bytes    int64
}

func newAssessment(p *planv1.TablePlan, check engine.ValueCheck, report worker.Report) *assessment {
	out := &assessment{plan: p, check: check, report: report, entries: newEntries(p), fields: make([][]byte, len(p.GetColumns())),
		required: make([]bool, len(p.GetColumns())), losses: map[lossID]*planv1.Loss{}}
	out.large = &largeRow{assessment: out, splitter: batch.NewSplitter(p.GetEncoding(), len(p.GetColumns()))}
	for i, c := range p.GetColumns() {
		out.required[i] = c.Constant == nil && (!c.GetNullable() || inPrimaryKey(p, c))
	}
	return out
}

// inPrimaryKey tells whether a column is part of a primary key that takes no NULL, as
// those of SQLite alone do.
func inPrimaryKey(p *planv1.TablePlan, c *planv1.ColumnPlan) bool {
	return p.GetTargetEngine() != "sqlite" && slices.ContainsFunc(p.GetSource().GetIndexes(), func(x *planv1.Index) bool {
		return x.GetPrimary() && slices.ContainsFunc(x.GetColumns(), func(k *planv1.IndexColumn) bool { return k.GetName() == c.GetSource() })
	})
}

// touch counts a value that its column's policy changes.
func (a *assessment) touch(column int) { a.touched.Add(engine.Touched{uint32(column): 1}) }

// refuse takes note of a value of the row that comes next, or is in hand.
func (a *assessment) refuse(column int, err error) {
	if !a.isRefused(column) {
		a.refused = append(a.refused, refusal{column: column, err: err})
	}
}

func (a *assessment) isRefused(column int) bool {
	return slices.ContainsFunc(a.refused, func(r refusal) bool { return r.column == column && r.index == "" })
}

func (a *assessment) row(r engine.Row) error {
	check := a.values
	if r.More || a.large.begun {
		check = a.large.piece
	}
	if err := check(r.Data); err != nil {
		return err
	}
	a.bytes += int64(len(r.Data))
	if r.More {
		return nil
	}
	if err := a.large.end(); err != nil {
		return err
	}
	a.entries.end(func(v refusal) { a.refused = append(a.refused, v) })
	for _, v := range a.refused {
		a.count(v, r)
	}
	a.refused = a.refused[:0]
	a.rows++
	if a.rows%assessReport == 0 {
		a.report(&workerv1.Progress{Rows: a.rows, Bytes: a.bytes})
	}
	return nil
}

// values hands the values of a row to the target's check. Tuples that pass through are
// of the target's own types: there is nothing to refuse.
func (a *assessment) values(row []byte) error {
	if a.plan.GetEncoding() == planv1.Encoding_ENCODING_PGCOPY {
		return nil
	}
	if _, _, err := batch.Fields(a.plan.GetEncoding(), row, a.fields); err != nil {
		return fault.Wrap(fault.Corrupt, "extractor.assess", err)
	}
	for i, v := range a.fields {
		a.value(i, v)
	}
	return nil
}

// value hands a value to the target's check.
func (a *assessment) value(i int, v []byte) {
	switch {
	case v != nil:
		a.entries.value(i, v)
		if err := a.check.Check(i, v); err != nil {
			a.refuse(i, err)
		}
	case a.required[i] && !a.isRefused(i):
		// A value that was refused has left a NULL behind.
		a.refuse(i, errNull)
	}
}

var errNull = loss.New(loss.Null, "holds NULL, which the target's column does not take")

func (a *assessment) count(v refusal, r engine.Row) {
	id := lossID{v.column, a.rule(v), v.index}
	l := a.losses[id]
	if l == nil {
		l = &planv1.Loss{Column: uint32(v.column), Rule: string(id.rule), Index: id.index, Example: v.err.Error()}
		a.losses[id] = l
	}
	l.Rows++
	if len(l.GetKeys()) < lossKeys {
		if name := a.name(r); name != "" {
			l.Keys = append(l.Keys, name)
		}
	}
}

// rule is that of an error, or says that a cast is at fault.
func (a *assessment) rule(v refusal) loss.Rule {
	rule, c := loss.RuleOf(v.err), a.plan.GetColumns()[v.column]
	if source := engine.SourceColumn(a.plan, c.GetSource()); rule == loss.Refused && source != nil && source.GetKind() != c.GetKind() {
		return loss.Conversion
	}
	return rule
}

// name names a row by its key. A key that is itself at fault is named as its error does.
func (a *assessment) name(r engine.Row) string {
	key, err := r.Key()
	switch {
	case err != nil:
		return fault.Find(err).Key
	case key == nil:
		return ""
	}
	k := a.plan.GetSource().GetKey()
	return keyrange.Named(k.GetColumns(), k.GetKinds(), key)
}

func (a *assessment) result() *workerv1.Assessed {
	out := &workerv1.Assessed{Rows: a.rows, Touched: a.touched.Proto()}
	for _, l := range a.losses {
		out.Losses = append(out.Losses, l)
	}
	slices.SortFunc(out.Losses, loss.Compare)
	return out
}
