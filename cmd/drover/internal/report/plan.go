package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"

	"github.com/drover-db/drover/cmd/drover/internal/output"
)

// Plan is a migration that was planned.
type Plan struct {
	Migration *droverv1.Migration
	// Tables with their plans.
	Tables []*droverv1.Table
}

// Findings of the plan and of every table in it.
func (p Plan) Findings() []Finding {
	var out []Finding
	for _, f := range p.Migration.GetFindings() {
		out = append(out, NewFinding(f))
	}
	for _, f := range TableFindings(p.Tables) {
		out = append(out, NewFinding(f))
	}
	return out
}

// TableFindings collects the findings of tables listed in full.
func TableFindings(tables []*droverv1.Table) []*planv1.Finding {
	var out []*planv1.Finding
	for _, t := range tables {
		out = append(out, t.GetPlan().GetFindings()...)
	}
	return out
}

// WritePlan writes a plan for people; ddl adds every statement.
func WritePlan(w io.Writer, p Plan, ddl bool) error {
	var b strings.Builder
	m := p.Migration
	fmt.Fprintf(&b, "%s\n  from %s  (%s %s)\n  to   %s  (%s %s)\n\n", output.Clean(strings.TrimPrefix(m.GetName(), "migrations/")),
		output.Clean(m.GetSpec().GetSource().GetUrl()), m.GetSourceEngine(), output.Clean(m.GetSourceVersion()),
		output.Clean(m.GetSpec().GetTarget().GetUrl()), m.GetTargetEngine(), output.Clean(m.GetTargetVersion()))
	_ = planGrid(p.Tables).Write(&b)
	for _, t := range p.Tables {
		fmt.Fprintf(&b, "\n%s -> %s\n", output.Clean(t.GetSource()), output.Clean(t.GetTarget()))
		_ = columnGrid(t.GetPlan()).Write(&b)
	}
	if ddl {
		writeStatements(&b, p)
	}
	s := &Summary{Findings: p.Findings()}
	for _, u := range m.GetUnmoved() {
		s.Unmoved = append(s.Unmoved, Unmoved{Object: u.GetObject(), Name: u.GetName(), Reason: u.GetReason()})
	}
	writeNotMoved(&b, s)
	fmt.Fprintf(&b, "\n%s\n", planVerdict(p))
	return output.Printf(w, "%s", b.String())
}

// planGrid lists the tables.
func planGrid(tables []*droverv1.Table) *output.Grid {
	g := output.NewGrid("TABLE", "TARGET", "KEY", ">RANGES", ">ROWS (EST.)", ">BYTES (EST.)", "ENCODING", "VALIDATED")
	for _, t := range tables {
		p, c := t.GetPlan(), t.GetCounters()
		validated := "as a whole"
		if p.GetValidateByRange() {
			validated = "by range"
		}
		g.Add(t.GetSource(), t.GetTarget(), KeyText(p.GetSource().GetKey()), fmt.Sprint(c.GetRanges()),
			estimate(c.GetRowsEstimated(), humanize.Comma),
			estimate(c.GetBytesEstimated(), func(n int64) string { return humanize.IBytes(uint64(n)) }),
			strings.ToLower(strings.TrimPrefix(t.GetEncoding().String(), "ENCODING_")), validated)
	}
	return g
}

// KeyText words a key.
func KeyText(k *planv1.Key) string {
	switch k.GetSource() {
	case planv1.KeySource_KEY_SOURCE_PRIMARY, planv1.KeySource_KEY_SOURCE_UNIQUE:
		return strings.Join(k.GetColumns(), ", ")
	case planv1.KeySource_KEY_SOURCE_HIDDEN:
		return "none (" + strings.Join(k.GetColumns(), ", ") + ")"
	default:
		return "none"
	}
}

func estimate(n int64, format func(int64) string) string {
	if n < 0 {
		return "?"
	}
	return "~" + format(n)
}

// columnGrid is a table's type map.
func columnGrid(p *planv1.TablePlan) *output.Grid {
	g := output.NewGrid("  COLUMN", "SOURCE TYPE", "TARGET TYPE", "TRAVELS AS", "NULL")
	for _, c := range p.GetColumns() {
		name := "  " + c.GetSource()
		if c.GetTarget() != c.GetSource() {
			name += " -> " + c.GetTarget()
		}
		null := "not null"
		if c.GetNullable() {
			null = "null"
		}
		g.Add(name, c.GetSourceType(), c.GetTargetType(), strings.ToLower(strings.TrimPrefix(c.GetKind().String(), "KIND_")), null)
	}
	for _, name := range p.GetRecomputed() {
		g.Add("  "+name, "generated", "generated", "computed by the target", "")
	}
	return g
}

// writeStatements writes the DDL in the order it will run.
func writeStatements(w io.Writer, p Plan) {
	fmt.Fprintln(w, "\nStatements:")
	for _, s := range p.Migration.GetStatements() {
		writeStatement(w, s)
	}
	for _, t := range p.Tables {
		for _, s := range t.GetPlan().GetStatements() {
			writeStatement(w, s)
		}
	}
}

func writeStatement(w io.Writer, s *planv1.Statement) {
	step := strings.ToLower(strings.TrimPrefix(s.GetStep().String(), "STEP_"))
	fmt.Fprintf(w, "\n-- %s: %s\n", step, output.Clean(s.GetObject()))
	for line := range strings.SplitSeq(strings.TrimRight(s.GetSql(), "; \n")+";", "\n") {
		fmt.Fprintln(w, output.Clean(strings.ReplaceAll(line, "\t", "  ")))
	}
}

// planVerdict is the last line.
func planVerdict(p Plan) string {
	errors := 0
	for _, f := range p.Findings() {
		if f.Severity == SeverityError {
			errors++
		}
	}
	if errors > 0 {
		return fmt.Sprintf("PLAN: %s would not move as planned: %s above. Neither database was changed.",
			strings.TrimPrefix(p.Migration.GetName(), "migrations/"), count(int64(errors), "error"))
	}
	return fmt.Sprintf("PLAN: %s ready to move, %s. Neither database was changed.",
		count(int64(len(p.Tables)), "table"), count(int64(p.Migration.GetCounters().GetRanges()), "range"))
}
