// Package advice words what a scan of the data found, and says for findings of every
// kind which lines of a spec settle them.
//
// losses.go has what is said of each rule that values break, fix.go what settles the
// findings of a design, snippet.go how lines of a spec are written.
package advice

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/loss"
)

// Losses makes findings of what a scan of a table's rows found: one a column and rule.
// Rows is how many were read.
func Losses(p *planv1.TablePlan, rows int64, losses []*planv1.Loss) []*planv1.Finding {
	var out []*planv1.Finding
	for _, l := range losses {
		if int(l.GetColumn()) >= len(p.GetColumns()) {
			continue
		}
		c := p.GetColumns()[l.GetColumn()]
		rule := loss.Rule(l.GetRule())
		if l.GetIndex() != "" {
			out = append(out, entry(p, c, rows, l))
			continue
		}
		out = append(out, &planv1.Finding{Severity: planv1.Severity_SEVERITY_ERROR, Code: l.GetRule(), Table: label(p), Column: c.GetSource(),
			Message: fmt.Sprintf("%s of %s rows %s; the first: %s", humanize.Comma(l.GetRows()), humanize.Comma(rows), whatOf(rule, c), reason(l.GetExample())),
			Fix:     remedy(p, c, rule), Rows: l.GetRows(), Keys: l.GetKeys()})
	}
	return out
}

// entry makes the finding about rows that an index of the target has no room for, or may
// have none.
func entry(p *planv1.TablePlan, c *planv1.ColumnPlan, rows int64, l *planv1.Loss) *planv1.Finding {
	out := &planv1.Finding{Severity: planv1.Severity_SEVERITY_ERROR, Code: l.GetRule(), Table: label(p), Column: c.GetSource(), Index: l.GetIndex(), Rows: l.GetRows(), Keys: l.GetKeys(),
		Message: fmt.Sprintf("%s of %s rows do not fit an entry of index %s; the first: %s", humanize.Comma(l.GetRows()), humanize.Comma(rows), l.GetIndex(), l.GetExample())}
	if loss.Rule(l.GetRule()) == loss.IndexEntryLong {
		out.Severity = planv1.Severity_SEVERITY_WARNING
		out.Message = fmt.Sprintf("%s of %s rows may not fit an entry of index %s, and the table stops where one does not; the first: %s", humanize.Comma(l.GetRows()), humanize.Comma(rows), l.GetIndex(), l.GetExample())
	}
	out.Fix = Fix(p, out)
	return out
}

// EqualKeys makes the finding that a unique key of the target takes keys of the source
// for one. Names are rows, those with equal keys side by side.
func EqualKeys(p *planv1.TablePlan, key *planv1.Index, rows int64, names []string) *planv1.Finding {
	out := &planv1.Finding{Severity: planv1.Severity_SEVERITY_ERROR, Code: "KEYS_COLLIDE", Table: label(p), Rows: rows, Keys: names}
	var parts []string
	what := "correct the rows, or drop the index there"
	for _, k := range key.GetColumns() {
		parts = append(parts, cmp.Or(k.GetName(), k.GetExpression()))
		i := slices.IndexFunc(p.GetColumns(), func(c *planv1.ColumnPlan) bool {
			return k.GetName() != "" && strings.EqualFold(c.GetTarget(), k.GetName())
		})
		if i < 0 {
			continue
		}
		c := p.GetColumns()[i]
		if out.Column == "" || c.GetKind() == planv1.Kind_KIND_TEXT {
			out.Column = c.GetSource()
		}
		if collation := cmp.Or(k.GetCollation(), c.GetTargetCollation()); collation != "" {
			what = "collation " + collation + " does not tell them apart: give the column one that does, or " + what
		}
	}
	out.Message = fmt.Sprintf("%s rows have keys that unique index %s (%s) of the target takes for another row's: %s", humanize.Comma(rows), key.GetName(), strings.Join(parts, ", "), what)
	out.Fix = apart(p, out.GetColumn())
	return out
}

// apart gives the lines of a spec by which the target tells keys apart: the column's own
// type where the spec has chosen another, a table that drover makes where one is there.
func apart(p *planv1.TablePlan, column string) string {
	for _, c := range p.GetSource().GetColumns() {
		if c.GetName() == column && c.GetPolicy().GetAction() == planv1.Policy_ACTION_SENTINEL && c.GetNullable() {
			return columnRule(p, column, []string{"{invalid: set-null}"})
		}
		if c.GetName() == column && c.GetCast() != "" && !p.GetTargetExists() && c.GetKind() == planv1.Kind_KIND_TEXT {
			return columnRule(p, column, []string{"{type: " + textType(p) + "}"})
		}
	}
	if p.GetTargetExists() {
		return tableRule(p, "into: "+scalar(p.GetSource().GetName()+"_new"))
	}
	return ""
}

// label is a source table's name for people.
func label(p *planv1.TablePlan) string {
	if p.GetSource().GetSchema() == "" {
		return p.GetSource().GetName()
	}
	return p.GetSource().GetSchema() + "." + p.GetSource().GetName()
}

// what says of each rule what rows hold; %s is the target's type.
var what = map[loss.Rule]string{
	loss.ImpossibleDate: "hold a date that no calendar has, and %s takes none",
	loss.DateRange:      "hold a date beyond what %s takes",
	loss.TimeOfDay:      "hold a time beyond what %s takes",
	loss.Fraction:       "hold a time with more digits than %s keeps",
	loss.NumberRange:    "hold a number beyond %s",
	loss.Digits:         "hold a number with more digits than %s keeps",
	loss.NotFinite:      "hold NaN or an infinity, which %s does not have",
	loss.NegativeZero:   "hold -0, whose sign %s does not keep",
	loss.NUL:            "hold the character U+0000, which %s does not take",
	loss.Encoding:       "hold bytes that are no text, and %s takes only text",
	loss.Charset:        "hold a character that the character set of the target's %s lacks",
	loss.TooLong:        "hold a value that is too long for %s",
	loss.Padding:        "hold a value whose end %s does not keep",
	loss.Label:          "hold none of the labels that %s has",
	loss.JSON:           "hold JSON that %s does not keep as it is",
	loss.Geometry:       "hold a geometry that %s does not keep",
	loss.StorageClass:   "hold a value of another type than the column's, which %s does not take",
	loss.Null:           "hold NULL, which the target's column does not take",
	loss.Conversion:     "hold a value that has no form as %s",
	loss.TooLarge:       "hold a value that is too large to be converted to %s",
	loss.Packet:         "hold a value for %s that is longer, as text, than the target takes in a statement: raise max_allowed_packet or switch local_infile on there",
	loss.Refused:        "hold a value that has no exact form as %s",
}

func whatOf(r loss.Rule, c *planv1.ColumnPlan) string {
	text, ok := what[r]
	if !ok {
		text = what[loss.Refused]
	}
	if r == loss.Null {
		return text
	}
	return fmt.Sprintf(text, c.GetTargetType())
}

// reason is what an error says, without what it advises: the finding says that better.
func reason(text string) string {
	short, _, advised := strings.Cut(text, ": ")
	if !advised || strings.HasPrefix(text, "JSON at ") {
		return text
	}
	return short
}
