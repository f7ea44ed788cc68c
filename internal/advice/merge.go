package advice

import (
	"slices"
	"strings"
)

// everything is the rule that lets the tables move which no other rule names.
const everything = `  - match: "*"`

// Merge makes one piece of a spec of several findings' lines: one rule a table, and one
// a column, whose alternatives become comments.
func Merge(fixes []string) string {
	m := &merger{}
	for _, fix := range fixes {
		m.add(fix)
	}
	return m.text()
}

// merger collects rules by table.
type merger struct {
	// top are lines of no table.
	top   []string
	rules []*mergedRule
}

// mergedRule is the rule of one table.
type mergedRule struct {
	match          string
	lines, columns []string
	// chosen are the columns that have a rule.
	chosen []string
}

func (m *merger) add(fix string) {
	text, tables := strings.CutPrefix(fix, "tables:\n")
	if !tables {
		for _, line := range strings.Split(fix, "\n") {
			if line != "" && !slices.Contains(m.top, line) {
				m.top = append(m.top, line)
			}
		}
		return
	}
	var rule *mergedRule
	for _, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, "  - "):
			rule = m.rule(line)
		case line == "    columns:":
		case strings.HasPrefix(line, "      "):
			rule.column(line)
		case !slices.Contains(rule.lines, line):
			rule.lines = append(rule.lines, line)
		}
	}
}

func (m *merger) rule(match string) *mergedRule {
	i := slices.IndexFunc(m.rules, func(r *mergedRule) bool { return r.match == match })
	if i >= 0 {
		return m.rules[i]
	}
	m.rules = append(m.rules, &mergedRule{match: match})
	return m.rules[len(m.rules)-1]
}

// column adds a line for a column. A second rule for one becomes a comment.
func (r *mergedRule) column(line string) {
	const indent, or = "      ", "# or "
	rule := strings.TrimPrefix(line, indent)
	bare := strings.TrimPrefix(rule, or)
	name, _, _ := strings.Cut(bare, ": {")
	if slices.Contains(r.columns, indent+bare) || slices.Contains(r.columns, indent+or+bare) {
		return
	}
	if slices.Contains(r.chosen, name) && rule == bare {
		line = indent + or + bare
	}
	r.chosen = append(r.chosen, name)
	r.columns = append(r.columns, line)
}

func (m *merger) text() string {
	out := slices.Clone(m.top)
	if len(m.rules) > 0 {
		out = append(out, "tables:")
	}
	for _, r := range m.rules {
		if r.match == everything {
			continue
		}
		out = append(append(out, r.match), r.lines...)
		if len(r.columns) > 0 {
			out = append(append(out, "    columns:"), r.columns...)
		}
	}
	if slices.ContainsFunc(m.rules, func(r *mergedRule) bool { return r.match == everything }) {
		out = append(out, everything)
	}
	return strings.Join(out, "\n")
}
