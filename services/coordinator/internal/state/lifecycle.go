package state

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

func (a *apply) sourceDescribed(e *journalv1.SourceDescribed) error {
	a.m.Source = Endpoint{Engine: e.GetEngine(), Version: e.GetVersion(), Identity: e.GetIdentity()}
	a.m.Unmoved = e.GetUnmoved()
	return nil
}

// targetDesigned takes what the design says beside its tables. What the target was
// made for before stays in the statements: whoever removes it must know it all.
func (a *apply) targetDesigned(e *journalv1.TargetDesigned) error {
	a.m.Target = Endpoint{Engine: e.GetEngine(), Version: e.GetVersion(), Identity: e.GetIdentity()}
	a.m.Findings, a.m.Tables = e.GetFindings(), int(e.GetTables())
	// A new design knows what is made already, and making it twice is harmless.
	a.m.Objects, a.m.ObjectsApplied, a.m.NotDesigned = e.GetObjects(), false, e.GetUnmoved()
	if a.m.Replan == ReplanNone {
		a.m.Statements = e.GetStatements()
		return nil
	}
	a.m.Replan = ReplanSplit
	statements := slices.Clone(a.m.Statements)
	for _, s := range e.GetStatements() {
		if !slices.ContainsFunc(statements, func(old *planv1.Statement) bool { return proto.Equal(old, s) }) {
			statements = append(statements, s)
			a.m.MorePrepare = a.m.Prepared
		}
	}
	a.m.Statements = statements
	return nil
}

// lifecycle applies what happens to a migration as a whole.
func (a *apply) lifecycle() error {
	now := a.event.GetTime().AsTime()
	switch b := a.event.GetBody().(type) {
	case *journalv1.Event_PlanFinished:
		if a.m.Replan == ReplanNone {
			a.m.Stage = Planned
		}
		a.m.Replan = ReplanNone
		a.planPhases()
	case *journalv1.Event_SpecChanged:
		if b.SpecChanged.GetSpec().GetRejects().GetTo() != a.m.Spec.GetRejects().GetTo() {
			a.m.RejectsFolder = ""
		}
		if !proto.Equal(a.m.Spec.GetLimits(), b.SpecChanged.GetSpec().GetLimits()) {
			a.m.Limits = b.SpecChanged.GetSpec().GetLimits()
		}
		a.m.Spec, a.m.Replan = b.SpecChanged.GetSpec(), ReplanDesign
	case *journalv1.Event_MigrationStarted:
		a.m.Stage, a.m.Started = Running, now
	case *journalv1.Event_TargetPrepared:
		a.m.Prepared, a.m.MorePrepare, a.m.Reopen = true, false, false
		// All its loaders share the first one.
		a.m.RejectsFolder = cmp.Or(a.m.RejectsFolder, b.TargetPrepared.GetRejectsFolder())
	case *journalv1.Event_ObjectsApplied:
		a.m.ObjectsApplied = true
	case *journalv1.Event_TargetFinished:
		a.m.Finished = true
	case *journalv1.Event_MigrationPaused:
		a.m.Paused = true
	case *journalv1.Event_MigrationThrottled:
		a.m.Limits = b.MigrationThrottled.GetLimits()
	case *journalv1.Event_MigrationResumed:
		a.m.Paused = false
		a.reopen()
	case *journalv1.Event_MigrationEnded:
		a.ended(b.MigrationEnded, now)
	case *journalv1.Event_MigrationFailed:
		a.m.Stage, a.m.Ended = Failed, now
		a.m.Problem = Problem{Reason: b.MigrationFailed.GetReason(), Side: b.MigrationFailed.GetSide(), Kind: b.MigrationFailed.GetKind()}
	}
	return nil
}

func (a *apply) ended(e *journalv1.MigrationEnded, now time.Time) {
	a.m.Stage, a.m.Ended = outcomes[e.GetOutcome()], now
	if e.GetReason() != "" {
		a.m.Problem = Problem{Reason: e.GetReason(), Side: e.GetSide(), Kind: e.GetKind()}
	}
}

// publication applies what becomes of a staging place.
func (a *apply) publication() error {
	switch b := a.event.GetBody().(type) {
	case *journalv1.Event_TargetPublished:
		a.m.Published = a.event.GetTime().AsTime()
		if a.m.Stage == Discarding { // it was published before it could be removed
			a.m.Stage, a.m.Discard, a.m.Problem = Running, 0, Problem{}
		}
	case *journalv1.Event_DiscardStarted:
		if !a.m.Published.IsZero() {
			return fmt.Errorf("discard after publishing")
		}
		d := b.DiscardStarted
		a.m.Stage, a.m.Paused, a.m.Discard = Discarding, false, d.GetOutcome()
		a.m.Problem = Problem{Reason: d.GetReason(), Side: d.GetSide(), Kind: d.GetKind()}
	case *journalv1.Event_TargetDiscarded:
		// The discard ends the migration in the target as finishing does.
		a.m.Discarded, a.m.Finished = true, true
	}
	return nil
}

var outcomes = map[journalv1.MigrationEnded_Outcome]Stage{
	journalv1.MigrationEnded_OUTCOME_COMPLETE:    Complete,
	journalv1.MigrationEnded_OUTCOME_INCOMPLETE:  Incomplete,
	journalv1.MigrationEnded_OUTCOME_CANCELLED:   Cancelled,
	journalv1.MigrationEnded_OUTCOME_ROLLED_BACK: RolledBack,
}
