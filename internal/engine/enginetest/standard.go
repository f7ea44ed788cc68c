package enginetest

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// Standard gives the tables that every engine must move: one for each kind of
// key, and one with every kind of value. Columns and keys that one of the
// factories lacks are left out, values that one cannot hold too.
func Standard(factories ...Factory) []Table {
	s := standard{factories}
	tables := []Table{intTable(), compositeTable(), textTable(), mixedTable(), keylessTable(), nullableTable(), emptyTable(), s.wideTable()}
	if s.has(canon.UUID) {
		tables = append(tables, keyTable("by_uuid", canon.UUID, 120, func(i int) []byte {
			return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(i)*0x9e3779b97f4a7c15), uint64(i))
		}))
	}
	if s.has(canon.Date) {
		tables = append(tables, keyTable("by_date", canon.Date, 120, func(i int) []byte { return canon.AppendDate(nil, int32(i*37-1000)) }))
	}
	if s.has(canon.Bytes) {
		tables = append(tables, keyTable("by_bytes", canon.Bytes, 60, func(i int) []byte { return []byte{byte(i * 4), 0, byte(255 - i)} }))
	}
	if s.has(canon.Decimal) {
		tables = append(tables, keyTable("by_decimal", canon.Decimal, 60, func(i int) []byte { return fmt.Appendf(nil, "%d.50", i*i-100) }))
	}
	return tables
}

// keyLength is what key columns that vary in length hold at most.
const keyLength = 191

type standard struct{ factories []Factory }

// has tells whether the source, which is the first factory, has the kind.
func (s standard) has(kind planv1.Kind) bool { return !slices.Contains(s.factories[0].Lacks, kind) }

func (s standard) holds(kind planv1.Kind, v []byte) bool {
	for _, f := range s.factories {
		if f.Holds != nil && !f.Holds(kind, v) {
			return false
		}
	}
	return true
}

// intTable has a key with gaps, skew, negative numbers and both ends of int64.
func intTable() Table {
	t := Table{Name: "by_int", Key: []string{"id"}, Columns: []Column{
		{Name: "id", Kind: canon.Int, Identity: true}, {Name: "n", Kind: canon.Int, Nullable: true}, {Name: "note", Kind: canon.Text, Nullable: true}}}
	add := func(id int64) {
		row := [][]byte{canon.AppendInt(nil, id), canon.AppendInt(nil, id/2), fmt.Appendf(nil, "row %d", id)}
		if id%3 == 0 {
			row[1], row[2] = nil, []byte{}
		}
		t.Rows = append(t.Rows, row)
	}
	add(math.MinInt64)
	for id := int64(-40); id < 200; id++ {
		add(id)
	}
	for id := int64(1); id <= 30; id++ {
		add(id * 1_000_000_007)
	}
	add(math.MaxInt64 - 1)
	return t
}

func compositeTable() Table {
	t := Table{Name: "by_pair", Key: []string{"b", "a"}, Columns: []Column{
		{Name: "a", Kind: canon.Int}, {Name: "b", Kind: canon.Int}, {Name: "v", Kind: canon.Text, Nullable: true}}}
	for i := range int64(150) {
		t.Rows = append(t.Rows, [][]byte{canon.AppendInt(nil, i%7-3), canon.AppendInt(nil, i/7), fmt.Appendf(nil, "%d", i)})
	}
	return t
}

func textTable() Table {
	t := Table{Name: "by_text", Key: []string{"name"}, Columns: []Column{{Name: "name", Kind: canon.Text, Length: keyLength}, {Name: "v", Kind: canon.Int}}}
	for i, s := range hostileTexts {
		if len(s) < 200 {
			t.Rows = append(t.Rows, [][]byte{[]byte(s), canon.AppendInt(nil, int64(i))})
		}
	}
	for i := range int64(60) {
		t.Rows = append(t.Rows, [][]byte{fmt.Appendf(nil, "name %c%d", 'A'+rune(i%58), i), canon.AppendInt(nil, i)})
	}
	return t
}

