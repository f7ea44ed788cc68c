package postgres

import (
	"context"
	"time"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

const hiddenStatistics = "this user sees only its own sessions in pg_stat_activity and pg_stat_replication: GRANT pg_monitor TO it"

// Load reads the server's statistics. A primary's replicas tell their lag only while
// something is on its way to them; a standby has none when it has replayed all it got.
func (db *database) Load(ctx context.Context) (engine.Load, error) {
	var out engine.Load
	var lag float64
	var sees bool
	err := db.pool.QueryRow(ctx, `SELECT
		(SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND backend_type = 'client backend' AND pid <> pg_backend_pid()
			AND application_name NOT LIKE 'drover%' AND application_name <> current_setting('application_name'))::int4,
		CASE WHEN NOT pg_is_in_recovery() THEN COALESCE((SELECT max(extract(epoch FROM replay_lag)) FROM pg_stat_replication), 0)
			WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
			ELSE COALESCE(extract(epoch FROM now() - pg_last_xact_replay_timestamp()), 0) END::float8,
		pg_has_role('pg_read_all_stats', 'USAGE')`).Scan(&out.ActiveSessions, &lag, &sees)
	if err != nil {
		return out, fault.At(classify("postgres.Load", err), "", "")
	}
	out.ReplicaLag = time.Duration(max(lag, 0) * float64(time.Second))
	if !sees {
		out.HiddenSessions, out.HiddenLag = hiddenStatistics, hiddenStatistics
	}
	return out, nil
}
