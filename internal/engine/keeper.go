package engine

import (
	"cmp"
	"context"

	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/fault"
)

// Keeper keeps a migration's plan in the target's ledger, and gives plan and ledger to
// a migration that goes on where one stopped whose control log was lost.
type Keeper interface {
	// Keep writes pieces of the plan in one transaction. Piece 0 of a table takes the place
	// of all that there were of that table. It is fenced as Apply is, and by the plan's
	// version: a call that comes late, behind one of a greater version, is fault.Fenced.
	Keep(ctx context.Context, m Migration, version uint64, pieces []PlanPiece) error
	// FindMigration gives the newest migration of a name whose plan is kept and that has
	// not ended; nil where there is none. It changes nothing.
	FindMigration(ctx context.Context, name string) (*FoundMigration, error)
	// KeptPlan reads at most limit pieces behind a place, in order; a nil place is
	// the beginning.
	KeptPlan(ctx context.Context, uid string, after *LedgerPlace, limit int) ([]PlanPiece, error)
	// TakeOver gives all that the ledger has of a migration to m, with m's term. Nobody who
	// writes under the uid that it had can go on: it waits for batches in flight. Attempts,
	// epochs and the plan's version begin again. Doing it twice is harmless. It returns the
	// tables that were being emptied, whose rows are neither there nor gone. A migration that has ended, or that the
	// ledger does not have, is fault.Fenced.
	TakeOver(ctx context.Context, from string, m Migration) (emptying []uint32, err error)
	// LedgerRanges reads at most limit rows behind a place, in order; a nil place is
	// the beginning.
	LedgerRanges(ctx context.Context, uid string, after *LedgerPlace, limit int) ([]LedgerRange, error)
	// LedgerTables reads what the ledger says of a migration's tables, by number.
	LedgerTables(ctx context.Context, uid string) ([]LedgerTable, error)
}

// LedgerPlace is where a piece or a range stands in the ledger of a migration.
type LedgerPlace struct {
	Table, Number uint32
}

// Compare orders places as the ledger gives them.
func (p LedgerPlace) Compare(other LedgerPlace) int {
	return cmp.Or(cmp.Compare(p.Table, other.Table), cmp.Compare(p.Number, other.Number))
}

// PlanPiece is a piece of a plan; what is in it is the coordinator's to say.
type PlanPiece struct {
	LedgerPlace
	Body []byte
}

// FoundMigration is what the ledger says of a migration that has not ended.
type FoundMigration struct {
	UID, SourceIdentity string
	// Published: its tables have their final names.
	Published bool
}

// LedgerTable is a table's row. What a target loses of what it had committed is the end of
// it: where the last step is noted, nothing that came before is missing.
type LedgerTable struct {
	Number uint32
	// Made: STEP_CREATE was done. Finished: so was STEP_SEQUENCES, since the table was last emptied.
	Made, Finished bool
}

// LedgerRange is a range's row, as others than its loader see it.
type LedgerRange struct {
	LedgerPlace
	Ledger
	// Loaded: Complete was the last that happened to it.
	Loaded bool
	// Attempt that opened it last; 0 where the ledger was taken over since.
	Attempt uint64
}

// ReadLedger makes a ledger of a range's row, of which key, touched and rejected may be
// nil. Errors are fault.Corrupt.
func ReadLedger(next uint64, rows int64, sum, key, touched, rejected []byte) (Ledger, error) {
	const op = "engine.ReadLedger"
	out := Ledger{NextSequence: next}
	var err error
	if out.Digest, err = batch.DigestFrom(rows, sum); err != nil {
		return out, fault.New(fault.Corrupt, op, "read the sum of a range: %w", err)
	}
	if out.Touched, err = UnmarshalTouched(touched); err != nil {
		return out, err
	}
	if out.Rejected, err = batch.HashesOf(rejected); err != nil {
		return out, fault.New(fault.Corrupt, op, "read the rejected rows of a range: %w", err)
	}
	if key != nil {
		out.After = &planv1.Bound{}
		if err := proto.Unmarshal(key, out.After); err != nil {
			return out, fault.New(fault.Corrupt, op, "read the last key of a range: %w", err)
		}
	}
	return out, nil
}

// PlanPieceBytes bounds a piece of a plan.
const PlanPieceBytes = 256 << 10
