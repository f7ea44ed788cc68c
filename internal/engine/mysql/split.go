package mysql

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

// Split cuts a table at keys that exist, by halves along the key's first column: the
// server's own estimate of an index range, which looks at a few pages of it, says
// where rows are dense. Where that leads nowhere (one value of that column, labels)
// the index is walked, one range at a time.
func (d *database) Split(ctx context.Context, p *planv1.TablePlan, o engine.SplitOptions) ([]*planv1.Range, error) {
	source := p.GetSource()
	rows, bytes := source.GetEstimatedRows(), source.GetEstimatedBytes()
	part := o.Part(rows, bytes)
	var cuts []*planv1.Bound
	var err error
	s := &splitter{db: d.db, table: source, rows: rows, part: part, after: o.After, step: o.StepRows(rows, bytes)}
	if engine.HasKey(p) && keyrange.Ordered(part) {
		cuts, err = s.run(ctx, p)
	}
	if err != nil {
		return nil, fault.At(classify("mysql.Split", err), fault.Source, engine.Label(p, engine.SourceSide))
	}
	out := keyrange.Divide(source.GetKey().GetKinds(), part, cuts)
	if source.GetKey().GetNullable() && o.Within == nil {
		out = keyrange.WithNulls(out, rows-s.rows)
	}
	return out, nil
}

// splitter finds the cuts of one table.
type splitter struct {
	db    *sql.DB
	table *planv1.Table
	// rows that have a key, as estimated.
	rows int64
	// part is what is cut, behind after.
	part  *planv1.Range
	after *planv1.Bound
	terms keyTerms
	// from is the table and its index, as FROM has them.
	from string
	step int64
	// decimals are those of each key column.
	decimals []int32
	// always is what all keys are: not NULL, where a column may be.
	always []string
}

func (s *splitter) run(ctx context.Context, p *planv1.TablePlan) (cuts []*planv1.Bound, err error) {
	if s.terms, err = keyTermsOf(p, engine.SourceSide); err != nil {
		return nil, err
	}
	at, err := engine.KeyColumns(p)
	if err != nil {
		return nil, err
	}
	for _, i := range at {
		s.decimals = append(s.decimals, p.GetColumns()[i].GetScale())
	}
	s.from = qualified(s.table.GetSchema(), s.table.GetName()) + forceIndex(s.table)
	if s.table.GetKey().GetNullable() {
		if err := s.setNullsAside(ctx); err != nil {
			return nil, err
		}
	}
	if !keyrange.Whole(s.part) || s.after != nil {
		return s.walkPart(ctx)
	}
	lead := engine.SourceColumn(p, s.table.GetKey().GetColumns()[0])
	half := middleOf(s.terms.kinds[0], s.terms.types[0], lead.GetCollation(), s.decimals[0])
	// Of a table that was just filled the server knows nothing yet, and what Describe
	// could count is walked quickly.
	switch {
	case labelLimit(s.terms.types[0]) > 0:
		return s.pass(ctx)
	case half == nil || s.table.GetEstimatedRows() <= countedRows+1:
		return s.walk(ctx, nil, nil)
	}
	return (&bisection{splitter: s, middle: half}).run(ctx)
}

// pass reads all keys once and cuts at every step-th. The server looks for the first
// key behind a label from the beginning of the index, each time.
func (s *splitter) pass(ctx context.Context) ([]*planv1.Bound, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT "+strings.Join(s.terms.names, ", ")+" FROM "+s.from+where(s.always)+" ORDER BY "+s.terms.order(""))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var cuts []*planv1.Bound
	for n := int64(0); rows.Next(); n++ {
		if n == 0 || n%s.step != 0 {
			continue
		}
		cut, err := s.scan(rows)
		if err != nil {
			return nil, err
		}
		cuts = append(cuts, cut)
	}
	return cuts, errors.Join(rows.Err(), rows.Close())
}

// setNullsAside leaves out the rows that have a NULL in the key. How many they are is
// known by its first column.
func (s *splitter) setNullsAside(ctx context.Context) (err error) {
	s.always, err = s.terms.bounds(&planv1.Range{NullKeys: planv1.NullKeys_NULL_KEYS_EXCLUDED}, nil)
	if err != nil {
		return err
	}
	nulls, err := explainRows(ctx, s.db, "SELECT 1 FROM "+qualified(s.table.GetSchema(), s.table.GetName())+indexHint("USE", s.table)+" WHERE "+s.terms.names[0]+" IS NULL")
	s.rows -= min(nulls, s.rows)
	return err
}

// walkPart cuts at every step-th key of the part. A part is about as large as a range:
// walking through it is exact, and costs no more than reading it.
func (s *splitter) walkPart(ctx context.Context) ([]*planv1.Bound, error) {
	within, err := s.terms.bounds(s.part, s.after)
	if err != nil {
		return nil, err
	}
	first, err := s.key(ctx, within, "", s.step)
	if err != nil || first == nil {
		return nil, err
	}
	before, err := s.terms.bounds(&planv1.Range{Upper: s.part.GetUpper()}, nil)
	if err != nil {
		return nil, err
	}
	more, err := s.walk(ctx, first, before)
	return append([]*planv1.Bound{first}, more...), err
}

// walk cuts at every step-th key behind a key and before a bound of the first column;
// nil for no bound.
func (s *splitter) walk(ctx context.Context, after *planv1.Bound, before []string) ([]*planv1.Bound, error) {
	var cuts []*planv1.Bound
	skip := s.step
	if after != nil {
		skip--
	}
	for {
		key, err := s.next(ctx, after, before, skip)
		if err != nil || key == nil {
			return cuts, err
		}
		cuts = append(cuts, key)
		after, skip = key, s.step-1
	}
}

// next gives the key that lies skip keys behind the first one after a key; nil where
// there is none.
func (s *splitter) next(ctx context.Context, after *planv1.Bound, conditions []string, skip int64) (*planv1.Bound, error) {
	if after != nil {
		condition, err := s.terms.compare(">", after)
		if err != nil {
			return nil, err
		}
		conditions = append([]string{condition}, conditions...)
	}
	return s.key(ctx, conditions, "", skip)
}

// key reads one key in the order of the index or against it.
func (s *splitter) key(ctx context.Context, conditions []string, direction string, skip int64) (*planv1.Bound, error) {
	query := "SELECT " + strings.Join(s.terms.names, ", ") + " FROM " + s.from + where(append(conditions[:len(conditions):len(conditions)], s.always...)) +
		" ORDER BY " + s.terms.order(direction) + " LIMIT 1 OFFSET " + itoa(skip)
	rows, err := s.db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if !rows.Next() {
		return nil, rows.Err()
	}
	out, err := s.scan(rows)
	if err != nil {
		return nil, err
	}
	return out, errors.Join(rows.Err(), rows.Close())
}

// scan reads a key in the text protocol's form.
func (s *splitter) scan(rows *sql.Rows) (*planv1.Bound, error) {
	fields := make([]sql.RawBytes, len(s.terms.names))
	into := make([]any, len(fields))
	for i := range fields {
		into[i] = &fields[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	out := &planv1.Bound{}
	for i, f := range fields {
		v, err := keyFromText(s.terms.kinds[i], s.terms.types[i], s.decimals[i], f)
		if err != nil {
			return nil, &fault.Error{Kind: fault.Value, Op: "mysql.Split", Column: s.table.GetKey().GetColumns()[i], Err: err}
		}
		out.Values = append(out.Values, v)
	}
	return out, nil
}

func where(conditions []string) string {
	if len(conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(conditions, " AND ")
}
