package loader

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

const (
	// piecesPerPage of a plan, each of at most engine.PlanPieceBytes, fit into a result.
	piecesPerPage = 4
	// rangesPerPage bounds a page of ranges, and ledgerPageBytes too: rejected rows may
	// make some of them large.
	rangesPerPage   = 1000
	ledgerPageBytes = 1 << 20
	// quiet is how long nothing of a ledger may change that nobody writes to.
	quiet = 3 * time.Second
)

// keep writes pieces of the migration's plan into the target.
func keep(ctx context.Context, db engine.Keeper, job *workerv1.Job) error {
	var pieces []engine.PlanPiece
	for _, p := range job.GetKeep().GetPieces() {
		pieces = append(pieces, engine.PlanPiece{LedgerPlace: engine.LedgerPlace{Table: p.GetTable(), Number: p.GetNumber()}, Body: p.GetBody()})
	}
	return fault.At(db.Keep(ctx, migration(job), job.GetKeep().GetVersion(), pieces), fault.Target, "")
}

// find looks in the target for an unfinished migration of the job's name.
func find(ctx context.Context, db engine.Keeper, job *workerv1.Job) (*workerv1.FoundMigration, error) {
	if !job.GetDesign().GetFind() {
		return nil, nil
	}
	found, err := db.FindMigration(ctx, job.GetMigrationName())
	if err != nil || found == nil {
		return nil, fault.At(err, fault.Target, "")
	}
	busy, err := isBusy(ctx, db, found.UID)
	return &workerv1.FoundMigration{Uid: found.UID, SourceIdentity: found.SourceIdentity, Published: found.Published, Busy: busy}, fault.At(err, fault.Target, "")
}

// isBusy tells whether a migration's ledger changes: whoever lost his control log has
// stopped, and whoever has not must not be fenced out by a second run of the same command.
func isBusy(ctx context.Context, db engine.Keeper, uid string) (bool, error) {
	before, err := imprint(ctx, db, uid)
	if err != nil {
		return false, err
	}
	select {
	case <-ctx.Done():
		return false, fault.Wrap(fault.Canceled, "loader.find", ctx.Err())
	case <-time.After(quiet):
	}
	now, err := imprint(ctx, db, uid)
	return now != before, err
}

// imprint is what a ledger amounts to.
func imprint(ctx context.Context, db engine.Keeper, uid string) (sum uint64, err error) {
	hash := fnv.New64a()
	var after *engine.LedgerPlace
	for {
		page, err := db.LedgerRanges(ctx, uid, after, rangesPerPage)
		if err != nil {
			return 0, err
		}
		for _, r := range page {
			_, _ = fmt.Fprintln(hash, r.LedgerPlace, r.Attempt, r.Loaded, r.NextSequence, r.Digest) // never fails
		}
		if len(page) < rangesPerPage {
			return hash.Sum64(), nil
		}
		after = &page[len(page)-1].LedgerPlace
	}
}

// readLedger reads a page of what the target has of a migration: of this job's, or of one
// whose control log was lost; before that one's ranges are read, they are this job's.
func readLedger(ctx context.Context, db engine.Keeper, job *workerv1.Job) (*workerv1.Result, error) {
	work, page := job.GetReadLedger(), &workerv1.LedgerPage{}
	var after *engine.LedgerPlace
	if work.AfterTable != nil {
		after = &engine.LedgerPlace{Table: work.GetAfterTable(), Number: work.GetAfterNumber()}
	}
	var err error
	switch {
	case !work.GetRanges():
		err = readPlan(ctx, db, work.GetFrom(), after, page)
	case work.GetFrom() != "":
		if page.Emptying, err = db.TakeOver(ctx, work.GetFrom(), migration(job)); err == nil {
			err = readRanges(ctx, db, job.GetMigration(), after, page)
		}
	default:
		if err = readRanges(ctx, db, job.GetMigration(), after, page); err == nil && page.GetLast() {
			err = readTables(ctx, db, job.GetMigration(), page)
		}
	}
	return &workerv1.Result{Outcome: &workerv1.Result_LedgerPage{LedgerPage: page}}, fault.At(err, fault.Target, "")
}

func readPlan(ctx context.Context, db engine.Keeper, uid string, after *engine.LedgerPlace, page *workerv1.LedgerPage) error {
	pieces, err := db.KeptPlan(ctx, uid, after, piecesPerPage)
	for _, p := range pieces {
		page.Pieces = append(page.Pieces, &workerv1.PlanPiece{Table: p.Table, Number: p.Number, Body: p.Body})
	}
	page.Last = len(pieces) < piecesPerPage
	return err
}

func readTables(ctx context.Context, db engine.Keeper, uid string, page *workerv1.LedgerPage) error {
	tables, err := db.LedgerTables(ctx, uid)
	for _, t := range tables {
		page.Tables = append(page.Tables, &workerv1.LedgerTable{Number: t.Number, Made: t.Made, Finished: t.Finished})
	}
	return err
}

func readRanges(ctx context.Context, db engine.Keeper, uid string, after *engine.LedgerPlace, page *workerv1.LedgerPage) error {
	ranges, err := db.LedgerRanges(ctx, uid, after, rangesPerPage)
	page.Last = len(ranges) < rangesPerPage
	size := 0
	for i, r := range ranges {
		page.Ranges = append(page.Ranges, &workerv1.LedgerRange{Table: r.Table, Number: r.Number, Loaded: r.Loaded, Attempt: r.Attempt,
			Digest: r.Digest.Proto(), Touched: r.Touched.Proto(), Rejected: r.Rejected.Marshal()})
		if size += len(page.Ranges[i].GetRejected()); size > ledgerPageBytes {
			page.Last = page.Last && i == len(ranges)-1
			break
		}
	}
	return err
}
