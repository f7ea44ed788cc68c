package enginetest

import (
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// Table is a table of a test database, in no engine's terms.
type Table struct {
	Name    string
	Columns []Column
	// Key is the primary key; none for a table without.
	Key []string
	// Unique lists further unique constraints.
	Unique [][]string
	// References lists foreign keys.
	References []Reference
	// Rows in canonical values, a nil for NULL.
	Rows [][][]byte
}

// Column of a Table.
type Column struct {
	Name     string
	Kind     planv1.Kind
	Nullable bool
	// Scale of a decimal; -1 for any.
	Scale int32
	// Identity columns get their value from the database where an insert has none.
	// They are always the table's key.
	Identity bool
	// Length bounds the characters of texts, or the bytes, that are part of a key; 0
	// for none.
	Length int
}

// Reference is a foreign key to a table's primary key.
type Reference struct {
	Columns []string
	Table   string
	To      []string
}

// Dialect writes a Table in an engine's SQL.
type Dialect struct {
	// Quote quotes an identifier.
	Quote func(name string) string
	// Type is a column's declared type, its identity clause included.
	Type func(c Column) string
	// Literal is a value as an SQL expression; never called for NULL.
	Literal func(c Column, value []byte) string
}

// Statements makes the tables and their rows.
func (d Dialect) Statements(tables ...Table) []string {
	var out []string
	for _, t := range tables {
		out = append(out, d.create(t))
		for rows := range slices.Chunk(t.Rows, 100) {
			out = append(out, d.insert(t, rows))
		}
	}
	return out
}

func (d Dialect) create(t Table) string {
	var parts []string
	for _, c := range t.Columns {
		part := d.Quote(c.Name) + " " + d.Type(c)
		if !c.Nullable {
			part += " NOT NULL"
		}
		parts = append(parts, part)
	}
	if len(t.Key) > 0 {
		parts = append(parts, "PRIMARY KEY ("+d.list(t.Key)+")")
	}
	for _, u := range t.Unique {
		parts = append(parts, "UNIQUE ("+d.list(u)+")")
	}
	for _, r := range t.References {
		parts = append(parts, "FOREIGN KEY ("+d.list(r.Columns)+") REFERENCES "+d.Quote(r.Table)+" ("+d.list(r.To)+")")
	}
	return "CREATE TABLE " + d.Quote(t.Name) + " (" + strings.Join(parts, ", ") + ")"
}

func (d Dialect) list(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = d.Quote(n)
	}
	return strings.Join(quoted, ", ")
}

func (d Dialect) insert(t Table, rows [][][]byte) string {
	var b strings.Builder
	b.WriteString("INSERT INTO " + d.Quote(t.Name) + " VALUES ")
	for i, row := range rows {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('(')
		for j, v := range row {
			if j > 0 {
				b.WriteString(", ")
			}
			if v == nil {
				b.WriteString("NULL")
			} else {
				b.WriteString(d.Literal(t.Columns[j], v))
			}
		}
		b.WriteByte(')')
	}
	return b.String()
}
