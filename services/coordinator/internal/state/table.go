package state

import (
	"slices"

	"github.com/hashicorp/go-memdb"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
)

// The stages of a table, by shorter names.
const (
	TablePlanned   = journalv1.TableStage_TABLE_STAGE_PLANNED
	TableCreated   = journalv1.TableStage_TABLE_STAGE_CREATED
	TableLoaded    = journalv1.TableStage_TABLE_STAGE_LOADED
	TableKeyed     = journalv1.TableStage_TABLE_STAGE_KEYED
	TableVerified  = journalv1.TableStage_TABLE_STAGE_VERIFIED
	TableIndexed   = journalv1.TableStage_TABLE_STAGE_INDEXED
	TableLinked    = journalv1.TableStage_TABLE_STAGE_LINKED
	TableSequenced = journalv1.TableStage_TABLE_STAGE_SEQUENCED
	TableComplete  = journalv1.TableStage_TABLE_STAGE_COMPLETE
)

// Table is one table of a migration.
type Table struct {
	Migration string
	Number    uint32
	Plan      *planv1.TablePlan
	Stage     journalv1.TableStage
	// Split: all ranges are known.
	Split bool
	// Blocked: nothing of the table goes on until somebody retries it.
	Blocked bool
	Problem Problem
	// Emptying: the table must be emptied before its ranges load again.
	Emptying bool
	// Emptied is the epoch of the last time: what earlier attempts brought is gone.
	Emptied uint64
	// Restarts of the whole table so far.
	Restarts int
	// HasBaseline: Baseline is what the target held before (existing: append).
	HasBaseline bool
	Baseline    batch.Digest
	// SourceRows that move, counted when the last range is loaded; -1 before. Filtered stay behind.
	SourceRows, Filtered int64
	// Skipped: a user gave the table up; SkippedBySpec: a changed spec did.
	Skipped, SkippedBySpec bool
	// Sample is what was measured for the plan; nil for nothing.
	Sample *Sample
	// FirstReject is a row that the target refused; nil for none.
	FirstReject *planv1.Reject
	// Missing rejected rows were in no file when they were to be written.
	Missing int64
	// Assessment is what a scan of all rows found for the plan; nil where none was made.
	Assessment *Assessment

	// PlanChanged is the event that last changed plan or ranges, PlanKept the one up to
	// which the target keeps them, in PlanPieces; 0 for never. ChangedRanges are those that
	// were cut or given up since.
	PlanChanged, PlanKept uint64
	PlanPieces            uint32
	ChangedRanges         []uint32

	Counts
	Differences []*planv1.Difference
}

// Counts of a table's ranges.
type Counts struct {
	Ranges, Loaded, Verified, BlockedRanges int
	// SkippedRanges were given up; of those, EmptiedRanges have no row in the target.
	SkippedRanges, EmptiedRanges int
	// Touched counts loaded values that policies changed.
	Touched Touched
	// Rejected rows of loaded ranges; Replays are ranges whose rejected rows are to be written.
	Rejected                        int64
	Replays                         int
	EstimatedRows, EstimatedBytes   int64
	LoadedBytes                     int64
	LoadedDigest, VerifiedDigest    batch.Digest
	Retries, Mismatches, Duplicates int64
	ExtractSeconds, LoadSeconds     float64
	ValidateSeconds, SchemaSeconds  float64
}

func tableKey(migration string, number uint32) tuple {
	return tuple(nil).text(migration).number(number)
}

func tableSchema() *memdb.TableSchema {
	return &memdb.TableSchema{Name: tableTables, Indexes: map[string]*memdb.IndexSchema{
		indexID: index(indexID, true, func(t *Table) tuple { return tableKey(t.Migration, t.Number) }),
	}}
}

// Table gives a table, or nil.
func (v View) Table(migration string, number uint32) *Table {
	return first[*Table](v.txn, tableTables, indexID, tableKey(migration, number))
}

// Tables gives a migration's tables by number. The list is everybody's: it must not be
// changed.
func (v View) Tables(migration string) []*Table {
	if v.lists == nil {
		return v.listTables(migration)
	}
	v.lists.mu.Lock()
	defer v.lists.mu.Unlock()
	out, listed := v.lists.tables[migration]
	if !listed {
		out = v.listTables(migration)
		v.lists.tables[migration] = out
	}
	return out
}

func (v View) listTables(migration string) []*Table {
	var out []*Table
	each(v.txn, tableTables, indexID, tuple(nil).text(migration), func(t *Table) bool {
		out = append(out, t)
		return true
	})
	return out
}

// Appends tells whether the table takes rows beside those it had.
func (t *Table) Appends() bool {
	return t.Plan.GetExisting() == planv1.Existing_EXISTING_APPEND && t.Plan.GetTargetExists()
}

// ByRange tells whether each range is confirmed alone.
func (t *Table) ByRange() bool { return t.Plan.GetValidateByRange() && !t.Appends() }

// Done tells whether nothing is left to do for the table.
func (t *Table) Done() bool { return t.Skipped || t.Stage == TableComplete && t.Replays == 0 }

// ProvenRows are the source's rows that were copied and confirmed. Where the target
// held rows before, its digest has those too, and the ranges' own sum is the proof.
func (t *Table) ProvenRows() int64 {
	if t.HasBaseline {
		return t.LoadedDigest.Rows
	}
	return t.VerifiedDigest.Rows
}

// AccountedRows are the source's rows of which it is known what became of them: proven,
// or rejected.
func (t *Table) AccountedRows() int64 { return t.ProvenRows() + t.Rejected }

// uncount makes the source be counted again: rows are about to be read again, or
// somebody has put right what the last count found.
func (t *Table) uncount() { t.SourceRows, t.Filtered = -1, 0 }

// AllLoaded tells whether every range that was not given up is loaded.
func (t *Table) AllLoaded() bool { return t.Split && t.Loaded+t.EmptiedRanges == t.Ranges }

// AllVerified tells whether every range that was not given up is confirmed.
func (t *Table) AllVerified() bool {
	return t.Split && t.Verified+t.EmptiedRanges == t.Ranges && t.Replays == 0
}

// RefersTo tells whether a foreign key of the table points to another.
func (t *Table) RefersTo(other *Table) bool {
	return t.Number != other.Number && slices.ContainsFunc(t.Plan.GetSource().GetForeignKeys(), other.Is)
}

// Is tells whether a foreign key points to the table.
func (t *Table) Is(f *planv1.ForeignKey) bool {
	return f.GetReferencedSchema() == t.Plan.GetSource().GetSchema() && f.GetReferencedTable() == t.Plan.GetSource().GetName()
}

// Open tells whether ranges of the table may be loaded.
func (t *Table) Open() bool {
	return !t.Blocked && !t.Skipped && !t.Emptying && t.Stage >= TableCreated && t.Stage < TableVerified
}
