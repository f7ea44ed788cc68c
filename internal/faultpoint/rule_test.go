//go:build faultpoint

package faultpoint

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/fault"
)

func mustParse(t *testing.T, text string) *rules {
	t.Helper()
	r, err := parse(text)
	require.NoError(t, err)
	return r
}

func TestRules_FailByKind(t *testing.T) {
	r := mustParse(t, "loader.before-write=fail:unavailable")
	require.NoError(t, r.hit(t.Context(), LoaderAfterWrite, ""))
	require.Equal(t, fault.Unavailable, fault.KindOf(r.hit(t.Context(), LoaderBeforeWrite, "")))
}

func TestRules_NthHit(t *testing.T) {
	r := mustParse(t, "loader.before-write=hit:3,fail:conflict")
	for n := 1; n <= 5; n++ {
		err := r.hit(t.Context(), LoaderBeforeWrite, "")
		require.Equal(t, n == 3, err != nil, "hit %d: %v", n, err)
	}
}

func TestRules_MatchSubject(t *testing.T) {
	r := mustParse(t, "loader.before-write=match:album,fail:conflict")
	require.NoError(t, r.hit(t.Context(), LoaderBeforeWrite, "load public.artist"))
	require.Error(t, r.hit(t.Context(), LoaderBeforeWrite, "load public.album"))
}

// The marker outlives the process: rules read anew see it.
func TestRules_ExecOnce(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	text := "validator.before-read=once:" + filepath.Join(dir, "marker") +
		",exec:echo $DROVER_FAULTPOINT, $DROVER_FAULTPOINT_SUBJECT >> " + out
	for range 2 {
		r := mustParse(t, text)
		for range 2 {
			require.NoError(t, r.hit(t.Context(), ValidatorBeforeRead, "validate t"))
		}
	}
	got, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, "validator.before-read, validate t\n", string(got))
}

func TestRules_ExecFailureFailsJob(t *testing.T) {
	r := mustParse(t, "validator.before-read=exec:echo broken && exit 3")
	require.ErrorContains(t, r.hit(t.Context(), ValidatorBeforeRead, ""), "broken")
}

func TestRules_SleepEndsWithContext(t *testing.T) {
	r := mustParse(t, "extractor.before-end=sleep:1h")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.Error(t, r.hit(ctx, ExtractorBeforeEnd, ""))
}

func TestParse_RefusesNonsense(t *testing.T) {
	for _, text := range []string{
		"loader.before-write", "loader.nowhere=kill", "loader.before-write=explode", "loader.before-write=hit:0,kill",
		"loader.before-write=sleep:soon", "loader.before-write=stop:soon", "loader.before-write=fail:badly", "loader.before-write=exec:", "loader.before-write=once:/tmp/x",
	} {
		_, err := parse(text)
		require.Error(t, err, text)
	}
}

func TestPoints_AreNamedOnce(t *testing.T) {
	seen := map[Point]bool{}
	for _, p := range Points() {
		require.False(t, seen[p], p)
		seen[p] = true
	}
}
