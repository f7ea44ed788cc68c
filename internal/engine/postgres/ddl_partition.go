package postgres

import (
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// onTable stands in a statement's object between a constraint and a table that is not
// the plan's own.
const onTable = " on "

// joined tells whether the partitions of a table become one ordinary table.
func (d *designer) joined(p *planv1.TablePlan) bool {
	return isPartitioned(p.GetSource()) && (!d.sameEngine() || !namesKept(p.GetSource()))
}

// planPartitions plans the partitions of a table: each is made as a table of its own
// and attached. Their keys and indexes are built before those of the table, which then
// takes them for its own. Gives the statements for later steps, deepest first.
func (d *designer) planPartitions(p *planv1.TablePlan) []*planv1.Statement {
	var later []*planv1.Statement
	places := map[[2]string]string{{p.GetSource().GetSchema(), p.GetSource().GetName()}: targetTable(p)}
	for _, part := range p.GetSource().GetPartitions() {
		child := d.placePartition(p, part.GetTable())
		parent := places[[2]string{part.GetParent().GetSchema(), part.GetParent().GetName()}]
		places[[2]string{part.GetTable().GetSchema(), part.GetTable().GetName()}] = targetTable(child)
		d.planNewColumns(child)
		for _, s := range child.GetStatements() {
			if name, ok := strings.CutPrefix(s.GetObject(), objectConstraint); ok {
				s.Object = objectConstraint + name + onTable + targetTable(child)
			}
		}
		p.Findings = append(p.Findings, child.GetFindings()...)
		create, rest := splitSteps(child.GetStatements())
		p.Statements = append(p.Statements, create...)
		add(p, planv1.Step_STEP_CREATE, "partition "+targetTable(child), "ALTER TABLE ONLY "+parent+" ATTACH PARTITION "+targetTable(child)+" "+part.GetBound())
		later = append(rest, later...)
	}
	return later
}

// placePartition gives a partition its place beside its table, or in its own schema.
func (d *designer) placePartition(p *planv1.TablePlan, t *planv1.Table) *planv1.TablePlan {
	child := &planv1.TablePlan{Source: t, SourceEngine: p.GetSourceEngine(), TargetEngine: Name, TargetName: t.GetName()}
	final := t.GetSchema()
	if final == p.GetSource().GetSchema() {
		final = finalPlace(p)[0]
	}
	child.TargetSchema = final
	if d.req.Stage != "" {
		child.PublishSchema, child.PublishName, child.TargetSchema = final, t.GetName(), stagingSchema(d.req.Stage, final)
	}
	if d.names.used[[2]string{final, t.GetName()}] {
		note(p, blocker, codeTargetExists, "", "the name of its partition %s.%s is taken on the target: drop or rename what has it there", final, t.GetName())
	}
	d.names.take(final, t.GetName())
	d.makeSchema(child.GetTargetSchema())
	return child
}

// splitSteps parts the statements that make a table from those of later steps.
func splitSteps(all []*planv1.Statement) (create, later []*planv1.Statement) {
	for _, s := range all {
		switch {
		case s.GetStep() == planv1.Step_STEP_CREATE:
			create = append(create, s)
		case !strings.HasPrefix(s.GetObject(), objectAnalyze):
			later = append(later, s)
		}
	}
	return create, later
}

// inherits writes the clause of a table whose columns are its parents', if they are all
// made by the plan under their own names.
func (d *designer) inherits(p *planv1.TablePlan) (string, bool) {
	var parents []string
	for _, name := range p.GetSource().GetInherits() {
		parent := d.bySource[[2]string{name.GetSchema(), name.GetName()}]
		if !d.sameEngine() || parent == nil || blocked(parent) || d.existing[finalPlace(parent)] != nil || !namesKept(parent.GetSource()) || !namesKept(p.GetSource()) {
			return "", false
		}
		if _, ok := d.inherits(parent); !ok {
			return "", false
		}
		parents = append(parents, targetTable(parent))
	}
	if len(parents) == 0 {
		return "", d.sameEngine() && namesKept(p.GetSource())
	}
	return " INHERITS (" + strings.Join(parents, ", ") + ")", true
}

// planFamilies makes tables that inherit from each other before any other step, parents
// first: tables are made in no order.
func (d *designer) planFamilies() {
	done := map[*planv1.TablePlan]bool{}
	var visit func(p *planv1.TablePlan)
	visit = func(p *planv1.TablePlan) {
		if done[p] || p.GetTargetExists() || !hasOption(p.GetSource(), optionInheritance) {
			return
		}
		done[p] = true
		for _, name := range p.GetSource().GetInherits() {
			if parent := d.bySource[[2]string{name.GetSchema(), name.GetName()}]; parent != nil {
				visit(parent)
			}
		}
		at := slices.IndexFunc(p.GetStatements(), func(s *planv1.Statement) bool { return s.GetObject() == objectTable+targetTable(p) })
		if _, related := d.inherits(p); related && at >= 0 {
			d.design.Statements = append(d.design.Statements, p.GetStatements()[at])
		}
	}
	for _, p := range d.design.GetTables() {
		if !blocked(p) {
			visit(p)
		}
	}
}

// standsAlone tells whether rows of other tables of the target are seen through this one.
func standsAlone(p *planv1.TablePlan) bool {
	return p.GetSourceEngine() == Name && !p.GetTargetExists() && hasOption(p.GetSource(), optionInheritance)
}
