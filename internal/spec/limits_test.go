package spec_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/spec"
)

func TestLimitsOf(t *testing.T) {
	require.Zero(t, spec.LimitsOf(nil))
	got := spec.LimitsOf(&droverv1.LimitSpec{Rows: "10000/s", Bytes: "50MiB/s", Connections: 4,
		Source: &droverv1.SourceLimitSpec{ReplicaLag: "1500ms", ActiveSessions: 40}})
	require.Equal(t, spec.Limits{Rows: 10000, Bytes: 50 << 20, Connections: 4, ReplicaLag: 1500 * time.Millisecond, ActiveSessions: 40}, got)
	require.True(t, got.Watched())
}

func TestCheckLimits(t *testing.T) {
	for _, good := range []*droverv1.LimitSpec{
		nil, {}, {Rows: "10/s"}, {Rows: "0/s"}, {Bytes: "64KiB/s"}, {Bytes: "0B/s"}, {Connections: 2},
		{Connections: 3, Source: &droverv1.SourceLimitSpec{ReplicaLag: "2m"}},
	} {
		require.NoError(t, spec.CheckLimits(good), "%v", good)
	}
	for says, bad := range map[string]*droverv1.LimitSpec{
		"rows must be at least 10/s":          {Rows: "9/s"},
		"rows must be a number a second":      {Rows: "10000"},
		"bytes must be at least 64KiB/s":      {Bytes: "1KiB/s"},
		"bytes must be a size a second":       {Bytes: "50MB"},
		"connections must be at least 2":      {Connections: 1},
		"connections must be at least 3":      {Connections: 2, Source: &droverv1.SourceLimitSpec{ActiveSessions: 5}},
		"connections must be a number from":   {Connections: -1},
		"source.replica_lag must be a time":   {Source: &droverv1.SourceLimitSpec{ReplicaLag: "10"}},
		"source.active_sessions must be a nu": {Source: &droverv1.SourceLimitSpec{ActiveSessions: -1}},
	} {
		err := spec.CheckLimits(bad)
		require.Equal(t, fault.Invalid, fault.KindOf(err), "%v", bad)
		require.ErrorContains(t, err, says)
	}
}