func mixedTable() Table {
	t := Table{Name: "Mixed \"Case\" table", Key: []string{"Kind", "order"}, Columns: []Column{
		{Name: "Kind", Kind: canon.Text, Length: keyLength}, {Name: "order", Kind: canon.Int}, {Name: "select", Kind: canon.Text, Nullable: true}, {Name: "new\nline '", Kind: canon.Int, Nullable: true}}}
	for i := range int64(80) {
		t.Rows = append(t.Rows, [][]byte{[]byte(hostileTexts[i%5+9]), canon.AppendInt(nil, i), nil, canon.AppendInt(nil, -i)})
	}
	return t
}

// keylessTable has equal rows, which a copy must neither lose nor merge.
func keylessTable() Table {
	t := Table{Name: "keyless", Columns: []Column{{Name: "a", Kind: canon.Int, Nullable: true}, {Name: "b", Kind: canon.Text, Nullable: true}}}
	for i := range int64(90) {
		t.Rows = append(t.Rows, [][]byte{canon.AppendInt(nil, i%4), []byte("same")})
	}
	t.Rows = append(t.Rows, [][]byte{nil, nil}, [][]byte{nil, nil})
	return t
}

// nullableTable has no key but a unique one that rows may lack.
func nullableTable() Table {
	t := Table{Name: "by_nullable", Unique: [][]string{{"a", "b"}}, Columns: []Column{
		{Name: "a", Kind: canon.Int, Nullable: true}, {Name: "b", Kind: canon.Int, Nullable: true}, {Name: "v", Kind: canon.Text, Nullable: true}}}
	for i := range int64(90) {
		row := [][]byte{canon.AppendInt(nil, i/9), canon.AppendInt(nil, i%9), fmt.Appendf(nil, "%d", i)}
		if i%5 == 0 {
			row[i%2] = nil
		}
		t.Rows = append(t.Rows, row)
	}
	t.Rows = append(t.Rows, [][]byte{nil, nil, []byte("same")}, [][]byte{nil, nil, []byte("same")})
	return t
}

func emptyTable() Table {
	return Table{Name: "empty", Key: []string{"id"}, Columns: []Column{{Name: "id", Kind: canon.Int}, {Name: "v", Kind: canon.Text, Nullable: true}}}
}

func keyTable(name string, kind planv1.Kind, rows int, key func(i int) []byte) Table {
	t := Table{Name: name, Key: []string{"k"}, Columns: []Column{{Name: "k", Kind: kind, Scale: 2}, {Name: "v", Kind: canon.Int, Nullable: true}}}
	if kind == canon.Bytes {
		t.Columns[0].Length = keyLength
	}
	for i := range rows {
		t.Rows = append(t.Rows, [][]byte{key(i), canon.AppendInt(nil, int64(i))})
	}
	return t
}

// wideTable has a column of each kind; each row takes the next hostile value of
// each, and the last one NULLs.
func (s standard) wideTable() Table {
	t := Table{Name: "wide", Key: []string{"id"}, Columns: []Column{{Name: "id", Kind: canon.Int}}}
	var values [][][]byte
	most := 0
	for _, kind := range kinds {
		if !s.has(kind) {
			continue
		}
		name := "c_" + strings.ToLower(strings.TrimPrefix(kind.String(), "KIND_"))
		t.Columns = append(t.Columns, Column{Name: name, Kind: kind, Nullable: true, Scale: -1})
		held := slices.DeleteFunc(hostile(kind), func(v []byte) bool { return !s.holds(kind, v) })
		values = append(values, held)
		most = max(most, len(held))
	}
	for i := range most + 1 {
		row := [][]byte{canon.AppendInt(nil, int64(i))}
		for _, v := range values {
			if i == most {
				row = append(row, nil)
			} else {
				row = append(row, v[i%len(v)])
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
