package output

import (
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Column of a grid.
type Column struct {
	Title string
	// Right aligns numbers.
	Right bool
}

// Grid is a table for people. Cells come from databases, so control characters
// in them are replaced: no name can draw on the terminal.
type Grid struct {
	columns []Column
	rows    [][]string
}

// NewGrid starts a grid; a title that begins with ">" is right-aligned.
func NewGrid(titles ...string) *Grid {
	g := &Grid{}
	g.Append(titles...)
	return g
}

// Append adds columns behind the others; rows come after.
func (g *Grid) Append(titles ...string) {
	for _, t := range titles {
		name, right := strings.CutPrefix(t, ">")
		g.columns = append(g.columns, Column{Title: name, Right: right})
	}
}

// Add adds a row; missing cells are empty.
func (g *Grid) Add(cells ...string) {
	row := make([]string, len(g.columns))
	for i := range row {
		if i < len(cells) {
			row[i] = Clean(cells[i])
		}
	}
	g.rows = append(g.rows, row)
}

// Len is the number of rows.
func (g *Grid) Len() int { return len(g.rows) }

// Lines renders the grid: titles first.
func (g *Grid) Lines() []string {
	titles := make([]string, len(g.columns))
	width := make([]int, len(g.columns))
	for i, c := range g.columns {
		titles[i] = c.Title
		width[i] = utf8.RuneCountInString(c.Title)
		for _, row := range g.rows {
			width[i] = max(width[i], utf8.RuneCountInString(row[i]))
		}
	}
	lines := []string{g.line(titles, width)}
	for _, row := range g.rows {
		lines = append(lines, g.line(row, width))
	}
	return lines
}

// line pads one row.
func (g *Grid) line(cells []string, width []int) string {
	var b strings.Builder
	for i, cell := range cells {
		if i > 0 {
			b.WriteString("  ")
		}
		pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
		if g.columns[i].Right {
			b.WriteString(pad + cell)
		} else {
			b.WriteString(cell + pad)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// Write writes the grid.
func (g *Grid) Write(w io.Writer) error {
	return write(w, []byte(strings.Join(g.Lines(), "\n")+"\n"))
}

// Clean makes a text harmless on a terminal and keeps it on one line.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar {
			return '�'
		}
		return r
	}, text)
}
