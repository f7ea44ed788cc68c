package validator

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/batch"
)

// Of rows that come in pieces the columns that differ are named as those of others.
func TestLarge_ColumnsAreNamed(t *testing.T) {
	long := bytes.Repeat([]byte("x"), batch.LargeRow+batch.PieceBytes)
	source, target := items(30), items(30)
	for _, i := range []int{4, 9, 19} {
		source[i][2], target[i][2] = long, bytes.Clone(long)
	}
	target[4][2][len(long)-1] = 'y'
	target[9][1], target[9][3] = []byte("other"), []byte("0.50")
	target[19][2] = nil
	want := []string{"DIFFERENT id=5 note", "DIFFERENT id=10 name,price", "DIFFERENT id=20 note"}
	f := newFixture(t, Config{}, itemTable("id"), source, target)
	require.Equal(t, want, written(f.validate(nil)))
	for _, mode := range []planv1.VerifyMode{planv1.VerifyMode_VERIFY_MODE_ROWS, planv1.VerifyMode_VERIFY_MODE_SAMPLE} {
		require.Equal(t, want, found(f.check(&workerv1.VerifyRange{Mode: mode, SampleRows: 30})), mode)
	}
}
