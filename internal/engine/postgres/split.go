package postgres

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

const (
	// pagesPerRange is how many pages are sampled for each range: neighbouring rows
	// of a page say little about the spread of keys, pages far apart much.
	pagesPerRange = 12
	// minSamplePages is sampled of any table, where it has so many.
	minSamplePages = 400
	// maxSamplePages bounds the sample of the largest tables: 2 GiB of pages.
	maxSamplePages = 256 << 10
	// sampleSeed makes a split of an unchanged table the same every time.
	sampleSeed = 1
)

// Split cuts a table at keys of a random sample of its pages, sorted by the
// database itself. That holds for every type of key, for gaps and for skew, and
// reads a fixed number of pages whatever the table's size.
func (db *database) Split(ctx context.Context, t *planv1.TablePlan, o engine.SplitOptions) ([]*planv1.Range, error) {
	ranges, err := db.split(ctx, t, o)
	if err != nil {
		return nil, fault.At(classify("postgres.Split", err), fault.Source, engine.Label(t, engine.SourceSide))
	}
	return ranges, nil
}

func (db *database) split(ctx context.Context, t *planv1.TablePlan, o engine.SplitOptions) ([]*planv1.Range, error) {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	if err := beginRead(ctx, conn.Conn().PgConn(), o.Snapshot); err != nil {
		return nil, err
	}
	defer rollback(ctx, conn)
	schema, name := engine.TableName(t, engine.SourceSide)
	found, err := oneTable(schema, name).read(ctx, conn.Conn())
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.New(fault.Changed, "postgres.Split", "table is gone")
	}
	s := &splitter{db: db, conn: conn, plan: t, pages: found[0].Pages, rows: int64(found[0].Rows), bytes: found[0].Bytes, options: o}
	return s.run(ctx)
}

// splitter cuts one table.
type splitter struct {
	db      *database
	conn    *pgxpool.Conn
	plan    *planv1.TablePlan
	options engine.SplitOptions
	// pages of the heap; rows and bytes as estimated, rows -1 while unknown.
	pages, rows, bytes int64
}

func (s *splitter) run(ctx context.Context) ([]*planv1.Range, error) {
	key := s.plan.GetSource().GetKey()
	if s.pages > 0 && key.GetSource() != planv1.KeySource_KEY_SOURCE_NONE {
		if err := s.estimate(ctx); err != nil {
			return nil, err
		}
	}
	part := s.options.Part(s.rows, s.bytes)
	var cuts []*planv1.Bound
	var err error
	switch {
	case s.pages == 0 || key.GetSource() == planv1.KeySource_KEY_SOURCE_NONE:
	case key.GetSource() == planv1.KeySource_KEY_SOURCE_HIDDEN:
		cuts, err = s.blockCuts(ctx, part)
	case keyrange.Whole(part) && s.options.After == nil:
		cuts, err = s.sampleCuts(ctx, s.count(part))
	default:
		cuts, err = s.partCuts(ctx, part)
	}
	return keyrange.Divide(key.GetKinds(), part, cuts), err
}

// count is the number of ranges of a part that keeps both limits.
func (s *splitter) count(part *planv1.Range) int64 {
	n := int64(1)
	if s.options.TargetRows > 0 {
		n = max(n, (part.GetEstimatedRows()+s.options.TargetRows-1)/s.options.TargetRows)
	}
	if s.options.TargetBytes > 0 {
		n = max(n, (part.GetEstimatedBytes()+s.options.TargetBytes-1)/s.options.TargetBytes)
	}
	return n
}

// estimate counts the rows of a sample where the planner knows nothing: a table
// that was never analyzed, or one that it saw empty.
func (s *splitter) estimate(ctx context.Context) error {
	if s.rows > 0 {
		return nil
	}
	percent := samplePercent(s.pages, minSamplePages)
	var n int64
	err := s.conn.QueryRow(ctx, "SELECT count(*) FROM "+s.sample(percent)).Scan(&n)
	s.rows = int64(math.Round(float64(n) * 100 / percent))
	return err
}

