package postgres

import (
	"context"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// hiddenKey is the row position that stands in for a key.
const hiddenKey = "ctid"

func (cat *catalog) readIndexes(ctx context.Context, q querier, oids []uint32, byOID map[uint32]*describedTable) error {
	rows, err := collect[indexRow](ctx, q, indexQuery, oids)
	if err != nil {
		return err
	}
	for _, t := range cat.tables {
		t.table.Key = hiddenKeyOf(t.tableRow)
	}
	for _, r := range rows {
		t := byOID[r.Table]
		if r.Constraint == nil && cat.graph.late(node{r.Class, r.OID}, t.OID) {
			cat.makeLater(t, node{r.Class, r.OID}, "index", r.Name, r.Definition)
			continue
		}
		t.table.Indexes = append(t.table.Indexes, t.index(r))
		if key := t.keyOf(r); key != nil && better(key, t.table.GetKey()) {
			t.table.Key = key
		}
	}
	return nil
}

func (t *describedTable) index(r indexRow) *planv1.Index {
	out := &planv1.Index{Name: r.Name, Primary: r.Primary, Unique: r.Unique, Constraint: r.Constraint != nil, Predicate: text(r.Predicate),
		Definition: r.Definition, Method: r.Method, NullsNotDistinct: r.NullsNotDistinct, Tablespace: text(r.Tablespace)}
	if r.Constraint != nil {
		out.Definition = "ALTER TABLE " + qualified(t.Schema, t.Name) + " ADD CONSTRAINT " + ident(r.Name) + " " + *r.Constraint
	}
	for i, n := range r.Numbers {
		c := &planv1.IndexColumn{Descending: r.Descending[i]}
		if n == 0 {
			c.Expression = r.Texts[i]
		} else {
			c.Name = t.columnName(n)
		}
		out.Columns = append(out.Columns, c)
	}
	return out
}

func (t *describedTable) columnName(number int16) string {
	i := slices.IndexFunc(t.columns, func(c columnRow) bool { return c.Number == number })
	return t.columns[i].Name
}

// keyOf gives the key that an index makes, or nil where it does not tell every
// row from every other at every moment, or where its order is not the one of the
// operators on the pinned search path.
func (t *describedTable) keyOf(r indexRow) *planv1.Key {
	if !r.Unique || !r.Immediate || r.Predicate != nil || !r.Builtin || r.Method != "btree" {
		return nil
	}
	key := &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_UNIQUE, PortableOrder: true}
	if r.Primary {
		key.Source = planv1.KeySource_KEY_SOURCE_PRIMARY
	}
	for _, n := range r.Numbers {
		if n <= 0 {
			return nil
		}
		i := slices.IndexFunc(t.columns, func(c columnRow) bool { return c.Number == n })
		c := t.table.GetColumns()[i]
		if c.GetNullable() || c.GetGenerated() != "" {
			return nil
		}
		key.Columns = append(key.Columns, c.GetName())
		key.Kinds = append(key.Kinds, c.GetKind())
		key.PortableOrder = key.PortableOrder && canon.Portable(c.GetKind())
	}
	return key
}

// better prefers the primary key, then ordered keys, then few columns; rows come
// by name, so that the choice is the same every time.
func better(a, b *planv1.Key) bool {
	if rank(a) != rank(b) {
		return rank(a) < rank(b)
	}
	return rank(a) == rankUnique && len(a.GetColumns()) < len(b.GetColumns())
}

const (
	rankPrimary = iota
	rankUniquePortable
	rankUnique
	rankNone
)

func rank(k *planv1.Key) int {
	switch {
	case k.GetSource() == planv1.KeySource_KEY_SOURCE_PRIMARY:
		return rankPrimary
	case k.GetSource() == planv1.KeySource_KEY_SOURCE_UNIQUE && k.GetPortableOrder():
		return rankUniquePortable
	case k.GetSource() == planv1.KeySource_KEY_SOURCE_UNIQUE:
		return rankUnique
	default:
		return rankNone
	}
}

var actions = map[string]string{"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}

func (cat *catalog) readConstraints(ctx context.Context, q querier, oids []uint32, byOID map[uint32]*describedTable) error {
	rows, err := collect[constraintRow](ctx, q, constraintQuery, oids)
	if err != nil {
		return err
	}
	for _, r := range rows {
		t := byOID[r.Table]
		if r.Type == "f" {
			t.table.ForeignKeys = append(t.table.ForeignKeys, foreignKey(r))
			continue
		}
		if cat.graph.late(node{r.Class, r.OID}, t.OID) {
			cat.makeLater(t, node{r.Class, r.OID}, "table constraint", r.Name, "ALTER TABLE "+qualified(t.Schema, t.Name)+" ADD CONSTRAINT "+ident(r.Name)+" "+r.Definition)
			continue
		}
		t.table.Checks = append(t.table.Checks, &planv1.Check{Name: r.Name, Expression: text(r.Condition), Definition: r.Definition,
			Unproven: strings.HasSuffix(r.Definition, "NOT VALID") || strings.HasSuffix(r.Definition, "NOT ENFORCED")})
	}
	return nil
}

func foreignKey(r constraintRow) *planv1.ForeignKey {
	out := &planv1.ForeignKey{Name: r.Name, Columns: r.Columns, ReferencedSchema: text(r.RefSchema), ReferencedTable: text(r.RefTable),
		ReferencedColumns: r.RefColumns, OnUpdate: actions[r.OnUpdate], OnDelete: actions[r.OnDelete],
		Deferrable: r.Deferrable, InitiallyDeferred: r.InitiallyDeferred, Definition: r.Definition}
	if r.Match == "f" {
		out.Match = "FULL"
	}
	return out
}
