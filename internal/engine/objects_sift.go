package engine

import (
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// SiftObjects parts objects that can be made in the target from those that are left
// behind. reason says why one cannot be made for itself; empty where it can. One that
// needs another, by its list of tables, is left where that one is.
func SiftObjects(objects []*planv1.Object, reason func(*planv1.Object) string) (made []*planv1.Object, left []*planv1.Unmoved) {
	gone := map[[2]string]bool{}
	leave := func(o *planv1.Object, why string) {
		gone[[2]string{o.GetSchema(), o.GetName()}] = true
		left = append(left, LeaveObject(o, why))
	}
	for _, o := range objects {
		if why := reason(o); why != "" {
			leave(o, why)
			continue
		}
		made = append(made, o)
	}
	for more := true; more; {
		rest := made
		made, more = nil, false
		for _, o := range rest {
			if name := needs(o, gone); name != "" {
				leave(o, "it needs "+name+", which is not moved")
				more = true
				continue
			}
			made = append(made, o)
		}
	}
	return made, left
}

// needs gives the name of an object that is gone and that another one needs.
func needs(o *planv1.Object, gone map[[2]string]bool) string {
	for _, t := range o.GetTables() {
		if gone[[2]string{t.GetSchema(), t.GetName()}] && t.GetName() != o.GetName() {
			return t.GetName()
		}
	}
	return ""
}
