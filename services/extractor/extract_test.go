package extractor

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

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
	attempt = 7
)

// fixture is an extractor with a source table of notes and a row stream.
type fixture struct {
	t        *testing.T
	engine   *memory.Engine
	bus      bus.Bus
	service  *Service
	plan     *planv1.TablePlan
	progress []*workerv1.Progress
}

// newFixture makes a source whose row i, from 1, holds the note note(i).
func newFixture(t *testing.T, config Config, rows int, note func(i int) string) *fixture {
	f := &fixture{t: t, engine: memory.New(), bus: bus.NewMemory(bus.Options{})}
	table := enginetest.Table{Name: "note", Key: []string{"id"}, Columns: []enginetest.Column{
		{Name: "id", Kind: canon.Int}, {Name: "body", Kind: canon.Text, Nullable: true}}}
	require.NoError(t, f.engine.Create("src", memorytest.Describe(table)))
	for i := 1; i <= rows; i++ {
		require.NoError(t, f.engine.Insert("src", "note", map[string][]byte{"id": id(i), "body": []byte(note(i))}))
	}
	f.ensureStream(1 << 30)
	config.Engines, config.Secrets, config.Bus = engine.Set{f.engine}, secret.NewResolver(), f.bus
	service, err := New(config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, service.Close()) })
	f.service = service
	f.plan = f.design()
	return f
}

func id(i int) []byte { return canon.AppendInt(nil, int64(i)) }

func short(i int) string { return fmt.Sprintf("note %d", i) }

func (f *fixture) ensureStream(budget int64) {
	require.NoError(f.t, f.bus.EnsureStream(f.t.Context(), bus.StreamConfig{
		Name: bus.RowStream(uid), Subjects: []string{bus.RowSubjects(uid)}, MaxBytes: budget, Replicas: 1}))
}

func (f *fixture) design() *planv1.TablePlan {
	source := f.handle(&workerv1.Job{Work: &workerv1.Job_Describe{Describe: &workerv1.Describe{}}}).GetDescribed().GetDatabase()
	target, err := f.engine.Open(f.t.Context(), engine.Config{URL: "memory://dst", Create: true})
	require.NoError(f.t, err)
	design, err := target.Design(f.t.Context(), engine.DesignRequest{Source: source,
		Name: func(string, string) (string, string, bool) { return "", "", false }})
	require.NoError(f.t, err)
	return design.GetTables()[0]
}

func (f *fixture) try(ctx context.Context, job *workerv1.Job) (*workerv1.Result, error) {
	job.Migration, job.Source = uid, &planv1.Endpoint{Url: "memory://src"}
	return f.service.Handle(ctx, job, func(p *workerv1.Progress) { f.progress = append(f.progress, p) })
}

func (f *fixture) handle(job *workerv1.Job) *workerv1.Result {
	result, err := f.try(f.t.Context(), job)
	require.NoError(f.t, err)
	return result
}

func (f *fixture) job(r *planv1.Range, after *planv1.Bound) *workerv1.Job {
	return &workerv1.Job{Work: &workerv1.Job_Extract{Extract: &workerv1.ExtractRange{Table: f.plan, Range: r, Attempt: attempt,
		Stream: bus.RowStream(uid), Subject: f.subject(r), After: after}}}
}

func (f *fixture) subject(r *planv1.Range) string {
	return bus.RowSubject(uid, f.plan.GetNumber(), r.GetNumber(), attempt)
}

// message is one that was published.
type message struct {
	header *streamv1.BatchHeader
	body   []byte
	bytes  int
}

// published reads a range's subject up to its end.
func (f *fixture) published(r *planv1.Range) []message {
	consumer, err := f.bus.Consume(f.t.Context(), bus.RowStream(uid), f.subject(r))
	require.NoError(f.t, err)
	defer consumer.Close()
	var out []message
	for {
		d, err := consumer.Next(f.t.Context())
		require.NoError(f.t, err)
		h, body, err := batch.Open(d.Data)
		require.NoError(f.t, err)
		out = append(out, message{h, body, len(d.Data)})
		if h.GetEnd() != nil {
			return out
		}
	}
}

var whole = &planv1.Range{Number: 1}

