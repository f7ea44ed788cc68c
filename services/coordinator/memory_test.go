package coordinator

import (
	"bytes"
	"cmp"
	"slices"
	"sync"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
)

// memory is what a scripted target keeps.
type memory struct {
	mu     sync.Mutex
	uid    string
	plan   map[[2]uint32][]byte
	ranges map[[2]uint32]*workerv1.LedgerRange
	// emptying tables, and pieces or ranges a page.
	emptying []uint32
	page     int
	// jobs that wrote pieces, and the largest of them.
	jobs, largest int
}

func newMemory() *memory {
	return &memory{plan: map[[2]uint32][]byte{}, ranges: map[[2]uint32]*workerv1.LedgerRange{}, page: 2}
}

// answer keeps what comes and gives it back; nil where others should answer.
func (k *memory) answer(j *workerv1.Job) *workerv1.Result {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch b := j.GetWork().(type) {
	case *workerv1.Job_Keep:
		k.keep(j.GetMigration(), b.Keep.GetPieces())
	case *workerv1.Job_Extract: // its loader has waited for it
		at := [2]uint32{b.Extract.GetTable().GetNumber(), b.Extract.GetRange().GetNumber()}
		k.ranges[at] = &workerv1.LedgerRange{Table: at[0], Number: at[1], Loaded: true, Digest: rangeDigest(at[0], at[1]).Proto()}
	case *workerv1.Job_Empty:
		for at := range k.ranges {
			if at[0] == b.Empty.GetTable().GetNumber() {
				k.ranges[at] = &workerv1.LedgerRange{Table: at[0], Number: at[1]}
			}
		}
	case *workerv1.Job_Design:
		if !b.Design.GetFind() || k.plan[[2]uint32{}] == nil {
			return nil
		}
		d := scriptedDesign(b.Design)
		for _, t := range d.GetTables() {
			t.TargetExists = true
		}
		return &workerv1.Result{Outcome: &workerv1.Result_Designed{Designed: &workerv1.Designed{Design: d, Found: &workerv1.FoundMigration{Uid: k.uid}}}}
	case *workerv1.Job_ReadLedger:
		if b.ReadLedger.GetFrom() == "" {
			return nil
		}
		return &workerv1.Result{Outcome: &workerv1.Result_LedgerPage{LedgerPage: k.read(j.GetMigration(), b.ReadLedger)}}
	}
	return nil
}

func (k *memory) keep(uid string, pieces []*workerv1.PlanPiece) {
	k.uid = uid
	k.jobs++
	size := 0
	for _, p := range pieces {
		if p.GetNumber() == 0 {
			for at := range k.plan {
				if at[0] == p.GetTable() {
					delete(k.plan, at)
				}
			}
		}
		k.plan[[2]uint32{p.GetTable(), p.GetNumber()}] = bytes.Clone(p.GetBody())
		size += len(p.GetBody())
	}
	k.largest = max(k.largest, size)
}

func order(a, b [2]uint32) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }

func (k *memory) read(uid string, work *workerv1.ReadLedger) *workerv1.LedgerPage {
	out := &workerv1.LedgerPage{}
	behind := func(at [2]uint32) bool {
		return work.AfterTable == nil || order(at, [2]uint32{work.GetAfterTable(), work.GetAfterNumber()}) > 0
	}
	n := 0
	if work.GetRanges() {
		k.uid, out.Emptying = uid, k.emptying
		for _, at := range sorted(k.ranges) {
			if behind(at) && n < k.page {
				out.Ranges, n = append(out.Ranges, k.ranges[at]), n+1
			}
		}
	} else {
		for _, at := range sorted(k.plan) {
			if behind(at) && n < k.page {
				out.Pieces, n = append(out.Pieces, &workerv1.PlanPiece{Table: at[0], Number: at[1], Body: k.plan[at]}), n+1
			}
		}
	}
	out.Last = n < k.page
	return out
}

func sorted[V any](m map[[2]uint32]V) (out [][2]uint32) {
	for at := range m {
		out = append(out, at)
	}
	slices.SortFunc(out, order)
	return out
}
