package extractor

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/fault"
)

// numbers makes a source of which every third note is no number, travelling as numbers.
func numbers(t *testing.T, policy *planv1.Policy) *fixture {
	return numbersBy(t, Config{BatchBytes: 1000}, policy)
}

func numbersBy(t *testing.T, config Config, policy *planv1.Policy) *fixture {
	f := newFixture(t, config, 300, func(i int) string {
		if i%3 == 0 {
			return short(i)
		}
		return "17"
	})
	c := f.plan.GetColumns()[1]
	c.Kind, c.Policy = canon.Int, policy
	return f
}

// Each batch carries what policies changed in its own rows, and no other's.
func TestExtract_CountsTouchedValuesOnce(t *testing.T) {
	f := numbers(t, &planv1.Policy{Action: planv1.Policy_ACTION_NULL})
	extracted := f.handle(f.job(whole, nil)).GetExtracted()
	require.EqualValues(t, 300, extracted.GetDigest().GetRows())
	var sum int64
	batches := 0
	for _, m := range f.published(whole) {
		for _, touched := range m.header.GetTouched() {
			require.EqualValues(t, 1, touched.GetColumn())
			sum += touched.GetValues()
			batches++
		}
	}
	require.EqualValues(t, 100, sum)
	require.Greater(t, batches, 2)
}

func TestExtract_WithoutPolicyNamesKeyAndColumn(t *testing.T) {
	f := numbers(t, nil)
	_, err := f.try(t.Context(), f.job(whole, nil))
	require.Equal(t, fault.Value, fault.KindOf(err), "%v", err)
	require.Equal(t, "id=3", fault.Find(err).Key)
	require.Equal(t, "body", fault.Find(err).Column)
}

func TestSample_StopsAtItsLimit(t *testing.T) {
	f := newFixture(t, Config{}, 500, short)
	sampled := func(most int64) *workerv1.Sampled {
		return f.handle(&workerv1.Job{Work: &workerv1.Job_Sample{Sample: &workerv1.SampleTable{
			Table: f.plan, Range: whole, MaxRows: most, MaxMs: 60_000}}}).GetSampled()
	}
	some, all := sampled(100), sampled(10_000)
	require.EqualValues(t, 100, some.GetRows())
	require.EqualValues(t, 500, all.GetRows())
	require.Greater(t, all.GetBytes(), some.GetBytes())
	require.Positive(t, some.GetSeconds())
}
