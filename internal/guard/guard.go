// Package guard names the comparisons that keep rows from being lost or doubled, so
// that the simulator can take each away and show that it then finds the damage.
// Without the build tag "mutation" Removed is false and costs nothing; nothing that
// ships has the tag.
package guard

// Guard is one of those comparisons.
type Guard string

// What a loader compares of a message.
const (
	// MessageAttempt: the message is of the loader's own attempt.
	MessageAttempt Guard = "message.attempt"
	// MessageSequence: the batch is the next one, neither an old one nor a later.
	MessageSequence Guard = "message.sequence"
	// MessageCRC: the bytes are those that were sent.
	MessageCRC Guard = "message.crc"
	// EndBatches: as many batches came as the last message says.
	EndBatches Guard = "end.batches"
	// EndDigest: the rows that came add up to what was sent.
	EndDigest Guard = "end.digest"
	// LoadedDigest: the ledger has gained what came.
	LoadedDigest Guard = "loaded.digest"
)

// What a target compares in the transaction that writes.
const (
	// FenceEpoch: a loader takes a range over only from earlier ones.
	FenceEpoch Guard = "fence.epoch"
	// FenceTable: nor from one that emptied the table after it.
	FenceTable Guard = "fence.table"
	// EmptyEpoch: a table is emptied only by the latest to touch it.
	EmptyEpoch Guard = "empty.epoch"
	// LedgerEpoch: a batch comes from the loader that owns the range.
	LedgerEpoch Guard = "ledger.epoch"
	// LedgerAttempt: a batch comes from the extraction that the range is loaded from.
	LedgerAttempt Guard = "ledger.attempt"
	// LedgerSequence: a batch is the one that the ledger waits for.
	LedgerSequence Guard = "ledger.next_seq"
	// LedgerStage: the migration has not ended.
	LedgerStage Guard = "ledger.stage"
	// LedgerStageLock: it cannot end before the batch is committed.
	LedgerStageLock Guard = "ledger.stage_lock"
	// LedgerTerm: no later coordinator has prepared the target.
	LedgerTerm Guard = "ledger.term"
	// LedgerBatches: a range is complete with all batches of its attempt.
	LedgerBatches Guard = "ledger.batches"
)

// What a coordinator compares before it decides.
const (
	// AttemptTerm: numbers of attempts and epochs hold the term.
	AttemptTerm Guard = "attempt.term"
	// TermInTarget: the target has the leader's term before anything is verified.
	TermInTarget Guard = "target.term"
	// FenceFirst: an extraction begins behind what its loader's fence found.
	FenceFirst Guard = "extract.fence_first"
	// ExtractOnce: an attempt is extracted once.
	ExtractOnce Guard = "extract.once"
	// CutAfter: a range is cut behind what its loader's fence found.
	CutAfter Guard = "cut.after"
	// LogSequence: an event is appended behind the last one that its writer has seen.
	LogSequence Guard = "log.sequence"
	// LedgerAudit: the target still has what the log says, before it is finished.
	LedgerAudit Guard = "ledger.audit"
	// VerdictDigest: a range is verified when both sides add up to the same.
	VerdictDigest Guard = "verdict.digest"
)

// All lists the guards, in the order above.
func All() []Guard {
	return []Guard{
		MessageAttempt, MessageSequence, MessageCRC, EndBatches, EndDigest, LoadedDigest,
		FenceEpoch, FenceTable, EmptyEpoch, LedgerEpoch, LedgerAttempt, LedgerSequence,
		LedgerStage, LedgerStageLock, LedgerTerm, LedgerBatches, AttemptTerm, TermInTarget,
		FenceFirst, ExtractOnce, CutAfter, LogSequence, LedgerAudit, VerdictDigest,
	}
}
