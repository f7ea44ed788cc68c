package spec

import (
	"path"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
)

// checkCasts looks at the casts.
func checkCasts(s *droverv1.MigrationSpec) []*protovalidate.Violation {
	var out []*protovalidate.Violation
	for i, cast := range s.GetSchema().GetCasts() {
		f := &found{base: []*validate.FieldPathElement{field("schema"), item("casts", i)}}
		f.selects(cast.GetFrom(), cast.GetMatch())
		if cast.GetTo() == "" && len(cast.GetDrop()) == 0 {
			f.add("to", "is missing: the type in the target; a policy alone stands under schema.policies")
		}
		f.when(cast.GetWhen())
		f.policy(cast.GetInvalid(), cast.GetSentinel())
		out = append(out, f.list...)
	}
	return out
}

// checkPolicies looks at the policies by pattern.
func checkPolicies(s *droverv1.MigrationSpec) []*protovalidate.Violation {
	var out []*protovalidate.Violation
	for i, rule := range s.GetSchema().GetPolicies() {
		f := &found{base: []*validate.FieldPathElement{field("schema"), item("policies", i)}}
		f.selects(rule.GetFrom(), rule.GetMatch())
		f.policy(rule.GetInvalid(), rule.GetSentinel())
		out = append(out, f.list...)
	}
	return out
}

// selects looks at what a cast or a policy is about.
func (f *found) selects(from, match string) {
	if from == "" && match == "" {
		f.add("", `needs from (a type such as "tinyint(1)") or match (a glob over schema.table.column)`)
	}
	if _, err := path.Match(from, ""); err != nil {
		f.add("from", `is no glob over types: a bracket of the type itself is written \[, as in "integer\[]"`)
	}
	for glob := range strings.SplitSeq(match, ".") {
		if _, err := path.Match(glob, ""); err != nil || match != "" && glob == "" {
			f.add("match", "is no glob over schema.table.column: write something like shop.*.created_at (brackets must close)")
			break
		}
	}
	if strings.Count(match, ".") > 2 {
		f.add("match", "has more than schema.table.column")
	}
}

// when looks at a cast's conditions.
func (f *found) when(w *droverv1.CastWhen) {
	for _, b := range []struct {
		name   string
		bounds *droverv1.Bounds
	}{{"length", w.GetLength()}, {"precision", w.GetPrecision()}, {"scale", w.GetScale()}} {
		switch {
		case b.bounds == nil:
		case b.bounds.Min == nil && b.bounds.Max == nil:
			f.add("when", b.name+" needs min or max: {"+b.name+": {max: 9}}")
		case b.bounds.Min != nil && b.bounds.Max != nil && b.bounds.GetMin() > b.bounds.GetMax():
			f.add("when", b.name+" has a min above its max: no column has such a "+b.name)
		}
	}
}

// checkRejects looks at what becomes of rows that the target refuses.
func checkRejects(s *droverv1.MigrationSpec) []*protovalidate.Violation {
	f := &found{base: []*validate.FieldPathElement{field("rejects")}}
	switch r := s.GetRejects(); {
	case r.GetMax() > 0 && r.GetTo() == "":
		f.add("to", "is missing: a folder on the loader's host for the rejected rows")
	case r.GetMax() == 0 && r.GetTo() != "":
		f.add("max", "is missing: how many rows of a table may be rejected")
	}
	return f.list
}
