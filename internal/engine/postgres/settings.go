package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

const (
	codeTargetReadOnly = "TARGET_READ_ONLY"
	codeTargetEncoding = "TARGET_ENCODING"
	codeSourceEncoding = "SOURCE_ENCODING"
)

// encodings of databases that say something about text, or nothing.
const (
	encodingUTF8 = "UTF8"
	encodingNone = "SQL_ASCII"
)

// noteSource says what of the source's settings concerns every table.
func (db *database) noteSource(out *planv1.Database) {
	if db.sqlASCII {
		for _, t := range out.GetTables() {
			for _, c := range t.GetColumns() {
				// A tuple that goes through untouched is looked into by nobody.
				c.PortableBinary = c.GetPortableBinary() && !slices.Contains([]planv1.Kind{canon.Text, canon.JSON, canon.JSONValue}, c.GetKind())
			}
		}
		out.Findings = append(out.Findings, &planv1.Finding{Severity: warning, Code: codeSourceEncoding,
			Message: "the source database has no encoding (SQL_ASCII), so its texts may be bytes of any: one that is not UTF-8 stops its table; " +
				"--deep finds all of them, a policy (invalid: strip or set-null) or correcting the rows settles them"})
	}
}

// noteTarget says what of the target's settings concerns every table.
func (d *designer) noteTarget(ctx context.Context, tx pgx.Tx) error {
	var standby, pglz bool
	if err := tx.QueryRow(ctx, "SELECT pg_is_in_recovery(), current_setting('default_toast_compression') = 'pglz'").Scan(&standby, &pglz); err != nil {
		return err
	}
	if d.compression = bestLZ4; pglz {
		d.compression = bestPGLZ
	}
	d.noteStandby(standby)
	switch d.db.encoding {
	case encodingUTF8:
	case encodingNone:
		d.note(blocker, codeTargetEncoding, "the target database has no encoding (SQL_ASCII): what its texts mean would depend on who reads them; "+
			"make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and name that")
	default:
		d.note(warning, codeTargetEncoding, "the target database keeps text in %s: a character that it does not have stops its table, and no scan can tell before; a database in UTF8 takes all of them", d.db.encoding)
	}
	return nil
}

// noteStandby stops a plan for a server that takes no writes. A database or role that only
// begins its transactions read-only does: drover's sessions begin theirs otherwise.
func (d *designer) noteStandby(standby bool) {
	if standby {
		d.note(blocker, codeTargetReadOnly, "the target's server is a standby, which takes no writes: name its primary, or promote it there (SELECT pg_promote())")
	}
}

// unlimited are the settings that end what takes long, where a server, a database or a
// role has them; which there are depends on the version.
const unlimited = `SELECT set_config(name, '0', false) FROM pg_settings
WHERE name IN ('transaction_timeout', 'idle_session_timeout', 'lock_timeout') AND setting <> '0'`

// note adds a finding about the target as a whole.
func (d *designer) note(severity planv1.Severity, code, format string, args ...any) {
	d.design.Findings = append(d.design.Findings, &planv1.Finding{Severity: severity, Code: code, Message: fmt.Sprintf(format, args...)})
}

// asIs has a server that knows no encoding give texts as they are: it would refuse to give
// one that is not UTF-8, and say neither key nor column.
const asIs = `SELECT set_config('client_encoding', 'SQL_ASCII', false) WHERE current_setting('server_encoding') = 'SQL_ASCII'`

// setUp makes a connection drover's own, whatever the server, the database and the role
// have set for it.
func setUp(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.PgConn().Exec(ctx, sessionSettings+";\n"+unlimited+";\n"+asIs).ReadAll()
	return err
}
