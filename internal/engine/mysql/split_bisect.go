package mysql

import (
	"context"
	"database/sql"
	"errors"
	"math/big"
	"slices"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/fault"
)

// bisection cuts by halves along the key's first column.
type bisection struct {
	*splitter
	scale *keyScale
	// pieces cover all keys, in their order.
	pieces []piece
}

// piece is a part of the index between keys that exist: from first up to where the
// next piece begins.
type piece struct {
	first *planv1.Bound
	// low and high are the places of the first and the last key's first column.
	low, high *big.Int
	rows      int64
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
	whole := piece{first: first, low: b.placeOf(first), high: b.placeOf(last), rows: b.table.GetEstimatedRows()}
	if err := b.halve(ctx, whole); err != nil {
		return nil, err
	}
	b.level()
	return b.merge(ctx)
}

func (b *bisection) placeOf(key *planv1.Bound) *big.Int { return b.scale.place(key.GetValues()[0]) }

// halve divides a piece until it is well below a range, or one value. Both ends are
// drawn in to keys that exist, so every division leaves rows on both sides, gaps or
// not.
func (b *bisection) halve(ctx context.Context, p piece) error {
	if p.rows <= b.step/2 || p.low.Cmp(p.high) >= 0 {
		b.pieces = append(b.pieces, p)
		return nil
	}
	middle := new(big.Int).Add(p.low, p.high)
	middle.Add(middle, big.NewInt(1)).Rsh(middle, 1)
	at, err := b.scale.constant(middle)
	if err != nil {
		return err
	}
	name := b.terms.names[0]
	right, err := b.key(ctx, []string{name + " >= " + at}, "", 0)
	if err != nil {
		return err
	}
	left, err := b.key(ctx, []string{name + " < " + at}, " DESC", 0)
	if err != nil {
		return err
	}
	if right == nil || left == nil {
		// Rows went away while this was looking: the piece stays as it is.
		b.pieces = append(b.pieces, p)
		return nil
	}
	parts := []piece{{first: p.first, low: p.low, high: b.placeOf(left)}, {first: right, low: b.placeOf(right), high: p.high}}
	for _, part := range parts {
		if part.rows, err = b.estimate(ctx, part); err != nil {
			return err
		}
		if err := b.halve(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// estimate asks the server how many rows a piece has: it dives into the index for
// that and reads no rows.
func (b *bisection) estimate(ctx context.Context, p piece) (int64, error) {
	low, err := b.scale.constant(p.low)
	if err != nil {
		return 0, err
	}
	high, err := b.scale.last(p.high)
	if err != nil {
		return 0, err
	}
	name := b.terms.names[0]
	// Where it is forced to use an index, MySQL does not look into it.
	from := qualified(b.table.GetSchema(), b.table.GetName()) + indexHint("USE", b.table)
	return explainRows(ctx, b.db, "SELECT "+name+" FROM "+from+" WHERE "+name+" >= "+low+" AND "+name+" <= "+high)
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
	share := float64(b.table.GetEstimatedRows()) / float64(max(1, sum))
	for i := range b.pieces {
		b.pieces[i].rows = int64(float64(b.pieces[i].rows) * min(1, share))
	}
}

// merge puts pieces together to ranges and gives the keys between those. A piece that
// is too large, all of one place, is walked.
func (b *bisection) merge(ctx context.Context) ([]*planv1.Bound, error) {
	var cuts []*planv1.Bound
	sum := int64(0)
	for i, p := range b.pieces {
		if i > 0 && sum > 0 && sum+p.rows > b.step+b.step/4 {
			cuts, sum = append(cuts, p.first), 0
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
		cuts, sum = append(cuts, more...), b.step
	}
	return cuts, nil
}

// until is the condition that ends a piece.
func (b *bisection) until(i int) ([]string, error) {
	if i+1 == len(b.pieces) {
		return nil, nil
	}
	condition, err := b.terms.compare("<", b.pieces[i+1].first)
	return []string{condition}, err
}
