// Package services_test walks ranges through extractor, loader and validator as
// the coordinator does, without one: over the memory engine and the memory bus.
package services_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/engine/enginetest"
	"github.com/drover-db/drover/internal/engine/memory"
	"github.com/drover-db/drover/internal/engine/memory/memorytest"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/secret"
	"github.com/drover-db/drover/internal/worker"
	"github.com/drover-db/drover/services/extractor"
	"github.com/drover-db/drover/services/loader"
	"github.com/drover-db/drover/services/validator"
)

const uid = "01M"

// walk is one migration of a memory database "src" into "dst".
type walk struct {
	t                            *testing.T
	engine                       *memory.Engine
	bus                          bus.Bus
	extractor, loader, validator worker.Handler
	plans                        []*planv1.TablePlan
	// tokens counts attempts and epochs.
	tokens uint64
}

func newWalk(t *testing.T, tables ...enginetest.Table) *walk {
	w := &walk{t: t, engine: memory.New(), bus: bus.NewMemory(bus.Options{})}
	for _, table := range tables {
		require.NoError(t, w.engine.Create("src", memorytest.Describe(table)))
		for _, row := range table.Rows {
			values := map[string][]byte{}
			for i, c := range table.Columns {
				values[c.Name] = row[i]
			}
			require.NoError(t, w.engine.Insert("src", table.Name, values))
		}
	}
	require.NoError(t, w.bus.EnsureStream(t.Context(), bus.StreamConfig{Name: bus.RowStream(uid),
		Subjects: []string{bus.RowSubjects(uid)}, MaxBytes: 1 << 30, Replicas: 1}))
	w.start()
	w.plan()
	return w
}

// start makes the three services, with batches small enough for ranges to have many.
func (w *walk) start() {
	engines, secrets := engine.Set{w.engine}, secret.NewResolver()
	e, err := extractor.New(extractor.Config{Engines: engines, Secrets: secrets, Bus: w.bus, BatchBytes: 400})
	require.NoError(w.t, err)
	l, err := loader.New(loader.Config{Engines: engines, Secrets: secrets, Bus: w.bus})
	require.NoError(w.t, err)
	v, err := validator.New(validator.Config{Engines: engines, Secrets: secrets})
	require.NoError(w.t, err)
	w.t.Cleanup(func() {
		require.NoError(w.t, e.Close())
		require.NoError(w.t, l.Close())
		require.NoError(w.t, v.Close())
	})
	w.extractor, w.loader, w.validator = e, l, v
}

// plan goes from describe to the created tables.
func (w *walk) plan() {
	found := w.do(w.extractor, &workerv1.Job{Work: &workerv1.Job_Describe{Describe: &workerv1.Describe{}}}).GetDescribed().GetDatabase()
	design := w.do(w.loader, &workerv1.Job{Work: &workerv1.Job_Design{Design: &workerv1.MakeDesign{Database: found,
		Existing: planv1.Existing_EXISTING_FAIL, Tables: []*droverv1.TableRule{{Match: "by_int", Into: "moved_{table}"}}}}}).GetDesigned().GetDesign()
	w.plans = design.GetTables()
	w.do(w.loader, &workerv1.Job{Work: &workerv1.Job_Prepare{Prepare: &workerv1.PrepareTarget{
		SourceIdentity: found.GetIdentity(), TargetIdentity: design.GetIdentity(), Statements: design.GetStatements()}}})
	for _, p := range w.plans {
		w.apply(p, planv1.Step_STEP_CREATE)
	}
}

func (w *walk) apply(p *planv1.TablePlan, step planv1.Step) {
	w.do(w.loader, &workerv1.Job{Work: &workerv1.Job_ApplySchema{ApplySchema: &workerv1.ApplySchema{Table: p, Step: step}}})
}

