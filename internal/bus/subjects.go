package bus

import (
	"fmt"
	"strconv"
	"strings"
)

// Stream and subject names. Tokens are generated (ULIDs and numbers), never
// names from a database: those could hold '.', '*' or '>'.

// RowStream names a migration's row stream.
func RowStream(migration string) string { return "DATA_" + migration }

// RowSubjects is what a migration's row stream takes.
func RowSubjects(migration string) string { return "d." + migration + ".>" }

// RowSubject is where one attempt at a range publishes: no other attempt ever does.
func RowSubject(migration string, table, rng uint32, attempt uint64) string {
	return fmt.Sprintf("d.%s.%d.%d.%d", migration, table, rng, attempt)
}

// AttemptOf is the attempt whose subject it is; not ok where it is no RowSubject.
func AttemptOf(subject string) (attempt uint64, ok bool) {
	attempt, err := strconv.ParseUint(subject[strings.LastIndexByte(subject, '.')+1:], 10, 64)
	return attempt, err == nil
}

// The control log.
const (
	ControlStream   = "CTL"
	ControlSubjects = "ctl.>"
	// ReserveStream holds the store's room for all of these; it is always empty.
	ReserveStream  = "CTL_RESERVE"
	ReserveSubject = "ctlreserve"
	// SnapshotBucket keeps what logs amount to.
	SnapshotBucket = "drover-snapshots"
	// ClusterLog is the log of the coordinators' terms.
	ClusterLog = "cluster"
)

// ControlSubject is the subject of a migration's control log, or of ClusterLog.
func ControlSubject(log string) string { return "ctl." + log }
