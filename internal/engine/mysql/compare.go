package mysql

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// comparedKeys lists the unique keys of a table that may take two of the source's for
// one: by a collation that is not the source's and knows no bytes, or fills up with blanks.
func (d *designer) comparedKeys(p *planv1.TablePlan, there *planv1.Table) []*planv1.Index {
	indexes := p.GetSource().GetIndexes()
	if there != nil {
		indexes = there.GetIndexes()
	}
	var out []*planv1.Index
	for _, x := range indexes {
		if !x.GetUnique() && !x.GetPrimary() || x.GetPredicate() != "" {
			continue
		}
		key, loose := &planv1.Index{Name: x.GetName(), Unique: true}, false
		for _, k := range x.GetColumns() {
			i := slices.IndexFunc(p.GetColumns(), func(c *planv1.ColumnPlan) bool {
				if there != nil {
					return strings.EqualFold(c.GetTarget(), k.GetName())
				}
				return c.GetSource() == k.GetName()
			})
			if i < 0 {
				key = nil // an expression, or a column that is left behind
				break
			}
			key.Columns = append(key.Columns, &planv1.IndexColumn{Name: p.GetColumns()[i].GetTarget(), Prefix: k.GetPrefix()})
			loose = loose || d.looser(p, p.GetColumns()[i])
		}
		if key != nil && loose {
			out = append(out, key)
		}
	}
	return out
}

// looser tells whether a column may take two texts for one that its source tells apart.
func (d *designer) looser(p *planv1.TablePlan, c *planv1.ColumnPlan) bool {
	if c.GetKind() != canon.Text || !slices.Contains(textTypes, dataTypeOf(c.GetTargetType())) {
		return false
	}
	collation := cmp.Or(c.GetTargetCollation(), d.dialect.target.textCollation)
	if source := engine.SourceColumn(p, c.GetSource()); d.family() && source != nil && source.GetCollation() == collation {
		return false
	}
	return !strings.HasSuffix(collation, "_nopad_bin") && !strings.HasSuffix(collation, "_0900_bin") && collation != "binary"
}

// comparisonTable is where keys are compared: a session's own, that nobody else sees.
const comparisonTable = "_drover_keys"

// CompareKeys makes a temporary table with the key's columns as they are, or will be.
func (d *database) CompareKeys(ctx context.Context, p *planv1.TablePlan, key *planv1.Index) (engine.KeyComparison, error) {
	const op = "mysql.CompareKeys"
	var described []columnRow
	for _, c := range p.GetColumns() {
		described = append(described, plannedRow(c))
	}
	rows, err := newRowEncoder(d.dialect, p, described)
	if err != nil {
		return nil, err
	}
	out := &keyComparison{rows: rows, table: qualified(d.schema, comparisonTable)}
	columns := []string{"id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY", "name VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"}
	for n, k := range key.GetColumns() {
		i := slices.IndexFunc(p.GetColumns(), func(c *planv1.ColumnPlan) bool { return c.GetTarget() == k.GetName() })
		if i < 0 {
			return nil, fault.New(fault.Internal, op, "the plan has no column %s", k.GetName())
		}
		name := fmt.Sprintf("k%d", n+1)
		columns = append(columns, name+" "+comparedType(d.dialect, p.GetColumns()[i])+" NULL")
		out.at = append(out.at, i)
		if k.GetPrefix() > 0 {
			name = fmt.Sprintf("LEFT(%s, %d)", name, k.GetPrefix())
		}
		out.terms = append(out.terms, name)
	}
	if out.conn, err = d.db.Conn(ctx); err != nil {
		return nil, classify(op, err)
	}
	for _, statement := range []string{"DROP TEMPORARY TABLE IF EXISTS " + out.table,
		"CREATE TEMPORARY TABLE " + out.table + " (" + strings.Join(columns, ", ") + ") ENGINE=" + innoDB} {
		if _, err := out.conn.ExecContext(ctx, statement); err != nil {
			_ = out.conn.Close()
			return nil, classify(op, err)
		}
	}
	return out, nil
}

// comparedType is the type of a column with what it compares by.
func comparedType(d *dialect, c *planv1.ColumnPlan) string {
	if !slices.Contains(textTypes, dataTypeOf(c.GetTargetType())) {
		return c.GetTargetType()
	}
	return c.GetTargetType() + " CHARACTER SET " + cmp.Or(c.GetTargetCharset(), charset) + " COLLATE " + cmp.Or(c.GetTargetCollation(), d.target.textCollation)
}

// keyComparison fills a temporary table with keys.
type keyComparison struct {
	rows  *rowEncoder
	conn  *sql.Conn
	table string
	// at are the places of the key's columns in the plan; terms are what they compare by.
	at    []int
	terms []string
	buf   []byte
}

// Add takes one row.
func (c *keyComparison) Add(ctx context.Context, row []byte, name string) error {
	if _, err := c.rows.next(row); err != nil {
		return err
	}
	before := len(c.buf)
	if before == 0 {
		c.buf = append(c.buf, "INSERT INTO "+c.table+" VALUES "...)
	} else {
		c.buf = append(c.buf, ',')
	}
	for len(name) > 500 || !utf8.ValidString(name) {
		name = strings.ToValidUTF8(name[:min(len(name), 500)], "?")
	}
	c.buf = append(c.buf, "(NULL, "+literal(name)...)
	for _, i := range c.at {
		if c.rows.fields[i] == nil {
			c.buf = c.buf[:before]
			return nil
		}
		var err error
		if c.buf, err = c.rows.appendConstant(append(c.buf, ','), i); err != nil {
			c.buf = c.buf[:before]
			if fault.KindOf(err) == fault.Value {
				return nil // it is named where values are checked
			}
			return err
		}
	}
	if c.buf = append(c.buf, ')'); len(c.buf) < insertBytes {
		return nil
	}
	return c.flush(ctx)
}

func (c *keyComparison) flush(ctx context.Context) error {
	if len(c.buf) == 0 {
		return nil
	}
	_, err := c.conn.ExecContext(ctx, string(c.buf))
	c.buf = c.buf[:0]
	return classify("mysql.CompareKeys", err)
}

// Equal lets the server group the keys.
func (c *keyComparison) Equal(ctx context.Context, most int) (rows int64, names []string, err error) {
	const op = "mysql.CompareKeys"
	if err := c.flush(ctx); err != nil {
		return 0, nil, err
	}
	var ids []int64
	err = each(ctx, c.conn, "SELECT COUNT(*) AS n, MIN(id), MAX(id) FROM "+c.table+" GROUP BY "+strings.Join(c.terms, ", ")+" HAVING n > 1 ORDER BY 2", nil, func(r *sql.Rows) error {
		var n, first, last int64
		err := r.Scan(&n, &first, &last)
		if rows += n; len(ids)+1 < most {
			ids = append(ids, first, last)
		}
		return err
	})
	for _, id := range ids {
		var name string
		if err == nil {
			err = c.conn.QueryRowContext(ctx, "SELECT name FROM "+c.table+" WHERE id = ?", id).Scan(&name)
		}
		names = append(names, name)
	}
	return rows, names, classify(op, err)
}

// Close removes the table and gives the connection back.
func (c *keyComparison) Close() error {
	_, err := c.conn.ExecContext(context.Background(), "DROP TEMPORARY TABLE IF EXISTS "+c.table)
	if closing := c.conn.Close(); err == nil {
		err = closing
	}
	return classify("mysql.CompareKeys", err)
}
