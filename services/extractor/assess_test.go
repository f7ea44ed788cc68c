package extractor

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/fault"
)

// assessed reads a range of a fixture as a deep check does.
func (f *fixture) assessed(r *planv1.Range) *workerv1.Assessed {
	return f.handle(&workerv1.Job{Target: &planv1.Endpoint{Url: "memory://dst"},
		Work: &workerv1.Job_Assess{Assess: &workerv1.AssessRange{Table: f.plan, Range: r}}}).GetAssessed()
}

// Lossy values are counted and named, and do not end the reading.
func TestAssess_CountsAndGoesOn(t *testing.T) {
	f := numbers(t, nil)
	got := f.assessed(whole)
	want := &workerv1.Assessed{Rows: 300, Losses: []*planv1.Loss{{Column: 1, Rule: "CAST_NOT_EXACT", Rows: 100,
		Keys: []string{"id=3", "id=6", "id=9"}, Example: `"note 3" is not an integer`}}}
	require.True(t, proto.Equal(want, got), "%v", got)
	require.Empty(t, f.progress, "few rows need no report")
}

// What a policy changes is counted as such and is no loss.
func TestAssess_CountsWhatPoliciesChange(t *testing.T) {
	got := numbers(t, &planv1.Policy{Action: planv1.Policy_ACTION_NULL}).assessed(whole)
	want := &workerv1.Assessed{Rows: 300, Touched: []*planv1.Touched{{Column: 1, Values: 100}}}
	require.True(t, proto.Equal(want, got), "%v", got)
}

// NULL where the target takes none is a loss once, and one that a refused value leaves
// behind is none.
func TestAssess_FindsNull(t *testing.T) {
	f := numbers(t, nil)
	f.plan.GetColumns()[1].Nullable = false
	require.NoError(t, f.engine.Insert("src", "note", map[string][]byte{"id": id(301)}))
	got := f.assessed(whole)
	require.Len(t, got.GetLosses(), 2)
	require.EqualValues(t, 100, got.GetLosses()[0].GetRows())
	require.True(t, proto.Equal(&planv1.Loss{Column: 1, Rule: "NULL_NOT_ALLOWED", Rows: 1, Keys: []string{"id=301"}, Example: errNull.Error()}, got.GetLosses()[1]), "%v", got)
}

// A target of no engine that this worker has is the user's to correct.
func TestAssess_UnknownTarget(t *testing.T) {
	f := numbers(t, nil)
	_, err := f.try(t.Context(), &workerv1.Job{Target: &planv1.Endpoint{Url: "other://dst"},
		Work: &workerv1.Job_Assess{Assess: &workerv1.AssessRange{Table: f.plan, Range: whole}}})
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	require.Equal(t, fault.Target, fault.Find(err).Side)
}
