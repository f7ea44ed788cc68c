package coordinator

import (
	"cmp"
	"maps"
	"slices"
	"time"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/guard"
)

// workKind is a kind of job.
type workKind uint8

const (
	workDescribe workKind = iota
	workDesign
	workSplit
	workSnapshot
	workPrepare
	workCreate
	workBaseline
	workEmpty
	workLoad
	workReplay
	workExtract
	workCut
	workKey
	workValidate
	workIndexes
	workForeignKeys
	workSequences
	workCount
	workSample
	workAssess
	workCompare
	workPublish
	workObjects
	workDiscard
	workFinish
	workVerify
	workRepair
	workWatch
	workKeep
	workRecover
	workAudit
)

// workID names a piece of work: at most one lease has it.
type workID struct {
	migration     string
	kind          workKind
	table, number uint32
}

// lease is a job in a worker's hands.
type lease struct {
	id      string
	work    workID
	job     *workerv1.Job
	worker  *worker
	granted time.Time
	expires time.Time
	// progress so far, and when there was some
	rows, bytes int64
	moved       time.Time
	// pace is what its worker was last told; paced tells that it was.
	pace  *workerv1.Pace
	paced bool
}

// run is what a coordinator remembers of a migration beyond the log. All of it may
// be lost: it is found again or done again.
type run struct {
	uid string
	now func() time.Time
	// described waits for its design.
	described *planv1.Database
	// update is a changed spec that is being planned; nil for none.
	update *update
	// unsampled tables could not be measured for the plan.
	unsampled map[uint32]bool
	// assessed is the first range of each table whose rows were not yet read for the plan.
	assessed map[uint32]uint32
	attempts map[workID]*attempt
	// given are ranges of which this leader gave an attempt out, until one is loaded. The
	// fence of such an attempt may come late, and remove what an earlier one brought.
	given map[workID]bool
	// retries of work that is not a range's, and when anything may be tried again.
	tries map[workID]int
	rest  map[workID]time.Time
	// failing is since when it has failed each time.
	failing map[workID]time.Time
	// hung counts how often work was taken back because its database brought nothing.
	hung map[workID]int
	// snapshot that ranges without a key are read in.
	snapshot string
	// stream is there; doubted, if work failed at it since: it is made where it is gone.
	stream, doubted bool
	// entered: the target has this leader's term.
	entered bool
	// dead subjects, whose messages are to be removed.
	dead map[string]bool
	// cuts of ranges that take long.
	cuts map[workID]*cut
	// load is what the source was last seen to bear; nil where nobody has looked.
	load *load
	// keep is how far a table's plan is kept that takes more than one job, keepPage what
	// the job under way writes.
	keep     keepCursor
	keepPage *keepPage
	// recovery is how far a found migration is read; nil where none was begun.
	recovery *recovery
	// audit compares the target's ledger with the log; nil for none. trust is what audits
	// have shown.
	audit *audit
	trust trust
	// stalled is the newest failure of work that will be tried again, until it goes on.
	stalled stall
	// madeRoom is when a load was last taken back for what comes before it.
	madeRoom time.Time
	// outranked counts how often the target refused work as that of an earlier
	// coordinator, since it last took it.
	outranked map[workID]int
}

// stall is why a piece of work does not go on.
type stall struct {
	work workID
	why  string
}

// goesOn notes that work has moved.
func (r *run) goesOn(w workID) {
	if r.stalled.work == w {
		r.stalled = stall{}
	}
}

// attempt at one range: a loader and an extractor that belong together.
type attempt struct {
	number, epoch uint64
	subject       string
	fenced        *workerv1.Fenced
	// extracted: the extraction is done, or its end is known to the loader alone.
	extracted bool
	// adopted: an earlier coordinator gave the attempt out.
	adopted        bool
	extractedAt    time.Time
	extractSeconds float64
	// committed is the stream sequence up to which rows are in the target; purged
	// what was removed of it.
	committed, purged uint64
}

// extractable tells whether the extraction of an attempt may begin: behind what its
// loader's fence found, and once.
func (a *attempt) extractable() bool {
	return (a.fenced != nil || guard.Removed(guard.FenceFirst)) && (!a.extracted || guard.Removed(guard.ExtractOnce))
}

func (s *Leader) run(uid string) *run {
	r := s.runs[uid]
	if r == nil {
		r = &run{uid: uid, now: s.now, attempts: map[workID]*attempt{}, given: map[workID]bool{}, tries: map[workID]int{}, rest: map[workID]time.Time{}, failing: map[workID]time.Time{}, hung: map[workID]int{}, dead: map[string]bool{}, outranked: map[workID]int{}, unsampled: map[uint32]bool{}, assessed: map[uint32]uint32{}, cuts: map[workID]*cut{}, trust: newTrust()}
		s.runs[uid] = r
	}
	return r
}

// rangeID is the key of attempts.
func rangeID(migration string, table, number uint32) workID {
	return workID{migration: migration, kind: workLoad, table: table, number: number}
}

func (w workID) as(kind workKind) workID {
	w.kind = kind
	return w
}

// inOrder lists the work of a map: what is decided one by one must not depend on the
// order of a map, or no run could be repeated.
func inOrder[V any](m map[workID]V) []workID {
	return slices.SortedFunc(maps.Keys(m), func(a, b workID) int {
		return cmp.Or(cmp.Compare(a.migration, b.migration), cmp.Compare(a.kind, b.kind), cmp.Compare(a.table, b.table), cmp.Compare(a.number, b.number))
	})
}

// subjectOf names the subject of an attempt.
func subjectOf(w workID, number uint64) string {
	return bus.RowSubject(w.migration, w.table, w.number, number)
}

// Back-off between tries of the same work.
const (
	restFirst = 200 * time.Millisecond
	restMost  = 30 * time.Second
	// answersWithin is how long a database is waited for that has not answered yet.
	answersWithin = 5 * time.Second
)

// restFor gives the pause before a try.
func restFor(tries int) time.Duration {
	d := restFirst
	for range min(tries-1, 10) {
		d *= 2
	}
	return min(d, restMost)
}

// retry counts a failed try of work and lets it rest.
func (r *run) retry(w workID) int {
	if r.tries[w]++; r.tries[w] == 1 {
		r.failing[w] = r.now()
	}
	r.rest[w] = r.now().Add(restFor(r.tries[w]))
	return r.tries[w]
}

// resting tells whether work is not to be tried yet.
func (r *run) resting(w workID, now time.Time) bool { return now.Before(r.rest[w]) }

// settled forgets the tries of work that was done.
func (r *run) settled(w workID) {
	delete(r.tries, w)
	delete(r.failing, w)
	delete(r.rest, w)
	delete(r.hung, w)
	delete(r.trust.failed, w)
	r.goesOn(w)
}
