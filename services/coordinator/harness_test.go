package coordinator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/services/coordinator/internal/journal"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// rowsPerRange is what every range of the scripted source has.
const rowsPerRange = 10

// harness runs a coordinator with scripted workers, in virtual time.
type harness struct {
	t   *testing.T
	log *journal.Memory
	bus *bus.Memory
	s   *Service
	// answer may replace what a worker would answer; nil leaves it.
	answer func(*workerv1.Job) *workerv1.Result
	// refuse answers background jobs, which have no other answer than a failure.
	refuse func(*workerv1.Job) *workerv1.Result
	// silent jobs are taken and never answered.
	silent func(*workerv1.Job) bool

	// snapshotEvery is how many events the log grows by between snapshots.
	snapshotEvery uint64
	// held jobs are brought back by their worker, first of all, when a coordinator starts.
	held []*workerv1.Job

	mu   sync.Mutex
	jobs []*workerv1.Job
	// revoked are the reasons for which jobs were taken back; late is how long a worker
	// takes to say that it has room again.
	revoked []string
	late    time.Duration
	// waiting loads by subject: they end when their extraction has.
	waiting map[string]func()
	stop    context.CancelFunc
	done    chan error
}

func newHarness(t *testing.T) *harness {
	h := &harness{t: t, log: journal.NewMemory(), bus: bus.NewMemory(bus.Options{}), waiting: map[string]func(){}}
	h.start()
	t.Cleanup(h.kill)
	return h
}

// start begins a coordinator on the same log, as after a crash.
func (h *harness) start() {
	s, err := New(Config{Bus: h.bus, log: h.log.Writer(), snapshotEvery: h.snapshotEvery})
	require.NoError(h.t, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	h.s, h.stop, h.done = s, stop, done
	go func() { done <- s.Run(ctx) }()
	<-s.Ready()
	if len(h.held) > 0 {
		role := loader
		if h.held[0].GetExtract() != nil {
			role = extractor
		}
		h.work(ctx, s, roleName(role)+"-old", role, h.held)
	}
	for _, role := range []workerv1.Role{extractor, loader, validator} {
		h.work(ctx, s, fmt.Sprintf("%s-%d", roleName(role), s.term), role, nil)
	}
}

func (h *harness) kill() {
	h.stop()
	<-h.done
	synctest.Wait()
}

// work attaches a worker that answers whatever it is granted.
func (h *harness) work(ctx context.Context, s *Service, id string, role workerv1.Role, held []*workerv1.Job) {
	out := s.attach(&workerv1.Hello{Worker: id, Role: role, Slots: 2, Held: held})
	send := func(m *workerv1.WorkRequest) { s.receive(ctx, id, out, m) }
	send(&workerv1.WorkRequest{Message: &workerv1.WorkRequest_Credit{Credit: &workerv1.Credit{Jobs: 2}}})
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case m, ok := <-out:
				if !ok {
					return
				}
				if job := m.GetGrant(); job != nil {
					h.handle(job, send)
				}
				if r := m.GetRevoke(); r != nil {
					h.mu.Lock()
					h.revoked = append(h.revoked, r.GetReason())
					h.mu.Unlock()
					time.Sleep(h.late)
					send(&workerv1.WorkRequest{Message: &workerv1.WorkRequest_Credit{Credit: &workerv1.Credit{Jobs: 1}}})
				}
			}
		}
	}()
}

// says has a worker say something on the stream that it has now.
func (h *harness) says(worker string, m *workerv1.WorkRequest) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	h.s.Receive(context.Background(), worker, m)
}

func (h *harness) handle(job *workerv1.Job, send func(*workerv1.WorkRequest)) {
	h.mu.Lock()
	h.jobs = append(h.jobs, job)
	h.mu.Unlock()
	if h.silent != nil && h.silent(job) {
		return
	}
	if job.GetBackground() && h.refuse != nil {
		r := h.refuse(job)
		r.Lease = job.GetLease()
		send(&workerv1.WorkRequest{Message: &workerv1.WorkRequest_Result{Result: r}})
		return
	}
	if job.GetBackground() {
		send(&workerv1.WorkRequest{Message: &workerv1.WorkRequest_Progress{Progress: &workerv1.Progress{Lease: job.GetLease(), Snapshot: "snap"}}})
		return
	}
	r := result(job)
	if job.GetReadLedger() != nil {
		r = &workerv1.Result{Outcome: &workerv1.Result_LedgerPage{LedgerPage: h.ledger(job.GetMigration())}}
	}
	if h.answer != nil {
		if other := h.answer(job); other != nil {
			r = other
		}
	}
	r.Lease = job.GetLease()
	end := func() {
		send(&workerv1.WorkRequest{Message: &workerv1.WorkRequest_Result{Result: r}})
		send(&workerv1.WorkRequest{Message: &workerv1.WorkRequest_Credit{Credit: &workerv1.Credit{Jobs: 1}}})
	}
	if l := job.GetLoad(); l != nil {
		h.mu.Lock()
		h.waiting[l.GetSubject()] = end
		h.mu.Unlock()
		send(&workerv1.WorkRequest{Message: &workerv1.WorkRequest_Progress{Progress: &workerv1.Progress{Lease: job.GetLease(), Fenced: &workerv1.Fenced{}}}})
		return
	}
	end()
	if e := job.GetExtract(); e != nil && r.GetFailure() == nil {
		h.mu.Lock()
		loaded := h.waiting[e.GetSubject()]
		h.mu.Unlock()
		loaded()
	}
}

