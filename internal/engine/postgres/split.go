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
	kinds := s.plan.GetSource().GetKey().GetKinds()
	source := s.plan.GetSource().GetKey().GetSource()
	if s.pages == 0 || source == planv1.KeySource_KEY_SOURCE_NONE {
		return keyrange.FromBoundaries(kinds, nil, s.rows, s.bytes), nil
	}
	if err := s.estimate(ctx); err != nil {
		return nil, err
	}
	n := s.count()
	var cuts []*planv1.Bound
	var err error
	switch {
	case n <= 1:
	case source == planv1.KeySource_KEY_SOURCE_HIDDEN:
		cuts = blockCuts(s.pages, n)
	default:
		cuts, err = s.sampleCuts(ctx, n)
	}
	return keyrange.FromBoundaries(kinds, cuts, s.rows, s.bytes), err
}

// count is the number of ranges that keeps both limits.
func (s *splitter) count() int64 {
	n := int64(1)
	if s.options.TargetRows > 0 {
		n = max(n, (s.rows+s.options.TargetRows-1)/s.options.TargetRows)
	}
	if s.options.TargetBytes > 0 {
		n = max(n, (s.bytes+s.options.TargetBytes-1)/s.options.TargetBytes)
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
	for want := min(max(minSamplePages, n*pagesPerRange), maxSamplePages); ; want *= 16 {
		percent := samplePercent(s.pages, want)
		cuts, err := s.cutsOf(ctx, percent, n)
		if err != nil || percent == 100 || int64(len(cuts)) >= min(n-1, n/2+1) {
			return cuts, err
		}
	}
}

// cutsOf lets the server sort the sample and choose: only the cuts travel. Keys
// are unique, so cuts are distinct.
func (s *splitter) cutsOf(ctx context.Context, percent float64, n int64) ([]*planv1.Bound, error) {
	p, err := s.db.project(ctx, s.conn.Conn().PgConn(), engine.ReadRequest{Plan: keyOnly(s.plan)})
	if err != nil {
		return nil, err
	}
	names, _, err := keyColumns(s.plan, engine.SourceSide)
	if err != nil {
		return nil, err
	}
	key := strings.Join(names, ", ")
	// The last row of the sample would leave a range with next to nothing in it.
	sql := fmt.Sprintf(`COPY (SELECT %s FROM (SELECT *, row_number() OVER w AS "drover n", count(*) OVER () AS "drover of" FROM (SELECT %s FROM %s) r WINDOW w AS (ORDER BY %s)) s
WHERE "drover n" * %d / "drover of" > ("drover n" - 1) * %d / "drover of" AND "drover n" < "drover of" AND "drover n" > 1 ORDER BY "drover n") TO STDOUT (FORMAT binary)`,
		strings.Join(p.exprs, ", "), key, s.sample(percent), key, n, n)
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

// blockCuts cuts the heap into equal numbers of blocks. A ctid is its text form.
func blockCuts(pages, n int64) []*planv1.Bound {
	n = min(n, pages)
	cuts := make([]*planv1.Bound, 0, n)
	for i := int64(1); i < n; i++ {
		cuts = append(cuts, keyrange.Of([]byte("("+itoa(i*pages/n)+",0)")))
	}
	return cuts
}
