package postgres

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// rolesAgainst are roles that keep objects from being made, with what they keep.
type rolesAgainst struct {
	// missing are not on the target; strange are, but its user is no member of them.
	missing, strange map[string][]string
}

// planObjects plans the objects that come before tables, or those that come after.
func (d *designer) planObjects(before bool) {
	if !d.sameEngine() {
		return
	}
	against := &rolesAgainst{map[string][]string{}, map[string][]string{}}
	for _, o := range d.source.GetObjects() {
		if o.GetBeforeTables() == before {
			d.planObject(o, against)
		}
	}
	const orSkip = "or leave owners and grants behind with schema: {owners: skip, grants: skip}"
	for _, role := range slices.Sorted(maps.Keys(against.missing)) {
		d.warn(warning, codeRoleMissing, "role %s is not on the target: left out are %s; make the role there first to keep that, "+orSkip, role, some(against.missing[role]))
	}
	for _, role := range slices.Sorted(maps.Keys(against.strange)) {
		d.warn(warning, codeRoleNotOurs, "%s is no member of role %s on the target: left out are %s; GRANT %s TO %s there first to keep that, "+orSkip,
			d.objects.user, role, some(against.strange[role]), bareIdent(role), bareIdent(d.objects.user))
	}
}

// some names the first of many.
func some(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// planObject plans an object, or leaves it with its reason.
func (d *designer) planObject(o *planv1.Object, against *rolesAgainst) {
	if o.GetType() == "owner" && slices.Equal(o.GetRoles(), []string{d.objects.user}) {
		return // who makes it owns it
	}
	_, detail := strings.CutPrefix(o.GetName(), ofSomething)
	for _, need := range o.GetNeeds() {
		switch {
		case detail && d.objects.left[need]:
			return // the object itself is listed
		case d.objects.gone[need]:
			d.leaveObject(o, "it needs "+need+", which is not moved")
			return
		}
	}
	if there, ok := d.objects.definitions[label(o)]; ok {
		d.compareObject(o, there)
		return
	}
	if reason := d.rolesMissing(o, against); reason != "" {
		d.leaveObject(o, reason)
		return
	}
	if reason := d.unmovable(o); reason != "" {
		d.leaveObject(o, reason)
		return
	}
	d.makeObject(o, label(o))
}

// rolesMissing says which role keeps an object from being made; empty where none does.
func (d *designer) rolesMissing(o *planv1.Object, against *rolesAgainst) string {
	for _, role := range o.GetRoles() {
		ours, there := d.objects.roles[role]
		switch acts := slices.Contains(o.GetActsAs(), role); {
		case !there:
			against.missing[role] = append(against.missing[role], label(o))
			return "role " + role + " is not on the target"
		case acts && !ours:
			against.strange[role] = append(against.strange[role], label(o))
			return d.objects.user + " is no member of role " + role + " on the target"
		}
	}
	return ""
}
