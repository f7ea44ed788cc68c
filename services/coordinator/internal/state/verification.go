package state

import (
	"time"

	"github.com/hashicorp/go-memdb"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
)

// keptVerifications of a migration; older ones are forgotten.
const keptVerifications = 10

// Verification compares source and target of a migration once more.
type Verification struct {
	Migration  string
	Number     uint32
	Mode       planv1.VerifyMode
	SampleRows int64
	Seed       uint64
	// Open is how many checks still wait to be made or repaired.
	Open int
	// Listed is how many rows and parts of schemas its checks list.
	Listed int
	// Active until everything is compared, Repairing from a repair's start on.
	Active, Repairing, Cancelled bool
	// Repaired: there was a repair; DryRun says that the last one only looked.
	Repaired, DryRun bool
	Started, Ended   time.Time
}

// CheckState is where a check stands.
type CheckState uint8

// The states of a check.
const (
	CheckPending CheckState = iota
	CheckEqual
	CheckDifferent
	CheckFailed
	// CheckRepair: its rows are to be repaired.
	CheckRepair
)

// Open tells whether a worker has still something to do.
func (s CheckState) Open() bool { return s == CheckPending || s == CheckRepair }

// Check is a range, or a table, of a verification.
type Check struct {
	Migration string
	// Range is 0 for the whole table.
	Verification, Table, Range uint32
	State                      CheckState
	Source, Target             batch.Digest
	DifferentRows, SampledRows int64
	// RejectedRows of the source were passed over.
	RejectedRows int64
	Differences  []*planv1.RowDifference
	Schema       []*planv1.SchemaDifference
	// Problem is why it could not be made.
	Problem Problem
	// Repairs of the last repair, and why it could not be done.
	Repairs       []*planv1.RowRepair
	RepairProblem Problem
}

// Listed is how many rows and parts of a schema it lists.
func (c *Check) Listed() int { return len(c.Differences) + len(c.Schema) }

// Repairable tells whether rows that differ are known by their keys.
func (c *Check) Repairable() bool {
	for _, d := range c.Differences {
		if d.GetKey() != nil {
			return true
		}
	}
	return false
}

func verificationKey(migration string, number uint32) tuple {
	return tuple(nil).text(migration).number(number)
}

func checkStateKey(migration string, verification uint32, s CheckState) tuple {
	return append(verificationKey(migration, verification), byte(s))
}

func verificationSchema() *memdb.TableSchema {
	return &memdb.TableSchema{Name: tableVerifications, Indexes: map[string]*memdb.IndexSchema{
		indexID: index(indexID, true, func(v *Verification) tuple { return verificationKey(v.Migration, v.Number) }),
	}}
}

func checkSchema() *memdb.TableSchema {
	return &memdb.TableSchema{Name: tableChecks, Indexes: map[string]*memdb.IndexSchema{
		indexID: index(indexID, true, func(c *Check) tuple {
			return verificationKey(c.Migration, c.Verification).number(c.Table).number(c.Range)
		}),
		indexState: index(indexState, true, func(c *Check) tuple {
			return checkStateKey(c.Migration, c.Verification, c.State).number(c.Table).number(c.Range)
		}),
	}}
}

// Verification gives a verification, or nil.
func (v View) Verification(migration string, number uint32) *Verification {
	return first[*Verification](v.txn, tableVerifications, indexID, verificationKey(migration, number))
}

// Verifications gives a migration's verifications by number.
func (v View) Verifications(migration string) []*Verification {
	var out []*Verification
	each(v.txn, tableVerifications, indexID, tuple(nil).text(migration), func(x *Verification) bool {
		out = append(out, x)
		return true
	})
	return out
}

// Check gives a check of a verification, or nil.
func (v View) Check(migration string, verification, table, rng uint32) *Check {
	return first[*Check](v.txn, tableChecks, indexID, verificationKey(migration, verification).number(table).number(rng))
}

// Checks visits a verification's checks by table and range until fn returns false.
func (v View) Checks(migration string, verification uint32, fn func(*Check) bool) {
	each(v.txn, tableChecks, indexID, verificationKey(migration, verification), fn)
}

// ChecksIn visits the checks of one state by table and range until fn returns false.
func (v View) ChecksIn(migration string, verification uint32, s CheckState, fn func(*Check) bool) {
	each(v.txn, tableChecks, indexState, checkStateKey(migration, verification, s), fn)
}
