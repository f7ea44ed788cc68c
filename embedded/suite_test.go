package embedded_test

import (
	"database/sql"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/drover-db/drover/embedded"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, c embedded.Config) *embedded.Suite {
	t.Helper()
	s, err := embedded.Start(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// source makes a database of n rows and gives the spec that moves it.
func source(t *testing.T, n int) *droverv1.MigrationSpec {
	t.Helper()
	dir := t.TempDir()
	db, err := sql.Open("sqlite", filepath.Join(dir, "source.db"))
	require.NoError(t, err)
	_, err = db.Exec(`CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO item SELECT i, 'item ' || i FROM n`, n)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	return &droverv1.MigrationSpec{ApiVersion: "drover.dev/v1", Kind: "Migration", Name: "items",
		Source: &droverv1.EndpointSpec{Url: "sqlite://" + filepath.Join(dir, "source.db")},
		Target: &droverv1.EndpointSpec{Url: "sqlite://" + filepath.Join(dir, "target.db")},
		Ranges: &droverv1.RangeSpec{TargetRows: 100}}
}

// move runs a migration to its end.
func move(t *testing.T, s *embedded.Suite, spec *droverv1.MigrationSpec) *droverv1.Migration {
	t.Helper()
	client := droverv1.NewMigrationServiceClient(s.Conn())
	_, err := client.CreateMigration(t.Context(), &droverv1.CreateMigrationRequest{Spec: spec, Start: true})
	require.NoError(t, err)
	stream, err := client.WatchMigration(t.Context(), &droverv1.WatchMigrationRequest{Name: spec.GetName()})
	require.NoError(t, err)
	var last *droverv1.Migration
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return last
		}
		require.NoError(t, err)
		last = m.GetMigration()
	}
}

func list(t *testing.T, s *embedded.Suite) []*droverv1.Migration {
	t.Helper()
	r, err := droverv1.NewMigrationServiceClient(s.Conn()).ListMigrations(t.Context(), &droverv1.ListMigrationsRequest{})
	require.NoError(t, err)
	return r.GetMigrations()
}

func TestSuite_MovesAndRemembers(t *testing.T) {
	state := t.TempDir()
	s := start(t, embedded.Config{StateDir: state, Jobs: 2})
	m := move(t, s, source(t, 1000))
	require.Equal(t, droverv1.Migration_STATE_COMPLETE, m.GetState(), m.GetReason())
	require.EqualValues(t, 1000, m.GetCounters().GetRowsVerified())
	require.Greater(t, m.GetCounters().GetRanges(), int32(5))
	s.Close()
	s.Close()
	require.NoError(t, s.Err())

	again := start(t, embedded.Config{StateDir: state})
	require.Len(t, list(t, again), 1, "another suite on the folder knows what was done")
	require.Equal(t, droverv1.Migration_STATE_COMPLETE, list(t, again)[0].GetState())
	again.Close()

	fresh := start(t, embedded.Config{StateDir: state, Fresh: true})
	require.Empty(t, list(t, fresh))
}

func TestStart_FolderInUse(t *testing.T) {
	state := t.TempDir()
	start(t, embedded.Config{StateDir: state})
	for _, fresh := range []bool{false, true} {
		_, err := embedded.Start(t.Context(), embedded.Config{StateDir: state, Fresh: fresh})
		require.Equal(t, fault.Exists, fault.KindOf(err))
		require.ErrorContains(t, err, "another server has it open")
	}
}

func TestStart_Listen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	state := t.TempDir()
	_, err = embedded.Start(t.Context(), embedded.Config{StateDir: state, Listen: taken.Addr().String()})
	require.Equal(t, fault.Exists, fault.KindOf(err))
	require.ErrorContains(t, err, "the port is in use")

	// What the failed start had opened is free again.
	registry := prometheus.NewRegistry()
	s := start(t, embedded.Config{StateDir: state, Listen: "127.0.0.1:0", NATSListen: "127.0.0.1:0", Metrics: registry})
	require.Regexp(t, `^nats://127\.0\.0\.1:\d+$`, s.NATSURL())
	conn, err := rpc.Dial(s.Address().String(), rpc.ClientOptions{})
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	require.Eventually(t, func() bool {
		r, err := droverv1.NewWorkerServiceClient(conn).ListWorkers(t.Context(), &droverv1.ListWorkersRequest{})
		return err == nil && len(r.GetWorkers()) == 3
	}, 10*time.Second, 20*time.Millisecond, "one worker of each role")
	families, err := registry.Gather()
	require.NoError(t, err)
	names := map[string]bool{}
	for _, f := range families {
		names[f.GetName()] = true
	}
	require.True(t, names["drover_coordinator_leader"] && names["grpc_server_handled_total"], names)
}

func TestStart_Invalid(t *testing.T) {
	_, err := embedded.Start(t.Context(), embedded.Config{Jobs: -1})
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	require.ErrorContains(t, err, "state folder")
	require.ErrorContains(t, err, "must not be negative")
}
