package spec

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/filter"
)

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// found collects violations below one element of a spec.
type found struct {
	base []*validate.FieldPathElement
	list []*protovalidate.Violation
}

// add notes a violation of a field; of the element itself without a name.
func (f *found) add(name, message string) {
	elements := slices.Clone(f.base)
	if name != "" {
		elements = append(elements, field(name))
	}
	f.list = append(f.list, violation(message, elements...))
}

// checkTables looks at the table rules.
func checkTables(s *droverv1.MigrationSpec) []*protovalidate.Violation {
	var out []*protovalidate.Violation
	for i, rule := range s.GetTables() {
		f := &found{base: []*validate.FieldPathElement{item("tables", i)}}
		f.rule(rule)
		out = append(out, f.list...)
		for _, name := range slices.Sorted(maps.Keys(rule.GetColumns())) {
			f := &found{base: []*validate.FieldPathElement{item("tables", i), entry("columns", name)}}
			f.column(name, rule.GetColumns()[name])
			out = append(out, f.list...)
		}
		for _, name := range slices.Sorted(maps.Keys(rule.GetIndexes())) {
			f := &found{base: []*validate.FieldPathElement{item("tables", i), entry("indexes", name)}}
			f.index(rule.GetIndexes()[name])
			out = append(out, f.list...)
		}
	}
	return out
}

// rule looks at one rule.
func (f *found) rule(rule *droverv1.TableRule) {
	if !validGlob(rule.GetMatch()) {
		f.add("match", "is no glob over schema.table: write something like public.* or main.album (brackets must close)")
	}
	if rule.GetSkip() {
		f.beside("skip", map[string]bool{"into": rule.GetInto() != "", "where": rule.GetWhere() != "", "columns": len(rule.GetColumns()) > 0, "indexes": len(rule.GetIndexes()) > 0})
	}
	for _, p := range placeholder.FindAllString(rule.GetInto(), -1) {
		if p != "{schema}" && p != "{table}" {
			f.add("into", "has the placeholder "+p+": only {schema} and {table} are known")
		}
	}
	schema, table, dotted := strings.Cut(rule.GetInto(), ".")
	switch {
	case strings.Contains(table, "."):
		f.add("into", `must be "name" or "schema.name"`)
	case dotted && (schema == "" || table == ""):
		f.add("into", `has an empty name beside the dot: write "name" or "schema.name"`)
	}
	if rule.GetWhere() != "" {
		if _, err := filter.Parse(rule.GetWhere()); err != nil {
			f.add("where", err.Error())
		}
	}
}

// column looks at one column's rule.
func (f *found) column(name string, rule *droverv1.ColumnRule) {
	set := map[string]bool{"into": rule.GetInto() != "", "drop": rule.GetDrop(), "const": rule.Const != nil, "type": rule.GetType() != "",
		"invalid": rule.GetInvalid() != "", "sentinel": rule.GetSentinel() != ""}
	switch {
	case name == "":
		f.add("", "has an empty name")
	case !slices.Contains(slices.Collect(maps.Values(set)), true):
		f.add("", "says nothing about the column: give into, drop, const, type or invalid")
	case rule.GetDrop():
		delete(set, "drop")
		f.beside("drop", set)
	case rule.Const != nil:
		f.beside("const", map[string]bool{"invalid": set["invalid"], "sentinel": set["sentinel"]})
	default:
		f.policy(rule.GetInvalid(), rule.GetSentinel())
	}
}

// index looks at one index's rule.
func (f *found) index(rule *droverv1.IndexRule) {
	switch {
	case rule.GetDrop():
		f.beside("drop", map[string]bool{"prefix": rule.GetPrefix() != 0})
	case rule.GetPrefix() == 0:
		f.add("", "says nothing about the index: give drop or prefix")
	}
}

// beside refuses fields that mean nothing where another one is.
func (f *found) beside(field string, set map[string]bool) {
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if set[name] {
			f.add(name, "has no meaning beside "+field+": remove one of them")
		}
	}
}

// policy looks at what becomes of values without an exact mapping.
func (f *found) policy(invalid, sentinel string) {
	switch {
	case invalid == "sentinel" && sentinel == "":
		f.add("sentinel", "is missing: invalid: sentinel needs the value to put in")
	case invalid != "sentinel" && sentinel != "":
		f.add("sentinel", "has no meaning without invalid: sentinel")
	}
}

// validGlob tells whether both sides of the dot are globs.
func validGlob(glob string) bool {
	schema, table, _ := strings.Cut(glob, ".")
	_, err1 := path.Match(schema, "")
	_, err2 := path.Match(table, "")
	return err1 == nil && err2 == nil
}
