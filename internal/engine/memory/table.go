package memory

import (
	"bytes"
	"fmt"
	"slices"
	"sort"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

// record is one row: a canonical value a column, nil for NULL. It never changes.
type record [][]byte

// table keeps its rows in key order, or in order of insertion without a key.
// Readers hold on to rows, so an element of it is never overwritten.
type table struct {
	def         *planv1.Table
	key         []int
	kinds       []planv1.Kind
	rows        []record
	uniques     [][]int
	foreignKeys []*planv1.ForeignKey
	nextID      int64
	// stage is where the table is loaded before it is published; empty for none.
	stage string
}

func newTable(def *planv1.Table) (*table, error) {
	t := &table{def: def, nextID: 1}
	if def.GetKey().GetSource() == planv1.KeySource_KEY_SOURCE_NONE {
		return t, nil
	}
	for _, name := range def.GetKey().GetColumns() {
		i := t.column(name)
		if i < 0 {
			return nil, fault.New(fault.Invalid, "memory.Create", "table %s: no key column %s", def.GetName(), name)
		}
		t.key = append(t.key, i)
		t.kinds = append(t.kinds, def.GetColumns()[i].GetKind())
	}
	return t, nil
}

func (t *table) column(name string) int {
	return slices.IndexFunc(t.def.GetColumns(), func(c *planv1.Column) bool { return c.GetName() == name })
}

func (t *table) columns(names []string) []int {
	out := make([]int, len(names))
	for i, n := range names {
		out[i] = t.column(n)
	}
	return out
}

// uniques gives the columns of a table's unique indexes.
func uniques(def *planv1.Table) [][]int {
	t := &table{def: def}
	var out [][]int
	for _, index := range def.GetIndexes() {
		if !index.GetUnique() || index.GetPrimary() {
			continue
		}
		out = append(out, t.columns(columnNames(index)))
	}
	return out
}

func columnNames(index *planv1.Index) []string {
	out := make([]string, len(index.GetColumns()))
	for i, c := range index.GetColumns() {
		out[i] = c.GetName()
	}
	return out
}

func indexColumns(names []string) []*planv1.IndexColumn {
	out := make([]*planv1.IndexColumn, len(names))
	for i, name := range names {
		out[i] = &planv1.IndexColumn{Name: name}
	}
	return out
}

// keyOf gives a row's key; nil for a table without.
func (t *table) keyOf(r record) *planv1.Bound {
	if t.key == nil {
		return nil
	}
	return &planv1.Bound{Values: pick(r, t.key)}
}

// search finds where a key is or would be.
func (t *table) search(rows []record, key *planv1.Bound) (int, bool) {
	return sort.Find(len(rows), func(i int) int { return keyrange.Compare(t.kinds, key, t.keyOf(rows[i])) })
}

// complete makes a row of named values.
func (t *table) complete(values map[string][]byte) record {
	row := make(record, len(t.def.GetColumns()))
	for i, c := range t.def.GetColumns() {
		v, given := values[c.GetName()]
		if !given && c.GetIdentity() != planv1.Identity_IDENTITY_UNSPECIFIED {
			v = canon.AppendInt(nil, t.nextID)
			t.nextID++
		}
		row[i] = v
	}
	return row
}

// insert adds all rows or none.
func (t *table) insert(rows []record) error {
	before := t.rows
	for _, r := range rows {
		if err := t.insertOne(r); err != nil {
			t.rows = before
			return err
		}
	}
	return nil
}

func (t *table) insertOne(r record) error {
	for i, c := range t.def.GetColumns() {
		if r[i] == nil && !c.GetNullable() {
			return fault.New(fault.Value, "memory.Insert", "column %s of %s is NOT NULL", c.GetName(), t.def.GetName())
		}
	}
	for _, u := range t.uniques {
		if t.find(u, pick(r, u)) {
			return fault.New(fault.Value, "memory.Insert", "a row of %s with these unique values exists", t.def.GetName())
		}
	}
	if t.key == nil {
		t.rows = append(slices.Clip(t.rows), r)
		return nil
	}
	i, found := t.search(t.rows, t.keyOf(r))
	if found {
		return fault.New(fault.Value, "memory.Insert", "row %s of %s exists", keyrange.Key(t.kinds, t.keyOf(r)), t.def.GetName())
	}
	if i == len(t.rows) {
		t.rows = append(t.rows, r)
		return nil
	}
	t.rows = slices.Insert(slices.Clone(t.rows), i, r)
	return nil
}

// find tells whether a row has these values; NULL equals nothing.
func (t *table) find(columns []int, values [][]byte) bool {
	if slices.ContainsFunc(values, func(v []byte) bool { return v == nil }) {
		return false
	}
	return slices.ContainsFunc(t.rows, func(r record) bool { return slices.EqualFunc(pick(r, columns), values, bytes.Equal) })
}

// remove deletes the rows of a range of a plan; nil is all of them.
func (t *table) remove(p *planv1.TablePlan, r *planv1.Range) {
	kept := make([]record, 0, len(t.rows))
	for _, row := range t.rows {
		if r != nil && !keyrange.Whole(r) && !t.inRange(p, r, row) {
			kept = append(kept, row)
		}
	}
	t.rows = kept
}

// inRange tells whether a row is one of a part of the table.
func (t *table) inRange(p *planv1.TablePlan, r *planv1.Range, row record) bool {
	if keyrange.Ordered(r) {
		return keyrange.Contains(t.kinds, r, t.keyOf(row))
	}
	for _, c := range p.GetColumns() {
		if slices.Contains(p.GetSource().GetKey().GetColumns(), c.GetSource()) && row[t.column(c.GetTarget())] == nil {
			return true
		}
	}
	return false
}

// continueIdentity sets the next identity value behind the greatest one.
func (t *table) continueIdentity() {
	for i, c := range t.def.GetColumns() {
		if c.GetIdentity() == planv1.Identity_IDENTITY_UNSPECIFIED {
			continue
		}
		for _, r := range t.rows {
			if r[i] != nil {
				t.nextID = max(t.nextID, canon.GetInt(r[i])+1)
			}
		}
	}
}

// checkReferences tells whether a row's foreign keys point to rows. The caller holds mu.
func (d *database) checkReferences(t *table, r record) error {
	for _, fk := range t.foreignKeys {
		values := pick(r, t.columns(fk.GetColumns()))
		if slices.ContainsFunc(values, func(v []byte) bool { return v == nil }) {
			continue
		}
		parent := d.tables[place{t.stage, fk.GetReferencedTable()}]
		if parent == nil || !parent.find(parent.columns(fk.GetReferencedColumns()), values) {
			return fault.New(fault.Value, "memory.Insert", "%s: no row of %s for %s", t.def.GetName(), fk.GetReferencedTable(), describe(fk))
		}
	}
	return nil
}

func describe(fk *planv1.ForeignKey) string { return fmt.Sprintf("foreign key %v", fk.GetColumns()) }

func pick(r record, columns []int) [][]byte {
	out := make([][]byte, len(columns))
	for i, c := range columns {
		out[i] = r[c]
	}
	return out
}
