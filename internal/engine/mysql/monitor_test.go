package mysql

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Threads of other users count, drover's own do not; a server that is no replica has no
// lag, and who may not look is told what to ask for.
func TestLoad(t *testing.T) {
	eachFlavour(t, func(t *testing.T, admin *database) {
		t.Cleanup(func() { dropUser(t, admin) })
		script(t, admin, "CREATE USER "+admin.schema+" IDENTIFIED BY 'secret'", "GRANT SELECT ON "+ident(admin.schema)+".* TO "+admin.schema)
		d := openAs(t, admin, admin.schema, "secret")
		seen, err := d.Load(t.Context())
		require.NoError(t, err)
		require.Empty(t, seen.HiddenSessions)
		require.Contains(t, seen.HiddenLag, d.dialect.replicaPrivilege)
		done := make(chan error, 1)
		go func() {
			_, err := admin.db.ExecContext(t.Context(), "DO SLEEP(2)")
			done <- err
		}()
		require.Eventually(t, func() bool {
			seen, err := d.Load(t.Context())
			return err == nil && seen.ActiveSessions > 0
		}, 10*time.Second, 50*time.Millisecond)
		require.NoError(t, <-done)
		script(t, admin, "GRANT "+d.dialect.replicaPrivilege+" ON *.* TO "+admin.schema)
		again := openAs(t, admin, admin.schema, "secret")
		seen, err = again.Load(t.Context())
		require.NoError(t, err)
		require.Empty(t, seen.HiddenLag)
		require.Zero(t, seen.ReplicaLag)
	})
}
