package postgres

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/testdb"
)

// Sessions of others count, drover's own do not; who may not see them is told what to ask
// for.
func TestLoad(t *testing.T) {
	raw := testdb.Postgres(t)
	db := openDB(t, raw)
	seen, err := db.Load(t.Context())
	require.NoError(t, err)
	require.Empty(t, seen.HiddenSessions+seen.HiddenLag)
	require.Zero(t, seen.ReplicaLag)
	u, err := url.Parse(raw)
	require.NoError(t, err)
	role := strings.TrimPrefix(u.Path, "/")
	done := make(chan struct{})
	go func() {
		defer close(done)
		script(t, raw+"?application_name=shop", "SELECT pg_sleep(3)")
	}()
	require.Eventually(t, func() bool {
		seen, err := db.Load(t.Context())
		return err == nil && seen.ActiveSessions > 0
	}, 10*time.Second, 50*time.Millisecond)
	<-done

	script(t, raw, "CREATE ROLE "+role+" LOGIN PASSWORD 'secret'")
	t.Cleanup(func() {
		_, err := db.pool.Exec(context.Background(), "DROP ROLE "+role)
		require.NoError(t, err)
	})
	u.User = url.UserPassword(role, "secret")
	other := openDB(t, u.String())
	seen, err = other.Load(t.Context())
	require.NoError(t, err)
	require.Contains(t, seen.HiddenSessions, "pg_monitor")
	require.Contains(t, seen.HiddenLag, "pg_monitor")
	script(t, raw, "GRANT pg_monitor TO "+role)
	seen, err = other.Load(t.Context())
	require.NoError(t, err)
	require.Empty(t, seen.HiddenSessions+seen.HiddenLag)
}
