package mysql

import "github.com/drover-db/drover/internal/engine"

const (
	// pageRow is what InnoDB takes of a row into a page of 16 KiB, its usual size; rowHead
	// what it needs of that for itself.
	pageRow = 8126
	rowHead = 5 + 6 + 7
)

// checkPage warns of a row that fits into no page though all long values lie elsewhere: of
// each of them something stays in the page. The server makes no such table.
// https://dev.mysql.com/doc/refman/8.4/en/innodb-row-format.html
func (b *tableBuilder) checkPage() {
	least, nullable := rowHead, 0
	for _, c := range b.columns {
		least += b.inPage(c.to)
		if c.source.GetNullable() {
			nullable++
		}
	}
	if least += (nullable + 7) / 8; least < pageRow {
		return
	}
	note(b.plan, warning, codeRowTooWide, "", "%d columns need at least %d bytes of a row in its page, and InnoDB takes %d where pages have 16 KiB: it will not make table %s; drop columns in the spec, "+
		"or have a server with larger pages (innodb_page_size)", len(b.columns), least, pageRow-1, engine.Label(b.plan, engine.TargetSide))
}

// inPage is the least that the server counts of a type in a row's page. MySQL counts 40
// bytes of what can lie elsewhere, MariaDB the 20 that say where; but shorter values, all.
func (b *tableBuilder) inPage(t targetType) int {
	size, per := t.bytesOf()
	if per == 0 {
		return fixedBytes(t.name)
	}
	if b.dialect.name == "mysql" {
		return min(size, 40) + 1
	}
	if size < 256 {
		return size
	}
	return 20
}
