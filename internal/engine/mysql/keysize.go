package mysql

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

const (
	// maxKeyBytes is what InnoDB takes into one entry of an index where its pages have
	// 16 KiB, maxOldKeyBytes what it takes of a column in the row formats of before;
	// maxRowBytes what the server takes into a row beside its long texts.
	maxKeyBytes    = 3072
	maxOldKeyBytes = 767
	maxRowBytes    = 65_535
	// unlimited is the size of a long text.
	unlimited = 1 << 32
	longWidth = 12
)

// fixedWidth is at least what a value of a type without a length takes.
const fixedWidth = 8

// bytesOf is the most bytes that a value of a type takes, and how many a character
// takes; 0 for types that have no characters.
func (t targetType) bytesOf() (size, perCharacter int) {
	perCharacter = 4
	if t.charset == "ascii" {
		perCharacter = 1
	}
	name := dataTypeOf(t.name)
	n := 0
	_, _ = fmt.Sscanf(strings.TrimPrefix(t.name, name), "(%d)", &n)
	switch name {
	case "char", "varchar":
		return n * perCharacter, perCharacter
	case "binary", "varbinary":
		return n, 1
	case "longtext", "mediumtext", "text":
		return unlimited, perCharacter
	case "longblob", "mediumblob", "blob", "json":
		return unlimited, 1
	case "decimal":
		return n/2 + 2, 0
	}
	return fixedWidth, 0
}

// fitIndex gives the characters that an index may take of each of its columns where
// it cannot take all.
func (b *tableBuilder) fitIndex(x *planv1.Index) map[string]int {
	var names []string
	for _, part := range x.GetColumns() {
		names = append(names, part.GetName())
	}
	return b.fit(names)
}

// fit shares an index entry among columns: those that need less than their share
// leave it to the others.
func (b *tableBuilder) fit(columns []string) map[string]int {
	type need struct {
		name           string
		size, perChars int
	}
	var needs []need
	limits := b.keyLimits(b.plan)
	budget := limits.entry
	for _, name := range columns {
		if c := b.plannedBy(name); c != nil {
			size, per := c.to.bytesOf()
			if per == 0 {
				budget -= size
				continue
			}
			needs = append(needs, need{name, size, per})
		}
	}
	slices.SortStableFunc(needs, func(x, y need) int { return cmp.Compare(x.size, y.size) })
	out := map[string]int{}
	for i, n := range needs {
		share := max(min(budget/(len(needs)-i), limits.column), n.perChars)
		if n.size > share {
			out[n.name] = share / n.perChars
			n.size = share
		}
		budget -= n.size
	}
	return out
}

// fitKeys gives texts and bytes of any length that are part of a key a length: the
// server makes no key of them otherwise. Longer values are refused, never cut.
func (b *tableBuilder) fitKeys() {
	limits := map[string]int{}
	merge := func(columns []string) {
		for name, n := range b.fit(columns) {
			if old, ok := limits[name]; !ok || n < old {
				limits[name] = n
			}
		}
	}
	for _, x := range b.plan.GetSource().GetIndexes() {
		if x.GetUnique() && ordinary(x) {
			var names []string
			for _, part := range x.GetColumns() {
				names = append(names, part.GetName())
			}
			merge(names)
		}
	}
	for _, f := range b.plan.GetSource().GetForeignKeys() {
		merge(f.GetColumns())
	}
	for _, c := range b.columns {
		if n, ok := limits[c.source.GetName()]; ok && c.source.Constant == nil && dataTypeOf(c.to.name) != "json" {
			b.limit(c, n)
		}
	}
}

func (b *tableBuilder) limit(c *plannedColumn, n int) {
	what := "characters"
	if strings.HasSuffix(c.to.name, "blob") || strings.HasPrefix(c.to.name, "varbinary") {
		c.to.name, what = fmt.Sprintf("varbinary(%d)", n), "bytes"
	} else {
		c.to.name = fmt.Sprintf("varchar(%d)", n)
	}
	note(b.plan, warning, codeTextLimited, c.source.GetName(), "the column is part of a key, which holds %d bytes here in all: it becomes %s, and a value of more than %d %s stops the table",
		b.keyLimits(b.plan).entry, c.to.name, n, what)
}

// fitRow makes long texts of the longest columns until a row of the longest values
// is one that the server takes.
func (b *tableBuilder) fitRow() {
	hard := b.keyColumns()
	for {
		total := 0
		var longest *plannedColumn
		for _, c := range b.columns {
			size, per := c.to.bytesOf()
			total += min(size, unlimited-1) % (unlimited - 1)
			if size >= unlimited {
				total += longWidth
				continue
			}
			if name := dataTypeOf(c.to.name); per > 0 && strings.HasPrefix(name, "var") && !hard[c.source.GetName()] {
				total += 2
				if longest == nil || size > sizeOf(longest) {
					longest = c
				}
			}
		}
		if total <= maxRowBytes-len(b.columns)/8-1 || longest == nil {
			return
		}
		was := longest.to.name
		longest.to.name = "longtext"
		if longest.to.kind == canon.Bytes {
			longest.to.name = "longblob"
		}
		note(b.plan, info, codeTypeTranslated, longest.source.GetName(), "a row of %s and the other columns would be longer than the server takes: the column becomes %s", was, longest.to.name)
	}
}

func sizeOf(c *plannedColumn) int {
	size, _ := c.to.bytesOf()
	return size
}

// keyColumns are the columns that must keep a length.
func (b *tableBuilder) keyColumns() map[string]bool {
	out := map[string]bool{}
	for _, x := range b.plan.GetSource().GetIndexes() {
		for _, part := range x.GetColumns() {
			out[part.GetName()] = out[part.GetName()] || x.GetUnique()
		}
	}
	for _, f := range b.plan.GetSource().GetForeignKeys() {
		for _, name := range f.GetColumns() {
			out[name] = true
		}
	}
	return out
}