func TestExtract_CutsBatches(t *testing.T) {
	f := newFixture(t, Config{BatchBytes: 1000}, 500, short)
	extracted := f.handle(f.job(whole, nil)).GetExtracted()
	require.EqualValues(t, 500, extracted.GetDigest().GetRows())

	messages := f.published(whole)
	last := messages[len(messages)-1]
	require.Equal(t, extracted.GetBatches(), last.header.GetEnd().GetBatches())
	require.Equal(t, extracted.GetDigest().GetSum(), last.header.GetEnd().GetDigest().GetSum())
	require.Empty(t, last.body)
	require.Greater(t, len(messages), 5)

	var total, body batch.Digest
	fields, row := make([][]byte, 2), 0
	for i, m := range messages {
		require.Equal(t, uid, m.header.GetMigration())
		require.EqualValues(t, attempt, m.header.GetAttempt())
		require.EqualValues(t, i, m.header.GetSequence())
		require.Equal(t, batch.Fingerprint(f.plan), m.header.GetSchema())
		require.Less(t, len(m.body), 1100)
		for rest := m.body; len(rest) > 0; row++ {
			data, after, err := batch.Fields(m.header.GetEncoding(), rest, fields)
			require.NoError(t, err)
			require.Equal(t, short(row+1), string(fields[1]))
			body.Add(data)
			rest = after
		}
		if m.header.GetEnd() == nil {
			require.True(t, keyrange.Equal(keyrange.Of(id(row)), m.header.GetLastKey()), "last key of batch %d", i)
		}
		d, err := batch.DigestOf(m.header.GetDigest())
		require.NoError(t, err)
		total.Merge(d)
	}
	require.Equal(t, body, total)
	require.Equal(t, extracted.GetDigest().GetSum(), total.Sum())
	require.EqualValues(t, 500, f.progress[len(f.progress)-1].GetRows())
	require.Equal(t, extracted.GetBytes(), f.progress[len(f.progress)-1].GetBytes())
}

// Behind the last key of any batch, a later attempt reads exactly the rest; that
// holds for the last batch of a bounded range too, whose key is the upper bound.
func TestExtract_GoesOnBehindEveryBatch(t *testing.T) {
	f := newFixture(t, Config{BatchBytes: 300}, 200, short)
	ranges := f.handle(&workerv1.Job{Work: &workerv1.Job_Split{Split: &workerv1.SplitTable{Table: f.plan, TargetRows: 70, TargetBytes: 1 << 40}}}).GetSplit().GetRanges()
	require.Len(t, ranges, 3)
	for _, r := range ranges {
		all, err := batch.DigestOf(f.handle(f.job(r, nil)).GetExtracted().GetDigest())
		require.NoError(t, err)
		var before batch.Digest
		for _, m := range f.published(r) {
			if m.header.GetEnd() != nil {
				break
			}
			d, err := batch.DigestOf(m.header.GetDigest())
			require.NoError(t, err)
			before.Merge(d)
			job := f.job(r, m.header.GetLastKey())
			job.GetExtract().Attempt++
			rest, err := batch.DigestOf(f.handle(job).GetExtracted().GetDigest())
			require.NoError(t, err)
			rest.Merge(before)
			require.Equal(t, all, rest, "behind batch %d of %s", m.header.GetSequence(), r.GetLabel())
		}
		require.Equal(t, all, before)
	}
}

func TestExtract_EmptyRange(t *testing.T) {
	f := newFixture(t, Config{}, 0, short)
	extracted := f.handle(f.job(whole, nil)).GetExtracted()
	require.Zero(t, extracted.GetBatches())
	messages := f.published(whole)
	require.Len(t, messages, 1)
	require.Zero(t, messages[0].header.GetEnd().GetBatches())
}

func TestExtract_LargeRowTravelsInParts(t *testing.T) {
	f := newFixture(t, Config{}, 3, func(i int) string { return strings.Repeat(string(rune('a'+i)), i*5<<20) })
	f.handle(f.job(whole, nil))
	var bodies [3][]byte
	for _, m := range f.published(whole) {
		require.Less(t, m.bytes, 8<<20)
		if m.header.GetEnd() == nil {
			bodies[m.header.GetSequence()] = append(bodies[m.header.GetSequence()], m.body...)
		}
	}
	for i, body := range bodies {
		fields := make([][]byte, 2)
		_, rest, err := batch.Fields(f.plan.GetEncoding(), body, fields)
		require.NoError(t, err)
		require.Empty(t, rest)
		require.Len(t, fields[1], (i+1)*5<<20)
	}
}

