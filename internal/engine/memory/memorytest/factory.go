// Package memorytest makes memory databases for the conformance suite of
// engines. It is for tests only.
package memorytest

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/engine/enginetest"
	"github.com/drover-db/drover/internal/engine/memory"
)

// Factory makes databases of a fresh memory engine.
func Factory() enginetest.Factory {
	e := memory.New()
	var made atomic.Int64
	return enginetest.Factory{
		Engine: e,
		New: func(t *testing.T, tables ...enginetest.Table) engine.Config {
			name := fmt.Sprintf("db%d", made.Add(1))
			for _, table := range tables {
				require.NoError(t, e.Create(name, Describe(table)))
				for _, row := range table.Rows {
					values := map[string][]byte{}
					for i, c := range table.Columns {
						values[c.Name] = row[i]
					}
					require.NoError(t, e.Insert(name, table.Name, values))
				}
			}
			return engine.Config{URL: "memory://" + name, Create: len(tables) == 0}
		},
		Insert: func(t *testing.T, c engine.Config, table string, texts map[string]string) error {
			values := map[string][]byte{}
			for column, text := range texts {
				v, err := canon.Parse(canon.Int, text)
				require.NoError(t, err)
				values[column] = v
			}
			return e.Insert(c.URL[len("memory://"):], table, values)
		},
	}
}

// Describe gives a test table as a catalog would.
func Describe(t enginetest.Table) *planv1.Table {
	out := &planv1.Table{Name: t.Name, Key: &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_NONE}}
	for _, c := range t.Columns {
		column := &planv1.Column{Name: c.Name, NativeType: nativeType(c), Kind: c.Kind, Nullable: c.Nullable, BinaryOrder: true}
		if c.Kind == canon.Decimal && c.Scale >= 0 {
			column.Precision, column.Scale = 38, c.Scale
		}
		if c.Identity {
			column.Identity = planv1.Identity_IDENTITY_BY_DEFAULT
		}
		out.Columns = append(out.Columns, column)
	}
	if len(t.Key) > 0 {
		out.Key = &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_PRIMARY, Columns: t.Key}
		out.Indexes = append(out.Indexes, &planv1.Index{Name: t.Name + "_pkey", Primary: true, Unique: true, Columns: columns(t.Key)})
	}
	for i, u := range t.Unique {
		out.Indexes = append(out.Indexes, &planv1.Index{Name: fmt.Sprintf("%s_%d", t.Name, i), Unique: true, Columns: columns(u)})
	}
	for _, r := range t.References {
		out.ForeignKeys = append(out.ForeignKeys, &planv1.ForeignKey{Columns: slices.Clone(r.Columns), ReferencedTable: r.Table, ReferencedColumns: r.To})
	}
	return out
}

func columns(names []string) []*planv1.IndexColumn {
	out := make([]*planv1.IndexColumn, len(names))
	for i, n := range names {
		out[i] = &planv1.IndexColumn{Name: n}
	}
	return out
}

// nativeType writes a column's type as the engine does.
func nativeType(c enginetest.Column) string {
	name := strings.ToLower(strings.TrimPrefix(c.Kind.String(), "KIND_"))
	if c.Kind == canon.Decimal && c.Scale >= 0 {
		name += fmt.Sprintf("(38,%d)", c.Scale)
	}
	return name
}
