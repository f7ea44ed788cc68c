package mysql

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// Load reads Threads_running, less this user's own threads, and the server's lag where it
// is a replica: of its own replicas' a server of MySQL knows nothing.
func (d *database) Load(ctx context.Context) (engine.Load, error) {
	const op = "mysql.Load"
	var out engine.Load
	var name string
	if err := d.db.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE 'Threads_running'").Scan(&name, &out.ActiveSessions); err != nil {
		return out, classify(op, err)
	}
	var own int
	err := d.db.QueryRowContext(ctx, "SELECT count(*) FROM information_schema.PROCESSLIST WHERE COMMAND <> 'Sleep' AND USER = substring_index(current_user(), '@', 1)").Scan(&own)
	if err != nil {
		return out, classify(op, err)
	}
	out.ActiveSessions = max(out.ActiveSessions-own, 0)
	switch out.ReplicaLag, err = d.replicaLag(ctx); {
	case fault.KindOf(classify(op, err)) == fault.Denied:
		out.HiddenLag = "this user may not see whether the server is a replica, and how far behind: GRANT " + d.dialect.replicaPrivilege + " ON *.* TO it"
	case err != nil:
		return out, classify(op, err)
	}
	return out, nil
}

// replicaLag is how far the furthest of a replica's channels is behind; 0 for a server
// that is none, and for a channel that does not run.
func (d *database) replicaLag(ctx context.Context) (lag time.Duration, err error) {
	err = each(ctx, d.db, "SHOW REPLICA STATUS", nil, func(rows *sql.Rows) error {
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		into, behind := make([]any, len(columns)), sql.NullString{}
		for i, column := range columns {
			into[i] = new(sql.RawBytes)
			if column == "Seconds_Behind_Source" || column == "Seconds_Behind_Master" {
				into[i] = &behind
			}
		}
		if err := rows.Scan(into...); err != nil || !behind.Valid {
			return err
		}
		seconds, err := strconv.ParseFloat(behind.String, 64)
		lag = max(lag, time.Duration(seconds*float64(time.Second)))
		return err
	})
	return lag, err
}
