package sqlite

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// foreignKeys writes the references, to where their tables are loaded.
func (b *tableBuilder) foreignKeys() []string {
	var out []string
	for _, f := range b.source.GetForeignKeys() {
		parent, ok := b.targets[sourceID(f.GetReferencedSchema(), f.GetReferencedTable())]
		if !ok {
			note(b.plan, severityWarning, "FOREIGN_KEY_NOT_MOVED", strings.Join(f.GetColumns(), ", "), "it references %s, which is not copied", f.GetReferencedTable())
			continue
		}
		source := b.sources[sourceID(f.GetReferencedSchema(), f.GetReferencedTable())]
		from, ok := targetNames(b.source, f.GetColumns())
		to, there := targetNames(source, f.GetReferencedColumns())
		switch {
		case !ok || !there:
			note(b.plan, severityWarning, "FOREIGN_KEY_NOT_MOVED", strings.Join(f.GetColumns(), ", "), "a column of it is not copied")
			continue
		case !b.sameEngine() && !identifies(source, f.GetReferencedColumns()):
			note(b.plan, severityWarning, "FOREIGN_KEY_NOT_MOVED", strings.Join(f.GetColumns(), ", "),
				"SQLite lets references to unique columns only: make the columns of %s unique, and the reference after the copy", f.GetReferencedTable())
			continue
		}
		text := constraint(f.GetName()) + "FOREIGN KEY (" + idents(from) + ") REFERENCES " + ident(parent)
		if len(to) > 0 {
			text += " (" + idents(to) + ")"
		}
		text += onEvent("UPDATE", f.GetOnUpdate()) + onEvent("DELETE", f.GetOnDelete())
		if f.GetDeferrable() && f.GetInitiallyDeferred() {
			text += " DEFERRABLE INITIALLY DEFERRED"
		}
		if f.GetMatch() == "FULL" {
			note(b.plan, severityWarning, "MATCH_FULL_NOT_MOVED", strings.Join(f.GetColumns(), ", "), "SQLite checks no reference that is NULL in part")
		}
		b.references++
		out = append(out, text)
	}
	return out
}

// targetNames gives a source's columns their names in the target; ok is false where
// one is not copied.
func targetNames(t *planv1.Table, names []string) (out []string, ok bool) {
	for _, name := range names {
		i := slices.IndexFunc(t.GetColumns(), func(c *planv1.Column) bool { return c.GetName() == name && c.Constant == nil })
		if i < 0 || t.GetColumns()[i].GetDropped() {
			return nil, false
		}
		out = append(out, engine.TargetColumn(t.GetColumns()[i]))
	}
	return out, true
}

// identifies tells whether a key or a unique index is over just these columns.
func identifies(t *planv1.Table, columns []string) bool {
	return slices.ContainsFunc(t.GetIndexes(), func(i *planv1.Index) bool {
		return i.GetUnique() && i.GetPredicate() == "" && len(i.GetColumns()) == len(columns) &&
			!slices.ContainsFunc(i.GetColumns(), func(c *planv1.IndexColumn) bool { return c.GetPrefix() > 0 || !slices.Contains(columns, c.GetName()) })
	})
}

func onEvent(event, action string) string {
	if action == "" || action == "NO ACTION" {
		return ""
	}
	return " ON " + event + " " + action
}

// isKey tells whether an index is the one that identifies rows.
func (b *tableBuilder) isKey(i *planv1.Index) bool {
	key := b.source.GetKey()
	return i.GetUnique() && i.GetPredicate() == "" && key.GetSource() == planv1.KeySource_KEY_SOURCE_UNIQUE && sameColumns(i, key)
}

// index writes an index; ok is false where SQLite cannot have it.
func (b *tableBuilder) index(i *planv1.Index) (name, text string, ok bool) {
	if why := b.unmovable(i); why != "" {
		note(b.plan, severityWarning, "INDEX_NOT_MOVED", "", "index %s is not moved: %s", i.GetName(), why)
		return "", "", false
	}
	b.explainIndex(i)
	name = b.freeName(i.GetName())
	if text, ok = b.ownIndex(i, name); ok {
		return name, text, true
	}
	text = "CREATE INDEX IF NOT EXISTS "
	if i.GetUnique() {
		text = "CREATE UNIQUE INDEX IF NOT EXISTS "
	}
	text += mainTable(name) + " ON " + ident(b.plan.GetTargetName()) + " (" + b.indexColumns(i) + ")"
	if where := i.GetPredicate(); where != "" {
		if b.sameEngine() {
			where = unqualified(where, b.source.GetName())
		} else {
			where, _ = b.condition(b.source, where) // unmovable has looked
		}
		text += " WHERE " + where
	}
	return name, text, true
}

// copied tells whether all columns of an index are.
func (b *tableBuilder) copied(i *planv1.Index) bool {
	return !slices.ContainsFunc(i.GetColumns(), func(c *planv1.IndexColumn) bool {
		return c.GetName() != "" && engine.SourceColumn(b.plan, c.GetName()).GetDropped()
	})
}

