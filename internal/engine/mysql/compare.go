package mysql

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// comparedKeys lists the unique keys of a table that may take two rows of the source for
// one: by a collation that is not the source's and knows no bytes, or fills up with
// blanks, and whatever else engine.ComparedKeys knows.
func (d *designer) comparedKeys(p *planv1.TablePlan, there *planv1.Table) []*planv1.Index {
	keys := engine.UniqueKeys(p)
	if there != nil {
		keys = keysThere(p, there)
	}
	return engine.ComparedKeys(p, keys, func(_ *planv1.IndexColumn, c *planv1.ColumnPlan) bool { return d.looser(p, c) })
}

// keysThere are the unique keys of a table that is there. A generated column, which is
// not copied, stands in them as its expression.
func keysThere(p *planv1.TablePlan, there *planv1.Table) []*planv1.Index {
	var out []*planv1.Index
	for _, x := range there.GetIndexes() {
		if !x.GetUnique() && !x.GetPrimary() {
			continue
		}
		key := proto.CloneOf(x)
		for _, part := range key.GetColumns() {
			if i := findColumn(there.GetColumns(), part.GetName()); i >= 0 && slices.Contains(p.GetRecomputed(), there.GetColumns()[i].GetName()) {
				part.Name, part.Expression = "", there.GetColumns()[i].GetGenerated()
			}
		}
		out = append(out, key)
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

// Columns of that table beside the plan's.
const (
	comparedID   = "_drover_id"
	comparedName = "_drover_name"
)

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
	out := &keyComparison{rows: rows, table: qualified(d.schema, comparisonTable), terms: comparedTerms(key)}
	columns := []string{comparedID + " BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY", comparedName + " VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"}
	for _, c := range p.GetColumns() {
		columns = append(columns, ident(c.GetTarget())+" "+comparedType(d.dialect, c)+" NULL")
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

// comparedTerms are what a key compares by, as SQL.
func comparedTerms(key *planv1.Index) []string {
	var out []string
	for _, k := range key.GetColumns() {
		switch {
		case k.GetName() == "":
			out = append(out, "("+k.GetExpression()+")")
		case k.GetPrefix() > 0:
			out = append(out, fmt.Sprintf("LEFT(%s, %d)", ident(k.GetName()), k.GetPrefix()))
		default:
			out = append(out, ident(k.GetName()))
		}
	}
	return out
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
	// terms are what the key compares by.
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
	for i, v := range c.rows.fields {
		if v == nil {
			c.buf = append(c.buf, ", NULL"...)
			continue
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
	query := "SELECT COUNT(*) AS n, MIN(" + comparedID + "), MAX(" + comparedID + ") FROM " + c.table + " WHERE " + strings.Join(c.terms, " IS NOT NULL AND ") +
		" IS NOT NULL GROUP BY " + strings.Join(c.terms, ", ") + " HAVING n > 1 ORDER BY 2"
	err = each(ctx, c.conn, query, nil, func(r *sql.Rows) error {
		var n, first, last int64
		err := r.Scan(&n, &first, &last)
		if rows += n; len(ids)+1 < most {
			ids = append(ids, first, last)
		}
		return err
	})
	if errorCode(err) == codeNoSuchColumn {
		return 0, nil, nil // an expression of what the target alone fills: nothing can be said
	}
	for _, id := range ids {
		var name string
		if err == nil {
			err = c.conn.QueryRowContext(ctx, "SELECT "+comparedName+" FROM "+c.table+" WHERE "+comparedID+" = ?", id).Scan(&name)
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
