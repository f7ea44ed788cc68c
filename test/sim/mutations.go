package sim

import "github.com/drover-db/drover/internal/guard"

// Mutations are the sets of guards whose loss has to be found. Most guards stand alone.
// Some have others behind them, which would have to go too before anything is wrong;
// they come as a set.
func Mutations() [][]guard.Guard {
	return [][]guard.Guard{
		{guard.MessageAttempt},
		{guard.MessageCRC},
		// A batch that is missing at the end is seen by its number, by their count, by the
		// digests and by the ledger.
		{guard.MessageSequence, guard.EndBatches, guard.EndDigest, guard.LedgerBatches},
		// Commits that the target lost in a crash.
		{guard.LedgerBatches, guard.LoadedDigest},
		{guard.FenceEpoch},
		{guard.FenceTable},
		{guard.EmptyEpoch},
		// Each grant has an epoch and an attempt of its own: either tells loaders apart.
		{guard.LedgerEpoch, guard.LedgerAttempt},
		{guard.LedgerSequence},
		{guard.LedgerStage},
		{guard.LedgerStageLock},
		{guard.LedgerTerm},
		{guard.AttemptTerm},
		{guard.TermInTarget},
		{guard.FenceFirst},
		{guard.ExtractOnce},
		{guard.CutAfter},
		{guard.LogSequence},
		{guard.LedgerAudit},
		{guard.VerdictDigest},
	}
}
