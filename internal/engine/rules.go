package engine

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/filter"
	"github.com/drover-db/drover/internal/glob"
)

// Rules are a spec's wishes for tables and columns. They are written into the
// description of the source, where each engine's design finds them.
type Rules struct {
	tables   []*droverv1.TableRule
	casts    []*droverv1.Cast
	policies []*droverv1.PolicyRule
	// used are the rules, casts and policies that matched something.
	used map[proto.Message]bool
}

// NewRules takes rules as the spec has them; first match wins in each list.
func NewRules(tables []*droverv1.TableRule, casts []*droverv1.Cast, policies ...*droverv1.PolicyRule) (*Rules, error) {
	for _, m := range tables {
		schema, table, dotted := strings.Cut(m.GetInto(), ".")
		if !dotted {
			table = schema
		}
		if m.GetInto() != "" && (table == "" || dotted && schema == "") {
			return nil, fault.New(fault.Invalid, "engine.NewRules",
				"mapping of %q into %q has an empty name: use schema.table or table, with {schema} and {table} in it", m.GetMatch(), m.GetInto())
		}
	}
	return &Rules{tables: tables, casts: casts, policies: policies, used: map[proto.Message]bool{}}, nil
}

// rule is the first that matches a table; nil where none does.
func (r *Rules) rule(schema, table string) *droverv1.TableRule {
	for _, m := range r.tables {
		if glob.Table(m.GetMatch(), schema, table) {
			r.used[m] = true
			return m
		}
	}
	return nil
}

// Name maps a source table; ok is false where no rule names it.
func (r *Rules) Name(schema, table string) (toSchema, toTable string, ok bool) {
	m := r.rule(schema, table)
	if m.GetInto() == "" {
		return "", "", false
	}
	// Cut before filling in: the names themselves may have dots.
	toSchema, toTable, ok = strings.Cut(m.GetInto(), ".")
	if !ok {
		toSchema, toTable = "", toSchema
	}
	fill := strings.NewReplacer("{schema}", schema, "{table}", table)
	return fill.Replace(toSchema), fill.Replace(toTable), true
}

// Apply gives a copy of a source's description with the rules written into it, and
// for each table, by position, what is wrong with the rules for it.
func (r *Rules) Apply(db *planv1.Database) (*planv1.Database, [][]*planv1.Finding) {
	out := proto.CloneOf(db)
	findings := make([][]*planv1.Finding, len(out.GetTables()))
	for i, t := range out.GetTables() {
		a := &ruledTable{table: t}
		a.columns(r.rule(t.GetSchema(), t.GetName()))
		for _, c := range t.GetColumns() {
			if c.Constant == nil {
				r.cast(a, c)
				r.policy(a, c)
			}
		}
		a.indexes(r.rule(t.GetSchema(), t.GetName()))
		a.where(r.rule(t.GetSchema(), t.GetName()).GetWhere())
		a.nullableKey()
		findings[i] = a.findings
	}
	for i, t := range out.GetTables() {
		findings[i] = append(findings[i], filteredReferences(out, t)...)
	}
	return out, findings
}

// filteredReferences warns of foreign keys to tables that leave rows behind.
func filteredReferences(db *planv1.Database, t *planv1.Table) []*planv1.Finding {
	a := &ruledTable{table: t}
	for _, f := range t.GetForeignKeys() {
		to := slices.IndexFunc(db.GetTables(), func(o *planv1.Table) bool {
			return o.GetSchema() == f.GetReferencedSchema() && o.GetName() == f.GetReferencedTable()
		})
		if to >= 0 && db.GetTables()[to].GetWhere() != "" {
			a.note("FOREIGN_KEY_FILTERED", "", "foreign key %s cannot be made if rows refer to those of %s that its condition leaves behind (%s): give this table a condition too",
				f.GetName(), f.GetReferencedTable(), db.GetTables()[to].GetWhere())
		}
	}
	for _, f := range a.findings {
		f.Severity = planv1.Severity_SEVERITY_WARNING
	}
	return a.findings
}

// Unused warns of rules and casts that no table or column of the source took, once
// Apply has looked at all of them: a name may be misspelt.
func (r *Rules) Unused() []*planv1.Finding {
	var out []*planv1.Finding
	warn := func(code, format string, args ...any) {
		out = append(out, &planv1.Finding{Severity: planv1.Severity_SEVERITY_WARNING, Code: code, Message: fmt.Sprintf(format, args...)})
	}
	for _, m := range r.tables {
		// What is skipped is not described; * is for the rest, of which there may be none.
		if !r.used[m] && !m.GetSkip() && m.GetMatch() != "*" {
			warn("RULE_UNUSED", "the rule for %s takes no table: none of the source has such a name, or an earlier rule takes it", m.GetMatch())
		}
	}
	for _, c := range r.casts {
		if !r.used[c] && c.GetTo() == "" {
			warn("CAST_UNUSED", "the cast from %q, match %q, that drops something takes no column: types are compared as the source writes them, as in the plan's SOURCE TYPE", c.GetFrom(), c.GetMatch())
		} else if !r.used[c] {
			warn("CAST_UNUSED", "the cast from %q, match %q, to %q takes no column: types are compared as the source writes them, as in the plan's SOURCE TYPE", c.GetFrom(), c.GetMatch(), c.GetTo())
		}
	}
	for _, p := range r.policies {
		if !r.used[p] {
			warn("POLICY_UNUSED", "the policy from %q, match %q, invalid: %s takes no column: set-null is for columns that may be NULL, strip for text, and an earlier policy, a cast or a column's own rule goes before it",
				p.GetFrom(), p.GetMatch(), p.GetInvalid())
		}
	}
	return out
}

