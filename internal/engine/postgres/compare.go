package postgres

import (
	"context"
	"encoding/binary"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

const (
	// comparisonTable is where keys are compared: a session's own, that nobody else sees.
	comparisonTable = "pg_temp._drover_keys"
	// Columns of that table beside the plan's.
	comparedID   = "_drover_id"
	comparedName = "_drover_name"
	// compareBytes is about how many bytes of keys go into the table at a time.
	compareBytes = 512 << 10
)

// CompareKeys makes a temporary table with the key's columns as they are, or will be.
func (db *database) CompareKeys(ctx context.Context, p *planv1.TablePlan, key *planv1.Index) (engine.KeyComparison, error) {
	const op = "postgres.CompareKeys"
	p = proto.CloneOf(p)
	p.Columns = append(p.Columns, &planv1.ColumnPlan{Target: comparedName, TargetType: "text", Kind: canon.Text, Scale: -1})
	columns, names := []string{comparedID + " bigint GENERATED ALWAYS AS IDENTITY"}, make([]string, len(p.GetColumns()))
	for i, c := range p.GetColumns() {
		names[i] = c.GetTarget()
		columns = append(columns, ident(c.GetTarget())+" "+c.GetTargetType())
	}
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return nil, classify(op, err)
	}
	out := &keyComparison{conn: conn, plan: p, key: key}
	if err := out.open(ctx, columns, names); err != nil {
		_ = out.Close()
		return nil, classify(op, err)
	}
	return out, nil
}

// keyComparison fills a temporary table with keys.
type keyComparison struct {
	conn *pgxpool.Conn
	// plan has the key's columns, those that identify rows, and the name of a row.
	plan    *planv1.TablePlan
	key     *planv1.Index
	rows    *tupleEncoder
	loadSQL string
	// body are the rows that wait, each from where the one before ends.
	body []byte
	ends []int
}

func (c *keyComparison) open(ctx context.Context, columns, names []string) error {
	pg := c.conn.Conn().PgConn()
	if _, err := pg.Exec(ctx, "DROP TABLE IF EXISTS "+comparisonTable+"; CREATE TABLE "+comparisonTable+" ("+strings.Join(columns, ", ")+")").ReadAll(); err != nil {
		return err
	}
	described, err := pg.Prepare(ctx, "", "SELECT "+identList(names)+" FROM "+comparisonTable, nil)
	if err != nil {
		return err
	}
	if c.rows, err = newTupleEncoder(ctx, c.conn, c.plan, described.Fields); err != nil {
		return err
	}
	c.loadSQL = "COPY " + comparisonTable + " (" + identList(names) + ") FROM STDIN (FORMAT " + c.rows.format() + ")"
	return nil
}

// Add takes one row; its name becomes its last column.
func (c *keyComparison) Add(ctx context.Context, row []byte, name string) error {
	name = strings.ReplaceAll(strings.ToValidUTF8(name, "?"), "\x00", "?")
	at := len(c.body)
	c.body = append(c.body, row...)
	if c.plan.GetEncoding() == planv1.Encoding_ENCODING_PGCOPY {
		binary.BigEndian.PutUint16(c.body[at:], binary.BigEndian.Uint16(row)+1)
		c.body = append(binary.BigEndian.AppendUint32(c.body, uint32(len(name))), name...)
	} else {
		c.body = batch.AppendValue(c.body, []byte(name))
	}
	if c.ends = append(c.ends, len(c.body)); len(c.body) < compareBytes {
		return nil
	}
	return c.flush(ctx)
}

func (c *keyComparison) flush(ctx context.Context) error {
	err := c.load(ctx, 0, c.ends)
	c.body, c.ends = c.body[:0], c.ends[:0]
	return classify("postgres.CompareKeys", err)
}

// load copies the rows between start and the last end. Of rows with a value that the
// target refuses, which it finds by halves, nothing is compared: they are named where
// values are checked.
func (c *keyComparison) load(ctx context.Context, start int, ends []int) error {
	if len(ends) == 0 {
		return nil
	}
	err := c.copyRows(ctx, c.body[start:ends[len(ends)-1]])
	if kind := fault.KindOf(classify("", err)); err == nil || kind != fault.Value {
		return err
	}
	if len(ends) == 1 {
		return nil
	}
	half := len(ends) / 2
	if err := c.load(ctx, start, ends[:half]); err != nil {
		return err
	}
	return c.load(ctx, ends[half-1], ends[half:])
}

func (c *keyComparison) copyRows(ctx context.Context, body []byte) error {
	data, err := c.rows.encode(body)
	if err == nil {
		_, err = c.conn.Conn().PgConn().CopyFrom(ctx, data, c.loadSQL)
	}
	return err
}

// terms are what the key compares by, and which rows it takes.
func (c *keyComparison) terms() (terms, where []string) {
	if c.key.GetPredicate() != "" {
		where = append(where, "("+c.key.GetPredicate()+")")
	}
	for _, part := range c.key.GetColumns() {
		term := indexedTerm(c.plan, part)
		if !c.key.GetNullsNotDistinct() {
			where = append(where, term+" IS NOT NULL")
		}
		if part.GetCollation() != "" {
			term += " COLLATE " + part.GetCollation()
		}
		terms = append(terms, term)
	}
	return terms, append(where, "true")
}

// Equal lets the server group the keys.
func (c *keyComparison) Equal(ctx context.Context, most int) (int64, []string, error) {
	const op = "postgres.CompareKeys"
	if err := c.flush(ctx); err != nil {
		return 0, nil, err
	}
	terms, where := c.terms()
	type group struct{ Rows, First, Last int64 }
	groups, err := collect[group](ctx, c.conn, "SELECT count(*), min("+comparedID+"), max("+comparedID+") FROM "+comparisonTable+
		" WHERE "+strings.Join(where, " AND ")+" GROUP BY "+strings.Join(terms, ", ")+" HAVING count(*) > 1 ORDER BY 2")
	if sqlState(err) == codeUndefinedColumn {
		return 0, nil, nil // an expression of what the target alone fills: nothing can be said
	}
	if err != nil {
		return 0, nil, classify(op, err)
	}
	var rows int64
	var ids []int64
	for _, g := range groups {
		if rows += g.Rows; len(ids)+1 < most {
			ids = append(ids, g.First, g.Last)
		}
	}
	type named struct{ Name string }
	found, err := collect[named](ctx, c.conn, "SELECT t."+comparedName+" FROM unnest($1::bigint[]) WITH ORDINALITY i (id, n) JOIN "+comparisonTable+" t ON t."+comparedID+" = i.id ORDER BY i.n", ids)
	var names []string
	for _, f := range found {
		names = append(names, f.Name)
	}
	return rows, names, classify(op, err)
}

// Close removes the table and gives the connection back.
func (c *keyComparison) Close() error {
	defer c.conn.Release()
	_, err := c.conn.Conn().PgConn().Exec(context.Background(), "DROP TABLE IF EXISTS "+comparisonTable).ReadAll()
	return classify("postgres.CompareKeys", err)
}
