package report

import (
	"fmt"
	"strings"
)

// verdict is the last line.
func verdict(s *Summary) string {
	switch s.State {
	case "COMPLETE":
		return fmt.Sprintf("COMPLETE: %s: %s in %s moved in %s; %s.",
			s.Migration, count(s.Total.Rows, "row"), count(int64(s.Total.Tables-s.Total.TablesSkipped), "table"), duration(s.Total.Elapsed), proof(s))
	case "INCOMPLETE":
		return fmt.Sprintf("INCOMPLETE: %s: %s (see above).", s.Migration, tally(s))
	case "STOPPED":
		return fmt.Sprintf("STOPPED: %s in phase %s: %s (see above); later phases have not begun.", s.Migration, s.Phase, tally(s))
	case "WAITING":
		return fmt.Sprintf("WAITING: %s: phase %s waits for approval; %d of %s complete and verified.",
			s.Migration, s.Phase, s.Total.TablesComplete, count(int64(s.Total.Tables), "table"))
	case "ROLLED_BACK":
		return fmt.Sprintf("ROLLED_BACK: %s: nothing was published and the target is as it was%s.", s.Migration, because(s.Reason))
	case "FAILED":
		if s.Total.Rows > 0 {
			return fmt.Sprintf("FAILED: %s: %s", s.Migration, s.Reason)
		}
		return fmt.Sprintf("FAILED: %s: nothing was moved: %s", s.Migration, s.Reason)
	case "CANCELLED":
		return fmt.Sprintf("CANCELLED: %s: what was copied stays in the target.", s.Migration)
	default:
		return fmt.Sprintf("%s: %s: %d of %s complete, %d of %s verified.", s.State, s.Migration,
			s.Total.TablesComplete, count(int64(s.Total.Tables), "table"), s.Total.RangesVerified, count(int64(s.Total.Ranges), "range"))
	}
}

// proof says what the word complete rests on, and what it leaves out.
func proof(s *Summary) string {
	var but []string
	if s.Total.TablesSkipped > 0 {
		but = append(but, count(int64(s.Total.TablesSkipped), "table")+" skipped")
	}
	if s.Total.RangesSkipped > 0 {
		but = append(but, count(int64(s.Total.RangesSkipped), "range")+" skipped")
	}
	if s.Total.RowsFiltered > 0 {
		but = append(but, count(s.Total.RowsFiltered, "row")+" filtered")
	}
	if s.Total.ValuesTouched > 0 {
		but = append(but, count(s.Total.ValuesTouched, "value")+" changed by policy")
	}
	if s.Total.RowsRejected > 0 {
		but = append(but, count(s.Total.RowsRejected, "row")+" REJECTED and not in the target")
	}
	if len(but) == 0 {
		return "every range was read back from the target and equals the source"
	}
	return "every range was read back from the target and equals what was read; " + strings.Join(but, ", ")
}

// tally counts the tables by what became of them.
func tally(s *Summary) string {
	out := fmt.Sprintf("%d of %s complete and verified, %d blocked", s.Total.TablesComplete, count(int64(s.Total.Tables), "table"), s.Total.TablesBlocked)
	if s.Total.TablesSkipped > 0 {
		out += fmt.Sprintf(", %d skipped", s.Total.TablesSkipped)
	}
	return out
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + strings.TrimSuffix(reason, ".")
}