// ruledTable writes one rule into one table.
type ruledTable struct {
	table    *planv1.Table
	findings []*planv1.Finding
}

func (a *ruledTable) note(code, column, format string, args ...any) {
	label := a.table.GetName()
	if a.table.GetSchema() != "" {
		label = a.table.GetSchema() + "." + label
	}
	a.findings = append(a.findings, &planv1.Finding{Severity: planv1.Severity_SEVERITY_ERROR, Code: code, Table: label, Column: column,
		Message: fmt.Sprintf(format, args...)})
}

// columns applies column rules, in the order of names so that a plan is the same each time.
func (a *ruledTable) columns(rule *droverv1.TableRule) {
	names := make([]string, 0, len(rule.GetColumns()))
	for name := range rule.GetColumns() {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		c := rule.GetColumns()[name]
		at := slices.IndexFunc(a.table.GetColumns(), func(s *planv1.Column) bool { return s.GetName() == name })
		switch {
		case c.Const != nil && at >= 0:
			a.note("RULE_COLUMN_EXISTS", name, "the source has a column %s: a constant needs a name of its own; drop the column and choose another name", name)
		case c.Const != nil:
			a.table.Columns = append(a.table.Columns, &planv1.Column{Name: name, NativeType: "constant", Kind: planv1.Kind_KIND_TEXT,
				Cast: c.GetType(), Constant: c.Const, TargetName: c.GetInto()})
		case at < 0:
			a.note("RULE_COLUMN_UNKNOWN", name, "the rule for %s names column %s, which the source's table does not have", rule.GetMatch(), name)
		default:
			a.column(a.table.GetColumns()[at], c)
		}
	}
	a.collisions()
}

func (a *ruledTable) column(to *planv1.Column, rule *droverv1.ColumnRule) {
	to.TargetName, to.Dropped, to.Cast, to.Policy = rule.GetInto(), rule.GetDrop(), rule.GetType(), policy(rule.GetInvalid(), rule.GetSentinel())
	if rule.GetDrop() && a.inKey(to) {
		a.note("RULE_DROPS_KEY", to.GetName(), "the column is part of the key that identifies rows and cannot be dropped")
	}
}

// inKey tells whether a column is part of the key that identifies rows, which a nullable
// key may stop doing.
func (a *ruledTable) inKey(c *planv1.Column) bool {
	return !a.table.GetKey().GetNullable() && slices.Contains(a.table.GetKey().GetColumns(), c.GetName())
}

// nullableKey gives a nullable key up if a policy or a cast may change its columns: a
// value that becomes NULL would be a row of another range on the target.
func (a *ruledTable) nullableKey() {
	key := a.table.GetKey()
	if !key.GetNullable() {
		return
	}
	for _, c := range a.table.GetColumns() {
		if slices.Contains(key.GetColumns(), c.GetName()) && (c.GetPolicy() != nil || c.GetCast() != "" || c.GetDropped()) {
			a.table.Key = &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_NONE}
		}
	}
}

// collisions finds two columns that would get one name.
func (a *ruledTable) collisions() {
	taken := map[string]string{}
	for _, c := range a.table.GetColumns() {
		if c.GetDropped() {
			continue
		}
		name := TargetColumn(c)
		if other, ok := taken[name]; ok {
			a.note("RULE_NAME_COLLISION", c.GetName(), "columns %s and %s would both become %s", other, c.GetName(), name)
		}
		taken[name] = c.GetName()
	}
}

// where checks the table's condition and keeps it.
func (a *ruledTable) where(text string) {
	if text == "" {
		return
	}
	e, err := filter.Parse(text)
	if err == nil {
		err = e.Check(a.table.GetColumns())
	}
	if err != nil {
		a.note("FILTER_INVALID", "", "the condition where: %s cannot be used: %s", text, err)
		return
	}
	a.table.Where = text
}

// TargetColumn is the name that a source column wishes for in the target.
func TargetColumn(c *planv1.Column) string {
	if c.GetTargetName() != "" {
		return c.GetTargetName()
	}
	return c.GetName()
}
