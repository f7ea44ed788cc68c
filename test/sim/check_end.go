package sim

import (
	"fmt"
	"strings"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
)

// ended tells whether the migration has come to its end.
func (c *checker) ended() bool {
	switch {
	case c.failed:
		return true
	case c.cancelled:
		return c.finished || !c.prepared
	default:
		return c.outcome != 0
	}
}

// atEnd checks what is left when a run is over.
func (c *checker) atEnd() {
	if c.cancelled {
		return
	}
	for number, table := range c.w.target.tables {
		for _, n := range table.numbers {
			r := table.ranges[n]
			whole := c.poisoned != nil && c.poisoned.table == number
			refused := whole && c.poisoned.rng == n
			switch s := c.state(number, n); {
			case refused && !s.blocked:
				c.w.violate("table %d range %d has a row that the target refuses, and is not blocked", number, n)
			case refused, whole && !c.w.scenario.tables[number-1].byRange:
			case !s.verified:
				c.w.violate("the migration ended, and table %d range %d is not verified", number, n)
			case r.digest() != r.source.digest:
				c.w.violate("the migration ended, and table %d range %d has %d rows of %d", number, n, r.digest().Rows, r.source.digest.Rows)
			}
		}
	}
	want := journalv1.MigrationEnded_OUTCOME_COMPLETE
	if c.poisoned != nil {
		want = journalv1.MigrationEnded_OUTCOME_INCOMPLETE
	}
	if c.outcome != want {
		c.w.violate("the migration ended as %s, not as %s", c.outcome, want)
	}
}

// standing says how far a run is, for people.
func (c *checker) standing() string {
	var parts []string
	for i := range c.w.scenario.tables {
		number := uint32(i + 1)
		text := fmt.Sprintf("table %d %s:", number, strings.TrimPrefix(c.tables[number].String(), "TABLE_STAGE_"))
		for _, r := range c.w.ranges[number] {
			s, have := c.state(number, r.plan.GetNumber()), c.w.target.tables[number].ranges[r.plan.GetNumber()].digest().Rows
			text += fmt.Sprintf(" %d/%d", have, len(r.rows))
			switch {
			case s.verified:
				text += " verified"
			case s.loaded:
				text += " loaded"
			case s.blocked:
				text += " blocked"
			}
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}
