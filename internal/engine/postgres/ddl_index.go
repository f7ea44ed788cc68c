package postgres

import (
	"fmt"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// identifying finds the index behind the key: the primary key wherever there is
// one, since a target wants it first.
func identifying(t *planv1.Table) *planv1.Index {
	for _, x := range t.GetIndexes() {
		if x.GetPrimary() {
			return x
		}
	}
	for _, x := range t.GetIndexes() {
		names := make([]string, len(x.GetColumns()))
		for i, c := range x.GetColumns() {
			names[i] = c.GetName()
		}
		if x.GetUnique() && x.GetPredicate() == "" && slices.Equal(names, t.GetKey().GetColumns()) {
			return x
		}
	}
	return nil
}

// planIndex plans a primary key, a unique constraint or an index.
func (d *designer) planIndex(p *planv1.TablePlan, x *planv1.Index, step planv1.Step) {
	body, constraint, ok := d.indexSQL(p, x)
	if !ok {
		note(p, warning, codeIndexNotMoved, "", "index %s is not moved: %s", x.GetName(), indexReason(p, x))
		return
	}
	want := d.indexName(p, x)
	name := d.names.free(finalPlace(p)[0], want)
	if name != want {
		note(p, info, codeNameChanged, "", "index %s becomes %s", want, name)
	}
	if constraint {
		add(p, step, objectConstraint+name, "ALTER TABLE "+targetTable(p)+" ADD CONSTRAINT "+ident(name)+" "+body)
		return
	}
	unique := ""
	if x.GetUnique() {
		unique = "UNIQUE "
	}
	add(p, step, objectIndex+name, "CREATE "+unique+"INDEX IF NOT EXISTS "+ident(name)+" ON "+targetTable(p)+" "+body)
}

func indexReason(p *planv1.TablePlan, x *planv1.Index) string {
	for _, c := range x.GetColumns() {
		if c.GetExpression() == "" && targetColumn(p, c.GetName()) == "" {
			return "a column of it is not copied"
		}
	}
	switch {
	case x.GetMethod() == methodSpatial:
		return "PostGIS is not on the target"
	case x.GetDefinition() != "":
		return "only its own engine understands it: " + x.GetDefinition()
	default:
		return "only its own engine understands its expressions or its condition"
	}
}

// Methods of indexes that MySQL has and PostgreSQL has otherwise.
const (
	methodFulltext = "fulltext"
	methodSpatial  = "spatial"
)

// indexSQL writes an index behind its name: verbatim from a PostgreSQL source, of
// columns otherwise.
func (d *designer) indexSQL(p *planv1.TablePlan, x *planv1.Index) (body string, constraint, ok bool) {
	if d.sameEngine() && !p.GetTargetExists() {
		cut := indexBody
		if x.GetConstraint() {
			cut = constraintBody
		}
		if body, ok = cut(x.GetDefinition()); ok {
			if body, ok = renamed(p.GetSource(), body); ok {
				return d.inTablespace(x, body), x.GetConstraint(), true
			}
		}
	}
	where, ok := d.predicate(p, x)
	if !ok || x.GetConstraint() && !x.GetUnique() && !x.GetPrimary() {
		return "", false, false
	}
	switch x.GetMethod() {
	case methodFulltext:
		body, ok = d.fulltextIndex(p, x)
		return body, false, ok
	case methodSpatial:
		body, ok = d.spatialIndex(p, x)
		return body, false, ok
	case "", "btree":
		body, constraint, ok = d.columnIndex(p, x)
		return body + where, constraint, ok
	}
	// A hash index of MySQL's MEMORY engine finds equals, as a tree does.
	if d.fromMySQL() {
		return d.columnIndex(p, x)
	}
	return "", false, false
}

// columnIndex is an index of columns, or of their first characters: then it is no
// constraint, which takes columns only.
func (d *designer) columnIndex(p *planv1.TablePlan, x *planv1.Index) (body string, constraint, ok bool) {
	constraint = x.GetPrimary() || x.GetConstraint()
	for _, c := range x.GetColumns() {
		constraint = constraint && c.GetPrefix() == 0 && c.GetExpression() == ""
	}
	var columns []string
	for _, c := range x.GetColumns() {
		name, ok := d.indexedPart(p, x, c)
		if !ok {
			return "", false, false
		}
		if c.GetDescending() && !constraint {
			name += " DESC"
		}
		columns = append(columns, name)
	}
	switch list := "(" + strings.Join(columns, ", ") + ")"; {
	case x.GetPrimary() && constraint:
		return "PRIMARY KEY " + list, true, true
	case constraint:
		return "UNIQUE " + list, true, true
	default:
		return list, false, true
	}
}

// indexedPart is a column or an expression of an index.
func (d *designer) indexedPart(p *planv1.TablePlan, x *planv1.Index, c *planv1.IndexColumn) (string, bool) {
	if c.GetExpression() != "" {
		return d.expressionIndexed(p, c.GetExpression())
	}
	to := targetColumn(p, c.GetName())
	if to == "" {
		return "", false
	}
	return d.indexedColumn(p, x, c, to), true
}

// maxIndexedCharacters is how long text may be in an index entry, whatever its
// characters: a third of a page less the entry's head, by four bytes each.
const maxIndexedCharacters = 2600 / 4

// indexedColumn is a column of an index. A prefix is kept where it decides what is
// unique, and where the whole value might not fit an entry; otherwise the index
// takes the whole value, which queries find without knowing of the prefix.
func (d *designer) indexedColumn(p *planv1.TablePlan, x *planv1.Index, c *planv1.IndexColumn, to string) string {
	column := planColumn(p, to)
	if c.GetPrefix() == 0 || column == nil {
		return ident(to)
	}
	if takesWhole(p, x, c) {
		note(p, info, codeIndexChanged, c.GetName(), "index %s takes the whole of the column instead of its first %d characters", x.GetName(), c.GetPrefix())
		return ident(to)
	}
	expr := fmt.Sprintf("left(%s, %d)", ident(to), c.GetPrefix())
	switch column.GetKind() {
	case canon.Text:
	case canon.Bytes:
		expr = fmt.Sprintf("substring(%s FROM 1 FOR %d)", ident(to), c.GetPrefix())
	default:
		return ident(to)
	}
	note(p, warning, codeIndexChanged, c.GetName(), "index %s is one of the expression %s: queries that are to use it must have that in their conditions", x.GetName(), expr)
	return "(" + expr + ")"
}

// takesWhole tells whether an index takes all of a column of which the source's takes the
// beginning: where any value fits, and nothing is unique by it.
func takesWhole(p *planv1.TablePlan, x *planv1.Index, c *planv1.IndexColumn) bool {
	length := engine.SourceColumn(p, c.GetName()).GetLength()
	return !x.GetUnique() && length > 0 && length <= maxIndexedCharacters
}

// fulltextIndex finds words as PostgreSQL cuts them, without a language's rules.
func (d *designer) fulltextIndex(p *planv1.TablePlan, x *planv1.Index) (string, bool) {
	var parts []string
	for _, c := range x.GetColumns() {
		to := planColumn(p, targetColumn(p, c.GetName()))
		if to.GetKind() != canon.Text {
			return "", false
		}
		parts = append(parts, "coalesce("+ident(to.GetTarget())+", '')")
	}
	expr := "to_tsvector('simple', " + strings.Join(parts, " || ' ' || ") + ")"
	note(p, warning, codeIndexChanged, "", "full-text index %s becomes a GIN index: MATCH … AGAINST is written %s @@ plainto_tsquery('simple', …) in PostgreSQL", x.GetName(), expr)
	return "USING gin (" + expr + ")", len(parts) > 0
}

// spatialIndex is GiST where PostGIS is.
func (d *designer) spatialIndex(p *planv1.TablePlan, x *planv1.Index) (string, bool) {
	if len(x.GetColumns()) != 1 || d.geometry == "" {
		return "", false
	}
	to := targetColumn(p, x.GetColumns()[0].GetName())
	return "USING gist (" + ident(to) + ")", to != "" && planColumn(p, to).GetTargetType() == d.geometry
}

// findRepeated finds names that indexes of several tables have: MySQL keeps them by
// table, PostgreSQL by schema.
func (d *designer) findRepeated() {
	d.repeated = map[[2]string]bool{}
	seen := map[[2]string]bool{}
	for _, p := range d.design.GetTables() {
		for _, x := range p.GetSource().GetIndexes() {
			at := [2]string{finalPlace(p)[0], x.GetName()}
			d.repeated[at] = seen[at]
			seen[at] = true
		}
	}
}

// indexName keeps names that people gave, with the table's in front where several
// tables have them, and makes those that engines make.
func (d *designer) indexName(p *planv1.TablePlan, x *planv1.Index) string {
	made := x.GetName() == "" || strings.HasPrefix(x.GetName(), "sqlite_autoindex_") || x.GetName() == "PRIMARY"
	switch {
	case !made && d.repeated[[2]string{finalPlace(p)[0], x.GetName()}]:
		return p.GetTargetName() + "_" + x.GetName()
	case !made:
		return x.GetName()
	}
	if x.GetPrimary() {
		return clip(p.GetTargetName(), len("_pkey")) + "_pkey"
	}
	parts := []string{p.GetTargetName()}
	for _, c := range x.GetColumns() {
		parts = append(parts, c.GetName())
	}
	suffix := "_idx"
	if x.GetUnique() {
		suffix = "_key"
	}
	return clip(strings.Join(parts, "_"), len(suffix)) + suffix
}