// ledger is that of a target that has lost nothing.
func (h *harness) ledger(uid string) *workerv1.LedgerPage {
	out, view := &workerv1.LedgerPage{Last: true}, h.s.view()
	for _, t := range view.Tables(uid) {
		out.Tables = append(out.Tables, &workerv1.LedgerTable{Number: t.Number, Made: true, Finished: true})
		view.Ranges(uid, t.Number, func(r *state.Range) bool {
			if r.InTarget() {
				out.Ranges = append(out.Ranges, &workerv1.LedgerRange{Table: r.Table, Number: r.Number, Loaded: true, Attempt: r.Attempt, Digest: r.Digest.Proto()})
			}
			return true
		})
	}
	return out
}

// rangeDigest is what a scripted range amounts to.
func rangeDigest(table, number uint32) batch.Digest {
	var d batch.Digest
	for i := range rowsPerRange {
		d.Add(fmt.Appendf(nil, "%d/%d/%d", table, number, i))
	}
	return d
}

// result is what a job comes to when all goes well.
func result(job *workerv1.Job) *workerv1.Result {
	switch b := job.GetWork().(type) {
	case *workerv1.Job_Describe:
		return &workerv1.Result{Outcome: &workerv1.Result_Described{Described: &workerv1.Described{Database: scriptedSource()}}}
	case *workerv1.Job_Design:
		return &workerv1.Result{Outcome: &workerv1.Result_Designed{Designed: &workerv1.Designed{Design: scriptedDesign(b.Design)}}}
	case *workerv1.Job_Split:
		var ranges []*planv1.Range
		for i := range uint32(3) {
			ranges = append(ranges, &planv1.Range{Number: i + 1, Label: fmt.Sprintf("[%d)", i)})
		}
		return &workerv1.Result{Outcome: &workerv1.Result_Split{Split: &workerv1.Split{Ranges: ranges}}}
	case *workerv1.Job_Extract:
		return &workerv1.Result{Outcome: &workerv1.Result_Extracted{Extracted: &workerv1.Extracted{}}}
	case *workerv1.Job_Load:
		d := rangeDigest(b.Load.GetTable().GetNumber(), b.Load.GetRange().GetNumber())
		return &workerv1.Result{Outcome: &workerv1.Result_Loaded{Loaded: &workerv1.Loaded{Digest: d.Proto(), Rows: rowsPerRange}}}
	case *workerv1.Job_Validate:
		return &workerv1.Result{Outcome: &workerv1.Result_Verdict{Verdict: &workerv1.Verdict{Equal: true, Actual: b.Validate.GetExpected()}}}
	case *workerv1.Job_Sample:
		return &workerv1.Result{Outcome: &workerv1.Result_Sampled{Sampled: &workerv1.Sampled{Rows: 10, Bytes: 1000, Seconds: 0.5}}}
	case *workerv1.Job_Baseline:
		return &workerv1.Result{Outcome: &workerv1.Result_Verdict{Verdict: &workerv1.Verdict{Actual: &planv1.Digest{}}}}
	case *workerv1.Job_Count:
		return &workerv1.Result{Outcome: &workerv1.Result_Counted{Counted: &workerv1.Counted{Rows: 3 * rowsPerRange}}}
	default:
		return &workerv1.Result{Outcome: &workerv1.Result_Done{Done: &workerv1.Done{}}}
	}
}

// scriptedDesign plans as an engine does: a foreign key to a table that is not there
// is a finding.
func scriptedDesign(work *workerv1.MakeDesign) *planv1.Design {
	d, there := &planv1.Design{Engine: "memory"}, map[string]bool{}
	for _, t := range work.GetDatabase().GetTables() {
		there[t.GetName()] = true
	}
	for _, t := range work.GetDatabase().GetTables() {
		p := &planv1.TablePlan{Source: t, TargetName: t.GetName(), ValidateByRange: t.GetName() != "whole",
			KeyAfterLoad: t.GetName() == "late", Existing: work.GetExisting()}
		if p.GetKeyAfterLoad() {
			p.Statements = append(p.Statements, &planv1.Statement{Step: planv1.Step_STEP_KEY, Object: "key of " + t.GetName()})
		}
		if work.GetStage() != "" {
			p.TargetSchema, p.PublishName = "drover_"+work.GetStage(), t.GetName()
		}
		for i, f := range t.GetForeignKeys() {
			if there[f.GetReferencedTable()] {
				p.Statements = append(p.Statements, &planv1.Statement{Step: planv1.Step_STEP_FOREIGN_KEYS, Object: f.GetName(), ForeignKey: uint32(i + 1)})
			} else {
				p.Findings = append(p.Findings, &planv1.Finding{Severity: planv1.Severity_SEVERITY_WARNING, Code: "FOREIGN_KEY_NOT_MOVED", Message: f.GetName()})
			}
		}
		d.Tables = append(d.Tables, p)
	}
	return d
}

