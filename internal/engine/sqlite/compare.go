package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"net/url"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

const binaryCollation = "BINARY"

// comparedKeys lists the unique keys of a table that may take two rows of the source for
// one: by a collation, by a type that makes one number of two texts, and whatever else
// engine.ComparedKeys knows.
func (d *designer) comparedKeys(p *planv1.TablePlan, there *existingTable) []*planv1.Index {
	if there == nil {
		return engine.ComparedKeys(p, engine.UniqueKeys(p), func(_ *planv1.IndexColumn, c *planv1.ColumnPlan) bool { return changesAffinity(c) })
	}
	return engine.ComparedKeys(p, there.uniqueKeys(), func(part *planv1.IndexColumn, c *planv1.ColumnPlan) bool {
		return changesAffinity(c) || part.GetCollation() != "" && !d.hasCollation(p, c, part.GetCollation())
	})
}

// changesAffinity tells whether a column keeps values otherwise than SQLite's own source
// does: '1' and 1 are two values of one column and one of another.
func changesAffinity(c *planv1.ColumnPlan) bool {
	return c.GetKind() == canon.Variant && affinityOf(c.GetTargetType()) != affinityOf(c.GetSourceType())
}

// hasCollation tells whether the source's unique keys compare a column by a collation.
func (d *designer) hasCollation(p *planv1.TablePlan, c *planv1.ColumnPlan, collation string) bool {
	source := engine.SourceColumn(p, c.GetSource())
	if !d.sameEngine() || !strings.EqualFold(source.GetCollation(), collation) {
		return false
	}
	return !slices.ContainsFunc(p.GetSource().GetIndexes(), func(x *planv1.Index) bool {
		return slices.ContainsFunc(x.GetColumns(), func(k *planv1.IndexColumn) bool { return k.GetName() == c.GetSource() && k.GetCollation() != "" })
	})
}

// uniqueKeys are the unique keys of a table that is there. Every part has its collation
// where that knows no bytes; a generated column stands in them as its expression.
func (t *existingTable) uniqueKeys() []*planv1.Index {
	var out []*planv1.Index
	if c := t.rowidColumn(); c != nil {
		out = append(out, &planv1.Index{Name: t.name + "_pkey", Primary: true, Unique: true, Columns: []*planv1.IndexColumn{{Name: c.name}}})
	}
	for _, x := range t.indexes {
		if !x.unique {
			continue
		}
		declared := parseIndex(x.sql)
		key := &planv1.Index{Name: x.name, Primary: x.origin == "pk", Unique: true, Predicate: declared.predicate}
		for n, c := range x.columns {
			part := &planv1.IndexColumn{Name: c.name}
			if !strings.EqualFold(c.collation, binaryCollation) {
				part.Collation = strings.ToUpper(c.collation)
			}
			if column := t.column(c.name); column != nil && column.generated() {
				part.Name, part.Expression = "", t.generated[fold(c.name)]
			} else if c.name == "" && n < len(declared.columns) {
				part.Expression = declared.columns[n]
			}
			key.Columns = append(key.Columns, part)
		}
		out = append(out, key)
	}
	return out
}

const (
	// comparisonTable is where keys are compared, in a file of its own that goes with the
	// connection.
	comparisonTable = "_drover_keys"
	// Columns of that table beside the plan's.
	comparedID   = "_drover_id"
	comparedName = "_drover_name"
)

// CompareKeys compares in a file of its own that SQLite removes when it is closed: the
// target's need not be there yet.
func (d *database) CompareKeys(ctx context.Context, p *planv1.TablePlan, key *planv1.Index) (engine.KeyComparison, error) {
	const op = "sqlite.CompareKeys"
	pool, err := sql.Open("sqlite", dsn("", url.Values{"_synchronous": {"OFF"}, "_pragma": {"journal_mode(OFF)"}}))
	if err != nil {
		return nil, classify(op, err)
	}
	pool.SetMaxOpenConns(1)
	out := &keyComparison{pool: pool, key: key, inserter: &inserter{plan: p}, fields: make([][]byte, len(p.GetColumns()))}
	if err := out.open(ctx); err != nil {
		_ = out.Close()
		return nil, classify(op, err)
	}
	return out, nil
}

