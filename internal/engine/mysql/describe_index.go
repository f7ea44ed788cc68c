package mysql

import (
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

const primaryIndex = "PRIMARY"

// addIndexes adds the indexes of tables, the primary key first.
func (cat *catalog) addIndexes(rows []indexRow) {
	for _, r := range rows {
		t := cat.byName[r.table]
		if t == nil {
			continue
		}
		n := len(t.GetIndexes())
		if n == 0 || t.GetIndexes()[n-1].GetName() != r.index {
			t.Indexes = append(t.Indexes, &planv1.Index{Name: r.index, Primary: r.index == primaryIndex, Unique: r.unique,
				Constraint: r.unique, Method: strings.ToLower(r.method), Comment: r.comment})
			if n++; r.hidden {
				t.Options = append(t.Options, optionIgnored+r.index)
			}
		}
		if _, versioned := option(t, optionVersioned); versioned && !hasColumn(t, r.column.String) {
			continue // the end of a row's period, which the server adds to keys
		}
		index := t.GetIndexes()[n-1]
		index.Columns = append(index.Columns, cat.indexColumn(r, index.GetMethod()))
	}
}

func hasColumn(t *planv1.Table, name string) bool {
	return slices.ContainsFunc(t.GetColumns(), func(c *planv1.Column) bool { return c.GetName() == name })
}

func (cat *catalog) indexColumn(r indexRow, method string) *planv1.IndexColumn {
	out := &planv1.IndexColumn{Name: r.column.String, Descending: r.collation.String == "D"}
	if r.expression.Valid {
		out.Name, out.Expression = "", cat.dialect.expression(r.expression.String)
	}
	// A spatial index says 32, the size of its boxes.
	if method != methodSpatial {
		out.Prefix = int32(r.prefix.Int64)
	}
	return out
}

func (cat *catalog) addForeignKeys(rows []foreignKeyRow) {
	for _, r := range rows {
		t := cat.table(r.table)
		if t == nil {
			continue
		}
		if other := cat.table(r.referenced); other != nil && other.GetSchema() == r.schema {
			r.referenced = other.GetName()
		}
		n := len(t.GetForeignKeys())
		if n == 0 || t.GetForeignKeys()[n-1].GetName() != r.name {
			t.ForeignKeys = append(t.ForeignKeys, &planv1.ForeignKey{Name: r.name, ReferencedSchema: r.schema, ReferencedTable: r.referenced,
				OnUpdate: r.onUpdate, OnDelete: r.onDelete})
			n++
		}
		key := t.GetForeignKeys()[n-1]
		key.Columns, key.ReferencedColumns = append(key.Columns, r.column), append(key.ReferencedColumns, r.to)
	}
}

// chooseKey finds what identifies a table's rows: the primary key, or a unique index,
// best one whose columns cannot be NULL. Numbers go before texts, and few columns
// before many.
func chooseKey(t *planv1.Table) *planv1.Key {
	best := &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_NONE}
	for _, i := range t.GetIndexes() {
		if key := keyOf(t, i); key != nil && better(key, best) {
			best = key
		}
	}
	return best
}

func better(a, b *planv1.Key) bool {
	switch {
	case b.GetSource() == planv1.KeySource_KEY_SOURCE_NONE:
		return true
	case b.GetSource() == planv1.KeySource_KEY_SOURCE_PRIMARY:
		return false
	case a.GetNullable() != b.GetNullable():
		return b.GetNullable()
	case a.GetPortableOrder() != b.GetPortableOrder():
		return a.GetPortableOrder()
	default:
		return len(a.GetColumns()) < len(b.GetColumns())
	}
}

// keyOf makes a key of an index; nil where a row may be absent from it or cannot be
// found by its value.
func keyOf(t *planv1.Table, i *planv1.Index) *planv1.Key {
	// An index by hashes has no order, and one that is hidden from the optimizer
	// answers nothing.
	if !i.GetUnique() || i.GetMethod() == "hash" || slices.Contains(t.GetOptions(), optionIgnored+i.GetName()) {
		return nil
	}
	key := &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_UNIQUE, PortableOrder: true}
	if i.GetPrimary() {
		key.Source = planv1.KeySource_KEY_SOURCE_PRIMARY
	}
	for _, part := range i.GetColumns() {
		at := slices.IndexFunc(t.GetColumns(), func(c *planv1.Column) bool { return c.GetName() == part.GetName() })
		if at < 0 || part.GetPrefix() != 0 || !identifies(t.GetColumns()[at]) {
			return nil
		}
		c := t.GetColumns()[at]
		key.Columns, key.Kinds = append(key.Columns, c.GetName()), append(key.Kinds, c.GetKind())
		key.PortableOrder = key.PortableOrder && portable(c)
		key.Nullable = key.GetNullable() || c.GetNullable()
	}
	return key
}

// identifies tells whether rows can be found again by a column's values.
func identifies(c *planv1.Column) bool {
	switch c.GetKind() {
	case canon.Float32, canon.Float64, canon.JSON, canon.JSONValue:
		return false
	}
	return c.GetGenerated() == ""
}

// portable tells whether every engine orders a column's values alike. MariaDB sorts
// UUIDs by parts of them; labels sort by their place in the list.
func portable(c *planv1.Column) bool {
	return canon.Portable(c.GetKind()) && c.GetKind() != canon.UUID
}
