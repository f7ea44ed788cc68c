package loader

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	streamv1 "github.com/drover-db/drover/gen/drover/stream/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/engine/enginetest"
	"github.com/drover-db/drover/internal/engine/memory"
	"github.com/drover-db/drover/internal/engine/memory/memorytest"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
	"github.com/drover-db/drover/internal/secret"
)

const (
	uid     = "01M"
	attempt = 1
)

var (
	allRows  = &planv1.Range{Number: 1}
	conflict = fault.New(fault.Conflict, "fake.Write", "deadlock detected")
)

// fixture is a loader with a prepared target and a row stream.
type fixture struct {
	t        *testing.T
	target   *unruly
	bus      *bus.Memory
	sent     int
	service  *Service
	database engine.Database
	plan     *planv1.TablePlan
	progress []*workerv1.Progress
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{t: t, target: &unruly{Engine: memory.New()}, bus: bus.NewMemory(bus.Options{})}
	f.ensureStream(1 << 30)
	service, err := New(Config{Engines: engine.Set{f.target}, Secrets: secret.NewResolver(), Bus: f.bus})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, service.Close()) })
	f.service = service
	source := memorytest.Describe(enginetest.Table{Name: "note", Key: []string{"id"}, Columns: []enginetest.Column{
		{Name: "id", Kind: canon.Int}, {Name: "body", Kind: canon.Text, Nullable: true}}})
	source.Key.Kinds, source.Key.PortableOrder = []planv1.Kind{canon.Int}, true
	design := f.handle(&workerv1.Job{Work: &workerv1.Job_Design{Design: &workerv1.MakeDesign{
		Database: &planv1.Database{Engine: "memory", Tables: []*planv1.Table{source}}}}}).GetDesigned().GetDesign()
	f.plan = design.GetTables()[0]
	f.handle(&workerv1.Job{Work: &workerv1.Job_Prepare{Prepare: &workerv1.PrepareTarget{TargetIdentity: design.GetIdentity()}}})
	f.handle(&workerv1.Job{Work: &workerv1.Job_ApplySchema{ApplySchema: &workerv1.ApplySchema{Table: f.plan, Step: planv1.Step_STEP_CREATE}}})
	f.database, err = f.target.Engine.Open(t.Context(), engine.Config{URL: "memory://dst"})
	require.NoError(t, err)
	f.progress = nil
	return f
}

func (f *fixture) ensureStream(budget int64) {
	require.NoError(f.t, f.bus.EnsureStream(f.t.Context(), bus.StreamConfig{
		Name: bus.RowStream(uid), Subjects: []string{bus.RowSubjects(uid)}, MaxBytes: budget, Replicas: 1}))
}

func (f *fixture) try(ctx context.Context, job *workerv1.Job) (*workerv1.Result, error) {
	job.Migration, job.MigrationName, job.Term, job.Target = uid, "test", 1, &planv1.Endpoint{Url: "memory://dst"}
	return f.service.Handle(ctx, job, func(p *workerv1.Progress) { f.progress = append(f.progress, p) })
}

func (f *fixture) handle(job *workerv1.Job) *workerv1.Result {
	result, err := f.try(f.t.Context(), job)
	require.NoError(f.t, err)
	return result
}

// job is the loading of the whole table by an epoch and an attempt.
func (f *fixture) job(epoch, attempt uint64) *workerv1.Job {
	return &workerv1.Job{Work: &workerv1.Job_Load{Load: &workerv1.LoadRange{Table: f.plan, Range: allRows, Attempt: attempt, Epoch: epoch,
		Stream: bus.RowStream(uid), Subject: f.subject(attempt), Reset_: workerv1.Reset_RESET_NONE}}}
}

func (f *fixture) load(epoch, attempt uint64) *workerv1.Loaded {
	return f.handle(f.job(epoch, attempt)).GetLoaded()
}

// silence loads what there is of a stream without an end, until it counts as lost.
func (f *fixture) silence(t *testing.T, epoch uint64) {
	f.service.config.Silence = time.Millisecond
	_, err := f.try(t.Context(), f.job(epoch, attempt))
	require.Equal(t, fault.Gap, fault.KindOf(err))
}

// takeOver fences the range as another loader would.
func (f *fixture) takeOver(epoch, attempt uint64) {
	_, err := f.database.OpenRange(f.t.Context(), engine.RangeRequest{Migration: engine.Migration{UID: uid, Name: "test", Term: 1},
		Plan: f.plan, Range: allRows, Attempt: attempt, Epoch: epoch})
	require.NoError(f.t, err)
}

func (f *fixture) subject(attempt uint64) string {
	return bus.RowSubject(uid, f.plan.GetNumber(), allRows.GetNumber(), attempt)
}

// publish puts messages on the first attempt's subject, as often as they are given.
func (f *fixture) publish(messages ...[]byte) { f.publishTo(attempt, messages...) }

func (f *fixture) publishTo(attempt uint64, messages ...[]byte) {
	for _, m := range messages {
		f.sent++
		f.send(bus.Message{Subject: f.subject(attempt), ID: fmt.Sprint(f.sent), Data: m})
	}
}

func (f *fixture) send(m bus.Message) {
	p, err := f.bus.Publisher(bus.RowStream(uid), 1<<20)
	require.NoError(f.t, err)
	defer p.Close()
	require.NoError(f.t, p.Publish(f.t.Context(), m))
	require.NoError(f.t, p.Flush(f.t.Context()))
}

