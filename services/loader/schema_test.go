package loader

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

func TestHandle_EmptyFencesLoaders(t *testing.T) {
	f := newFixture(t)
	f.publish(f.stream(2, 10)...)
	f.load(1, attempt)
	f.handle(&workerv1.Job{Work: &workerv1.Job_Empty{Empty: &workerv1.EmptyTable{Table: f.plan, Epoch: 5}}})
	require.Empty(t, f.rows())
	_, err := f.try(t.Context(), f.job(5, attempt+1))
	require.Equal(t, fault.Fenced, fault.KindOf(err))
}

func TestHandle_FinishEndsWriting(t *testing.T) {
	f := newFixture(t)
	f.handle(&workerv1.Job{Work: &workerv1.Job_Finish{Finish: &workerv1.FinishTarget{Stage: engine.StageComplete}}})
	_, err := f.try(t.Context(), f.job(1, attempt))
	require.Equal(t, fault.Fenced, fault.KindOf(err))
}

func TestHandle_AppliesSteps(t *testing.T) {
	f := newFixture(t)
	for _, step := range []planv1.Step{planv1.Step_STEP_KEY, planv1.Step_STEP_INDEXES, planv1.Step_STEP_FOREIGN_KEYS, planv1.Step_STEP_SEQUENCES} {
		result := f.handle(&workerv1.Job{Work: &workerv1.Job_ApplySchema{ApplySchema: &workerv1.ApplySchema{Table: f.plan, Step: step}}})
		require.NotNil(t, result.GetDone())
	}
}

func TestHandle_RefusesOtherRolesJobs(t *testing.T) {
	f := newFixture(t)
	_, err := f.try(t.Context(), &workerv1.Job{Work: &workerv1.Job_Extract{}})
	require.Equal(t, fault.Unsupported, fault.KindOf(err))
}

func TestNew_RefusesIncompleteConfig(t *testing.T) {
	_, err := New(Config{})
	require.Equal(t, fault.Invalid, fault.KindOf(err))
}
