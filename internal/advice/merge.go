package advice

import (
	"slices"
	"strings"
)

// everything is the rule that lets the tables move which no other rule names.
const everything = `  - match: "*"`

// sections are the parts of a table's rule that have a line for each column, or index.
var sections = []string{"columns", "indexes"}

// Merge makes one piece of a spec of several findings' lines: one rule a table, and one
// a column or index, whose alternatives become comments.
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
	match string
	lines []string
	// named are the lines of each section, chosen the names in them that have a rule.
	named, chosen map[string][]string
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
	section := ""
	for _, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, "  - "):
			rule = m.rule(line)
		case slices.Contains(sections, strings.Trim(line, " :")):
			section = strings.Trim(line, " :")
		case strings.HasPrefix(line, "      "):
			rule.name(section, line)
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
	m.rules = append(m.rules, &mergedRule{match: match, named: map[string][]string{}, chosen: map[string][]string{}})
	return m.rules[len(m.rules)-1]
}

// name adds a line for a column or an index. A second rule for one becomes a comment.
func (r *mergedRule) name(section, line string) {
	const indent, or = "      ", "# or "
	rule := strings.TrimPrefix(line, indent)
	bare := strings.TrimPrefix(rule, or)
	name, _, _ := strings.Cut(bare, ": {")
	if slices.Contains(r.named[section], indent+bare) || slices.Contains(r.named[section], indent+or+bare) {
		return
	}
	if slices.Contains(r.chosen[section], name) && rule == bare {
		line = indent + or + bare
	}
	r.chosen[section] = append(r.chosen[section], name)
	r.named[section] = append(r.named[section], line)
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
		for _, section := range sections {
			if len(r.named[section]) > 0 {
				out = append(append(out, "    "+section+":"), r.named[section]...)
			}
		}
	}
	if slices.ContainsFunc(m.rules, func(r *mergedRule) bool { return r.match == everything }) {
		out = append(out, everything)
	}
	return strings.Join(out, "\n")
}
