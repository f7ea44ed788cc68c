package postgres

import (
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// planTable plans columns, encoding and statements of one table.
func (d *designer) planTable(p *planv1.TablePlan) {
	there := d.existing[[2]string{p.GetTargetSchema(), p.GetTargetName()}]
	if there != nil {
		d.planExisting(p, there)
	} else {
		d.planNew(p)
	}
	if len(p.GetColumns()) == 0 && len(p.GetSource().GetColumns()) > 0 && !blocked(p) {
		note(p, blocker, codeNoColumns, "", "no column is left to copy")
	}
	p.Encoding = planv1.Encoding_ENCODING_CANONICAL
	if d.sameEngine() && passesThrough(p) {
		p.Encoding = planv1.Encoding_ENCODING_PGCOPY
	}
	key := p.GetSource().GetKey()
	p.ValidateByRange = engine.HasKey(p) && key.GetPortableOrder() && !appends(p)
}

// appends tells whether the target keeps rows that the source does not have.
func appends(p *planv1.TablePlan) bool {
	return p.GetTargetExists() && p.GetExisting() == planv1.Existing_EXISTING_APPEND
}

func blocked(p *planv1.TablePlan) bool {
	return slices.ContainsFunc(p.GetFindings(), func(f *planv1.Finding) bool { return f.GetSeverity() == blocker })
}

// passesThrough tells whether binary tuples of the source are tuples of the target.
func passesThrough(p *planv1.TablePlan) bool {
	for _, c := range p.GetColumns() {
		if c.GetSourceType() != c.GetTargetType() || !sourceColumn(p, c.GetSource()).GetPortableBinary() {
			return false
		}
	}
	return true
}

func sourceColumn(p *planv1.TablePlan, name string) *planv1.Column {
	columns := p.GetSource().GetColumns()
	i := slices.IndexFunc(columns, func(c *planv1.Column) bool { return c.GetName() == name })
	if i < 0 {
		return nil
	}
	return columns[i]
}

// planNew plans a table that drover makes.
func (d *designer) planNew(p *planv1.TablePlan) {
	t := p.GetSource()
	p.KeyAfterLoad = true
	if isPartitioned(t) {
		note(p, warning, codePartitionsJoined, "", "partitions become one ordinary table on the target: partition it there first and use --existing=append to keep them")
	}
	if hasOption(t, optionInheritance) {
		note(p, warning, codeOptionNotMoved, "", "inheritance is not moved: the table stands alone on the target")
	}
	var lines []string
	columns := newNamer()
	for _, c := range t.GetColumns() {
		name := columns.free("", c.GetName())
		if name != c.GetName() {
			note(p, warning, codeNameChanged, c.GetName(), "name is longer than %d bytes: it becomes %s", maxIdentifier, name)
		}
		line, ok := d.newColumn(p, c, name)
		if ok {
			lines = append(lines, line)
		}
	}
	d.planDDL(p, lines)
}

// newColumn plans one column and writes its line of CREATE TABLE.
func (d *designer) newColumn(p *planv1.TablePlan, c *planv1.Column, name string) (string, bool) {
	targetType, ok := d.columnType(p, c)
	if !ok {
		return "", false
	}
	plan := &planv1.ColumnPlan{Source: c.GetName(), SourceType: c.GetNativeType(), Target: name, TargetType: targetType, Kind: c.GetKind(),
		Scale: -1, Nullable: c.GetNullable()}
	if c.GetKind() == canon.Decimal && !strings.HasSuffix(targetType, "numeric") {
		plan.Scale = decimalScale(c)
	}
	line := ident(name) + " " + targetType + d.collate(p, c)
	if c.GetGenerated() != "" {
		if clause, ok := d.generated(p, c); ok {
			p.Recomputed = append(p.Recomputed, name)
			return line + clause + notNull(c), true
		}
	}
	p.Columns = append(p.Columns, plan)
	return line + d.valueClause(p, c, targetType) + notNull(c), true
}

func notNull(c *planv1.Column) string {
	if c.GetNullable() {
		return ""
	}
	return " NOT NULL"
}

// columnType gives the type of a new column; false with a finding where there is none.
func (d *designer) columnType(p *planv1.TablePlan, c *planv1.Column) (string, bool) {
	if d.sameEngine() {
		if d.typeThere[c.GetNativeType()] {
			return c.GetNativeType(), true
		}
		note(p, blocker, codeTypeMissing, c.GetName(), "type %s is not on the target: install its extension or make the type there, or leave the table out", c.GetNativeType())
		return "", false
	}
	t, ok := mapType(d.source.GetEngine(), c)
	if !ok {
		note(p, blocker, codeNoTypeMapping, c.GetName(), "declared type %q has no mapping to PostgreSQL: its values may be of any type; "+
			"declare one in the source, or make the table on the target first and use --existing=append", c.GetNativeType())
	}
	return t, ok
}

func (d *designer) collate(p *planv1.TablePlan, c *planv1.Column) string {
	collation := c.GetCollation()
	switch {
	case collation == "" || (d.source.GetEngine() == "sqlite" && strings.EqualFold(collation, "BINARY")):
		return ""
	case d.sameEngine() && d.collationThere[collation]:
		return " COLLATE " + collation
	}
	note(p, warning, codeCollationNotMoved, c.GetName(), "collation %s is not on the target: values compare by the database's own", collation)
	return ""
}

// generated writes the clause of a column that the target computes.
func (d *designer) generated(p *planv1.TablePlan, c *planv1.Column) (string, bool) {
	const firstVirtual = 180000
	if d.sameEngine() && (c.GetGeneratedStored() || d.db.versionNum >= firstVirtual) {
		how := " VIRTUAL"
		if c.GetGeneratedStored() {
			how = " STORED"
		}
		return " GENERATED ALWAYS AS (" + c.GetGenerated() + ")" + how, true
	}
	note(p, warning, codeGeneratedAsValue, c.GetName(), "generated column becomes an ordinary one with the values of now; its expression was: %s", c.GetGenerated())
	return "", false
}

// valueClause writes identity or default.
func (d *designer) valueClause(p *planv1.TablePlan, c *planv1.Column, targetType string) string {
	if id := c.GetIdentity(); id != planv1.Identity_IDENTITY_UNSPECIFIED {
		// An identity column takes no NULL.
		inKey := slices.Contains(p.GetSource().GetKey().GetColumns(), c.GetName())
		if selfNumberingType(targetType) && (!c.GetNullable() || inKey) {
			if id == planv1.Identity_IDENTITY_ALWAYS {
				return " GENERATED ALWAYS AS IDENTITY"
			}
			return " GENERATED BY DEFAULT AS IDENTITY"
		}
		note(p, warning, codeIdentityNotMoved, c.GetName(), "PostgreSQL numbers only integer columns that take no NULL; this one is %s", targetType)
		return ""
	}
	if c.GetDefault() == nil {
		return ""
	}
	sql, ok := renderDefault(d.source.GetEngine(), c, targetType)
	if !ok {
		note(p, warning, codeDefaultNotMoved, c.GetName(), "default is not moved: %s", describeDefault(c.GetDefault()))
		return ""
	}
	return " DEFAULT " + sql
}

func describeDefault(v *planv1.Default) string {
	switch v := v.GetValue().(type) {
	case *planv1.Default_Expression:
		return v.Expression
	case *planv1.Default_Literal:
		return v.Literal
	default:
		return "the present moment"
	}
}

// planExisting checks a table that is there against the source's.
func (d *designer) planExisting(p *planv1.TablePlan, there *describedTable) {
	p.TargetExists = true
	if there.Kind != "r" && there.Kind != "p" {
		note(p, blocker, codeTargetNotTable, "", "%s.%s on the target is no table: map the table to another name", p.GetTargetSchema(), p.GetTargetName())
		return
	}
	if d.filled[[2]string{there.Schema, there.Name}] && d.req.Existing != planv1.Existing_EXISTING_APPEND && d.req.Existing != planv1.Existing_EXISTING_TRUNCATE {
		note(p, blocker, codeTargetNotEmpty, "", "%s.%s on the target has rows: use --existing=truncate to remove them or --existing=append to keep them",
			p.GetTargetSchema(), p.GetTargetName())
	}
	matched := map[string]bool{}
	for _, c := range p.GetSource().GetColumns() {
		d.matchColumn(p, c, there, matched)
	}
	for _, c := range there.table.GetColumns() {
		if !matched[c.GetName()] && !c.GetNullable() && c.GetDefault() == nil && c.GetIdentity() == 0 && c.GetGenerated() == "" {
			note(p, blocker, codeTargetColumn, c.GetName(), "target column must have a value and the source has none: give it a default")
		}
	}
	d.refuseForeignKeys(p, there)
	p.KeyAfterLoad = emptyAndKeyless(there, d.filled[[2]string{there.Schema, there.Name}]) && engine.HasKey(p)
	d.planExistingDDL(p, there)
}

// refuseForeignKeys stops a plan whose own tables refer to each other in the target
// already: each row would be checked as it comes, and tables load in any order.
func (d *designer) refuseForeignKeys(p *planv1.TablePlan, there *describedTable) {
	for _, f := range there.table.GetForeignKeys() {
		if slices.ContainsFunc(d.design.GetTables(), func(other *planv1.TablePlan) bool {
			return other.GetTargetSchema() == f.GetReferencedSchema() && other.GetTargetName() == f.GetReferencedTable()
		}) {
			note(p, blocker, codeTargetForeignKey, "", "foreign key %s is on the target already and would refuse rows that come before those they refer to: drop it, and make it again after the copy", f.GetName())
		}
	}
}

func emptyAndKeyless(there *describedTable, filled bool) bool {
	return !filled && there.Kind == "r" && rank(there.table.GetKey()) == rankNone
}

// matchColumn finds the target column of a source column and how values get there.
func (d *designer) matchColumn(p *planv1.TablePlan, c *planv1.Column, there *describedTable, matched map[string]bool) {
	i := findColumn(there.table.GetColumns(), c.GetName())
	if i < 0 {
		note(p, blocker, codeTargetColumn, c.GetName(), "%s.%s on the target has no such column: add it there", p.GetTargetSchema(), p.GetTargetName())
		return
	}
	to := there.table.GetColumns()[i]
	matched[to.GetName()] = true
	if to.GetGenerated() != "" {
		p.Recomputed = append(p.Recomputed, to.GetName())
		return
	}
	plan := &planv1.ColumnPlan{Source: c.GetName(), SourceType: c.GetNativeType(), Target: to.GetName(), TargetType: to.GetNativeType(),
		Kind: c.GetKind(), Scale: -1, Nullable: to.GetNullable()}
	if !assignable(d.source.GetEngine(), c, to) {
		note(p, blocker, codeTargetColumn, c.GetName(), "target column is %s, which does not hold every value of the source's %s exactly: change its type", to.GetNativeType(), c.GetNativeType())
		return
	}
	if to.GetKind() == canon.Decimal && to.GetPrecision() > 0 && (c.GetKind() == canon.Decimal) {
		plan.Scale = decimalScale(to)
	}
	if c.GetNullable() && !to.GetNullable() {
		note(p, warning, codeTargetColumn, c.GetName(), "target column takes no NULL, the source's may hold one: such a row stops the table")
	}
	p.Columns = append(p.Columns, plan)
}

// findColumn prefers the exact name to one that differs in case only.
func findColumn(columns []*planv1.Column, name string) int {
	if i := slices.IndexFunc(columns, func(c *planv1.Column) bool { return c.GetName() == name }); i >= 0 {
		return i
	}
	found := -1
	for i, c := range columns {
		if strings.EqualFold(c.GetName(), name) {
			if found >= 0 {
				return -1
			}
			found = i
		}
	}
	return found
}

// assignable tells whether a column holds values of another one exactly, or
// refuses them one by one; never that it rounds or pads them.
func assignable(engineName string, from, to *planv1.Column) bool {
	if engineName == Name && from.GetNativeType() == to.GetNativeType() {
		return true
	}
	if strings.HasSuffix(to.GetNativeType(), "[]") {
		return false
	}
	switch from.GetKind() {
	case canon.Variant:
		return false
	case canon.Text:
		natural := len(to.GetEnumLabels()) > 0 || strings.HasPrefix(to.GetNativeType(), "character") || to.GetNativeType() == "text"
		return to.GetKind() == canon.Text && natural
	case canon.JSON:
		return to.GetNativeType() == "json" || to.GetNativeType() == "text"
	case canon.Int, canon.Uint:
		return to.GetKind() == canon.Int || (to.GetKind() == canon.Decimal && to.GetScale() >= 0)
	case canon.Decimal:
		return to.GetKind() == canon.Decimal && to.GetScale() >= 0
	case canon.Float32:
		return to.GetKind() == canon.Float32 || to.GetKind() == canon.Float64
	case canon.Time, canon.TimeTZ, canon.Timestamp, canon.TimestampTZ, canon.Interval:
		return to.GetKind() == from.GetKind() && !strings.Contains(to.GetNativeType(), "(") && plainInterval(to)
	default:
		return to.GetKind() == from.GetKind()
	}
}

func plainInterval(c *planv1.Column) bool {
	return c.GetKind() != canon.Interval || c.GetNativeType() == "interval"
}
