package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// chooseKey finds what identifies a table's rows and orders them: the primary
// key, a unique index, or the rowid.
func chooseKey(ctx context.Context, q queryer, info *tableInfo, t *planv1.Table) (*planv1.Key, error) {
	candidates := []struct {
		source  planv1.KeySource
		columns []indexColumn
	}{{planv1.KeySource_KEY_SOURCE_PRIMARY, info.primaryColumns()}}
	for _, i := range info.indexes {
		if i.unique && !i.partial && i.origin != "pk" {
			candidates = append(candidates, struct {
				source  planv1.KeySource
				columns []indexColumn
			}{planv1.KeySource_KEY_SOURCE_UNIQUE, i.columns})
		}
	}
	for _, c := range candidates {
		key := keyOf(t, c.source, c.columns)
		if key == nil {
			continue
		}
		ok, err := keyIsCanonical(ctx, q, info.name, key)
		if err != nil {
			return nil, err
		}
		if ok {
			return key, nil
		}
	}
	if rowid := info.rowid(); rowid != "" {
		return &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_HIDDEN, Columns: []string{rowid}, Kinds: []planv1.Kind{canon.Int}, PortableOrder: true}, nil
	}
	return &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_NONE}, nil
}

// primaryColumns gives the primary key as an index has it.
func (t *tableInfo) primaryColumns() []indexColumn {
	if i := t.primaryIndex(); i != nil {
		return i.columns
	}
	if c := t.rowidColumn(); c != nil {
		return []indexColumn{{name: c.name, collation: "BINARY"}}
	}
	return nil
}

// keyOf makes a key of an index's columns; nil where one may be NULL or is an
// expression, since then rows could be left out or met twice.
func keyOf(t *planv1.Table, source planv1.KeySource, columns []indexColumn) *planv1.Key {
	key := &planv1.Key{Source: source, PortableOrder: true}
	for _, c := range columns {
		i := slices.IndexFunc(t.GetColumns(), func(column *planv1.Column) bool { return column.GetName() == c.name })
		if i < 0 || t.GetColumns()[i].GetNullable() || t.GetColumns()[i].GetGenerated() != "" {
			return nil
		}
		kind := t.GetColumns()[i].GetKind()
		key.Columns = append(key.Columns, c.name)
		key.Kinds = append(key.Kinds, kind)
		key.PortableOrder = key.PortableOrder && canon.Portable(kind)
	}
	if len(key.GetColumns()) == 0 {
		return nil
	}
	return key
}

// canonicalForms are conditions under which the stored form of a kind is the one
// that drover writes, so that a key can be turned into its canonical value and
// back and the file orders keys as every engine does. Kinds that are stored as
// they are need none; those with an empty condition are never keys.
var canonicalForms = map[planv1.Kind]string{
	canon.Bool:        "%[1]s IN (0, 1)",
	canon.Decimal:     "typeof(%[1]s) IN ('integer', 'real')",
	canon.UUID:        "typeof(%[1]s) = 'text' AND length(%[1]s) = 36 AND %[1]s = lower(%[1]s) AND %[1]s LIKE '________-____-____-____-____________'",
	canon.Date:        "typeof(%[1]s) = 'text' AND %[1]s GLOB '" + globDate + "' AND " + notYearZero,
	canon.Time:        "typeof(%[1]s) = 'text' AND (" + globTime + ")",
	canon.Timestamp:   "typeof(%[1]s) = 'text' AND " + notYearZero + " AND substr(%[1]s, 1, 11) GLOB '" + globDate + " ' AND " + globClock,
	canon.TimestampTZ: "",
	canon.JSON:        "",
}

const (
	globDate = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
	// A function's result has no affinity: the text stays one in the comparison.
	notYearZero = "substr(%[1]s, 1, 4) > '0000'"
	globHour    = "[0-9][0-9]:[0-9][0-9]:[0-9][0-9]"
	globTime    = "%[1]s GLOB '" + globHour + "' OR %[1]s GLOB '" + globHour + ".*[1-9]'"
	// globClock is globTime for what stands behind the date.
	globClock = "(substr(%[1]s, 12) GLOB '" + globHour + "' OR substr(%[1]s, 12) GLOB '" + globHour + ".*[1-9]')"
)

// keyIsCanonical looks for a key in another form. It runs through the key's
// index, and only for kinds that SQLite has no storage class for.
func keyIsCanonical(ctx context.Context, q queryer, table string, key *planv1.Key) (bool, error) {
	var conditions []string
	for i, kind := range key.GetKinds() {
		form, restricted := canonicalForms[kind]
		if restricted && form == "" {
			return false, nil
		}
		if restricted {
			conditions = append(conditions, "("+fmt.Sprintf(form, ident(key.GetColumns()[i]))+")")
		}
	}
	if len(conditions) == 0 {
		return true, nil
	}
	var one int
	err := q.QueryRowContext(ctx, "SELECT 1 FROM "+mainTable(table)+" WHERE NOT ("+strings.Join(conditions, " AND ")+") LIMIT 1").Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil
	}
	return false, err
}

// orderTerms are a key's columns as they are ordered and compared: with the
// collation of the index, where it is not bytes.
func orderTerms(info *tableInfo, key *planv1.Key) []string {
	out := make([]string, len(key.GetColumns()))
	collations := info.keyCollations(key.GetColumns())
	for i, name := range key.GetColumns() {
		out[i] = ident(name)
		if key.GetSource() == planv1.KeySource_KEY_SOURCE_HIDDEN {
			out[i] = name
		}
		if collations[i] != "" && collations[i] != "BINARY" {
			out[i] += " COLLATE " + ident(collations[i])
		}
	}
	return out
}

// keyCollations gives the collations of the unique index over these columns.
func (t *tableInfo) keyCollations(columns []string) []string {
	out := make([]string, len(columns))
	for _, i := range t.indexes {
		if !i.unique || i.partial || len(i.columns) != len(columns) {
			continue
		}
		if slices.EqualFunc(i.columns, columns, func(c indexColumn, name string) bool { return fold(c.name) == fold(name) }) {
			for n, c := range i.columns {
				out[n] = c.collation
			}
			return out
		}
	}
	return out
}
