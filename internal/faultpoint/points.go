package faultpoint

// The coordinator's points.
const (
	// JournalBeforeAppend stands before an event is sent to the control log,
	// JournalAfterAppend when the log has it and nobody has acted on it. Their subject
	// is the event's name in the log's schema: "range_loaded".
	JournalBeforeAppend Point = "journal.before-append"
	JournalAfterAppend  Point = "journal.after-append"
	// CoordinatorBeforeGrant stands when a lease is on the books and its worker does not
	// know, CoordinatorAfterGrant when it is sent.
	CoordinatorBeforeGrant Point = "coordinator.before-grant"
	CoordinatorAfterGrant  Point = "coordinator.after-grant"
)

// The points of every worker.
const (
	// WorkerBeforeJob stands between a grant and the job, WorkerBeforeResult between the
	// job and the handing in of its result. Their subject is the job's title, as at all
	// points below that say nothing else.
	WorkerBeforeJob    Point = "worker.before-job"
	WorkerBeforeResult Point = "worker.before-result"
)

// The extractor's points.
const (
	// ExtractorAfterDescribe and ExtractorAfterSplit stand behind the reading of the
	// catalog and the cutting of a table, ExtractorAfterCount behind the last count.
	ExtractorAfterDescribe Point = "extractor.after-describe"
	ExtractorAfterSplit    Point = "extractor.after-split"
	ExtractorAfterCount    Point = "extractor.after-count"
	// ExtractorAfterSnapshot stands when a snapshot is held and nobody knows its name.
	ExtractorAfterSnapshot Point = "extractor.after-snapshot"
	// ExtractorBeforeRead stands before the first row of a range is asked for.
	ExtractorBeforeRead Point = "extractor.before-read"
	// ExtractorBeforePublish stands before a batch is given to the stream.
	ExtractorBeforePublish Point = "extractor.before-publish"
	// ExtractorAfterBatch stands after that.
	ExtractorAfterBatch Point = "extractor.after-batch"
	// ExtractorBeforeEnd stands before the message that ends the range.
	ExtractorBeforeEnd Point = "extractor.before-end"
	// ExtractorAfterEnd stands when the stream has that message too.
	ExtractorAfterEnd Point = "extractor.after-end"
)

// The row stream's points.
const (
	// BusBeforeStore stands before a message is sent to the stream, BusAfterStore when
	// the stream has it and its publisher does not know. Their subject is the message's.
	BusBeforeStore Point = "bus.before-store"
	BusAfterStore  Point = "bus.after-store"
	// BusBeforePurge and BusAfterPurge stand around the removal of messages that nobody
	// needs any more; their subject is the messages'.
	BusBeforePurge Point = "bus.before-purge"
	BusAfterPurge  Point = "bus.after-purge"
	// BusAfterOpenStream and BusAfterCloseStream stand behind the making and the removal
	// of a stream, whose name is their subject.
	BusAfterOpenStream  Point = "bus.after-open-stream"
	BusAfterCloseStream Point = "bus.after-close-stream"
)

// The loader's points.
const (
	// LoaderAfterDesign stands behind the planning of the target.
	LoaderAfterDesign Point = "loader.after-design"
	// LoaderAfterPrepare stands when ledger and plan-wide objects are there.
	LoaderAfterPrepare Point = "loader.after-prepare"
	// LoaderAfterKeepPlan stands when the target keeps a part of the plan.
	LoaderAfterKeepPlan Point = "loader.after-keep-plan"
	// LoaderBeforeStep and LoaderAfterStep stand around a step of a table's schema.
	LoaderBeforeStep Point = "loader.before-step"
	LoaderAfterStep  Point = "loader.after-step"
	// LoaderAfterEmpty stands when a table that starts again is empty.
	LoaderAfterEmpty Point = "loader.after-empty"
	// LoaderBeforeFence stands before a range is taken over.
	LoaderBeforeFence Point = "loader.before-fence"
	// LoaderAfterFence stands between the fence and its report.
	LoaderAfterFence Point = "loader.after-fence"
	// LoaderBeforeWrite stands before a batch is written to the target.
	LoaderBeforeWrite Point = "loader.before-write"
	// LoaderAfterKeep stands between the writing of rejected rows to their file and the
	// commit that counts them.
	LoaderAfterKeep Point = "loader.after-keep"
	// LoaderAfterWrite stands after the batch is committed, before it is reported.
	LoaderAfterWrite Point = "loader.after-write"
	// LoaderBeforeComplete stands between the last batch and the range's completion.
	LoaderBeforeComplete Point = "loader.before-complete"
	// LoaderAfterComplete stands between the range's completion and its report.
	LoaderAfterComplete Point = "loader.after-complete"
	// LoaderAfterReplay stands when rejected rows are written that were refused before.
	LoaderAfterReplay Point = "loader.after-replay"
	// LoaderBeforePublish and LoaderAfterPublish stand around the move of staged tables
	// to their final names, LoaderAfterDiscard behind their removal.
	LoaderBeforePublish Point = "loader.before-publish"
	LoaderAfterPublish  Point = "loader.after-publish"
	LoaderAfterDiscard  Point = "loader.after-discard"
	// LoaderAfterObjects stands when what is no table is made.
	LoaderAfterObjects Point = "loader.after-objects"
	// LoaderAfterFinish stands when the migration is closed in the target.
	LoaderAfterFinish Point = "loader.after-finish"
)