// rows reads the target back.
func (f *fixture) rows() [][]byte {
	var out [][]byte
	require.NoError(f.t, f.database.Read(f.t.Context(), engine.ReadRequest{Side: engine.TargetSide, Plan: f.plan}, func(r engine.Row) error {
		out = append(out, append([]byte{}, r.Data...))
		return nil
	}))
	return out
}

// sum digests the rows with the ids from lower up to upper.
func (f *fixture) sum(lower, upper int) (d batch.Digest) {
	for i := lower; i < upper; i++ {
		d.Add(row(i, short(i)))
	}
	return d
}

// stream is a whole attempt: batches of so many rows each, and its end.
func (f *fixture) stream(batches, rows int) [][]byte {
	b := f.builder(attempt)
	var out [][]byte
	for i := range batches {
		out = append(out, b.batch(i*rows, rows))
	}
	return append(out, b.end())
}

func id(i int) []byte { return canon.AppendInt(nil, int64(i)) }

func short(i int) string { return fmt.Sprintf("note %d", i) }

func row(i int, body string) []byte {
	return batch.AppendValue(batch.AppendValue(nil, id(i)), []byte(body))
}

// builder makes an attempt's messages.
type builder struct {
	t          *testing.T
	migration  string
	table, rng uint32
	attempt    uint64
	schema     uint64
	next       uint64
	// claimed is what the end says too much.
	claimed uint64
	total   batch.Digest
}

func (f *fixture) builder(attempt uint64) *builder {
	return &builder{t: f.t, migration: uid, table: f.plan.GetNumber(), rng: allRows.GetNumber(), attempt: attempt, schema: batch.Fingerprint(f.plan)}
}

// batch makes the next message, of rows with the ids from lower.
func (b *builder) batch(lower, rows int) []byte {
	var data [][]byte
	for i := range rows {
		data = append(data, row(lower+i, short(lower+i)))
	}
	messages := b.seal(id(lower+rows-1), data...)
	require.Len(b.t, messages, 1)
	return messages[0]
}

// parts makes the next batch of one large row.
func (b *builder) parts(i int, body string) [][]byte { return b.seal(id(i), row(i, body)) }

func (b *builder) seal(last []byte, rows ...[]byte) [][]byte {
	buf := batch.NewBuffer(0)
	var d batch.Digest
	for _, r := range rows {
		buf = append(buf, r...)
		d.Add(r)
	}
	h := b.header()
	h.Digest, h.LastKey = d.Proto(), keyrange.Of(last)
	messages, err := batch.Seal(buf, h)
	require.NoError(b.t, err)
	b.total.Merge(d)
	b.next++
	return messages
}

func (b *builder) end() []byte {
	h := b.header()
	h.End = &streamv1.EndOfRange{Batches: b.next + b.claimed, Digest: b.total.Proto()}
	messages, err := batch.Seal(batch.NewBuffer(0), h)
	require.NoError(b.t, err)
	return messages[0]
}

func (b *builder) header() *streamv1.BatchHeader {
	return &streamv1.BatchHeader{Migration: b.migration, Table: b.table, Range: b.rng, Attempt: b.attempt, Sequence: b.next,
		Encoding: planv1.Encoding_ENCODING_CANONICAL, Schema: b.schema}
}

// unruly is the memory engine with writers that fail as they are told.
type unruly struct {
	*memory.Engine
	writes int
	// writeErrors are the results of the next writes, nil for a write that works.
	writeErrors []error
	// loseAnswers makes so many writes commit and then report a conflict.
	loseAnswers int
	beforeWrite func()
	complete    func(engine.Ledger) engine.Ledger
}

func (u *unruly) Open(ctx context.Context, c engine.Config) (engine.Database, error) {
	db, err := u.Engine.Open(ctx, c)
	return unrulyDatabase{db, u}, err
}

type unrulyDatabase struct {
	engine.Database
	unruly *unruly
}

func (d unrulyDatabase) OpenRange(ctx context.Context, r engine.RangeRequest) (engine.RangeWriter, error) {
	w, err := d.Database.OpenRange(ctx, r)
	if err != nil {
		return nil, err
	}
	return unrulyWriter{w, d.unruly}, nil
}

type unrulyWriter struct {
	engine.RangeWriter
	unruly *unruly
}

func (w unrulyWriter) Write(ctx context.Context, b engine.Batch) (engine.Outcome, error) {
	u := w.unruly
	u.writes++
	if u.beforeWrite != nil {
		u.beforeWrite()
	}
	if len(u.writeErrors) > 0 {
		err := u.writeErrors[0]
		u.writeErrors = u.writeErrors[1:]
		if err != nil {
			return 0, err
		}
	}
	outcome, err := w.RangeWriter.Write(ctx, b)
	if err == nil && u.loseAnswers > 0 {
		u.loseAnswers--
		return 0, conflict
	}
	return outcome, err
}

func (w unrulyWriter) Complete(ctx context.Context, batches uint64) (engine.Ledger, error) {
	l, err := w.RangeWriter.Complete(ctx, batches)
	if err == nil && w.unruly.complete != nil {
		l = w.unruly.complete(l)
	}
	return l, err
}
