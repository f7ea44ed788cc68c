package mysql

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

const codeIndexTooLong = "INDEX_TOO_LONG"

// keyLimits are the bytes that InnoDB takes into an entry of an index, and of one column.
type keyLimits struct{ entry, column int }

// keyLimits of a new table: by the server's pages, and by the row format that the table
// has or gets.
// https://dev.mysql.com/doc/refman/8.4/en/innodb-limits.html
func (d *designer) keyLimits(p *planv1.TablePlan) keyLimits {
	format := d.server.rowFormat
	if own, ok := option(p.GetSource(), optionRowFormat); ok && d.family() {
		format = own
	}
	out := keyLimits{entry: maxKeyBytes}
	switch d.server.pageSize {
	case 4 << 10:
		out.entry = maxKeyBytes / 4
	case 8 << 10:
		out.entry = maxKeyBytes / 2
	}
	out.column = out.entry
	if slices.Contains([]string{"COMPACT", "REDUNDANT"}, strings.ToUpper(format)) {
		out.column = min(out.entry, maxOldKeyBytes)
	}
	return out
}

// checkKeys stops a plan with an index that the server would not make.
func (b *tableBuilder) checkKeys() {
	for _, x := range b.plan.GetSource().GetIndexes() {
		if parts, reason := b.indexedBytes(x); reason == "" {
			b.checkKey(x, parts)
		}
	}
}

// indexedBytes are the most bytes that an index takes of each of its columns; a reason
// for an index that is not one of values.
func (b *tableBuilder) indexedBytes(x *planv1.Index) (bytes []int, reason string) {
	if !ordinary(x) {
		return nil, "not a tree"
	}
	prefixes := map[string]int{}
	if !b.family() && !x.GetUnique() {
		prefixes = b.fitIndex(x)
	}
	for _, part := range x.GetColumns() {
		c := b.plannedBy(part.GetName())
		if c == nil {
			return nil, "a column of it is not copied"
		}
		size, per := c.to.bytesOf()
		if per == 0 {
			size = fixedBytes(c.to.name)
		}
		if per > 1 && c.to.charset != "" {
			size, per = size/per*b.catalog.widths[c.to.charset], b.catalog.widths[c.to.charset]
		}
		if n := max(prefixes[part.GetName()], int(part.GetPrefix())); n > 0 && per > 0 {
			size = min(size, n*per)
		}
		if size >= unlimited {
			return nil, "it takes all of a long column"
		}
		bytes = append(bytes, size)
	}
	return bytes, ""
}

// fixedWidths are the bytes of types that have always as many.
var fixedWidths = map[string]int{"tinyint": 1, "smallint": 2, "mediumint": 3, "int": 4, "float": 4, "date": 3, "year": 1, "enum": 2, "uuid": 16, "inet4": 4, "inet6": 16}

// fixedBytes is what an index has of a value of a type without a length of its own.
// https://dev.mysql.com/doc/refman/8.4/en/storage-requirements.html
func fixedBytes(name string) int {
	var first, second int
	_, arguments, _ := strings.Cut(name, "(")
	_, _ = fmt.Sscanf(arguments, "%d,%d", &first, &second) // what is not there is 0
	digits := func(n int) int { return n/9*4 + (n%9+1)/2 }
	switch of := dataTypeOf(name); of {
	case "decimal":
		return digits(first-second) + digits(second)
	case "bit":
		return (first + 7) / 8
	case "time":
		return 3 + (first+1)/2
	case "datetime":
		return 5 + (first+1)/2
	case "timestamp":
		return 4 + (first+1)/2
	default:
		return cmp.Or(fixedWidths[of], fixedWidth)
	}
}

// checkKey notes an index that is too long. MariaDB finds equals in a unique one by
// their hashes.
func (b *tableBuilder) checkKey(x *planv1.Index, parts []int) {
	limits := b.keyLimits(b.plan)
	total, longest := 0, 0
	for i, n := range parts {
		total += n
		if n > parts[longest] {
			longest = i
		}
	}
	if total <= limits.entry && parts[longest] <= limits.column || b.dialect.target.longUnique && x.GetUnique() && !x.GetPrimary() {
		return
	}
	column := x.GetColumns()[longest].GetName()
	note(b.plan, blocker, codeIndexTooLong, column, "index %s would take %d bytes, %d of them of this column, and here an index takes %d, and %d of a column: "+
		"leave it out, shorten the column, or have a server with innodb_default_row_format=DYNAMIC and larger pages make the table", indexLabel(x), total, parts[longest], limits.entry, limits.column)
	b.plan.GetFindings()[len(b.plan.GetFindings())-1].Index = x.GetName()
}

// indexLabel names an index for people.
func indexLabel(x *planv1.Index) string {
	if x.GetName() == "" || x.GetPrimary() {
		return primaryIndex
	}
	return x.GetName()
}
