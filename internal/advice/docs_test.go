package advice

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whoever sees a code finds it in the documentation.
func TestDocs_ListEveryRule(t *testing.T) {
	text, err := os.ReadFile("../../docs/assessment.md")
	require.NoError(t, err)
	for rule := range what {
		require.Contains(t, string(text), "`"+string(rule)+"`")
	}
	for _, code := range []string{"KEYS_COLLIDE", "CANNOT_READ", "CANNOT_SPLIT"} {
		require.Contains(t, string(text), "`"+code+"`")
	}
}