func scriptedSource() *planv1.Database {
	key := func(snapshot bool) *planv1.Key {
		return &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_PRIMARY, NeedsSnapshot: snapshot}
	}
	return &planv1.Database{Engine: "memory", Tables: []*planv1.Table{
		{Name: "plain", Key: key(false)}, {Name: "late", Key: key(false)}, {Name: "whole", Key: key(true)}}}
}

// create makes a migration and lets it run until nothing moves any more.
func (h *harness) create() { h.createAs(true, func(*droverv1.MigrationSpec) {}) }

// createAs makes a migration with a changed spec; started, or only planned.
func (h *harness) createAs(start bool, change func(*droverv1.MigrationSpec)) {
	_, err := h.api().CreateMigration(context.Background(), &droverv1.CreateMigrationRequest{Start: start, Spec: specWith(change)})
	require.NoError(h.t, err)
}

func specWith(change func(*droverv1.MigrationSpec)) *droverv1.MigrationSpec {
	spec := &droverv1.MigrationSpec{ApiVersion: "drover.dev/v1", Kind: "Migration", Name: "m",
		Source: &droverv1.EndpointSpec{Url: "memory://a/b"}, Target: &droverv1.EndpointSpec{Url: "memory://c/d"}}
	change(spec)
	return spec
}

func (h *harness) api() *migrationServer { return &migrationServer{s: h.s} }

// describes answers describe jobs with these foreign keys, "late>plain", added.
func describes(keys ...string) func(*workerv1.Job) *workerv1.Result {
	return func(j *workerv1.Job) *workerv1.Result {
		if j.GetDescribe() == nil {
			return nil
		}
		db := scriptedSource()
		for _, key := range keys {
			from, to, _ := strings.Cut(key, ">")
			for _, t := range db.GetTables() {
				if t.GetName() == from {
					t.ForeignKeys = append(t.ForeignKeys, &planv1.ForeignKey{Name: key, ReferencedTable: to})
				}
			}
		}
		return &workerv1.Result{Outcome: &workerv1.Result_Described{Described: &workerv1.Described{Database: db}}}
	}
}

// answers tries one script after another.
func answers(scripts ...func(*workerv1.Job) *workerv1.Result) func(*workerv1.Job) *workerv1.Result {
	return func(j *workerv1.Job) *workerv1.Result {
		for _, script := range scripts {
			if r := script(j); r != nil {
				return r
			}
		}
		return nil
	}
}

// first is the position of the first granted job that matches; -1 for none.
func (h *harness) first(match func(*workerv1.Job) bool) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.IndexFunc(h.jobs, match)
}

func creates(table string) func(*workerv1.Job) bool { return applies(table, planv1.Step_STEP_CREATE) }

func applies(table string, step planv1.Step) func(*workerv1.Job) bool {
	return func(j *workerv1.Job) bool {
		return j.GetApplySchema().GetStep() == step && j.GetApplySchema().GetTable().GetTargetName() == table
	}
}

// stall leaves the n-th job, and every one after it, without an answer: workers die
// there and the coordinator with them, as soon as the test kills it.
func (h *harness) stall(n int) {
	granted := 0
	h.silent = func(*workerv1.Job) bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		granted++
		return granted >= n
	}
}

// rest lets virtual time pass.
func (h *harness) rest(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (h *harness) migration() *droverv1.Migration {
	r, err := (&migrationServer{s: h.s}).GetMigration(context.Background(), &droverv1.GetMigrationRequest{Name: "m"})
	require.NoError(h.t, err)
	return r.GetMigration()
}

func (h *harness) tables() map[string]*droverv1.Table {
	r, err := (&tableServer{s: h.s}).ListTables(context.Background(), &droverv1.ListTablesRequest{Parent: "migrations/m"})
	require.NoError(h.t, err)
	out := map[string]*droverv1.Table{}
	for _, t := range r.GetTables() {
		out[t.GetTarget()] = t
	}
	return out
}

// count counts the granted jobs that match.
func (h *harness) count(match func(*workerv1.Job) bool) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, j := range h.jobs {
		if match(j) {
			n++
		}
	}
	return n
}

func failure(kind, message string) *workerv1.Result {
	return &workerv1.Result{Outcome: &workerv1.Result_Failure{Failure: &workerv1.Failure{Kind: kind, Message: message, Side: "source"}}}
}
