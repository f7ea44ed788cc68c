package advice

import (
	"strings"

	"go.yaml.in/yaml/v3"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// scalar writes a text as YAML has it, in quotes where it needs them.
func scalar(text string) string {
	node := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	if strings.ContainsAny(text, ",[]{}") {
		// Inside {…} these end a plain text.
		node.Style = yaml.DoubleQuotedStyle
	}
	out, err := yaml.Marshal(&node)
	if err != nil { // a text always has a form
		return text
	}
	return strings.TrimRight(string(out), "\n")
}

// glob writes a name so that it matches itself alone.
func glob(name string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(name)
}

// match is a rule's glob for one table.
func match(p *planv1.TablePlan) string {
	t := p.GetSource()
	if t.GetSchema() == "" {
		return glob(t.GetName())
	}
	return glob(t.GetSchema()) + "." + glob(t.GetName())
}

// tableRule writes rules of one table.
func tableRule(p *planv1.TablePlan, lines ...string) string {
	out := "tables:\n  - match: " + scalar(match(p))
	for _, l := range lines {
		out += "\n    " + l
	}
	// With rules, only what a rule names moves.
	return out + "\n" + everything
}

// columnRule writes the first of several rules for a column, the others as comments;
// nothing where there is none.
func columnRule(p *planv1.TablePlan, column string, rules []string) string {
	return namedRule(p, "columns", column, rules)
}

// indexRule does so for an index.
func indexRule(p *planv1.TablePlan, index string, rules []string) string {
	return namedRule(p, "indexes", index, rules)
}

func namedRule(p *planv1.TablePlan, section, name string, rules []string) string {
	if len(rules) == 0 {
		return ""
	}
	lines := []string{section + ":", "  " + scalar(name) + ": " + rules[0]}
	for _, r := range rules[1:] {
		lines = append(lines, "  # or "+scalar(name)+": "+r)
	}
	return tableRule(p, lines...)
}