// keyComparison fills a table with keys.
type keyComparison struct {
	*inserter
	pool   *sql.DB
	tx     *sql.Tx
	add    *sql.Stmt
	key    *planv1.Index
	fields [][]byte
	args   []any
}

func (c *keyComparison) open(ctx context.Context) (err error) {
	columns, marks := []string{comparedID + " INTEGER PRIMARY KEY", comparedName + " TEXT"}, "NULL, ?"
	for _, p := range c.plan.GetColumns() {
		columns, marks = append(columns, ident(p.GetTarget())+" "+p.GetTargetType()), marks+", ?"
		c.affinities = append(c.affinities, affinityOf(p.GetTargetType()))
	}
	// A transaction outlives the call that begins it.
	if c.tx, err = c.pool.BeginTx(context.WithoutCancel(ctx), nil); err != nil {
		return err
	}
	if _, err = c.tx.ExecContext(ctx, "CREATE TABLE "+comparisonTable+" ("+strings.Join(columns, ", ")+")"); err != nil {
		return err
	}
	c.add, err = c.tx.PrepareContext(ctx, "INSERT INTO "+comparisonTable+" VALUES ("+marks+")")
	return err
}

// Add takes one row.
func (c *keyComparison) Add(ctx context.Context, row []byte, name string) error {
	const op = "sqlite.CompareKeys"
	if _, _, err := batch.Fields(planv1.Encoding_ENCODING_CANONICAL, row, c.fields); err != nil {
		return fault.Wrap(fault.Corrupt, op, err)
	}
	var err error
	c.args, err = c.bind(append(c.args[:0], name), c.fields)
	switch {
	case fault.KindOf(err) == fault.Value:
		return nil // it is named where values are checked
	case err == nil:
		_, err = c.add.ExecContext(ctx, c.args...)
	}
	return classify(op, err)
}

// Equal lets SQLite group the keys.
func (c *keyComparison) Equal(ctx context.Context, most int) (rows int64, names []string, err error) {
	var terms []string
	where := cmp.Or(c.key.GetPredicate(), "1")
	for _, part := range c.key.GetColumns() {
		term := "(" + part.GetExpression() + ")"
		if part.GetName() != "" {
			term = ident(part.GetName())
		}
		where = "(" + where + ") AND " + term + " IS NOT NULL"
		terms = append(terms, term+" COLLATE "+ident(cmp.Or(part.GetCollation(), binaryCollation)))
	}
	query := "SELECT n, (SELECT " + comparedName + " FROM " + comparisonTable + " WHERE " + comparedID + " = first), (SELECT " + comparedName + " FROM " + comparisonTable + " WHERE " + comparedID + " = last)" +
		" FROM (SELECT count(*) AS n, min(" + comparedID + ") AS first, max(" + comparedID + ") AS last FROM " + comparisonTable +
		" WHERE " + where + " GROUP BY " + strings.Join(terms, ", ") + " HAVING count(*) > 1) ORDER BY first"
	err = each(ctx, c.tx, query, nil, func(r *sql.Rows) error {
		var n int64
		var first, last string
		err := r.Scan(&n, &first, &last)
		if rows += n; len(names)+1 < most {
			names = append(names, first, last)
		}
		return err
	})
	if err != nil && strings.Contains(err.Error(), "no such column") {
		return 0, nil, nil // an expression of what the target alone fills: nothing can be said
	}
	return rows, names, classify("sqlite.CompareKeys", err)
}

// Close removes the file.
func (c *keyComparison) Close() error {
	var errs []error
	if c.tx != nil {
		errs = append(errs, c.tx.Rollback())
	}
	return classify("sqlite.CompareKeys", errors.Join(append(errs, c.pool.Close())...))
}
