package memory

import (
	"context"
	"fmt"
	"slices"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// Design takes every table as it is, but for the spec's rules: this engine stores
// every kind.
func (d *database) Design(_ context.Context, r engine.DesignRequest) (*planv1.Design, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := &planv1.Design{Engine: name, Version: "1", Identity: d.identity()}
	designer := &designer{database: d, request: r, plans: map[string]*planv1.TablePlan{}, taken: map[string]bool{}}
	for i, source := range r.Source.GetTables() {
		p := designer.plan(source)
		p.Number = uint32(i + 1)
		out.Tables = append(out.Tables, p)
	}
	// Foreign keys name tables that come later.
	for _, p := range out.GetTables() {
		if !p.GetTargetExists() {
			p.Statements = designer.statements(p)
		}
	}
	return out, nil
}

// designer plans all tables of one design.
type designer struct {
	database *database
	request  engine.DesignRequest
	// plans are by the source tables' names, taken are the final names.
	plans map[string]*planv1.TablePlan
	taken map[string]bool
}

func (d *designer) plan(source *planv1.Table) *planv1.TablePlan {
	final := source.GetName()
	if _, table, ok := d.request.Name(source.GetSchema(), source.GetName()); ok {
		final = table
	}
	p := &planv1.TablePlan{Source: source, TargetName: final, Encoding: planv1.Encoding_ENCODING_CANONICAL,
		Existing: d.request.Existing, SourceEngine: d.request.Source.GetEngine(), TargetEngine: name}
	d.plans[source.GetName()] = p
	for _, c := range source.GetColumns() {
		if !c.GetDropped() {
			d.column(p, c)
		}
	}
	p.ValidateByRange = rangesHold(p)
	if d.taken[final] {
		note(p, planv1.Severity_SEVERITY_ERROR, "NAME_COLLISION", "", "two source tables would become this one: map one of them to another name")
	}
	d.taken[final] = true
	existing := d.database.tables[place{name: final}]
	if d.request.Stage != "" {
		p.TargetSchema, p.PublishName = d.request.Stage, final
		if existing != nil {
			note(p, planv1.Severity_SEVERITY_ERROR, "TARGET_EXISTS", "", "the target has the table already, and publish: atomic makes all of them: remove it, or map the table to another name")
		}
		return p
	}
	if existing != nil {
		d.adopt(p, existing)
	}
	return p
}

// adopt checks a table that is there against what comes.
func (d *designer) adopt(p *planv1.TablePlan, existing *table) {
	p.TargetExists = true
	if len(existing.rows) > 0 && p.GetExisting() == planv1.Existing_EXISTING_FAIL {
		note(p, planv1.Severity_SEVERITY_ERROR, "TARGET_NOT_EMPTY", "", "the target's table has rows: empty it, or choose existing: append or truncate")
	}
	for _, c := range p.GetColumns() {
		if i := existing.column(c.GetTarget()); i < 0 {
			note(p, planv1.Severity_SEVERITY_ERROR, "COLUMN_MISSING", c.GetTarget(), "the target's table has no such column")
		} else if existing.def.GetColumns()[i].GetKind() != c.GetKind() {
			note(p, planv1.Severity_SEVERITY_ERROR, "TYPE_DIFFERS", c.GetTarget(), "the target's column is of another kind")
		}
	}
}

// column plans a column as what it is, or as what a cast asks for.
func (d *designer) column(p *planv1.TablePlan, c *planv1.Column) {
	t := columnType{kind: c.GetKind(), precision: c.GetPrecision(), scale: c.GetScale()}
	if c.GetCast() != "" {
		var ok bool
		if t, ok = parseType(c.GetCast()); !ok {
			note(p, planv1.Severity_SEVERITY_ERROR, "CAST_IMPOSSIBLE", c.GetName(), "there is no type %s: this engine's types are the kinds, as text or decimal(10,2)", c.GetCast())
			return
		}
	}
	planned, err := engine.PlanColumn(c, t.String(), t.kind, t.planScale())
	if err != nil {
		note(p, planv1.Severity_SEVERITY_ERROR, "CAST_IMPOSSIBLE", c.GetName(), "%s", err)
		return
	}
	p.Columns = append(p.Columns, planned)
}

// rangesHold tells whether a key's ranges select the same rows in the target: the
// key arrives there as it is, and every engine orders it alike.
func rangesHold(p *planv1.TablePlan) bool {
	positions, err := engine.KeyColumns(p)
	if err != nil || positions == nil || !p.GetSource().GetKey().GetPortableOrder() || p.GetSource().GetKey().GetNullable() {
		return false
	}
	for n, i := range positions {
		c := p.GetColumns()[i]
		if c.GetKind() != p.GetSource().GetKey().GetKinds()[n] || c.GetPolicy().GetAction() > planv1.Policy_ACTION_ERROR {
			return false
		}
	}
	return true
}

// statements say what Apply will do. There is no language to say it in but the
// plan's own messages: the table is its definition.
func (d *designer) statements(p *planv1.TablePlan) []*planv1.Statement {
	def := d.definition(p)
	out := []*planv1.Statement{{Step: planv1.Step_STEP_CREATE, Object: "table " + def.GetName(), Sql: marshalDefinition(def)}}
	for range uniques(def) {
		out = append(out, &planv1.Statement{Step: planv1.Step_STEP_INDEXES, Object: "index of " + def.GetName(), Sql: "unique"})
	}
	for _, fk := range def.GetForeignKeys() {
		out = append(out, &planv1.Statement{Step: planv1.Step_STEP_FOREIGN_KEYS, Object: fmt.Sprintf("%s of %s", describe(fk), def.GetName()), Sql: "references"})
	}
	return out
}

// definition is the target's table.
func (d *designer) definition(p *planv1.TablePlan) *planv1.Table {
	source := p.GetSource()
	def := &planv1.Table{Name: p.GetTargetName(), Key: &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_NONE}}
	for _, c := range p.GetColumns() {
		def.Columns = append(def.Columns, targetColumn(p, c))
	}
	if names, ok := targetNames(p, source.GetKey().GetColumns()); ok && engine.HasKey(p) && !source.GetKey().GetNullable() {
		def.Key = &planv1.Key{Source: source.GetKey().GetSource(), Columns: names}
	}
	for _, index := range source.GetIndexes() {
		names, ok := targetNames(p, columnNames(index))
		if !ok {
			note(p, planv1.Severity_SEVERITY_WARNING, "INDEX_NOT_MOVED", "", "index %s is not moved: a column of it is not copied", index.GetName())
			continue
		}
		def.Indexes = append(def.Indexes, &planv1.Index{Name: index.GetName(), Primary: index.GetPrimary(), Unique: index.GetUnique(), Columns: indexColumns(names)})
	}
	for _, fk := range source.GetForeignKeys() {
		if moved, ok := d.foreignKey(p, fk); ok {
			def.ForeignKeys = append(def.ForeignKeys, moved)
		}
	}
	return def
}

