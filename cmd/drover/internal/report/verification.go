package report

import (
	"fmt"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
)

// ModeName is a verification's mode as the command line has it.
func ModeName(m planv1.VerifyMode) string {
	return strings.ToLower(strings.TrimPrefix(m.String(), "VERIFY_MODE_"))
}

// VerificationState is a verification's state for people.
func VerificationState(v *droverv1.Verification) string {
	return strings.ToLower(strings.TrimPrefix(v.GetState().String(), "STATE_"))
}

// MigrationOf is the short name of the migration that a verification is of.
func MigrationOf(v *droverv1.Verification) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(v.GetName(), "migrations/"), "/")
	return name
}

// Verdict says what a verification amounts to, and what to do about it; flags are what
// a command needs to find the migration.
func Verdict(v *droverv1.Verification, flags string) string {
	name, n := MigrationOf(v)+flags, v.GetCounters()
	text := fmt.Sprintf("%s (%s): %s", v.GetName(), ModeName(v.GetMode()), VerificationState(v))
	if v.GetSeed() != 0 {
		text += fmt.Sprintf(", drawn by seed %d", v.GetSeed())
	}
	switch {
	case n.GetSchemaDifferences() > 0:
		text += fmt.Sprintf(", %s; list with: drover diff %s", count(n.GetSchemaDifferences(), "difference"), name)
	case n.GetListedRows() > 0:
		text += fmt.Sprintf(", %s; list with: drover diff %s", count(n.GetDifferentRows(), "row"), name)
		if n.GetListedRows() < n.GetDifferentRows() {
			text += fmt.Sprintf(" (%d by key)", n.GetListedRows())
		}
	case n.GetRangesDifferent() > 0 && v.GetMode() == planv1.VerifyMode_VERIFY_MODE_ROWS:
		text += fmt.Sprintf(", %s without a key to name it by: copy the table again", count(n.GetDifferentRows(), "row"))
	case n.GetRangesDifferent() > 0:
		text += fmt.Sprintf(", %s; find the rows with: drover verify %s --mode rows", count(int64(n.GetRangesDifferent()), "range"), name)
	}
	return text
}

// RepairText counts what a repair did, or would do.
func RepairText(r *droverv1.Repair) string {
	text := fmt.Sprintf("%d inserted, %d updated, %d deleted", r.GetInserted(), r.GetUpdated(), r.GetDeleted())
	if r.GetDryRun() {
		text = "a repair would make it: " + text
	}
	for _, part := range []struct {
		n    int64
		text string
	}{{r.GetChanged(), "left alone: changed since"}, {r.GetSettled(), "right already"}, {r.GetRefused(), "refused by the target"}} {
		if part.n > 0 {
			text += fmt.Sprintf(", %d %s", part.n, part.text)
		}
	}
	if r.GetRangesFailed() > 0 {
		text += ", " + count(int64(r.GetRangesFailed()), "range") + " failed"
	}
	return text
}
