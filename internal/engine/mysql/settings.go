package mysql

import (
	"context"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

const (
	codeTargetReadOnly = "TARGET_READ_ONLY"
	codeBinaryLog      = "BINARY_LOG_REFUSES"
)

// serverSettings are what a plan depends on.
type serverSettings struct {
	// foldsNames: names of tables are kept in lower case; comparesFolded: they are
	// compared so.
	foldsNames, comparesFolded bool
	localInfile                bool
	// durable tells whether a commit is on the disk when it returns.
	durable     bool
	keyRequired bool
	// pageSize and rowFormat are those of new InnoDB tables.
	pageSize  int
	rowFormat string
	// maxPacket is the longest statement that the server takes.
	maxPacket int64
	// readOnly: the server takes writes of nobody, or of few.
	readOnly readOnly
	// events tells whether events run.
	events bool
	// logRefuses: the binary log lets no one but administrators make functions that may
	// write, and triggers.
	logRefuses bool
}

// readOnly says whose writes a server takes.
type readOnly struct{ all, most bool }

func (d *database) readServer(ctx context.Context) (s serverSettings, err error) {
	var lower int
	err = d.db.QueryRowContext(ctx, "SELECT @@lower_case_table_names, @@local_infile, "+durableCommits+", "+d.dialect.target.keyRequired+
		", @@innodb_page_size, @@innodb_default_row_format, @@global.max_allowed_packet, "+d.dialect.target.readOnly+", @@global.read_only, @@global.event_scheduler IN ('ON', '1'), @@log_bin AND NOT @@global.log_bin_trust_function_creators").
		Scan(&lower, &s.localInfile, &s.durable, &s.keyRequired, &s.pageSize, &s.rowFormat, &s.maxPacket, &s.readOnly.all, &s.readOnly.most, &s.events, &s.logRefuses)
	s.foldsNames, s.comparesFolded = lower == 1, lower != 0
	return s, err
}

// noteServer says what about the server stops a migration, changes what comes of it,
// makes it slower or slows its end.
func (d *designer) noteServer(ctx context.Context) error {
	if !d.server.localInfile {
		d.note(info, codeLoadedByInserts, "local_infile is OFF on the target: rows come by INSERT, at about half the speed, and none that is longer than max_allowed_packet as text (%d bytes); "+
			"set local_infile=ON there for LOAD DATA", d.server.maxPacket)
	}
	if !d.server.durable {
		d.note(info, codeFlushedByStatement, "the target does not write each commit to the disk (innodb_flush_log_at_trx_commit, sync_binlog): "+
			"drover flushes its log at the end of each range, for which the user needs RELOAD")
	}
	granted, complete, err := d.db.readGrants(ctx)
	if err != nil {
		return err
	}
	administers := func(privileges ...string) bool {
		return slices.ContainsFunc(privileges, func(p string) bool { return slices.Contains(granted["%"], p) })
	}
	d.noteReadOnly(!complete, administers(d.dialect.target.readOnlyPrivileges...))
	d.noteBinaryLog(!complete || administers("SUPER"))
	return nil
}

// noteReadOnly stops a plan for a server that takes no writes of this user.
func (d *designer) noteReadOnly(unknown, exempt bool) {
	switch {
	case d.server.readOnly.all:
		d.note(blocker, codeTargetReadOnly, "the target takes no writes (%s): it may be a replica; name its source, or switch that OFF for the migration", d.dialect.target.readOnlyName)
	case !d.server.readOnly.most || exempt:
	case unknown:
		d.note(warning, codeTargetReadOnly, "the target takes writes of administrators alone (read_only), and whether the user's roles make it one, the catalog does not say: it may be a replica")
	default:
		d.note(blocker, codeTargetReadOnly, "the target takes writes of administrators alone (read_only): it may be a replica; name its source, switch that OFF for the migration, or GRANT %s ON *.* to the user",
			d.dialect.target.readOnlyPrivileges[len(d.dialect.target.readOnlyPrivileges)-1])
	}
}

// noteBinaryLog warns of what the server lets only administrators make, as long as it
// writes a binary log.
func (d *designer) noteBinaryLog(administrator bool) {
	if !d.server.logRefuses || !d.sameEngine() {
		return
	}
	var refused []string
	for _, x := range d.source.GetObjects() {
		switch {
		case x.GetType() == "trigger" && !administrator, x.GetType() == "function" && (!administrator || !readsOnly(x)):
			refused = append(refused, x.GetType()+" "+x.GetName())
		}
	}
	if len(refused) > 0 {
		d.note(warning, codeBinaryLog, "the target writes a binary log and does not trust those who make functions and triggers, so these will be refused at the end: %s; "+
			"SET GLOBAL log_bin_trust_function_creators = ON there for the migration", strings.Join(refused, ", "))
	}
}

// readsOnly tells whether a function declares that it changes nothing.
func readsOnly(x *planv1.Object) bool {
	text := strings.ToUpper(statementOf(x))
	for _, words := range []string{"NO SQL", "READS SQL DATA"} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return strings.Contains(text, "DETERMINISTIC") && !strings.Contains(text, "NOT DETERMINISTIC")
}

// noteEvent says whether an event will run in the target.
func (o *objectPlanner) noteEvent(x *planv1.Object) {
	if o.server.events {
		o.note(warning, codeEventRuns, "event %s runs on the target as soon as it is made, for event_scheduler is ON there: switch it off on one of the two sides", x.GetName())
		return
	}
	o.note(info, codeEventRuns, "event %s does not run on the target, for event_scheduler is OFF there: SET GLOBAL event_scheduler = ON once it should", x.GetName())
}