func samplePercent(pages, want int64) float64 {
	return min(100, 100*float64(want)/float64(pages))
}

func (s *splitter) sample(percent float64) string {
	return relation(s.plan, engine.SourceSide) + " TABLESAMPLE SYSTEM (" + strconv.FormatFloat(percent, 'f', 6, 64) + ") REPEATABLE (" + itoa(sampleSeed) + ")"
}

// sampleCuts picks at most n-1 keys that cut a sample into equal parts, a larger
// sample where a bloated table's pages turned out empty.
func (s *splitter) sampleCuts(ctx context.Context, n int64) ([]*planv1.Bound, error) {
	if n <= 1 {
		return nil, nil
	}
	for want := min(max(minSamplePages, n*pagesPerRange), maxSamplePages); ; want *= 16 {
		percent := samplePercent(s.pages, want)
		cuts, err := s.cutsOf(ctx, s.sample(percent), itoa(n))
		if err != nil || percent == 100 || int64(len(cuts)) >= min(n-1, n/2+1) {
			return cuts, err
		}
	}
}

// partCuts cuts a part of the index into equal steps. A part is about as large as a
// range: walking through all of it is exact, and costs no more than reading it.
func (s *splitter) partCuts(ctx context.Context, part *planv1.Range) ([]*planv1.Bound, error) {
	where, err := predicate(s.plan, engine.SourceSide, part, s.options.After)
	if err != nil {
		return nil, err
	}
	step := s.options.StepRows(s.rows, s.bytes)
	return s.cutsOf(ctx, relation(s.plan, engine.SourceSide)+where, `(("drover of" + `+itoa(step-1)+") / "+itoa(step)+")")
}

// cutsOf cuts rows into n equal parts, where n is SQL. The server sorts them and
// chooses: only the cuts travel. Keys are unique, so cuts are distinct.
func (s *splitter) cutsOf(ctx context.Context, rows, n string) ([]*planv1.Bound, error) {
	p, err := s.db.project(ctx, s.conn.Conn().PgConn(), engine.ReadRequest{Plan: keyOnly(s.plan)})
	if err != nil {
		return nil, err
	}
	names, _, err := keyColumns(s.plan, engine.SourceSide)
	if err != nil {
		return nil, err
	}
	key := strings.Join(names, ", ")
	// The last row would leave a range with next to nothing in it.
	sql := fmt.Sprintf(`COPY (SELECT %[1]s FROM (SELECT *, row_number() OVER w AS "drover n", count(*) OVER () AS "drover of" FROM (SELECT %[2]s FROM %[3]s) r WINDOW w AS (ORDER BY %[2]s)) s
WHERE "drover n" * %[4]s / "drover of" > ("drover n" - 1) * %[4]s / "drover of" AND "drover n" < "drover of" AND "drover n" > 1 ORDER BY "drover n") TO STDOUT (FORMAT binary)`,
		strings.Join(p.exprs, ", "), key, rows, n)
	var cuts []*planv1.Bound
	reader := &rowReader{projection: p}
	reader.emit = func(r engine.Row) error {
		cut, err := r.Key()
		cuts = append(cuts, cut)
		return err
	}
	return cuts, reader.run(ctx, s.conn.Conn().PgConn(), sql)
}

// keyOnly is a plan with nothing but the key's columns: no other is sorted.
func keyOnly(t *planv1.TablePlan) *planv1.TablePlan {
	out := &planv1.TablePlan{Source: t.GetSource(), Encoding: planv1.Encoding_ENCODING_PGCOPY}
	for _, c := range t.GetColumns() {
		if slices.Contains(t.GetSource().GetKey().GetColumns(), c.GetSource()) {
			out.Columns = append(out.Columns, c)
		}
	}
	return out
}
