package mysql

import (
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/sqltoken"
)

// noteRewritten says what of the source's statement is lost where the table is written
// anew from its model: of the other product, or changed by the spec.
func (b *tableBuilder) noteRewritten() {
	t := b.plan.GetSource()
	if !b.family() {
		return
	}
	if hasOption(t, optionPartitioned) {
		note(b.plan, warning, codePartitionsJoined, "", "partitions become one ordinary table on the target: partition it there first and use --existing=append to keep them; the source has %s", b.partitions())
	}
	if hasOption(t, optionVersioned) {
		note(b.plan, warning, codeOptionNotMoved, "", "system versioning is not moved: the table keeps its present rows only")
	}
	text, ok := parseDefinition(t.GetDefinition())
	if !ok {
		return
	}
	for _, o := range lostOptions(text.options) {
		note(b.plan, warning, codeOptionNotMoved, "", "the table's option is not moved: %s", o)
	}
	for _, e := range text.elements {
		b.noteLost(e)
		if e.kind == elementCheck && strings.Contains(e.text, "NOT ENFORCED") {
			note(b.plan, warning, codeCheckNotMoved, "", "the check is not enforced in the source, and is not moved: %s", e.text)
		}
	}
}

// noteLost says what an element says that the model has no place for.
func (b *tableBuilder) noteLost(e element) {
	var lost []string
	if e.kind == elementOther {
		lost = []string{e.text}
	}
	for _, words := range lostClauses[e.kind] {
		if words[0] == "SRID" && b.sameEngine() {
			continue
		}
		_, cut := cutClauses(e.text, clause(words...))
		lost = append(lost, cut...)
	}
	for _, words := range lostFlags[e.kind] {
		_, cut := cutClauses(e.text, phrase(words...))
		lost = append(lost, cut...)
	}
	for _, o := range lost {
		// A table that is versioned has a finding of its own.
		if !strings.Contains(o, "SYSTEM_TIME") {
			note(b.plan, warning, codeOptionNotMoved, columnOf(e), "an option of %s is not moved: %s", describeElement(e), o)
		}
	}
}

// lostClauses are what columns and indexes may say that the model has no place for; the
// token behind the words is their value. lostFlags have none.
var (
	lostClauses = map[elementKind][][]string{
		elementColumn: {{"COLUMN_FORMAT"}, {"STORAGE"}, {"ENGINE_ATTRIBUTE"}, {"SECONDARY_ENGINE_ATTRIBUTE"}, {"REF_SYSTEM_ID"}, {"SRID"}},
		elementIndex:  {{"KEY_BLOCK_SIZE"}, {"ENGINE_ATTRIBUTE"}, {"SECONDARY_ENGINE_ATTRIBUTE"}},
	}
	lostFlags = map[elementKind][][]string{
		elementColumn:  {{"COMPRESSED"}, {"NOT", "SECONDARY"}},
		elementIndex:   {{"WITHOUT", "OVERLAPS"}},
		elementPrimary: {{"WITHOUT", "OVERLAPS"}},
	}
)

// movedOptions are the options of a table that the model has.
var movedOptions = []string{"ENGINE", "AUTO_INCREMENT", "CHARSET", "COLLATE", "ROW_FORMAT", "COMMENT", "KEY_BLOCK_SIZE",
	"STATS_PERSISTENT", "STATS_AUTO_RECALC", "STATS_SAMPLE_PAGES"}

// lostOptions are those of a table's options that the model has not.
func lostOptions(options string) []string {
	var out []string
	tokens := sqltoken.MySQL.Cut(options)
	for i, t := range tokens {
		if t.Is("=") && i > 0 && i+1 < len(tokens) && !slices.ContainsFunc(movedOptions, tokens[i-1].Is) {
			from := tokens[i-1].Start
			if tokens[i-1].Is("DIRECTORY") {
				from = tokens[max(0, i-2)].Start
			}
			out = append(out, options[from:tokens[i+1].End])
		}
	}
	return out
}

// partitions is the source's PARTITION BY clause.
func (b *tableBuilder) partitions() string {
	text, ok := parseDefinition(b.plan.GetSource().GetDefinition())
	if !ok {
		return "a PARTITION BY clause"
	}
	return text.partitions
}

func columnOf(e element) string {
	if e.kind == elementColumn {
		return e.name
	}
	return ""
}

func describeElement(e element) string {
	switch e.kind {
	case elementColumn:
		return "the column"
	case elementIndex:
		return "index " + e.name
	case elementPrimary:
		return "the primary key"
	}
	return "the table"
}

// sharedOptions are those options of a table, beside what the model has, that both
// products know and that mean the same in both.
func sharedOptions(t *planv1.Table) string {
	text, ok := parseDefinition(t.GetDefinition())
	if !ok {
		return ""
	}
	out := ""
	for _, name := range []string{"KEY_BLOCK_SIZE", "STATS_PERSISTENT", "STATS_AUTO_RECALC", "STATS_SAMPLE_PAGES"} {
		_, cut := cutClauses(text.options, clause(name))
		for _, o := range cut {
			out += " " + o
		}
	}
	return out
}
