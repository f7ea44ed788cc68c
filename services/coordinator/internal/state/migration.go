package state

import (
	"slices"
	"time"

	"github.com/hashicorp/go-memdb"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
)

// Stage is how far a migration has come.
type Stage uint8

// The stages; those from Complete on are ends.
const (
	Planning Stage = iota
	Planned
	Running
	// Stopped: a phase stands at a blocked table until somebody resumes.
	Stopped
	// Discarding: what the migration made in the target is being removed.
	Discarding
	Complete
	Incomplete
	Cancelled
	Failed
	RolledBack
)

// Ended tells whether the migration has come to an end.
func (s Stage) Ended() bool { return s >= Complete }

// Rests tells whether nothing more happens by itself.
func (s Stage) Rests() bool { return s.Ended() || s == Stopped }

// Replan is how far tables are planned anew.
type Replan uint8

// The steps of planning anew.
const (
	ReplanNone Replan = iota
	// ReplanLinks: the target is to be designed again without skipped tables, for the
	// foreign keys that point to them.
	ReplanLinks
	// ReplanDesign: the target is to be designed again by a changed spec.
	ReplanDesign
	// ReplanSplit: the tables that changed are to be split.
	ReplanSplit
)

// Endpoint is what a job found out about a database.
type Endpoint struct {
	Engine, Version, Identity string
}

// Problem is why something stands still.
type Problem struct {
	Reason, Kind, Side, Key, Column string
	// Attempts of what failed.
	Attempts int
}

// Migration is one migration.
type Migration struct {
	UID, Name string
	Spec      *droverv1.MigrationSpec
	Stage     Stage
	// AutoStart runs the migration as soon as it is planned.
	AutoStart bool
	// NoSample leaves out what would be measured for the plan.
	NoSample bool
	// Deep reads all rows while planning.
	Deep   bool
	Paused bool
	// Limits are what it may ask of its databases now.
	Limits *droverv1.LimitSpec
	// Prepared: the target has the ledger. Finished: it takes no batch any more.
	Prepared, Finished bool
	// Reopen: the target was finished and is to be taken up again.
	Reopen bool
	// MorePrepare: a changed plan has statements that did not run yet.
	MorePrepare bool
	// RejectsFolder is what tells the folder of rejected rows from others of its name.
	RejectsFolder string
	// Published: when staged tables appeared. Discarded: they are gone.
	Published time.Time
	Discarded bool
	// Discard is the outcome of a migration that is being discarded.
	Discard journalv1.MigrationEnded_Outcome
	// Replan of tables that have not begun.
	Replan Replan
	// Phases of strategy phased, from the end of planning on.
	Phases []Phase

	Created, Started, Ended time.Time
	Source, Target          Endpoint
	Unmoved                 []*planv1.Unmoved
	Findings                []*planv1.Finding
	Statements              []*planv1.Statement
	// Objects are made when every table is complete; ObjectsApplied: they are there.
	Objects        []*planv1.Statement
	ObjectsApplied bool
	// NotDesigned are objects of the source that the design leaves behind.
	NotDesigned []*planv1.Unmoved
	Problem     Problem
	// Tables is how many tables the design has; -1 before.
	Tables int
	// Verifying is the verification that is under way, 0 for none; Verifications how
	// many there were.
	Verifying, Verifications uint32
	// PlanChanged is the event that last changed what of the plan is no table's, PlanKept
	// the event up to which the target keeps it; 0 for never.
	PlanChanged, PlanKept uint64
	// Fresh: whatever unfinished migration of this name the target has, this one begins anew.
	Fresh bool
	// Found is the uid that the migration had in the target before its control log was
	// lost; empty where it began itself. Recovering: what the target knows of it is being
	// read. It had FoundRanges loaded, with FoundRows.
	Found                  string
	Recovering             bool
	FoundRanges, FoundRows int64
	// Regressed: the target knows of a later coordinator than the log.
	Regressed bool
	// Unconfirmed: the log was lost and written down again by the leader of this term; the
	// target is still to say that it knows of no later one. 0 where it has.
	Unconfirmed uint64
	// Last is the sequence of the newest event.
	Last uint64
}

func migrationSchema() *memdb.TableSchema {
	return &memdb.TableSchema{Name: tableMigrations, Indexes: map[string]*memdb.IndexSchema{
		indexID:   index(indexID, true, func(m *Migration) tuple { return tuple(nil).text(m.UID) }),
		indexName: index(indexName, true, func(m *Migration) tuple { return tuple(nil).text(m.Name) }),
	}}
}

// Migration gives a migration by uid, or nil.
func (v View) Migration(uid string) *Migration {
	return first[*Migration](v.txn, tableMigrations, indexID, tuple(nil).text(uid))
}

// Atomic tells whether tables are staged and published in one step.
func (m *Migration) Atomic() bool { return m.Spec.GetPublish() == "atomic" }

// ObjectsWanted tells whether what is no table is still to be made.
func (m *Migration) ObjectsWanted() bool { return len(m.Objects) > 0 && !m.ObjectsApplied }

// LeftBehind is everything of the source that the target does not get.
func (m *Migration) LeftBehind() []*planv1.Unmoved { return slices.Concat(m.Unmoved, m.NotDesigned) }

// MigrationByName gives a migration by name, or nil.
func (v View) MigrationByName(name string) *Migration {
	return first[*Migration](v.txn, tableMigrations, indexName, tuple(nil).text(name))
}

// Migrations gives all migrations by name. The list is everybody's: it must not be
// changed.
func (v View) Migrations() []*Migration {
	if v.lists == nil {
		return v.listMigrations()
	}
	v.lists.mu.Lock()
	defer v.lists.mu.Unlock()
	if v.lists.migrations == nil {
		v.lists.migrations = v.listMigrations()
	}
	return v.lists.migrations
}

func (v View) listMigrations() []*Migration {
	var out []*Migration
	each(v.txn, tableMigrations, indexName, tuple{}, func(m *Migration) bool {
		out = append(out, m)
		return true
	})
	return out
}

// WatchMigrations gives a channel that closes when any migration, table or range changes.
func (s *Store) WatchMigrations() <-chan struct{} {
	ch, _, err := s.db.Txn(false).FirstWatch(tableMigrations, indexID+"_prefix", tuple{})
	if err != nil {
		panic("state: watch: " + err.Error())
	}
	return ch
}