// The points inside the transactions of an engine's target. Their subject is the
// table, as the target names it.
const (
	// TargetFenceLocked stands in the transaction of the fence, which holds the range's
	// row of the ledger by then.
	TargetFenceLocked Point = "target.fence-locked"
	// TargetAdvanced stands in a batch's transaction between the ledger's row and the
	// rows, TargetBeforeCommit behind the rows, TargetAfterCommit where the answer to the
	// commit would be lost.
	TargetAdvanced     Point = "target.advanced"
	TargetBeforeCommit Point = "target.before-commit"
	TargetAfterCommit  Point = "target.after-commit"
	// TargetCompleteLocked stands in the transaction that marks a range loaded.
	TargetCompleteLocked Point = "target.complete-locked"
	// TargetEmptyLocked stands in the transaction that empties a table.
	TargetEmptyLocked Point = "target.empty-locked"
	// TargetStepLocked stands in a transaction that makes a table.
	TargetStepLocked Point = "target.step-locked"
	// TargetPublishLocked stands between the move of staged tables and its mark in the
	// ledger, TargetDiscardLocked between their removal and its.
	TargetPublishLocked Point = "target.publish-locked"
	TargetDiscardLocked Point = "target.discard-locked"
)

// The validator's points.
const (
	// ValidatorBeforeRead stands between the load and the reading back.
	ValidatorBeforeRead Point = "validator.before-read"
	// ValidatorAfterRead stands between the reading back and the verdict.
	ValidatorAfterRead Point = "validator.after-read"
	// ValidatorBeforeDrill stands before the rows that differ are looked for.
	ValidatorBeforeDrill Point = "validator.before-drill"
)

// Points are all of them, roughly in the order in which a migration meets them.
func Points() []Point {
	return []Point{
		JournalBeforeAppend, JournalAfterAppend, CoordinatorBeforeGrant, CoordinatorAfterGrant,
		WorkerBeforeJob, WorkerBeforeResult,
		ExtractorAfterDescribe, ExtractorAfterSplit, ExtractorAfterCount, ExtractorAfterSnapshot, ExtractorBeforeRead,
		ExtractorBeforePublish, ExtractorAfterBatch, ExtractorBeforeEnd, ExtractorAfterEnd,
		BusAfterOpenStream, BusBeforeStore, BusAfterStore, BusBeforePurge, BusAfterPurge, BusAfterCloseStream,
		LoaderAfterDesign, LoaderAfterPrepare, LoaderAfterKeepPlan, LoaderBeforeStep, LoaderAfterStep, LoaderAfterEmpty,
		LoaderBeforeFence, LoaderAfterFence, LoaderBeforeWrite, LoaderAfterKeep, LoaderAfterWrite,
		LoaderBeforeComplete, LoaderAfterComplete, LoaderAfterReplay,
		LoaderBeforePublish, LoaderAfterPublish, LoaderAfterDiscard, LoaderAfterObjects, LoaderAfterFinish,
		TargetFenceLocked, TargetAdvanced, TargetBeforeCommit, TargetAfterCommit, TargetCompleteLocked,
		TargetEmptyLocked, TargetStepLocked, TargetPublishLocked, TargetDiscardLocked,
		ValidatorBeforeRead, ValidatorAfterRead, ValidatorBeforeDrill,
	}
}
