package spec

import (
	"fmt"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
)

// The strategies and ways to publish that other settings depend on.
const (
	strategyPhased = "phased"
	publishAtomic  = "atomic"
)

// checkPhases looks at the phases. A table that two phases name belongs to the first.
func checkPhases(s *droverv1.MigrationSpec) []*protovalidate.Violation {
	var out []*protovalidate.Violation
	switch phased := s.GetStrategy() == strategyPhased; {
	case phased && len(s.GetPhases()) == 0:
		out = append(out, violation("is missing: strategy: phased needs at least one phase with a name and tables", field("phases")))
	case !phased && len(s.GetPhases()) > 0:
		out = append(out, violation("has no meaning without strategy: phased", field("phases")))
	}
	first := map[string]int{}
	for i, p := range s.GetPhases() {
		f := &found{base: []*validate.FieldPathElement{item("phases", i)}}
		if other, taken := first[p.GetName()]; taken && p.GetName() != "" {
			f.add("name", fmt.Sprintf("is the name of phases[%d] too", other))
		} else {
			first[p.GetName()] = i
		}
		out = append(out, f.list...)
		for j, glob := range p.GetTables() {
			if glob == "" || !validGlob(glob) {
				out = append(out, violation("is no glob over schema.table: write something like public.* or main.album (brackets must close)",
					item("phases", i), item("tables", j)))
			}
		}
	}
	return out
}

// checkPublish looks at how tables appear in the target.
func checkPublish(s *droverv1.MigrationSpec) []*protovalidate.Violation {
	atomic := s.GetPublish() == publishAtomic
	var out []*protovalidate.Violation
	if atomic && (s.GetExisting() == "append" || s.GetExisting() == "truncate") {
		out = append(out, violation("has no meaning with publish: atomic, whose tables must not be in the target yet: remove one of them", field("existing")))
	}
	if !atomic && s.GetOnFailure() != "" {
		out = append(out, violation("has no meaning without publish: atomic", field("on_failure")))
	}
	return out
}