func (w *walk) split(p *planv1.TablePlan, rows int64) []*planv1.Range {
	return w.do(w.extractor, &workerv1.Job{Work: &workerv1.Job_Split{Split: &workerv1.SplitTable{Table: p, TargetRows: rows, TargetBytes: 1 << 40}}}).
		GetSplit().GetRanges()
}

func (w *walk) try(ctx context.Context, h worker.Handler, job *workerv1.Job, report worker.Report) (*workerv1.Result, error) {
	job.Migration, job.MigrationName, job.Term = uid, "test", 1
	job.Source, job.Target = &planv1.Endpoint{Url: "memory://src"}, &planv1.Endpoint{Url: "memory://dst"}
	// Jobs travel: nothing of them may be shared.
	return h.Handle(ctx, proto.CloneOf(job), report)
}

func (w *walk) do(h worker.Handler, job *workerv1.Job) *workerv1.Result {
	result, err := w.try(w.t.Context(), h, job, func(*workerv1.Progress) {})
	require.NoError(w.t, err)
	return result
}

// crash stops an attempt's extractor or loader after so many batches; 0 for never.
type crash struct{ extractor, loader int }

// attempt fences a range, extracts what it lacks and loads it, side by side.
func (w *walk) attempt(p *planv1.TablePlan, r *planv1.Range, reset workerv1.Reset, c crash) (*workerv1.Loaded, error) {
	w.tokens++
	stream, subject := bus.RowStream(uid), bus.RowSubject(uid, p.GetNumber(), r.GetNumber(), w.tokens)
	load := &workerv1.Job{Work: &workerv1.Job_Load{Load: &workerv1.LoadRange{Table: p, Range: r, Attempt: w.tokens, Epoch: w.tokens,
		Stream: stream, Subject: subject, Reset_: reset}}}
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	extracted := make(chan error, 1)
	begin := func(after *planv1.Bound) {
		extract := &workerv1.Job{Work: &workerv1.Job_Extract{Extract: &workerv1.ExtractRange{Table: p, Range: r, Attempt: w.tokens,
			Stream: stream, Subject: subject, After: after}}}
		reading, stop := context.WithCancel(ctx)
		defer stop()
		batches := 0
		_, err := w.try(reading, w.extractor, extract, func(*workerv1.Progress) {
			if batches++; batches == c.extractor {
				stop()
			}
		})
		if err != nil {
			cancel() // as the coordinator revokes the load of a failed extraction
		}
		extracted <- err
	}
	batches := 0
	result, err := w.try(ctx, w.loader, load, func(progress *workerv1.Progress) {
		if fenced := progress.GetFenced(); fenced != nil {
			go begin(fenced.GetAfter())
		} else if batches++; batches == c.loader {
			cancel()
		}
	})
	<-extracted
	return result.GetLoaded(), err
}

func (w *walk) validate(p *planv1.TablePlan, r *planv1.Range, expected *planv1.Digest) *workerv1.Verdict {
	return w.do(w.validator, &workerv1.Job{Work: &workerv1.Job_Validate{Validate: &workerv1.ValidateRange{Table: p, Range: r, Expected: expected}}}).GetVerdict()
}

// check validates a table: range by range where its plan says so, and as a whole.
func (w *walk) check(p *planv1.TablePlan, ranges []*planv1.Range, loaded []*workerv1.Loaded) {
	var total batch.Digest
	for i, r := range ranges {
		d, err := batch.DigestOf(loaded[i].GetDigest())
		require.NoError(w.t, err)
		total.Merge(d)
		if p.GetValidateByRange() {
			verdict := w.validate(p, r, loaded[i].GetDigest())
			require.True(w.t, verdict.GetEqual(), "%s %s: %v", p.GetTargetName(), r.GetLabel(), verdict)
		}
	}
	verdict := w.validate(p, nil, total.Proto())
	require.True(w.t, verdict.GetEqual(), "%s: %v", p.GetTargetName(), verdict)
	counted := w.do(w.extractor, &workerv1.Job{Work: &workerv1.Job_Count{Count: &workerv1.CountTable{Table: p}}}).GetCounted().GetRows()
	require.Equal(w.t, counted, total.Rows)
}

