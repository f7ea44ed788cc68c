package sqlite

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

// loaderEnv makes the test binary a loader: "source target first step".
const loaderEnv = "DROVER_SQLITE_TEST_LOADER"

func TestMain(m *testing.M) {
	job := os.Getenv(loaderEnv)
	if job == "" {
		os.Exit(m.Run())
	}
	l := loader{}
	_, err := fmt.Sscan(job, &l.source, &l.target, &l.first, &l.step)
	if err == nil {
		err = l.run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var sharedMigration = engine.Migration{UID: "shared", Name: "shared", Term: 1}

// loader loads every step-th range of a table from the first one on.
type loader struct {
	source, target string
	first, step    int
}

func (l loader) run(ctx context.Context) error {
	from, err := New().Open(ctx, configOf(l.source))
	if err != nil {
		return err
	}
	defer from.Close()
	c := configOf(l.target)
	c.Create = true
	to, err := New().Open(ctx, c)
	if err != nil {
		return err
	}
	defer to.Close()
	p, ranges, err := l.plan(ctx, from, to)
	if err != nil {
		return err
	}
	for i := l.first; i < len(ranges); i += l.step {
		if err := load(ctx, from, to, p, ranges[i]); err != nil {
			return err
		}
	}
	return nil
}

// plan comes out the same in every process, but for the table being there.
func (l loader) plan(ctx context.Context, from, to engine.Database) (*planv1.TablePlan, []*planv1.Range, error) {
	d, err := from.Describe(ctx, engine.Selection{})
	if err != nil {
		return nil, nil, err
	}
	design, err := to.Design(ctx, engine.DesignRequest{Source: d, Existing: planv1.Existing_EXISTING_APPEND, Name: keepNames})
	if err != nil {
		return nil, nil, err
	}
	ranges, err := from.Split(ctx, design.GetTables()[0], engine.SplitOptions{TargetRows: 150})
	return design.GetTables()[0], ranges, err
}

func load(ctx context.Context, from, to engine.Database, p *planv1.TablePlan, r *planv1.Range) error {
	w, err := to.OpenRange(ctx, engine.RangeRequest{Migration: sharedMigration, Plan: p, Range: r, Attempt: 7, Epoch: 7})
	if err != nil {
		return err
	}
	var b engine.Batch
	b.Encoding = p.GetEncoding()
	flush := func() error {
		for { // another process may hold the lock for longer than the timeout
			_, err := w.Write(ctx, b)
			if fault.Is(err, fault.Conflict) {
				continue
			}
			b = engine.Batch{Encoding: p.GetEncoding(), Sequence: b.Sequence + 1}
			return err
		}
	}
	err = from.Read(ctx, engine.ReadRequest{Plan: p, Range: r}, func(row engine.Row) error {
		b.Body = append(b.Body, row.Data...)
		b.Digest.Add(row.Data)
		key, err := row.Key()
		b.LastKey = keyrange.Clone(key)
		if err == nil && b.Digest.Rows == 10 {
			err = flush()
		}
		return err
	})
	if err == nil && b.Digest.Rows > 0 {
		err = flush()
	}
	if err == nil {
		_, err = w.Complete(ctx, b.Sequence)
	}
	return err
}

// Several processes and several goroutines of each load one file at once, while
// others read it: every row arrives once.
func TestLoaders_ShareOneFile(t *testing.T) {
	source := newFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY, c TEXT)",
		"WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 3000) INSERT INTO t SELECT n, hex(n * 7919) FROM n")
	m := newMove(t, source, filepath.Join(t.TempDir(), "target.db"), planv1.Existing_EXISTING_FAIL, nil)
	m.migration = sharedMigration
	m.prepare()
	p := m.plan("t")
	require.NoError(t, m.apply(p, planv1.Step_STEP_CREATE))
	const goroutines, processes = 3, 2
	var loading, reading sync.WaitGroup
	errs := make(chan error, goroutines+processes+1)
	for i := range goroutines + processes {
		loading.Go(func() {
			l := loader{source, m.target.path, i, goroutines + processes}
			if i < goroutines {
				errs <- l.run(t.Context())
				return
			}
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %d %d", loaderEnv, l.source, l.target, l.first, l.step))
			var out bytes.Buffer
			cmd.Stderr = &out
			if err := cmd.Run(); err != nil {
				errs <- fmt.Errorf("loader process: %w: %s", err, out.String())
			}
		})
	}
	stop := make(chan struct{})
	reading.Go(func() {
		last := int64(0)
		for {
			select {
			case <-stop:
				return
			default:
			}
			n, err := digestOfTarget(t.Context(), m.target, p)
			if err == nil && n.Rows < last {
				err = fmt.Errorf("rows went from %d to %d", last, n.Rows)
			}
			if err != nil {
				errs <- err
				return
			}
			last = n.Rows
		}
	})
	loading.Wait()
	close(stop)
	reading.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	want, err := m.batch(p)
	require.NoError(t, err)
	got, err := digestOfTarget(t.Context(), m.target, p)
	require.NoError(t, err)
	require.Equal(t, want.Digest, got)
	require.NoError(t, m.target.Finish(t.Context(), m.migration, engine.StageComplete))
}

func digestOfTarget(ctx context.Context, d *database, p *planv1.TablePlan) (sum batch.Digest, err error) {
	err = d.Read(ctx, engine.ReadRequest{Side: engine.TargetSide, Plan: p}, func(r engine.Row) error {
		sum.Add(r.Data)
		return nil
	})
	return sum, err
}
