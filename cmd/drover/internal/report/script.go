package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"

	"github.com/drover-db/drover/cmd/drover/internal/output"
)

// steps of a script in their order, and what they begin with.
var steps = []struct {
	step  planv1.Step
	title string
}{
	{planv1.Step_STEP_UNSPECIFIED, "before any table"},
	{planv1.Step_STEP_CREATE, "tables"},
	{planv1.Step_STEP_KEY, "keys, which are faster built when the rows are there"},
	{planv1.Step_STEP_INDEXES, "indexes, constraints and comments"},
	{planv1.Step_STEP_FOREIGN_KEYS, "foreign keys, when every table has its rows"},
	{planv1.Step_STEP_SEQUENCES, "sequences go on behind the rows that are there"},
	{planv1.Step_STEP_OBJECTS, "views, routines and triggers"},
}

// WriteScript writes what a plan would run in the target as a script for its client.
// Statements are written byte for byte; whatever else is a comment.
func WriteScript(w io.Writer, p Plan) error {
	var b strings.Builder
	m := p.Migration
	comment(&b, "", fmt.Sprintf("From %s (%s %s)", m.GetSpec().GetSource().GetUrl(), m.GetSourceEngine(), m.GetSourceVersion()))
	comment(&b, "", fmt.Sprintf("for  %s (%s %s).", m.GetSpec().GetTarget().GetUrl(), m.GetTargetEngine(), m.GetTargetVersion()))
	for _, s := range steps {
		writeStep(&b, p, s.step, s.title)
	}
	writeByHand(&b, p)
	return output.Printf(w, "%s", b.String())
}

func writeStep(b *strings.Builder, p Plan, step planv1.Step, title string) {
	all := slices.Clone(p.Migration.GetStatements())
	for _, t := range p.Tables {
		all = append(all, t.GetPlan().GetStatements()...)
	}
	all = slices.DeleteFunc(all, func(s *planv1.Statement) bool { return s.GetStep() != step })
	if len(all) == 0 {
		return
	}
	b.WriteString("\n")
	comment(b, "", "== "+title)
	for _, s := range all {
		b.WriteString("\n")
		comment(b, "", s.GetObject())
		b.WriteString(terminated(s.GetSql(), p.Migration.GetTargetEngine()))
	}
}

// terminated ends a statement so that the target's client sends it whole: the clients
// of MySQL and MariaDB end one at the first semicolon, unless they are told another end.
func terminated(sql, engine string) string {
	mysql := engine == "mysql" || engine == "mariadb"
	if mysql && strings.Contains(sql, "DELIMITER ") { // objects come as scripts
		return strings.TrimRight(sql, "\n") + "\n"
	}
	sql = strings.TrimRight(sql, "; \t\r\n")
	if mysql && strings.Contains(sql, ";") {
		return "DELIMITER $$\n" + sql + "$$\nDELIMITER ;\n"
	}
	return sql + ";\n"
}

// writeByHand writes what no statement does: findings, and what stays behind.
func writeByHand(b *strings.Builder, p Plan) {
	findings := p.Findings()
	if len(findings) > 0 {
		b.WriteString("\n")
		comment(b, "", "== what to know")
	}
	for _, f := range findings {
		where := strings.Trim(f.Table+"."+f.Column, ".")
		comment(b, "", strings.TrimSpace(f.Severity+" "+f.Code+" "+where)+": "+f.Message)
	}
	if len(p.Migration.GetUnmoved()) > 0 {
		b.WriteString("\n")
		comment(b, "", "== to be done by hand")
	}
	for _, u := range p.Migration.GetUnmoved() {
		b.WriteString("\n")
		comment(b, "", u.GetObject()+" "+u.GetName()+": "+u.GetReason())
		if u.GetDefinition() != "" {
			comment(b, "  ", u.GetDefinition())
		}
	}
}

// comment writes a text as lines of comment: no line of it can be taken for a statement.
func comment(b *strings.Builder, indent, text string) {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimRight(text, " \n"))
	for line := range strings.SplitSeq(text, "\n") {
		b.WriteString(strings.TrimRight("-- "+indent+output.Clean(strings.ReplaceAll(line, "\t", "  ")), " ") + "\n")
	}
}
