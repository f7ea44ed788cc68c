package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/canon"

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
	if how := howText(m.GetSpec()); how != "" {
		fmt.Fprintf(&b, "  %s\n\n", how)
	}
	_ = planGrid(p.Tables).Write(&b)
	for _, t := range p.Tables {
		fmt.Fprintf(&b, "\n%s -> %s\n", output.Clean(t.GetSource()), output.Clean(targetText(t)))
		if where := t.GetPlan().GetSource().GetWhere(); where != "" {
			fmt.Fprintf(&b, "  only rows where %s\n", output.Clean(where))
		}
		_ = columnGrid(t.GetPlan()).Write(&b)
	}
	writeSizes(&b, p.Tables)
	writeSizing(&b, m)
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

// howText says what a spec wants beyond moving everything at once into its place.
func howText(s *droverv1.MigrationSpec) string {
	var out []string
	if len(s.GetPhases()) > 0 {
		names := make([]string, len(s.GetPhases()))
		for i, p := range s.GetPhases() {
			names[i] = p.GetName()
			if p.GetApprove() == "manual" {
				names[i] += " (waits for approval)"
			}
		}
		out = append(out, "in phases: "+strings.Join(names, ", "))
	}
	if s.GetPublish() == "atomic" {
		what := "on failure nothing of it stays"
		if s.GetOnFailure() == "keep" {
			what = "on failure what is staged stays for a retry"
		}
		out = append(out, "staged first, published in one step when all is proven; "+what)
	}
	return strings.Join(out, "; ")
}

// planGrid lists the tables.
func planGrid(tables []*droverv1.Table) *output.Grid {
	g := output.NewGrid("TABLE", "TARGET", "KEY", ">RANGES", ">ROWS (EST.)", ">BYTES (EST.)", "ENCODING", "VALIDATED")
	phased := slices.ContainsFunc(tables, func(t *droverv1.Table) bool { return t.GetPhase() != "" })
	if phased {
		g.Append("PHASE")
	}
	for _, t := range tables {
		p, c := t.GetPlan(), t.GetCounters()
		validated := "as a whole"
		if p.GetValidateByRange() {
			validated = "by range"
		}
		g.Add(t.GetSource(), targetText(t), KeyText(p.GetSource().GetKey()), fmt.Sprint(c.GetRanges()),
			estimate(c.GetRowsEstimated(), humanize.Comma),
			estimate(c.GetBytesEstimated(), func(n int64) string { return humanize.IBytes(uint64(n)) }),
			strings.ToLower(strings.TrimPrefix(t.GetEncoding().String(), "ENCODING_")), validated, t.GetPhase())
	}
	return g
}

// targetText is where a table's rows will be; a staged table's final place.
func targetText(t *droverv1.Table) string {
	switch p := t.GetPlan(); {
	case p.GetPublishName() == "":
		return t.GetTarget()
	case p.GetPublishSchema() == "":
		return p.GetPublishName()
	default:
		return p.GetPublishSchema() + "." + p.GetPublishName()
	}
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
	if slices.ContainsFunc(p.GetColumns(), func(c *planv1.ColumnPlan) bool { return policyText(c) != "" }) {
		g.Append("WITHOUT EXACT FORM")
	}
	for _, c := range p.GetColumns() {
		name, source := "  "+c.GetSource(), c.GetSourceType()
		switch {
		case c.Constant != nil:
			name, source = "  "+c.GetTarget(), "constant "+canon.String(c.GetKind(), c.GetConstant())
		case c.GetTarget() != c.GetSource():
			name += " -> " + c.GetTarget()
		}
		null := "not null"
		if c.GetNullable() {
			null = "null"
		}
		g.Add(name, source, c.GetTargetType(), strings.ToLower(strings.TrimPrefix(c.GetKind().String(), "KIND_")), null, policyText(c))
	}
	for _, c := range p.GetSource().GetColumns() {
		if c.GetDropped() {
			g.Add("  "+c.GetName(), c.GetNativeType(), "dropped")
		}
	}
	for _, name := range p.GetRecomputed() {
		g.Add("  "+name, "generated", "generated", "computed by the target", "")
	}
	return g
}

// policyText says what becomes of values that have no exact form; empty for a stop.
func policyText(c *planv1.ColumnPlan) string {
	switch c.GetPolicy().GetAction() {
	case planv1.Policy_ACTION_NULL:
		return "set-null"
	case planv1.Policy_ACTION_SENTINEL:
		return "sentinel " + c.GetPolicy().GetSentinel()
	case planv1.Policy_ACTION_STRIP:
		return "strip"
	default:
		return ""
	}
}

// writeStatements writes the DDL in the order it will run.
func writeStatements(w io.Writer, p Plan) {
	fmt.Fprintln(w, "\nStatements:")
	last := func(s *planv1.Statement) bool { return s.GetStep() == planv1.Step_STEP_OBJECTS }
	for _, s := range p.Migration.GetStatements() {
		if !last(s) {
			writeStatement(w, s)
		}
	}
	for _, t := range p.Tables {
		for _, s := range t.GetPlan().GetStatements() {
			writeStatement(w, s)
		}
	}
	for _, s := range p.Migration.GetStatements() {
		if last(s) {
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