// A large row is sent while it is read, with the rows before it, and has the digest of
// any other.
func TestExtract_LargeRowIsSentAsItIsRead(t *testing.T) {
	wide := func(i int) string { return strings.Repeat("x", 10+i%5/4*9000) }
	f := newFixture(t, Config{BatchBytes: 1000, LargeRow: 2000}, 12, wide)
	extracted := f.handle(f.job(whole, nil)).GetExtracted()
	plain := newFixture(t, Config{}, 12, wide)
	require.Equal(t, plain.handle(plain.job(whole, nil)).GetExtracted().GetDigest().GetSum(), extracted.GetDigest().GetSum())
	require.EqualValues(t, 3, extracted.GetBatches())
	large := map[uint64]*batch.Joiner{}
	for _, m := range f.published(whole) {
		if h := m.header; batch.IsLarge(h) {
			if large[h.GetSequence()] == nil {
				large[h.GetSequence()] = &batch.Joiner{}
			}
			require.NoError(t, large[h.GetSequence()].Add(h, m.body))
			require.Equal(t, h.GetParts() != 0, h.GetDigest() != nil, "the last part alone has the digest")
			if h.GetSequence() == 1 && h.GetParts() != 0 {
				require.Equal(t, id(9), h.GetLastKey().GetValues()[0])
				require.EqualValues(t, 5, h.GetDigest().GetRows())
			}
		}
	}
	require.Len(t, large, 2)
}

// A range ten times as large as the stream's budget goes through once somebody
// takes its messages away, and waits until then.
func TestExtract_WaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, Config{BatchBytes: 1000, WindowBytes: 3000}, 2000, short)
		f.ensureStream(4000)
		done := make(chan error, 1)
		go func() {
			_, err := f.try(t.Context(), f.job(whole, nil))
			done <- err
		}()
		synctest.Wait()
		require.Empty(t, done, "extraction ended with a full stream")
		sent := f.progress[len(f.progress)-1].GetBytes()
		require.Less(t, sent, int64(4000+3000+2*1100), "rows in flight are not bounded")

		consumer, err := f.bus.Consume(t.Context(), bus.RowStream(uid), f.subject(whole))
		require.NoError(t, err)
		var rows int64
		for end := false; !end; {
			d, err := consumer.Next(t.Context())
			require.NoError(t, err)
			h, _, err := batch.Open(d.Data)
			require.NoError(t, err)
			rows += h.GetDigest().GetRows()
			end = h.GetEnd() != nil
			require.NoError(t, f.bus.Purge(t.Context(), bus.RowStream(uid), f.subject(whole), d.Sequence+1))
		}
		require.NoError(t, <-done)
		require.EqualValues(t, 2000, rows)
		require.NoError(t, f.service.Close())
	})
}

func TestExtract_StopsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, Config{BatchBytes: 1000, WindowBytes: 3000}, 2000, short)
		f.ensureStream(4000)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := f.try(ctx, f.job(whole, nil))
			done <- err
		}()
		synctest.Wait()
		cancel()
		require.Equal(t, fault.Canceled, fault.KindOf(<-done))
		require.NoError(t, f.service.Close())
	})
}

func TestExtract_MissingStreamIsNotTheSourcesFault(t *testing.T) {
	f := newFixture(t, Config{}, 10, short)
	require.NoError(t, f.bus.DeleteStream(t.Context(), bus.RowStream(uid)))
	_, err := f.try(t.Context(), f.job(whole, nil))
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.Equal(t, fault.Stream, fault.Find(err).Side)
}

func TestHandle_Counts(t *testing.T) {
	f := newFixture(t, Config{}, 42, short)
	require.EqualValues(t, 42, f.handle(&workerv1.Job{Work: &workerv1.Job_Count{Count: &workerv1.CountTable{Table: f.plan}}}).GetCounted().GetRows())
}

func TestHandle_RefusesOtherRolesJobs(t *testing.T) {
	f := newFixture(t, Config{}, 0, short)
	_, err := f.try(t.Context(), &workerv1.Job{Work: &workerv1.Job_Load{}})
	require.Equal(t, fault.Unsupported, fault.KindOf(err))
}

func TestNew_RefusesIncompleteConfig(t *testing.T) {
	_, err := New(Config{})
	require.Equal(t, fault.Invalid, fault.KindOf(err))
}
