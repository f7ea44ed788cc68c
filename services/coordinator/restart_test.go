package coordinator

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/bus/natsd"
	"github.com/drover-db/drover/services/coordinator/internal/journal"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// history is a migration's log in the making: its events, and the state they lead to.
type history struct {
	b     *testing.B
	store *state.Store
	last  uint64
}

const historyUID = "01K0000000000000000000BIG0"

func (h *history) add(e *journalv1.Event) *journalv1.Event {
	e.Id, e.Time, e.Previous, e.Actor = fmt.Sprint("e", h.last), timestamppb.New(time.Unix(int64(h.last), 0)), h.last, "coordinator"
	h.last++
	require.NoError(h.b, h.store.Apply(historyUID, h.last, e))
	return e
}

// bigTable is the number of ranges of one table of the history.
const bigTable = 100_000

// begin puts a running migration of that many ranges into the store, half of them verified.
func (h *history) begin(ranges int) {
	h.last = 3_000_000 // about as many events as it took
	table, number := 0, 0
	require.NoError(h.b, h.store.Restore(historyUID, func() (*journalv1.SnapshotRecord, error) {
		if table == 0 {
			table = 1
			spec := specWith(func(m *droverv1.MigrationSpec) { m.Name = "big" })
			return &journalv1.SnapshotRecord{Body: &journalv1.SnapshotRecord_Migration{Migration: &journalv1.MigrationState{
				Uid: historyUID, Name: "big", Spec: spec, Stage: uint32(state.Running), Prepared: true, Last: h.last}}}, nil
		}
		if table > ranges/bigTable {
			return nil, nil
		}
		done := table*bigTable <= ranges/2
		if number == 0 {
			number = 1
			return &journalv1.SnapshotRecord{Body: &journalv1.SnapshotRecord_Table{Table: bigTableState(uint32(table), done)}}, nil
		}
		out := &journalv1.RangeStates{Table: uint32(table)}
		for range 1000 {
			out.Ranges = append(out.Ranges, bigRange(uint32(table), uint32(number), done))
			number++
		}
		if number > bigTable {
			table, number = table+1, 0
		}
		return &journalv1.SnapshotRecord{Body: &journalv1.SnapshotRecord_Ranges{Ranges: out}}, nil
	}))
}

func bigTableState(number uint32, done bool) *journalv1.TableState {
	plan := &planv1.TablePlan{Number: number, Source: &planv1.Table{Name: fmt.Sprint("t", number)}, TargetName: fmt.Sprint("t", number), ValidateByRange: true}
	counts := &journalv1.CountsState{Ranges: bigTable}
	if done {
		counts.Loaded, counts.Verified = bigTable, bigTable
	}
	return &journalv1.TableState{Number: number, Plan: plan, Stage: state.TableCreated, Split: true, Counts: counts, SourceRows: -1}
}

func bigRange(table, n uint32, done bool) *journalv1.RangeState {
	key := func(n uint32) *planv1.Bound {
		return &planv1.Bound{Values: [][]byte{{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n), 0, 0, 0, 0}}}
	}
	r := &journalv1.RangeState{Plan: &planv1.Range{Number: n, Label: fmt.Sprintf("[%d, %d)", n*10000, n*10000+10000), Lower: key(n), Upper: key(n + 1)}}
	if done {
		d := rangeDigest(table, n)
		r.State, r.Attempt, r.Digest, r.Actual, r.Bytes = uint32(state.RangeVerified), 1<<32|uint64(n), d.Proto(), d.Proto(), 1<<20
		r.Verified = timestamppb.New(time.Unix(int64(n), 0))
	}
	return r
}

func (h *history) loaded(n int) *journalv1.Event {
	table, number := uint32(n/bigTable)+1, uint32(n%bigTable)+1
	digest := rangeDigest(table, number)
	return h.add(&journalv1.Event{Body: &journalv1.Event_RangeLoaded{RangeLoaded: &journalv1.RangeLoaded{
		Table: table, Range: number, Attempt: 1<<32 | uint64(n), Digest: digest.Proto(), Bytes: 1 << 20}}})
}

func (h *history) verified(n int) *journalv1.Event {
	table, number := uint32(n/bigTable)+1, uint32(n%bigTable)+1
	digest := rangeDigest(table, number)
	return h.add(&journalv1.Event{Body: &journalv1.Event_RangeVerified{RangeVerified: &journalv1.RangeVerified{
		Table: table, Range: number, Attempt: 1<<32 | uint64(n), Digest: digest.Proto()}}})
}

// BenchmarkRestart times how long a coordinator needs to lead a migration of a million
// ranges, half of them verified, from its snapshot and the 20,000 events behind it:
//
//	go test -run '^$' -bench Restart -benchtime 1x ./services/coordinator
func BenchmarkRestart(b *testing.B) {
	const ranges, behind = 1_000_000, 20_000
	server, err := natsd.Start(natsd.Config{StoreDir: b.TempDir()})
	require.NoError(b, err)
	defer server.Shutdown()
	nc, err := server.Connect()
	require.NoError(b, err)
	defer nc.Close()
	log, err := journal.NewJetStream(b.Context(), nc, journal.Config{})
	require.NoError(b, err)
	h := &history{b: b, store: state.New()}
	h.begin(ranges)
	at := h.last
	begin := time.Now()
	require.NoError(b, log.Save(b.Context(), historyUID, at, func(put journal.Put) error { return h.store.View().Records(historyUID, put) }))
	b.ReportMetric(time.Since(begin).Seconds(), "s/snapshot")
	js, err := jetstream.New(nc)
	require.NoError(b, err)
	appendBehind(b, js, h, ranges/2, behind)
	h.store = nil
	for b.Loop() {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		s := NewLeader(Config{Bus: bus.NewMemory(bus.Options{})}, Ports{Log: log, Now: time.Now, NewID: func() string { return "id" }, Wake: func() {}})
		begin := time.Now()
		require.NoError(b, s.Lead(b.Context()))
		b.ReportMetric(time.Since(begin).Seconds(), "s/restart")
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/ranges, "B/range")
		require.EqualValues(b, ranges/2+behind/2, s.view().Tables(historyUID)[5].Verified+5*bigTable)
		runtime.KeepAlive(s)
	}
}

// appendBehind puts events behind a snapshot into an empty log, with a window on the
// wire: appending is not what is timed.
func appendBehind(b *testing.B, js jetstream.JetStream, h *history, from, events int) {
	b.Helper()
	stream, err := js.Stream(b.Context(), bus.ControlStream)
	require.NoError(b, err)
	require.NoError(b, stream.Purge(b.Context(), jetstream.WithPurgeSequence(h.last+1)))
	publish := func(e *journalv1.Event) {
		data, err := proto.Marshal(e)
		require.NoError(b, err)
		_, err = js.PublishAsync(bus.ControlSubject(historyUID), data)
		require.NoError(b, err)
	}
	for i := range events / 2 {
		publish(h.loaded(from + i))
		publish(h.verified(from + i))
		if i%500 == 499 {
			<-js.PublishAsyncComplete()
		}
	}
	i, err := stream.Info(b.Context())
	require.NoError(b, err)
	require.Equal(b, h.last, i.State.LastSeq)
}
