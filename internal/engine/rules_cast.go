package engine

import (
	"path"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/canon"
)

// cast gives a column the type and policy of the first cast that matches, where its
// own rule gives none, and takes away what the cast drops.
func (r *Rules) cast(a *ruledTable, c *planv1.Column) {
	for _, cast := range r.casts {
		if !selects(cast.GetFrom(), cast.GetMatch(), a.table, c) || !holds(cast.GetWhen(), a, c) {
			continue
		}
		r.used[cast] = true
		if c.GetCast() == "" {
			c.Cast = cast.GetTo()
		}
		if c.GetPolicy() == nil {
			c.Policy = policy(cast.GetInvalid(), cast.GetSentinel())
		}
		for _, what := range cast.GetDrop() {
			a.drop(c, what)
		}
		return
	}
}

// drop leaves a part of a column's definition behind.
func (a *ruledTable) drop(c *planv1.Column, what string) {
	switch what {
	case "default":
		c.Default = nil
	case "auto-increment":
		c.Identity = planv1.Identity_IDENTITY_UNSPECIFIED
	case "not-null":
		if a.inKey(c) {
			a.note("CAST_DROPS_KEY", c.GetName(), "the column is part of the key that identifies rows and cannot lose its NOT NULL: leave it out of the cast, as with when: {key: false}")
		}
		c.Nullable = true
	}
}

// policy gives a column the first policy by pattern that can be for it, where neither
// its own rule nor a cast says what becomes of its values.
func (r *Rules) policy(a *ruledTable, c *planv1.Column) {
	for _, p := range r.policies {
		// One that names the very column is held to it: planning says why it cannot be.
		exact := p.GetMatch() != "" && !strings.ContainsAny(p.GetMatch(), `*?[\`)
		if c.GetPolicy() == nil && selects(p.GetFrom(), p.GetMatch(), a.table, c) && (exact || applies(p.GetInvalid(), a, c)) {
			r.used[p] = true
			c.Policy = policy(p.GetInvalid(), p.GetSentinel())
		}
	}
	if c.GetPolicy().GetAction() == planv1.Policy_ACTION_NULL && c.GetNullable() && a.inKey(c) {
		a.note("POLICY_ON_KEY", c.GetName(), "the column is part of the key that identifies rows, which the policy set-null would take from them: use error")
	}
}

// applies tells whether a policy can be for a column.
func applies(invalid string, a *ruledTable, c *planv1.Column) bool {
	switch invalid {
	case "set-null":
		return c.GetNullable() && !a.inKey(c)
	case "strip":
		return c.GetKind() == canon.Text
	default:
		return true
	}
}

// policy is what a word of the spec stands for; nil for none.
func policy(action, sentinel string) *planv1.Policy {
	switch action {
	case "error":
		return &planv1.Policy{Action: planv1.Policy_ACTION_ERROR}
	case "set-null":
		return &planv1.Policy{Action: planv1.Policy_ACTION_NULL}
	case "sentinel":
		return &planv1.Policy{Action: planv1.Policy_ACTION_SENTINEL, Sentinel: sentinel}
	case "strip":
		return &planv1.Policy{Action: planv1.Policy_ACTION_STRIP}
	default:
		return nil
	}
}

// selects tells whether a glob over types, one over schema.table.column, or both where
// both are given, are for a column.
func selects(from, match string, t *planv1.Table, c *planv1.Column) bool {
	if from != "" {
		if ok, err := path.Match(strings.ToLower(from), strings.ToLower(c.GetNativeType())); err != nil || !ok {
			return false
		}
	}
	if match == "" {
		return from != ""
	}
	globs := strings.SplitN(match, ".", 3)
	for i, name := range []string{t.GetSchema(), t.GetName(), c.GetName()}[3-len(globs):] {
		if ok, err := path.Match(globs[i], name); err != nil || !ok {
			return false
		}
	}
	return true
}

// holds tells whether all that is said about a column is true of it.
func holds(w *droverv1.CastWhen, a *ruledTable, c *planv1.Column) bool {
	if w == nil {
		return true
	}
	is := func(want *bool, got bool) bool { return want == nil || *want == got }
	return (w.Default == nil || c.GetDefault() != nil && w.GetDefault() == defaultText(c.GetDefault())) &&
		is(w.Nullable, c.GetNullable()) &&
		is(w.AutoIncrement, c.GetIdentity() != planv1.Identity_IDENTITY_UNSPECIFIED) &&
		is(w.Unsigned, strings.Contains(strings.ToLower(c.GetNativeType()), "unsigned")) &&
		is(w.Key, a.inKey(c)) &&
		within(w.GetLength(), c.GetLength(), c.GetLength() > 0) &&
		within(w.GetPrecision(), int64(c.GetPrecision()), c.GetPrecision() > 0) &&
		within(w.GetScale(), int64(c.GetScale()), c.GetPrecision() > 0)
}

// within tells whether a number that was declared is within bounds.
func within(b *droverv1.Bounds, n int64, declared bool) bool {
	return b == nil || declared && (b.Min == nil || n >= b.GetMin()) && (b.Max == nil || n <= b.GetMax())
}

// defaultText is a default as a spec writes it.
func defaultText(d *planv1.Default) string {
	switch v := d.GetValue().(type) {
	case *planv1.Default_Literal:
		return v.Literal
	case *planv1.Default_Moment_:
		return strings.Replace(v.Moment.String(), "MOMENT_", "CURRENT_", 1)
	case *planv1.Default_Expression:
		// A constant that only its engine takes, as a zero date, comes in quotes.
		text := strings.TrimSpace(v.Expression)
		if inner := strings.Trim(text, "'"); len(text) == len(inner)+2 {
			return inner
		}
		return text
	default:
		return ""
	}
}
