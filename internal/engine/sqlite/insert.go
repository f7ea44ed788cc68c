package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	sqlite3 "modernc.org/sqlite/lib"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

// statementValues is about how many values one INSERT takes: enough that the
// statement's own cost is not seen; more cost more again.
const statementValues = 128

// inserter turns a batch's rows into INSERTs for one table.
type inserter struct {
	plan       *planv1.TablePlan
	affinities []affinity
	// head is the statement up to its rows, tuple one row of marks.
	head, tuple string
	// chunk is the number of rows a statement.
	chunk int
	// table is the table's name, and streamable are the columns whose blobs may follow
	// their row.
	table      string
	streamable []bool
}

func newInserter(p *planv1.TablePlan, info *tableInfo) (*inserter, error) {
	out := &inserter{plan: p, table: info.name, streamable: make([]bool, len(p.GetColumns())), chunk: max(1, statementValues/max(1, len(p.GetColumns())))}
	names := make([]string, len(p.GetColumns()))
	for i, c := range p.GetColumns() {
		column := info.column(c.GetTarget())
		if column == nil {
			return nil, fault.New(fault.Changed, "sqlite.OpenRange", "there is no column %s any more: plan the migration again", c.GetTarget())
		}
		names[i] = column.name
		out.affinities = append(out.affinities, affinityOf(column.declared))
	}
	// OR ABORT overrules a constraint of the table that would drop or replace rows.
	out.head = "INSERT OR ABORT INTO " + mainTable(info.name) + " (" + idents(names) + ") VALUES "
	out.tuple = "(" + strings.TrimSuffix(strings.Repeat("?, ", len(names)), ", ") + ")"
	return out, nil
}

// check tells whether a batch's rows are what its header says.
func (i *inserter) check(b engine.Batch) error {
	const op = "sqlite.Write"
	sum, err := digestOf(b.Body, make([][]byte, len(i.plan.GetColumns())))
	if err != nil {
		return fault.New(fault.Corrupt, op, "batch %d: %w", b.Sequence, err)
	}
	if sum != b.Digest {
		return fault.New(fault.Corrupt, op, "batch %d does not add up: %d rows, its header says %d", b.Sequence, sum.Rows, b.Digest.Rows)
	}
	return nil
}

func (i *inserter) statement(rows int) string {
	return i.head + strings.TrimSuffix(strings.Repeat(i.tuple+", ", rows), ", ")
}

// insert writes all rows of a batch.
func (i *inserter) insert(ctx context.Context, tx *sql.Tx, b engine.Batch) error {
	whole := context.WithoutCancel(ctx) // else each statement costs a goroutine
	full, err := tx.PrepareContext(whole, i.statement(i.chunk))
	if err != nil {
		return err
	}
	defer full.Close()
	columns := len(i.plan.GetColumns())
	fields := make([][]byte, columns)
	args := make([]any, 0, i.chunk*columns)
	for rest := b.Body; len(rest) > 0; {
		args = args[:0]
		for len(args) < cap(args) && len(rest) > 0 {
			if _, rest, err = batch.Fields(b.Encoding, rest, fields); err != nil {
				return fault.Wrap(fault.Corrupt, "sqlite.Write", err)
			}
			if args, err = i.bind(args, fields); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rows := len(args) / columns
		var result sql.Result
		if rows == i.chunk {
			result, err = full.ExecContext(whole, args...)
		} else {
			result, err = tx.ExecContext(whole, i.statement(rows), args...)
		}
		if err := i.outcome(whole, tx, result, err, args); err != nil {
			return err
		}
	}
	return nil
}

// bind appends a row's values as the columns store them.
func (i *inserter) bind(args []any, fields [][]byte) ([]any, error) {
	for n, v := range fields {
		if v == nil {
			args = append(args, nil)
			continue
		}
		c := i.plan.GetColumns()[n]
		value, err := stored(c.GetKind(), i.affinities[n], v)
		if err != nil {
			return nil, &fault.Error{Kind: fault.Value, Op: "sqlite.Write", Column: c.GetTarget(), Key: i.keyOf(fields), Err: err}
		}
		args = append(args, value)
	}
	return args, nil
}

// keyOf names a row for people.
func (i *inserter) keyOf(fields [][]byte) string {
	positions, err := engine.KeyColumns(i.plan)
	if err != nil {
		return ""
	}
	key := targetKey(i.plan, engine.TargetSide)
	var kinds []planv1.Kind
	bound := &planv1.Bound{}
	for _, p := range positions {
		bound.Values = append(bound.Values, fields[p])
		kinds = append(kinds, i.plan.GetColumns()[p].GetKind())
	}
	return keyrange.Named(key.GetColumns(), kinds, bound)
}

// outcome checks that every row arrived. A constraint that a row violates is
// looked for row by row, to name it.
func (i *inserter) outcome(ctx context.Context, tx *sql.Tx, result sql.Result, err error, args []any) error {
	columns := len(i.plan.GetColumns())
	if refusal(err) {
		for row := range slices.Chunk(args, columns) {
			if _, single := tx.ExecContext(ctx, i.statement(1), row...); single != nil {
				return &fault.Error{Kind: fault.Value, Op: "sqlite.Write", Key: i.storedKey(row), Err: single}
			}
		}
	}
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n != int64(len(args)/columns) {
		err = fault.New(fault.Value, "sqlite.Write", "the table took %d of %d rows: a trigger of it ignores or removes rows", n, len(args)/columns)
	}
	return err
}

// refusal tells whether SQLite failed because of a row's values.
func refusal(err error) bool {
	code := primaryCode(err)
	return code == sqlite3.SQLITE_CONSTRAINT || code == sqlite3.SQLITE_MISMATCH || code == sqlite3.SQLITE_TOOBIG
}

// storedKey names a row by the values it would have been stored with.
func (i *inserter) storedKey(row []any) string {
	positions, err := engine.KeyColumns(i.plan)
	if err != nil {
		return ""
	}
	var parts []string
	for _, p := range positions {
		kind := i.plan.GetColumns()[p].GetKind()
		parts = append(parts, i.plan.GetColumns()[p].GetTarget()+"="+keyrange.Key([]planv1.Kind{kind}, keyrange.Of(canonicalOf(kind, row[p]))))
	}
	return strings.Join(parts, ", ")
}

// canonicalOf undoes stored, for messages.
func canonicalOf(kind planv1.Kind, v any) []byte {
	if kind == planv1.Kind_KIND_VARIANT {
		return variant(v)
	}
	value, err := canonical(kind, v)
	if err != nil {
		return nil
	}
	return value
}
