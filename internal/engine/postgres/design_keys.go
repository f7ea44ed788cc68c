package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// thereRow is an index of a table that is there.
type thereRow struct {
	Table            uint32
	Name             string
	Primary          bool
	Unique           bool
	NullsNotDistinct bool
	Method           string
	Predicate        string
	// Names are the columns, empty for expressions, which Texts has. Collations are those
	// that may take two texts for one.
	Names, Texts, Collations []string
	// Included are columns that entries have beside those that they are found by.
	Included []string
}

const thereQuery = `
SELECT i.indrelid, c.relname::text, i.indisprimary, i.indisunique, i.indnullsnotdistinct, am.amname::text, COALESCE(pg_get_expr(i.indpred, i.indrelid), ''),
	ARRAY(SELECT COALESCE((SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[k - 1] AND i.indkey[k - 1] <> 0), '')
		FROM generate_series(1, i.indnkeyatts) k ORDER BY k),
	ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, true) FROM generate_series(1, i.indnkeyatts) k ORDER BY k),
	ARRAY(SELECT COALESCE((SELECT l.oid::regcollation::text FROM pg_collation l WHERE l.oid = i.indcollation[k - 1] AND NOT l.collisdeterministic), '')
		FROM generate_series(1, i.indnkeyatts) k ORDER BY k),
	ARRAY(SELECT a.attname::text FROM generate_series(i.indnkeyatts + 1, i.indnatts) k JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k - 1] ORDER BY k)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am am ON am.oid = c.relam
WHERE i.indislive AND i.indrelid = ANY ($1::oid[])
ORDER BY i.indrelid, NOT i.indisprimary, c.relname`

// indexThere is an index of a table that is there. Its collations are those that may
// take two texts for one.
type indexThere struct {
	*planv1.Index
	included []string
}

// readIndexesThere reads the indexes of the tables that are there.
func (d *designer) readIndexesThere(ctx context.Context, tx pgx.Tx) error {
	oids := []uint32{}
	for _, t := range d.existing {
		oids = append(oids, t.OID)
	}
	rows, err := collect[thereRow](ctx, tx, thereQuery, oids)
	d.indexes = map[uint32][]indexThere{}
	for _, r := range rows {
		x := &planv1.Index{Name: r.Name, Primary: r.Primary, Unique: r.Unique, Method: r.Method, Predicate: r.Predicate, NullsNotDistinct: r.NullsNotDistinct}
		for i, name := range r.Names {
			part := &planv1.IndexColumn{Name: name, Collation: r.Collations[i]}
			if name == "" {
				part.Expression = r.Texts[i]
			}
			x.Columns = append(x.Columns, part)
		}
		d.indexes[r.Table] = append(d.indexes[r.Table], indexThere{x, r.Included})
	}
	return err
}

// comparedKeys lists the unique keys of a table that may take two rows of the source for
// one: by a collation that is not deterministic, by a type that compares otherwise, as
// citext, and whatever else engine.ComparedKeys knows.
func (d *designer) comparedKeys(p *planv1.TablePlan, there *describedTable) []*planv1.Index {
	keys := engine.UniqueKeys(p)
	if there != nil {
		keys = d.keysThere(p, there)
	}
	return engine.ComparedKeys(p, keys, func(part *planv1.IndexColumn, c *planv1.ColumnPlan) bool { return d.coarse(p, part, c) })
}

// keysThere are the unique keys of a table that is there. A generated column, which is
// not copied, stands in them as its expression.
func (d *designer) keysThere(p *planv1.TablePlan, there *describedTable) []*planv1.Index {
	var out []*planv1.Index
	for _, x := range d.indexes[there.OID] {
		if !x.GetUnique() {
			continue
		}
		key := proto.CloneOf(x.Index)
		for _, part := range key.GetColumns() {
			if part.GetName() == "" || !slices.Contains(p.GetRecomputed(), part.GetName()) {
				continue
			}
			if i := findColumn(there.table.GetColumns(), part.GetName()); i >= 0 {
				part.Name, part.Expression = "", there.table.GetColumns()[i].GetGenerated()
			}
		}
		out = append(out, key)
	}
	return out
}

// coarse tells whether a part of a key may take two values for one that the source tells
// apart.
func (d *designer) coarse(p *planv1.TablePlan, part *planv1.IndexColumn, c *planv1.ColumnPlan) bool {
	own := d.sameEngine() && c.GetSourceType() == c.GetTargetType()
	if part.GetCollation() != "" {
		return !own || engine.SourceColumn(p, c.GetSource()).GetCollation() != part.GetCollation()
	}
	plain := slices.Contains([]uint32{oidText, oidVarchar, oidBpchar, oidName}, storedTypeOf(c.GetTargetType()).oid)
	return c.GetKind() == canon.Text && !plain && !own
}

// indexedTerm is a part of an index as an expression of the table's columns.
func indexedTerm(p *planv1.TablePlan, part *planv1.IndexColumn) string {
	c := planColumn(p, part.GetName())
	switch {
	case part.GetName() == "":
		return "(" + part.GetExpression() + ")"
	case part.GetPrefix() > 0 && c.GetKind() == canon.Text:
		return fmt.Sprintf("left(%s, %d)", ident(part.GetName()), part.GetPrefix())
	case part.GetPrefix() > 0 && c.GetKind() == canon.Bytes:
		return fmt.Sprintf("substring(%s FROM 1 FOR %d)", ident(part.GetName()), part.GetPrefix())
	}
	return ident(part.GetName())
}
