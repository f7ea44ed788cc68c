package mysql

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/fault"
)

// maxHalvings bounds how often a piece of a piece is halved: a number has 64 bits.
const maxHalvings = 70

// bisection cuts by halves along the key's first column.
type bisection struct {
	*splitter
	middle middle
	// pieces cover all keys, in their order.
	pieces []piece
}

// piece is a part of the index: from its first key up to the next piece's.
type piece struct {
	first, last *planv1.Bound
	rows        int64
}

func (b *bisection) run(ctx context.Context) ([]*planv1.Bound, error) {
	first, err := b.key(ctx, nil, "", 0)
	if err != nil || first == nil {
		return nil, err
	}
	last, err := b.key(ctx, nil, " DESC", 0)
	if err != nil || last == nil {
		return nil, err
	}
	if err := b.halve(ctx, piece{first: first, last: last, rows: b.rows}, maxHalvings); err != nil {
		return nil, err
	}
	b.level()
	return b.merge(ctx)
}

// halve divides a piece until it is well below a range, or cannot be divided. Both
// ends are drawn in to keys that exist, so every division leaves rows on both sides,
// gaps or not.
func (b *bisection) halve(ctx context.Context, p piece, depth int) error {
	parts, err := b.divide(ctx, p, depth)
	if err != nil {
		return err
	}
	if parts == nil {
		b.pieces = append(b.pieces, p)
	}
	for _, part := range parts {
		if part.rows, err = b.estimate(ctx, part); err != nil {
			return err
		}
		if err := b.halve(ctx, part, depth-1); err != nil {
			return err
		}
	}
	return nil
}

// divide gives the two halves of a piece; nothing where it stays whole.
func (b *bisection) divide(ctx context.Context, p piece, depth int) ([]piece, error) {
	if p.rows <= b.step/2 || depth == 0 {
		return nil, nil
	}
	at, ok, err := b.middle(p.first.GetValues()[0], p.last.GetValues()[0])
	if err != nil || !ok {
		return nil, err
	}
	within, err := b.within(p)
	if err != nil {
		return nil, err
	}
	name := b.terms.names[0]
	right, err := b.key(ctx, append([]string{name + " >= " + at}, within...), "", 0)
	if err != nil || right == nil {
		return nil, err
	}
	left, err := b.key(ctx, append([]string{name + " < " + at}, within...), " DESC", 0)
	if err != nil || left == nil {
		return nil, err
	}
	return []piece{{first: p.first, last: left}, {first: right, last: p.last}}, nil
}

// within are the conditions that the first column is that of a piece.
func (b *bisection) within(p piece) ([]string, error) {
	out := make([]string, 0, 2)
	for _, end := range []struct {
		operator string
		key      *planv1.Bound
	}{{" >= ", p.first}, {" <= ", p.last}} {
		text, err := constant(b.terms.kinds[0], b.terms.types[0], end.key.GetValues()[0])
		if err != nil {
			return nil, err
		}
		out = append(out, b.terms.names[0]+end.operator+text)
	}
	return out, nil
}

// estimate asks the server how many rows a piece has: it dives into the index for
// that and reads no rows.
func (b *bisection) estimate(ctx context.Context, p piece) (int64, error) {
	within, err := b.within(p)
	if err != nil {
		return 0, err
	}
	// Where it is forced to use an index, MySQL does not look into it.
	from := qualified(b.table.GetSchema(), b.table.GetName()) + indexHint("USE", b.table)
	return explainRows(ctx, b.db, "SELECT "+b.terms.names[0]+" FROM "+from+where(within))
}

// explainRows is the number of rows that the server expects a query of one table to
// look at.
func explainRows(ctx context.Context, q queryer, query string) (int64, error) {
	rows, err := q.QueryContext(ctx, "EXPLAIN FORMAT=TRADITIONAL "+query)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return 0, err
	}
	at := slices.Index(columns, "rows")
	if at < 0 {
		return 0, fault.New(fault.Unsupported, "mysql.explain", "EXPLAIN has no column rows")
	}
	var n sql.NullInt64
	into := make([]any, len(columns))
	for i := range into {
		into[i] = new(sql.RawBytes)
	}
	into[at] = &n
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return 0, err
		}
	}
	return n.Int64, errors.Join(rows.Err(), rows.Close())
}

// level brings the sum of the pieces down to the table's: InnoDB doubles what it
// finds in all but the smallest parts of an index.
func (b *bisection) level() {
	sum := int64(0)
	for _, p := range b.pieces {
		sum += p.rows
	}
	share := float64(b.rows) / float64(max(1, sum))
	for i := range b.pieces {
		b.pieces[i].rows = int64(float64(b.pieces[i].rows) * min(1, share))
	}
}

// merge puts pieces together to ranges of about the same size and gives the keys
// between those: a last range that is small leaves workers idle at the end. A piece
// that is too large, all of one place, is walked.
func (b *bisection) merge(ctx context.Context) ([]*planv1.Bound, error) {
	var cuts []*planv1.Bound
	even := b.even()
	sum, next := int64(0), even // rows before the piece in hand, and before the next cut
	for i, p := range b.pieces {
		if over := sum + p.rows - next; i > 0 && over > next-sum {
			cuts, next = append(cuts, p.first), max(next, sum-even/2)+even
		}
		sum += p.rows
		if p.rows <= 2*b.step {
			continue
		}
		end, err := b.until(i)
		if err != nil {
			return nil, err
		}
		more, err := b.walk(ctx, p.first, end)
		if err != nil {
			return nil, err
		}
		cuts, next = append(cuts, more...), sum
	}
	return cuts, nil
}

// even is the size of ranges that are as few as may be and all the same.
func (b *bisection) even() int64 {
	sum := int64(0)
	for _, p := range b.pieces {
		sum += p.rows
	}
	ranges := max(1, (sum+b.step-1)/b.step)
	return max(1, (sum+ranges-1)/ranges)
}

// until is the condition that ends a piece.
func (b *bisection) until(i int) ([]string, error) {
	if i+1 == len(b.pieces) {
		return nil, nil
	}
	condition, err := b.terms.compare("<", b.pieces[i+1].first)
	return []string{condition}, err
}
