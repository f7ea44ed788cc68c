package state

import (
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
	// Restarts of the whole table so far.
	Restarts int
	// HasBaseline: Baseline is what the target held before (existing: append).
	HasBaseline bool
	Baseline    batch.Digest
	// SourceRows counted at the end; -1 before.
	SourceRows int64

	Counts
	Differences []*planv1.Difference
}

// Counts of a table's ranges.
type Counts struct {
	Ranges, Loaded, Verified, BlockedRanges int
	EstimatedRows, EstimatedBytes           int64
	LoadedBytes                             int64
	LoadedDigest, VerifiedDigest            batch.Digest
	Retries, Mismatches, Duplicates         int64
	ExtractSeconds, LoadSeconds             float64
	ValidateSeconds, SchemaSeconds          float64
}

func tableKey(migration string, number uint32) tuple { return tuple{}.text(migration).number(number) }

func tableSchema() *memdb.TableSchema {
	return &memdb.TableSchema{Name: tableTables, Indexes: map[string]*memdb.IndexSchema{
		indexID: index(indexID, true, func(t *Table) tuple { return tableKey(t.Migration, t.Number) }),
	}}
}

// Table gives a table, or nil.
func (v View) Table(migration string, number uint32) *Table {
	return first[*Table](v.txn, tableTables, indexID, tableKey(migration, number))
}

// Tables gives a migration's tables by number.
func (v View) Tables(migration string) []*Table {
	var out []*Table
	each(v.txn, tableTables, indexID, tuple{}.text(migration), func(t *Table) bool {
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

// Open tells whether ranges of the table may be loaded.
func (t *Table) Open() bool {
	return !t.Blocked && !t.Emptying && t.Stage >= TableCreated && t.Stage < TableVerified
}
