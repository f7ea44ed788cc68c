package glob_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/glob"
)

func TestTable(t *testing.T) {
	for pattern, want := range map[string]bool{
		"shop.users": true, "shop.*": true, "*.users": true, "users": true, "user?": true, "*": true,
		"shop.user": false, "other.*": false, "shop": false, "sho?.[a-z]sers": true, "shop.[": false,
	} {
		require.Equal(t, want, glob.Table(pattern, "shop", "users"), pattern)
	}
	require.True(t, glob.Table("main.a.b", "main", "a.b"), "only the first dot separates")
}
