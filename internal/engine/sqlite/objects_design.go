package sqlite

import (
	"fmt"
	"slices"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
)

// planObjects plans views and triggers of another file, in the order in which they were
// made there. SQLite takes any text for them and looks at it when it is used: what
// needs a table that is not there, or is another one, is left behind.
func (d *designer) planObjects(out *planv1.Design) {
	if !d.sameEngine() {
		return
	}
	plans := map[string]*planv1.TablePlan{}
	for _, p := range out.GetTables() {
		plans[fold(p.GetSource().GetName())] = p
	}
	made, left := engine.SiftObjects(d.request.Source.GetObjects(), func(o *planv1.Object) string { return d.whyLeft(o, plans) })
	out.Unmoved = append(out.GetUnmoved(), left...)
	for _, o := range made {
		out.Objects = append(out.Objects, &planv1.Statement{Step: planv1.Step_STEP_OBJECTS, Object: o.GetType() + " " + o.GetName(), Sql: o.GetDefinition()[0]})
	}
}

// whyLeft says why an object cannot be made; empty where it can.
func (d *designer) whyLeft(o *planv1.Object, plans map[string]*planv1.TablePlan) string {
	if d.there[o.GetType()+" "+fold(o.GetName())] || o.GetType() == "view" && d.objects[fold(o.GetName())] != "" {
		return "the target has something of its name already: compare the two"
	}
	for _, t := range o.GetTables() {
		p := plans[fold(t.GetName())]
		switch {
		case p == nil && d.isView(t.GetName()):
		case p == nil:
			return "it needs " + t.GetName() + ", which is not moved"
		case fold(finalName(p)) != fold(t.GetName()):
			return fmt.Sprintf("it needs table %s, which becomes %s: change its text", t.GetName(), finalName(p))
		case slices.ContainsFunc(p.GetSource().GetColumns(), func(c *planv1.Column) bool { return c.GetDropped() || engine.TargetColumn(c) != c.GetName() }):
			return fmt.Sprintf("it needs table %s, of which the spec changes columns: see whether its text still holds", t.GetName())
		}
	}
	return ""
}

func (d *designer) isView(name string) bool {
	return slices.ContainsFunc(d.request.Source.GetObjects(), func(o *planv1.Object) bool { return o.GetType() == "view" && fold(o.GetName()) == fold(name) })
}

func finalName(p *planv1.TablePlan) string {
	if p.GetPublishName() != "" {
		return p.GetPublishName()
	}
	return p.GetTargetName()
}
