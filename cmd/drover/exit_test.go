package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"

	"github.com/drover-db/drover/cmd/drover/internal/progress"
)

func TestCodeOf(t *testing.T) {
	for _, c := range []struct {
		kind fault.Kind
		side string
		want int
	}{
		{fault.Invalid, "", exitUsage},
		{fault.Invalid, fault.Source, exitUsage},
		{fault.NotFound, "", exitUsage},
		{fault.NotFound, fault.Source, exitSource},
		{fault.Denied, fault.Source, exitSource},
		{fault.Unavailable, fault.Source, exitSource},
		{fault.NotFound, fault.Target, exitTarget},
		{fault.Denied, fault.Target, exitTarget},
		{fault.Unavailable, fault.Target, exitTarget},
		{fault.Unavailable, "", exitCoordinator},
		{fault.Denied, "", exitCoordinator},
		{fault.Unavailable, fault.Stream, exitCoordinator},
		{fault.Exists, fault.Target, exitPreflight},
		{fault.Exists, "", exitUsage},
		{fault.Unsupported, fault.Source, exitPreflight},
		{fault.Value, fault.Target, exitRejected},
		{fault.Corrupt, "", exitDifferences},
		{fault.Canceled, "", exitInterrupted},
		{fault.Exhausted, fault.Stream, exitFailed},
		{fault.Changed, fault.Source, exitFailed},
		{fault.Internal, "", exitFailed},
	} {
		require.Equal(t, c.want, codeOf(c.kind, c.side), "%s %s", c.kind, c.side)
	}
}

func TestExitCode(t *testing.T) {
	require.Equal(t, 0, exitCode(nil))
	require.Equal(t, 1, exitCode(errors.New("anything")))
	require.Equal(t, 10, exitCode(fmt.Errorf("wrapped: %w", &codeError{code: exitPending})))
	require.Equal(t, 124, exitCode(fmt.Errorf("%w", errTimeout)))
	require.Equal(t, 130, exitCode(errInterrupted))
	require.Equal(t, 130, exitCode(context.Canceled))
	require.Equal(t, 5, exitCode(fmt.Errorf("x: %w", fault.At(fault.New(fault.Denied, "a.b", "no"), fault.Source, ""))))
}

func TestOutcome(t *testing.T) {
	end := func(m *droverv1.Migration, tables ...*droverv1.Table) int {
		return exitCode(outcome(progress.Snapshot{Migration: m, Tables: tables}))
	}
	incomplete := &droverv1.Migration{State: droverv1.Migration_STATE_INCOMPLETE}
	blocked := func(t *droverv1.Table) *droverv1.Table { t.State = droverv1.Table_STATE_BLOCKED; return t }
	value := blocked(&droverv1.Table{ReasonColumn: "note", ReasonKind: "value", ReasonSide: "target"})
	away := blocked(&droverv1.Table{ReasonKind: "unavailable", ReasonSide: "source"})
	different := blocked(&droverv1.Table{Differences: []*planv1.Difference{{Key: "id=1"}}})
	repaired := &droverv1.Table{State: droverv1.Table_STATE_COMPLETE, Differences: []*planv1.Difference{{Key: "id=1"}}}

	require.Equal(t, 0, end(&droverv1.Migration{State: droverv1.Migration_STATE_COMPLETE}))
	require.Equal(t, 4, end(&droverv1.Migration{State: droverv1.Migration_STATE_COMPLETE, Counters: &droverv1.Counters{RowsRejected: 1}}))
	require.Equal(t, 1, end(&droverv1.Migration{State: droverv1.Migration_STATE_CANCELLED}))
	require.Equal(t, 6, end(&droverv1.Migration{State: droverv1.Migration_STATE_FAILED, ReasonKind: "denied", ReasonSide: "target", Reason: "no"}))
	require.Equal(t, 8, end(&droverv1.Migration{State: droverv1.Migration_STATE_FAILED, ReasonKind: "exists", ReasonSide: "target", Reason: "has rows"}))
	require.Equal(t, 8, end(&droverv1.Migration{State: droverv1.Migration_STATE_FAILED, ReasonKind: "preflight", Reason: "has rows"}))
	require.Equal(t, 4, end(incomplete, value, repaired))
	require.Equal(t, 3, end(incomplete, value, different))
	require.Equal(t, 3, end(incomplete, away, blocked(&droverv1.Table{ReasonKind: "corrupt"})))
	require.Equal(t, 5, end(incomplete, away, blocked(&droverv1.Table{ReasonKind: "changed", ReasonSide: "source"})))
	require.Equal(t, 4, end(incomplete, away, value))
	require.Equal(t, 1, end(incomplete, blocked(&droverv1.Table{Reason: "changed"})))
	require.Equal(t, 1, end(incomplete, blocked(&droverv1.Table{ReasonKind: "exists", ReasonSide: "target"})), "not a preflight: the migration had begun")
	require.Equal(t, 4, end(&droverv1.Migration{State: droverv1.Migration_STATE_STOPPED}, value))
	require.Equal(t, 6, end(&droverv1.Migration{State: droverv1.Migration_STATE_INCOMPLETE, ReasonKind: "denied", ReasonSide: "target"}))
	require.Equal(t, 11, end(&droverv1.Migration{State: droverv1.Migration_STATE_WAITING}))
	require.Equal(t, 1, end(&droverv1.Migration{State: droverv1.Migration_STATE_ROLLED_BACK, ReasonKind: "value"}))
	require.Equal(t, 3, end(&droverv1.Migration{State: droverv1.Migration_STATE_ROLLED_BACK, ReasonKind: "corrupt"}))
}