func TestWalk_EveryKindOfTable(t *testing.T) {
	w := newWalk(t, enginetest.Standard(memorytest.Factory())...)
	require.Greater(t, len(w.plans), 5)
	for _, p := range w.plans {
		ranges := w.split(p, 40)
		var loaded []*workerv1.Loaded
		for _, r := range ranges {
			l, err := w.attempt(p, r, workerv1.Reset_RESET_NONE, crash{})
			require.NoError(t, err, "%s %s", p.GetTargetName(), r.GetLabel())
			loaded = append(loaded, l)
		}
		w.check(p, ranges, loaded)
		w.apply(p, planv1.Step_STEP_INDEXES)
	}
}

// numbers is a table of n rows.
func numbers(n int) enginetest.Table {
	t := enginetest.Table{Name: "by_int", Key: []string{"id"}, Columns: []enginetest.Column{
		{Name: "id", Kind: canon.Int}, {Name: "body", Kind: canon.Text, Nullable: true}}}
	for i := range n {
		t.Rows = append(t.Rows, [][]byte{canon.AppendInt(nil, int64(i*3)), fmt.Appendf(nil, "%d %s", i, strings.Repeat("x", i%50))})
	}
	return t
}

// Whatever dies after whichever batch, attempts that go on where the target
// stands make the range whole: nothing lost, nothing twice.
func TestWalk_CrashesLoseNothing(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			w := newWalk(t, numbers(400))
			p := w.plans[0]
			require.Equal(t, "moved_by_int", p.GetTargetName())
			ranges := w.split(p, 150)
			var loaded []*workerv1.Loaded
			for _, r := range ranges {
				for range 5 {
					c := crash{extractor: random.IntN(12)}
					if random.IntN(2) == 0 {
						c = crash{loader: random.IntN(12)}
					}
					_, err := w.attempt(p, r, workerv1.Reset_RESET_NONE, c)
					if err != nil {
						require.Equal(t, fault.Canceled, fault.KindOf(err))
					}
				}
				l, err := w.attempt(p, r, workerv1.Reset_RESET_NONE, crash{})
				require.NoError(t, err)
				loaded = append(loaded, l)
			}
			w.check(p, ranges, loaded)
		})
	}
}

// A row that should not be there is found, named, and gone when the range is
// done again.
func TestWalk_MismatchIsRepaired(t *testing.T) {
	w := newWalk(t, numbers(400))
	p := w.plans[0]
	ranges := w.split(p, 150)
	var loaded []*workerv1.Loaded
	for _, r := range ranges {
		l, err := w.attempt(p, r, workerv1.Reset_RESET_NONE, crash{})
		require.NoError(t, err)
		loaded = append(loaded, l)
	}
	require.NoError(t, w.engine.Insert("dst", "moved_by_int", map[string][]byte{"id": canon.AppendInt(nil, 601), "body": []byte("stray")}))
	require.True(t, w.validate(p, ranges[0], loaded[0].GetDigest()).GetEqual())
	verdict := w.validate(p, ranges[1], loaded[1].GetDigest())
	require.False(t, verdict.GetEqual())
	require.Len(t, verdict.GetDifferences(), 1)
	require.Equal(t, planv1.Difference_TYPE_EXTRA, verdict.GetDifferences()[0].GetType())
	require.Equal(t, "id=601", verdict.GetDifferences()[0].GetKey())

	again, err := w.attempt(p, ranges[1], workerv1.Reset_RESET_RANGE, crash{})
	require.NoError(t, err)
	require.True(t, proto.Equal(loaded[1].GetDigest(), again.GetDigest()))
	loaded[1] = again
	w.check(p, ranges, loaded)
}
