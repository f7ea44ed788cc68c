package rpc_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/rpc"
)

// candidate is a server that may lead; it answers with its name.
type candidate struct {
	droverv1.UnimplementedMigrationServiceServer
	name   string
	server *rpc.Server
	addr   string
	refuse error
}

func (c *candidate) GetMigration(context.Context, *droverv1.GetMigrationRequest) (*droverv1.GetMigrationResponse, error) {
	return &droverv1.GetMigrationResponse{Migration: &droverv1.Migration{Name: c.name}}, nil
}

func (c *candidate) PauseMigration(context.Context, *droverv1.PauseMigrationRequest) (*droverv1.PauseMigrationResponse, error) {
	return &droverv1.PauseMigrationResponse{Migration: &droverv1.Migration{Name: c.name}}, c.refuse
}

func newCandidate(t *testing.T, name string) *candidate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s, err := rpc.NewServer(rpc.ServerOptions{})
	require.NoError(t, err)
	c := &candidate{name: name, server: s, addr: l.Addr().String()}
	droverv1.RegisterMigrationServiceServer(s, c)
	s.SetServing(rpc.LeaderService, false)
	done := make(chan error, 1)
	go func() { done <- s.Run(context.Background(), l) }()
	t.Cleanup(func() {
		s.Stop()
		require.NoError(t, <-done)
	})
	return c
}

func dialLeader(t *testing.T, addrs string) droverv1.MigrationServiceClient {
	t.Helper()
	conn, err := rpc.DialLeader(addrs, rpc.ClientOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return droverv1.NewMigrationServiceClient(conn)
}

// Calls go to the server that leads, and to the next one when it leads no more.
func TestDialLeader_FollowsTheLead(t *testing.T) {
	a, b := newCandidate(t, "migrations/a"), newCandidate(t, "migrations/b")
	a.server.SetServing(rpc.LeaderService, true)
	client := dialLeader(t, "127.0.0.1:1,"+a.addr+","+b.addr)
	for range 5 {
		r, err := client.PauseMigration(t.Context(), &droverv1.PauseMigrationRequest{Name: "migrations/m"})
		require.NoError(t, err)
		require.Equal(t, "migrations/a", r.GetMigration().GetName())
	}
	a.server.SetServing(rpc.LeaderService, false)
	a.refuse = rpc.NotLeading("b")
	time.AfterFunc(300*time.Millisecond, func() { b.server.SetServing(rpc.LeaderService, true) })
	r, err := client.PauseMigration(t.Context(), &droverv1.PauseMigrationRequest{Name: "migrations/m"})
	require.NoError(t, err, "a call in the middle of a change waits for it")
	require.Equal(t, "migrations/b", r.GetMigration().GetName())
	b.server.SetServing(rpc.LeaderService, false)
	time.Sleep(100 * time.Millisecond) // a call on its way when a server dies has an unknown fate
	b.server.Stop()
	a.refuse = nil
	time.AfterFunc(300*time.Millisecond, func() { a.server.SetServing(rpc.LeaderService, true) })
	r, err = client.PauseMigration(t.Context(), &droverv1.PauseMigrationRequest{Name: "migrations/m"})
	require.NoError(t, err)
	require.Equal(t, "migrations/a", r.GetMigration().GetName())
}

// Where nobody leads, reads are answered by whoever is there, and anything else says why.
func TestDialLeader_NobodyLeads(t *testing.T) {
	a := newCandidate(t, "migrations/a")
	client := dialLeader(t, a.addr)
	r, err := client.GetMigration(t.Context(), &droverv1.GetMigrationRequest{Name: "migrations/m"})
	require.NoError(t, err)
	require.Equal(t, "migrations/a", r.GetMigration().GetName())
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = client.PauseMigration(ctx, &droverv1.PauseMigrationRequest{Name: "migrations/m"})
	require.Equal(t, fault.Unavailable, fault.KindOf(err), err)
	require.True(t, rpc.Leaderless(err), err)
	require.ErrorContains(t, err, "no coordinator leads at "+a.addr)
}

// One address where nothing listens is an error at once.
func TestDialLeader_NobodyThere(t *testing.T) {
	begin := time.Now()
	_, err := dialLeader(t, "127.0.0.1:1").PauseMigration(t.Context(), &droverv1.PauseMigrationRequest{Name: "migrations/m"})
	require.Equal(t, fault.Unavailable, fault.KindOf(err), err)
	require.ErrorContains(t, err, "connection refused")
	require.False(t, rpc.Leaderless(err))
	require.Less(t, time.Since(begin), 2*time.Second)
}
