package engine

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/fault"
)

// A loader that was replaced must not be told to try again, nor one whose target went back
// that it was replaced: three such words make a coordinator believe that its log is old.
func TestNotOwned(t *testing.T) {
	r := RangeRequest{Range: &planv1.Range{Number: 7}, Epoch: 10}
	require.Equal(t, fault.Fenced, fault.KindOf(NotOwned("op", r, 11)))
	back := NotOwned("op", r, 9)
	require.Equal(t, fault.Unavailable, fault.KindOf(back))
	require.ErrorContains(t, back, "before range 7 was opened")
}