// unmovable says why SQLite cannot have an index; empty where it can.
func (b *tableBuilder) unmovable(i *planv1.Index) string {
	expressions := i.GetPredicate()
	for _, c := range i.GetColumns() {
		expressions += " " + c.GetExpression()
	}
	expressions = strings.TrimSpace(expressions)
	method := strings.ToLower(i.GetMethod())
	switch {
	case !b.copied(i):
		return "a column of it is not copied"
	case b.sameEngine() && mentionsRuled(b.source, expressions):
		return "its expressions name a column that the spec changes"
	case b.sameEngine():
		return ""
	case b.foreignExpressions(i) != nil:
		return fmt.Sprintf("%s: %s", b.foreignExpressions(i), expressions)
	case method == "fulltext":
		return "SQLite searches texts in virtual tables: make one with FTS5"
	case method == "spatial":
		return "SQLite searches boxes in virtual tables: make one with R*Tree"
	case !slices.Contains([]string{"", "btree", "hash"}, method):
		return "SQLite has no index of method " + i.GetMethod()
	}
	return ""
}

// foreignExpressions says why SQLite does not mean the same by an index's condition and
// expressions, which are of another engine; nil where it does.
func (b *tableBuilder) foreignExpressions(i *planv1.Index) error {
	if i.GetPredicate() != "" {
		if _, err := b.condition(b.source, i.GetPredicate()); err != nil {
			return err
		}
	}
	for _, c := range i.GetColumns() {
		if c.GetExpression() == "" {
			continue
		}
		if _, err := b.indexed(b.source, c.GetExpression()); err != nil {
			return err
		}
	}
	return nil
}

// explainIndex notes what an index means less, or more, than in the source.
func (b *tableBuilder) explainIndex(i *planv1.Index) {
	if i.GetNullsNotDistinct() {
		note(b.plan, severityWarning, "NULLS_DISTINCT", "", "index %s: SQLite takes any number of NULLs into a unique index", i.GetName())
	}
	for _, part := range i.GetColumns() {
		c := engine.SourceColumn(b.plan, part.GetName())
		switch {
		case part.GetPrefix() > 0 && i.GetPrimary():
			note(b.plan, severityWarning, "PREFIX_NOT_MOVED", part.GetName(), "the primary key takes all of the column: the source tells rows by the first %d characters alone", part.GetPrefix())
		case part.GetPrefix() > 0 && !i.GetUnique():
			note(b.plan, severityInfo, "PREFIX_NOT_MOVED", part.GetName(), "index %s takes all of the column, not the first %d characters", i.GetName(), part.GetPrefix())
		}
		if i.GetUnique() && isMySQL(b.request.Source.GetEngine()) && c.GetKind() == canon.Text && !byteCollation(c.GetCollation()) {
			note(b.plan, severityWarning, "COLLATION_NOT_MOVED", part.GetName(), "index %s: SQLite tells texts by their bytes, collation %s of the source takes more of them for the same (case, accents or spaces at the end): "+
				"the target lets in rows that the source would refuse", i.GetName(), c.GetCollation())
		}
	}
}

// byteCollation tells whether a collation of MySQL or MariaDB takes texts for the
// same only where their bytes are. The older ones do not see spaces at the end.
func byteCollation(name string) bool {
	return name == "binary" || strings.HasSuffix(name, "_0900_bin") || strings.HasSuffix(name, "_nopad_bin")
}

// freeName gives an index a name that no table or index has: they share one space.
func (b *tableBuilder) freeName(name string) string {
	name = cmp.Or(name, b.finalName()+"_index")
	for n, free := 2, name; ; n++ {
		if b.objects[fold(free)] == "" && !internalName(free) {
			b.objects[fold(free)] = "index"
			return free
		}
		free = fmt.Sprintf("%s_%s_%d", b.finalName(), strings.TrimPrefix(name, "sqlite_"), n)
	}
}

func (b *tableBuilder) indexColumns(i *planv1.Index) string {
	parts := make([]string, len(i.GetColumns()))
	for n, c := range i.GetColumns() {
		source := engine.SourceColumn(b.plan, c.GetName())
		switch {
		case c.GetName() == "" && !b.sameEngine():
			parts[n], _ = b.indexed(b.source, c.GetExpression()) // unmovable has looked
		case c.GetName() == "":
			parts[n] = unqualified(c.GetExpression(), b.source.GetName())
		case c.GetPrefix() > 0 && i.GetUnique() && !i.GetPrimary():
			parts[n] = fmt.Sprintf("substr(%s, 1, %d)", ident(engine.TargetColumn(source)), c.GetPrefix())
		default:
			parts[n] = ident(engine.TargetColumn(source))
		}
		if c.GetCollation() != "" && b.sameEngine() {
			parts[n] += " COLLATE " + ident(c.GetCollation())
		}
		if c.GetDescending() {
			parts[n] += " DESC"
		}
	}
	return strings.Join(parts, ", ")
}
