package sqlite

import (
	"context"
	"database/sql"
	"io"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// streamedBlob is the size from which a blob is written behind its row.
const streamedBlob = 1 << 20

// streamable tells for each column whether its blobs may be zeros while their row is
// inserted, and be written then: nothing of the table looks at them. Texts may not:
// SQLite makes zeros of a text in memory, as it does those of a blob that has other
// values behind it.
func streamable(ctx context.Context, q queryer, p *planv1.TablePlan, info *tableInfo) ([]bool, error) {
	out := make([]bool, len(p.GetColumns()))
	var triggers bool
	err := q.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE)", info.name).Scan(&triggers)
	if err != nil || triggers || info.withoutRowid || len(info.checks) > 0 || len(info.generated) > 0 {
		return out, err
	}
	for i, c := range p.GetColumns() {
		name := c.GetTarget()
		looked := len(info.foreignKeys) > 0 || info.column(name).primary > 0 || slices.ContainsFunc(info.indexes, func(x indexInfo) bool {
			// A column without a name is an expression, of any columns.
			return x.partial || slices.ContainsFunc(x.columns, func(c indexColumn) bool { return c.name == "" || fold(c.name) == fold(name) })
		})
		out[i] = (c.GetKind() == canon.Bytes || c.GetKind() == canon.Variant) && !looked
	}
	return out, nil
}

// insertLarge writes a large batch row by row, its blobs by to; nil for a connection
// that cannot, where SQLite is given each value whole.
func (i *inserter) insertLarge(ctx context.Context, tx *sql.Tx, to *blobs, b engine.Batch) error {
	places := make([]batch.Place, len(i.plan.GetColumns()))
	fields := make([][]byte, len(places))
	var sum batch.Digest
	for at := int64(0); at < b.Large.Size(); {
		end, err := batch.Places(planv1.Encoding_ENCODING_CANONICAL, b.Large, at, places)
		if err != nil {
			return fault.Wrap(fault.Corrupt, "sqlite.Write", err)
		}
		hash, err := engine.HashLarge(io.NewSectionReader(b.Large, at, end-at))
		if err != nil {
			return err
		}
		sum.AddHash(hash)
		if err := i.insertPlaces(ctx, tx, to, b.Large, places, fields); err != nil {
			return err
		}
		at = end
	}
	if sum != b.Digest {
		return fault.New(fault.Corrupt, "sqlite.Write", "batch %d does not add up: %d rows, its header says %d", b.Sequence, sum.Rows, b.Digest.Rows)
	}
	return nil
}

// insertPlaces writes one row: first with zeros for the blobs that follow it.
func (i *inserter) insertPlaces(ctx context.Context, tx *sql.Tx, to *blobs, body *io.SectionReader, places []batch.Place, fields [][]byte) error {
	behind, err := i.readPlaces(to != nil, body, places, fields)
	if err != nil {
		return err
	}
	args, err := i.bind(make([]any, 0, len(fields)), fields)
	if err != nil {
		return err
	}
	marks := slices.Repeat([]string{"?"}, len(places))
	for n, value := range behind {
		marks[n], args[n] = "zeroblob(?)", value.Size()
	}
	result, err := tx.ExecContext(context.WithoutCancel(ctx), i.head+"("+strings.Join(marks, ", ")+")", args...)
	if len(behind) == 0 {
		return i.outcome(ctx, tx, result, err, args)
	}
	if refusal(err) {
		return &fault.Error{Kind: fault.Value, Op: "sqlite.Write", Key: i.keyOf(fields), Err: err}
	}
	if err != nil {
		return err
	}
	rowid, err := result.LastInsertId()
	if err != nil {
		return err
	}
	for n, value := range behind {
		if err := to.write(i.table, i.plan.GetColumns()[n].GetTarget(), rowid, value); err != nil {
			return err
		}
	}
	return nil
}

// readPlaces reads a row's values into memory, but for the blobs that may follow it.
func (i *inserter) readPlaces(mayFollow bool, body *io.SectionReader, places []batch.Place, fields [][]byte) (behind map[int]*io.SectionReader, err error) {
	behind = map[int]*io.SectionReader{}
	for n, p := range places {
		fields[n] = nil
		if p.Len < 0 {
			continue
		}
		if mayFollow && i.streamable[n] && p.Len >= streamedBlob {
			value, err := blobAt(i.plan.GetColumns()[n].GetKind(), body, p)
			if err != nil {
				return nil, err
			}
			if value != nil {
				behind[n] = value
				continue
			}
		}
		if fields[n], err = engine.ReadLarge(body, p.At, p.Len); err != nil {
			return nil, err
		}
	}
	return behind, nil
}

// blobAt is a value's bytes where it is stored as a blob; nil for others.
func blobAt(kind planv1.Kind, body *io.SectionReader, p batch.Place) (*io.SectionReader, error) {
	if kind == canon.Bytes {
		return io.NewSectionReader(body, p.At, p.Len), nil
	}
	class, err := engine.ReadLarge(body, p.At, 1)
	if err != nil || class[0] != canon.VariantBytes {
		return nil, err
	}
	return io.NewSectionReader(body, p.At+1, p.Len-1), nil
}