func (d *designer) foreignKey(p *planv1.TablePlan, fk *planv1.ForeignKey) (*planv1.ForeignKey, bool) {
	parent := d.plans[fk.GetReferencedTable()]
	if parent == nil {
		note(p, planv1.Severity_SEVERITY_WARNING, "FOREIGN_KEY_NOT_MOVED", "", "%s is not moved: it references %s, which is not copied", describe(fk), fk.GetReferencedTable())
		return nil, false
	}
	from, ok := targetNames(p, fk.GetColumns())
	to, there := targetNames(parent, fk.GetReferencedColumns())
	if !ok || !there {
		note(p, planv1.Severity_SEVERITY_WARNING, "FOREIGN_KEY_NOT_MOVED", "", "%s is not moved: a column of it is not copied", describe(fk))
		return nil, false
	}
	return &planv1.ForeignKey{Name: fk.GetName(), Columns: from, ReferencedTable: parent.GetTargetName(), ReferencedColumns: to}, true
}

// targetColumn is a column of the target's table.
func targetColumn(p *planv1.TablePlan, c *planv1.ColumnPlan) *planv1.Column {
	out := &planv1.Column{Name: c.GetTarget(), NativeType: c.GetTargetType(), Kind: c.GetKind(), Nullable: c.GetNullable(), BinaryOrder: true}
	if t, ok := parseType(c.GetTargetType()); ok {
		out.Precision, out.Scale = t.precision, t.scale
	}
	if source := engine.SourceColumn(p, c.GetSource()); source.GetKind() == canon.Int && c.GetKind() == canon.Int {
		out.Identity = source.GetIdentity()
	}
	return out
}

// targetNames gives source columns their names in the target; ok is false where
// one of them is not copied.
func targetNames(p *planv1.TablePlan, names []string) (out []string, ok bool) {
	for _, name := range names {
		i := slices.IndexFunc(p.GetColumns(), func(c *planv1.ColumnPlan) bool { return c.Constant == nil && c.GetSource() == name })
		if i < 0 {
			return nil, false
		}
		out = append(out, p.GetColumns()[i].GetTarget())
	}
	return out, true
}

func note(p *planv1.TablePlan, severity planv1.Severity, code, column, format string, args ...any) {
	p.Findings = append(p.Findings, &planv1.Finding{Severity: severity, Code: code, Table: p.GetTargetName(), Column: column,
		Message: fmt.Sprintf(format, args...)})
}
