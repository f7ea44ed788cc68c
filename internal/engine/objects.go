package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/fault"
)

// Objects makes what is no table: views, routines, triggers, comments, grants.
type Objects interface {
	// ApplyObjects makes a design's objects when every table is complete and, with a
	// staging place, published; they have their final names. Doing it twice is harmless.
	// An object that cannot be made keeps no other from being made; those that are left
	// are one error, which names each with its statement. fault.Fenced when the migration
	// has ended in the target.
	ApplyObjects(ctx context.Context, m Migration, objects []*planv1.Statement) error
}

// MakeInPasses calls do for each statement, and again for those that failed until a
// pass makes none: an object may need one that comes behind it. What is left then is
// one error. An error that says nothing of the statement, as of a server that went
// away or a migration that is fenced, ends it at once.
func MakeInPasses(objects []*planv1.Statement, do func(*planv1.Statement) error) error {
	for {
		var left []*planv1.Statement
		var failures []error
		for _, s := range objects {
			err := do(s)
			if err == nil {
				continue
			}
			if f := fault.Find(err); f.Kind == fault.Fenced || fault.Retryable(err) {
				return err
			}
			left, failures = append(left, s), append(failures, err)
		}
		switch len(left) {
		case 0:
			return nil
		case len(objects):
			return notMade(left, failures)
		}
		objects = left
	}
}

// notMade is the error of objects that could not be made.
func notMade(left []*planv1.Statement, failures []error) error {
	const mostNamed = 5
	var parts []string
	for i, s := range left[:min(len(left), mostNamed)] {
		parts = append(parts, fmt.Sprintf("%s: %s; its statement is: %s", s.GetObject(), fault.Find(failures[i]).Err, s.GetSql()))
	}
	if more := len(left) - mostNamed; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return &fault.Error{Kind: fault.Find(failures[0]).Kind, Op: "engine.ApplyObjects", Err: errors.New(strings.Join(parts, "; "))}
}

// Types of objects that say what roles may do.
const (
	typeOwner      = "owner"
	typeGrants     = "grants"
	typeDefaultACL = "default acl"
)

// LeaveObjects lists objects as unmoved, for a reason, with their definition; not
// schemas: in another product the tables' names say where they go. Owners and grants
// are one entry: every table has them, and another product has roles of its own.
func LeaveObjects(objects []*planv1.Object, reason string) []*planv1.Unmoved {
	var out []*planv1.Unmoved
	var roles []string
	for _, o := range objects {
		switch o.GetType() {
		case "schema":
		case typeOwner, typeGrants, typeDefaultACL:
			roles = append(roles, o.GetDefinition()...)
		default:
			out = append(out, LeaveObject(o, reason))
		}
	}
	if len(roles) > 0 {
		out = append(out, &planv1.Unmoved{Object: "owners and grants", Name: "of the source",
			Reason: "the target has users of its own: give them what they need by hand", Definition: strings.Join(roles, ";\n")})
	}
	return out
}

// LeaveObject lists one object as unmoved.
func LeaveObject(o *planv1.Object, reason string) *planv1.Unmoved {
	return &planv1.Unmoved{Object: o.GetType(), Name: ObjectName(o), Reason: reason, Definition: strings.Join(o.GetDefinition(), ";\n")}
}

// ObjectName is an object's name for people.
func ObjectName(o *planv1.Object) string {
	if o.GetSchema() == "" {
		return o.GetName()
	}
	return o.GetSchema() + "." + o.GetName()
}

// SkipRoles takes owners, or grants, out of a source's description.
func SkipRoles(db *planv1.Database, owners, grants bool) {
	db.Objects = slices.DeleteFunc(db.GetObjects(), func(o *planv1.Object) bool {
		switch o.GetType() {
		case typeOwner:
			return owners
		case typeGrants, typeDefaultACL:
			return grants
		default:
			return false
		}
	})
}
