package matrix

import (
	"fmt"
	"strings"

	"github.com/drover-db/drover/test/cli"
	"github.com/drover-db/drover/test/fixture"
)

// arrived checks how a table ended.
func (m *move) arrived(table Table, got cli.Table) {
	if table.Group.alone() {
		m.blocked(table, got)
		return
	}
	if got.State != "COMPLETE" {
		m.Errorf("%s is %s: %s", table.Name, got.State, got.Reason)
		return
	}
	for _, c := range table.Columns {
		m.touched(table, c, got)
		switch table.Group {
		case replaced:
			m.want(table, c, "IS NULL AND id <> 0", len(c.Cells)+m.empty(table, c), "are NULL by set-null")
		case substitute:
			sentinel, _ := c.Type.Sentinel.of(m.to.engine)
			m.want(table, c, "= '"+strings.ReplaceAll(sentinel, "'", "''")+"'", len(c.Cells), "are the sentinel "+sentinel)
		case kept, keptThere:
			m.want(table, c, "IS NOT NULL", len(c.Cells), "are kept by a cast")
		case dropped:
			if left, err := fixture.Try(m.Context(), m.target, fmt.Sprintf("SELECT %s FROM %s", c.Type.Column(), table.Name)); err == nil {
				m.Errorf("%s has column %s, which was dropped: %s", table.Name, c.Type.Column(), left)
			}
		default:
			m.shown(table, c)
		}
	}
}

// blocked checks that a value stopped its table, and was named by key and column.
func (m *move) blocked(table Table, got cli.Table) {
	c := table.Columns[0]
	if got.State != "BLOCKED" || !strings.Contains(got.Reason, fmt.Sprint(refusedID)) || !strings.Contains(got.Reason, c.Type.Column()) {
		m.Errorf("%s of %s is %s, want it refused by key and column: %s", c.Cells[0].SQL, c.Type.Declared, got.State, got.Reason)
	}
}

// touched checks the count of values that a policy changed: all of its table's, and none
// of others.
func (m *move) touched(table Table, c Column, got cli.Table) {
	want, counted := int64(0), int64(0)
	switch table.Group {
	case replaced, substitute, stripped:
		want = int64(len(c.Cells))
	}
	for _, t := range got.Touched {
		if t.Column == c.Type.Column() {
			counted += t.Values
		}
	}
	if counted != want {
		m.Errorf("%d values of %s in %s are counted as changed by a policy, want %d", counted, c.Type.Declared, table.Name, want)
	}
}

// want counts the values of a column for which a condition is true.
func (m *move) want(table Table, c Column, condition string, want int, what string) {
	left := fixture.Exec(m, m.target, fmt.Sprintf("SELECT count(*) FROM %s WHERE %s %s", table.Name, m.text(c), condition))
	if left != fmt.Sprint(want) {
		m.Errorf("%s values of %s in %s %s, want %d", left, c.Type.Declared, table.Name, what, want)
	}
}

// empty counts the rows of a table, but the first, that have no value for a column.
func (m *move) empty(table Table, c Column) int {
	rows := 0
	for _, other := range table.Columns {
		rows = max(rows, len(other.Cells))
	}
	return rows - len(c.Cells)
}

// text is a column as it compares with a text.
func (m *move) text(c Column) string {
	planned, _ := c.Type.Planned(m.to.engine)
	switch {
	case !strings.HasPrefix(planned, "json"):
		return c.Type.Column()
	case fixture.IsMySQL(m.target):
		return "CAST(" + c.Type.Column() + " AS CHAR)"
	default:
		return c.Type.Column() + "::text"
	}
}

// shown checks what the target's client prints, where that is said.
func (m *move) shown(table Table, c Column) {
	for row, cell := range c.Cells {
		if cell.Shows == "" {
			continue
		}
		if shown := fixture.Exec(m, m.target, fmt.Sprintf("SELECT %s FROM %s WHERE id = %d", c.Type.Column(), table.Name, table.id(row))); shown != cell.Shows {
			m.Errorf("%s of %s shows as %q, want %q", cell.SQL, c.Type.Declared, shown, cell.Shows)
		}
	}
}
