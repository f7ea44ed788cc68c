package memory

import (
	"context"
	"fmt"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
)

// Design takes every table as it is: this engine stores every kind.
func (d *database) Design(_ context.Context, r engine.DesignRequest) (*planv1.Design, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := &planv1.Design{Engine: name, Version: "1", Identity: d.identity()}
	seen := map[string]bool{}
	for i, source := range r.Source.GetTables() {
		p := d.plan(source, r)
		p.Number = uint32(i + 1)
		p.SourceEngine = r.Source.GetEngine()
		if seen[p.GetTargetName()] {
			p.Findings = append(p.Findings, finding(p, "NAME_COLLISION", "", "two source tables would become this one: map one of them to another name"))
		}
		seen[p.GetTargetName()] = true
		out.Tables = append(out.Tables, p)
	}
	return out, nil
}

func (d *database) plan(source *planv1.Table, r engine.DesignRequest) *planv1.TablePlan {
	p := &planv1.TablePlan{Source: source, TargetName: source.GetName(), Encoding: planv1.Encoding_ENCODING_CANONICAL,
		Existing: r.Existing, TargetEngine: name}
	if _, table, ok := r.Name(source.GetSchema(), source.GetName()); ok {
		p.TargetName = table
	}
	for _, c := range source.GetColumns() {
		p.Columns = append(p.Columns, columnPlan(c))
	}
	p.ValidateByRange = engine.HasKey(p) && source.GetKey().GetPortableOrder()
	existing := d.tables[p.GetTargetName()]
	if existing == nil {
		p.Statements = statements(source)
		return p
	}
	p.TargetExists = true
	if len(existing.rows) > 0 && r.Existing == planv1.Existing_EXISTING_FAIL {
		p.Findings = append(p.Findings, finding(p, "TARGET_NOT_EMPTY", "", "the target's table has rows: empty it, or choose existing: append or truncate"))
	}
	for _, c := range p.GetColumns() {
		if i := existing.column(c.GetTarget()); i < 0 {
			p.Findings = append(p.Findings, finding(p, "COLUMN_MISSING", c.GetTarget(), "the target's table has no such column"))
		} else if existing.def.GetColumns()[i].GetKind() != c.GetKind() {
			p.Findings = append(p.Findings, finding(p, "TYPE_DIFFERS", c.GetTarget(), "the target's column is of another kind"))
		}
	}
	return p
}

func columnPlan(c *planv1.Column) *planv1.ColumnPlan {
	scale := int32(-1)
	if c.GetPrecision() > 0 {
		scale = c.GetScale()
	}
	return &planv1.ColumnPlan{Source: c.GetName(), SourceType: c.GetNativeType(), Target: c.GetName(), TargetType: c.GetKind().String(),
		Kind: c.GetKind(), Scale: scale, Nullable: c.GetNullable()}
}

// statements say what Apply will do; there is no language to say it in.
func statements(t *planv1.Table) []*planv1.Statement {
	out := []*planv1.Statement{{Step: planv1.Step_STEP_CREATE, Object: "table " + t.GetName(), Sql: "create"}}
	for range uniques(t) {
		out = append(out, &planv1.Statement{Step: planv1.Step_STEP_INDEXES, Object: "index of " + t.GetName(), Sql: "unique"})
	}
	for _, fk := range t.GetForeignKeys() {
		out = append(out, &planv1.Statement{Step: planv1.Step_STEP_FOREIGN_KEYS, Object: fmt.Sprintf("%s of %s", describe(fk), t.GetName()), Sql: "references"})
	}
	return out
}

func finding(p *planv1.TablePlan, code, column, message string) *planv1.Finding {
	return &planv1.Finding{Severity: planv1.Severity_SEVERITY_ERROR, Code: code, Table: p.GetTargetName(), Column: column, Message: message}
}
