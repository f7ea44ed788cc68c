package mysql

import (
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/sqltoken"
)

// ownDefinition gives the source's own statement where the table is made by it: of the
// same product, no newer than this server, with every column as it is and every
// collation there.
func (b *tableBuilder) ownDefinition() (*definition, bool) {
	t := b.plan.GetSource()
	if !b.sameEngine() || b.changed() || newer(b.source.GetVersion(), b.db.version) {
		return nil, false
	}
	if name, ok := option(t, optionEngine); ok && !strings.EqualFold(name, innoDB) {
		return nil, false
	}
	if name, ok := option(t, optionCollate); ok && !b.catalog.collations[name] {
		return nil, false
	}
	for _, c := range t.GetColumns() {
		if c.GetCollation() != "" && !b.catalog.collations[c.GetCollation()] {
			return nil, false
		}
	}
	return parseDefinition(t.GetDefinition())
}

// changed tells whether the spec changes a column, which takes the table's own
// statement away.
func (b *tableBuilder) changed() bool {
	return slices.ContainsFunc(b.plan.GetSource().GetColumns(), func(c *planv1.Column) bool {
		return c.GetDropped() || c.GetCast() != "" || c.Constant != nil || engine.TargetColumn(c) != c.GetName()
	})
}

// newer tells whether a version is of a later series than another.
func newer(version, than string) bool {
	minimum, ok := series(version)
	return ok && older(than, minimum)
}

// buildOwn makes the table by the source's statement: nothing that it says is lost.
// Indexes that no row needs come when the rows are there, foreign keys when all tables
// are.
func (b *tableBuilder) buildOwn(text *definition) {
	for _, c := range b.columns {
		if !b.planOwnColumn(c) {
			return
		}
	}
	var lines []string
	var later []element
	for _, e := range text.elements {
		e.text = b.ownText(e)
		switch {
		case e.kind == elementForeignKey:
		case e.kind == elementIndex && !b.withTable(e):
			later = append(later, e)
		case e.kind == elementCheck:
			lines = append(lines, b.ownCheck(e))
		default:
			lines = append(lines, e.text)
		}
	}
	sql := "CREATE TABLE " + targetTable(b.plan) + " (\n\t" + strings.Join(lines, ",\n\t") + "\n) " + b.ownOptions(text)
	if partitions := b.withoutPlaces(text.partitions); partitions != "" {
		sql += "\n" + partitions
	}
	add(b.plan, planv1.Step_STEP_CREATE, objectTable+targetTable(b.plan), sql)
	for _, e := range later {
		add(b.plan, planv1.Step_STEP_INDEXES, objectIndex+e.name, "ALTER TABLE "+targetTable(b.plan)+" ADD "+e.text)
	}
	if hasOption(b.plan.GetSource(), optionVersioned) {
		// Rows that were loaded twice are no history of the source's.
		add(b.plan, planv1.Step_STEP_INDEXES, "history of "+targetTable(b.plan), "DELETE HISTORY FROM "+targetTable(b.plan))
	}
	if b.numbering != nil {
		addSequence(b.plan)
	}
}

// planOwnColumn plans the values of a column that keeps its definition.
func (b *tableBuilder) planOwnColumn(c *plannedColumn) bool {
	plan, err := engine.PlanColumn(c.source, c.to.name, c.to.kind, c.to.scale)
	if err != nil {
		note(b.plan, blocker, codeCastImpossible, c.source.GetName(), "%s: %s", c.to.name, err)
		return false
	}
	plan.TargetCharset, plan.TargetCollation = c.to.charset, c.to.collation
	if c.source.GetGenerated() != "" {
		b.plan.Recomputed = append(b.plan.Recomputed, c.name)
		return true
	}
	b.plan.Columns = append(b.plan.Columns, plan)
	if c.source.GetIdentity() != planv1.Identity_IDENTITY_UNSPECIFIED {
		b.numbering = c
	}
	return true
}

// withTable tells whether an index is made with the table: the one that identifies
// rows, and one that the column which numbers itself needs.
func (b *tableBuilder) withTable(e element) bool {
	if x := b.identifying(); x != nil && x.GetName() == e.name {
		return true
	}
	return b.numbering != nil && slices.ContainsFunc(b.plan.GetSource().GetIndexes(), func(x *planv1.Index) bool {
		return x.GetName() == e.name && ordinary(x) && len(x.GetColumns()) > 0 && x.GetColumns()[0].GetName() == b.numbering.source.GetName()
	})
}

// ownText is an element as the target takes it: sequences in defaults are in the
// target's database, and a collation that is the table's is not said again, for MySQL
// would remember that it was.
func (b *tableBuilder) ownText(e element) string {
	schema, _ := finalPlace(b.plan)
	from := b.plan.GetSource().GetSchema()
	text := requalified(e.text, from, schema)
	of, _ := option(b.plan.GetSource(), optionCollate)
	if e.kind != elementColumn || of == "" {
		return text
	}
	depth, charset := 0, false
	text, _ = cutClauses(text, func(tokens []sqltoken.Token) int {
		switch t := tokens[0]; {
		case t.Is("("):
			depth++
		case t.Is(")"):
			depth--
		case t.Is("CHARACTER"):
			charset = true
		case depth == 0 && !charset && t.Is("COLLATE") && len(tokens) > 1 && tokens[1].Is(of):
			return 2
		}
		return 0
	})
	return text
}

// ownCheck gives a check another name where its own is taken.
func (b *tableBuilder) ownCheck(e element) string {
	name := e.name
	if b.dialect.target.checkNamesShared {
		name = b.constraintName(b.plan, name)
	}
	return "CONSTRAINT " + ident(name) + strings.TrimPrefix(e.text, "CONSTRAINT "+ident(e.name))
}

// ownOptions are the table's options without its counter, which rows set, and without
// places on the source's host.
func (b *tableBuilder) ownOptions(text *definition) string {
	options, _ := cutClauses(text.options, clause("AUTO_INCREMENT"))
	return b.withoutPlaces(options)
}

// withoutPlaces takes out where on its host the source keeps a table.
func (b *tableBuilder) withoutPlaces(sql string) string {
	for _, words := range [][]string{{"DATA", "DIRECTORY"}, {"INDEX", "DIRECTORY"}, {"TABLESPACE"}} {
		var cut []string
		sql, cut = cutClauses(sql, func(tokens []sqltoken.Token) int {
			n := clause(words...)(tokens)
			if n > 0 && words[0] == "TABLESPACE" && strings.HasPrefix(tokens[n-1].Text, "innodb_") {
				return 0
			}
			return n
		})
		for _, text := range cut {
			note(b.plan, warning, codeOptionNotMoved, "", "%s is a place on the source's host: the table is kept where the target keeps its tables", text)
		}
	}
	return sql
}
