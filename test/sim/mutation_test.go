package sim

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A guard whose loss nobody notices is not tested, or not needed.
func TestMutations_AreFound(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "simulate")
	out, err := exec.Command("go", "build", "-tags", "mutation", "-o", binary, "../cmd/simulate").CombinedOutput()
	require.NoError(t, err, string(out))
	out, err = exec.Command(binary, "-mutations", "-seeds", "20000").CombinedOutput()
	t.Log("\n" + strings.TrimSpace(string(out)))
	require.NoError(t, err)
}
