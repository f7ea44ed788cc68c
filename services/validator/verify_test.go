package validator

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/keyrange"
)

func (f *fixture) check(work *workerv1.VerifyRange) *workerv1.RangeCheck {
	f.t.Helper()
	work.Table, work.MaxDifferences = f.plan, 1000
	result, err := f.service.Handle(f.t.Context(), &workerv1.Job{Source: &planv1.Endpoint{Url: "memory://src"}, Target: &planv1.Endpoint{Url: "memory://dst"},
		Work: &workerv1.Job_Verify{Verify: work}}, func(*workerv1.Progress) {})
	require.NoError(f.t, err)
	return result.GetRangeCheck()
}

// found writes the rows that a check lists.
func found(c *workerv1.RangeCheck) []string {
	var all []*planv1.Difference
	for _, d := range c.GetDifferences() {
		all = append(all, d.GetDifference())
	}
	return written(&workerv1.Verdict{Differences: all})
}

// damaged are items with one row changed, one gone and one too many.
func damaged() [][][]byte {
	rows := items(100)
	rows[6][1] = []byte("other")
	rows = append(rows[:49], rows[50:]...)
	return append(rows, [][]byte{id(999), []byte("extra"), nil, []byte("1.00")})
}

func TestVerify_Modes(t *testing.T) {
	f := newFixture(t, Config{}, itemTable("id"), items(100), damaged())
	for _, c := range []struct {
		mode      planv1.VerifyMode
		different int64
		want      []string
	}{
		{planv1.VerifyMode_VERIFY_MODE_COUNT, 0, nil},
		{planv1.VerifyMode_VERIFY_MODE_HASH, 1, nil},
		{planv1.VerifyMode_VERIFY_MODE_SAMPLE, 2, []string{"DIFFERENT id=7 name", "MISSING id=50"}},
		{planv1.VerifyMode_VERIFY_MODE_ROWS, 3, []string{"DIFFERENT id=7 name", "MISSING id=50", "EXTRA id=999"}},
	} {
		got := f.check(&workerv1.VerifyRange{Mode: c.mode, SampleRows: 1000})
		require.Equal(t, c.different, got.GetDifferentRows(), c.mode)
		require.Equal(t, c.want, found(got), c.mode)
	}
}

func TestVerify_EqualAndCounted(t *testing.T) {
	f := newFixture(t, Config{}, itemTable("id"), items(30), items(28))
	count := f.check(&workerv1.VerifyRange{Mode: planv1.VerifyMode_VERIFY_MODE_COUNT})
	require.EqualValues(t, []int64{30, 28, 2}, []int64{count.GetSource().GetRows(), count.GetTarget().GetRows(), count.GetDifferentRows()})
	same := newFixture(t, Config{}, itemTable("id"), items(30), items(30))
	for _, mode := range []planv1.VerifyMode{planv1.VerifyMode_VERIFY_MODE_COUNT, planv1.VerifyMode_VERIFY_MODE_HASH, planv1.VerifyMode_VERIFY_MODE_SAMPLE,
		planv1.VerifyMode_VERIFY_MODE_ROWS, planv1.VerifyMode_VERIFY_MODE_SCHEMA} {
		got := same.check(&workerv1.VerifyRange{Mode: mode, SampleRows: 5})
		require.Zero(t, got.GetDifferentRows(), mode)
		require.Empty(t, got.GetSchema(), mode)
	}
}

// A listed row carries its key and the hash of the row that the target has: what a
// repair compares.
func TestVerify_ListsWhatARepairNeeds(t *testing.T) {
	f := newFixture(t, Config{}, itemTable("id"), items(100), damaged())
	for _, d := range f.check(&workerv1.VerifyRange{Mode: planv1.VerifyMode_VERIFY_MODE_ROWS}).GetDifferences() {
		require.Len(t, d.GetKey().GetValues(), 1)
		if d.GetDifference().GetType() == planv1.Difference_TYPE_MISSING {
			require.Empty(t, d.GetTargetRow())
			continue
		}
		_, err := batch.HashFrom(d.GetTargetRow())
		require.NoError(t, err)
	}
}

// The same seed draws the same rows, another one others, and as many as are asked for.
func TestVerify_SampleBySeed(t *testing.T) {
	f := newFixture(t, Config{}, itemTable("id"), items(400), nil)
	draw := func(seed uint64) []string {
		got := f.check(&workerv1.VerifyRange{Mode: planv1.VerifyMode_VERIFY_MODE_SAMPLE, SampleRows: 20, Seed: seed})
		require.EqualValues(t, 20, got.GetSampledRows())
		return found(got)
	}
	require.Equal(t, draw(7), draw(7))
	require.NotEqual(t, draw(7), draw(8))
}

// Rows of a table without a key are compared and not named, in a sample too.
func TestVerify_WithoutAKey(t *testing.T) {
	f := newFixture(t, Config{}, itemTable(), items(20), items(19))
	for _, mode := range []planv1.VerifyMode{planv1.VerifyMode_VERIFY_MODE_SAMPLE, planv1.VerifyMode_VERIFY_MODE_ROWS} {
		got := f.check(&workerv1.VerifyRange{Mode: mode, SampleRows: 5})
		require.EqualValues(t, 1, got.GetDifferentRows())
		require.Empty(t, got.GetDifferences())
	}
}

func TestVerify_SourceThatCannotBeReadIsAFailure(t *testing.T) {
	f := newFixture(t, Config{}, itemTable("id"), items(3), items(3))
	f.engine.broken = fault.New(fault.Unavailable, "test", "connection refused")
	_, err := f.service.Handle(t.Context(), &workerv1.Job{Source: &planv1.Endpoint{Url: "memory://src"}, Target: &planv1.Endpoint{Url: "memory://dst"},
		Work: &workerv1.Job_Verify{Verify: &workerv1.VerifyRange{Table: f.plan, Mode: planv1.VerifyMode_VERIFY_MODE_HASH}}}, func(*workerv1.Progress) {})
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
}

func TestListed_StaysWithinTheLog(t *testing.T) {
	row := &planv1.RowDifference{Key: &planv1.Bound{Values: [][]byte{make([]byte, 100<<10)}}}
	rows := []*planv1.RowDifference{row, row, row, row, row, row, row}
	require.Len(t, listed(rows, 1000), 5)
	require.Len(t, listed(rows, 2), 2)
}

// Rows that were rejected are no difference, in any mode.
func TestVerify_RejectedRowsArePassedOver(t *testing.T) {
	f := newFixture(t, Config{}, itemTable("id"), items(20), append(items(20)[:4], items(20)[5:]...))
	var rejected batch.Hashes
	require.NoError(t, f.open("src").Read(t.Context(), engine.ReadRequest{Side: engine.SourceSide, Plan: f.plan, Keys: []*planv1.Bound{keyrange.Of(id(5))}},
		func(r engine.Row) error { rejected = append(rejected, batch.HashRow(r.Data)); return nil }))
	require.Len(t, rejected, 1)
	for _, mode := range []planv1.VerifyMode{planv1.VerifyMode_VERIFY_MODE_COUNT, planv1.VerifyMode_VERIFY_MODE_HASH, planv1.VerifyMode_VERIFY_MODE_SAMPLE, planv1.VerifyMode_VERIFY_MODE_ROWS} {
		require.EqualValues(t, 1, f.check(&workerv1.VerifyRange{Mode: mode, SampleRows: 100}).GetDifferentRows(), mode)
		require.Zero(t, f.check(&workerv1.VerifyRange{Mode: mode, SampleRows: 100, Rejected: rejected.Marshal()}).GetDifferentRows(), mode)
	}
}
