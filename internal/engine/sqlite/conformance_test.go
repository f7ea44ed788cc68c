package sqlite

import (
	"database/sql"
	"fmt"
	"math"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/engine/enginetest"
	"github.com/drover-db/drover/internal/engine/memory/memorytest"
)

// testTypes are the declared types that the suite's kinds are made with.
var testTypes = map[planv1.Kind]string{canon.Bool: "BOOLEAN", canon.Int: "INTEGER", canon.Float64: "DOUBLE", canon.Text: "VARCHAR(100)",
	canon.Bytes: "BLOB", canon.Date: "DATE", canon.Time: "TIME", canon.Timestamp: "DATETIME", canon.TimestampTZ: "TIMESTAMPTZ", canon.UUID: "UUID", canon.JSON: "JSON"}

var dialect = enginetest.Dialect{
	Quote: ident,
	Type: func(c enginetest.Column) string {
		if c.Kind != canon.Decimal {
			return testTypes[c.Kind]
		}
		if c.Scale >= 0 {
			return fmt.Sprintf("DECIMAL(30,%d)", c.Scale)
		}
		return "DECIMAL"
	},
	Literal: func(c enginetest.Column, v []byte) string {
		switch c.Kind {
		case canon.Bytes:
			return fmt.Sprintf("x'%x'", v)
		case canon.Bool:
			return fmt.Sprint(v[0])
		case canon.Int:
			return canon.String(c.Kind, v)
		case canon.Decimal:
			return string(v)
		case canon.Float64:
			switch f := canon.GetFloat64(v); {
			case math.IsInf(f, 0):
				return strings.Replace(fmt.Sprint(f), "Inf", "9e999", 1)
			default:
				return fmt.Sprintf("%.17e", f)
			}
		}
		return literal(canon.String(c.Kind, v))
	},
}

// factory makes databases in files of the test's own folder.
func factory() enginetest.Factory {
	made := 0
	return enginetest.Factory{
		Engine: New(),
		New: func(t *testing.T, tables ...enginetest.Table) engine.Config {
			made++
			path := filepath.Join(t.TempDir(), fmt.Sprintf("test %d?#%%.db", made))
			if len(tables) > 0 {
				script(t, path, dialect.Statements(tables...)...)
			}
			return configOf(path)
		},
		Insert: func(t *testing.T, c engine.Config, table string, values map[string]string) error {
			path, err := parseURL(c.URL)
			require.NoError(t, err)
			db := openFile(t, path)
			defer func() { require.NoError(t, db.Close()) }()
			var names, literals []string
			for name, value := range values {
				names, literals = append(names, name), append(literals, literal(value))
			}
			_, err = db.ExecContext(t.Context(), "INSERT INTO "+ident(table)+" ("+idents(names)+") VALUES ("+strings.Join(literals, ", ")+")")
			return err
		},
		// Without a declared type of their own that Describe would find again.
		Lacks: []planv1.Kind{canon.Uint, canon.Float32, canon.TimeTZ, canon.Interval, canon.Bits, canon.JSONValue},
		Holds: holds,
	}
}

// holds tells whether a value can be in a column of testTypes, and in one of kindTypes.
func holds(kind planv1.Kind, v []byte) bool {
	switch kind {
	case canon.Float32:
		f := float64(canon.GetFloat32(v))
		return !math.IsNaN(f) && !(f == 0 && math.Signbit(f))
	case canon.Float64:
		f := canon.GetFloat64(v)
		return !math.IsNaN(f) && !(f == 0 && math.Signbit(f))
	case canon.Decimal:
		_, err := storedDecimal(affinityNumeric, string(v))
		return err == nil && trimZeros(string(v)) == string(v)
	case canon.JSON:
		// The type JSON has numeric affinity: a lone number becomes one of SQLite's.
		_, err := canon.NormalizeDecimal(string(v), -1)
		return err != nil
	}
	return true
}

func configOf(path string) engine.Config {
	return engine.Config{URL: (&url.URL{Scheme: "sqlite", Path: path}).String()}
}

func openFile(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(path, url.Values{"_foreign_keys": {"1"}}))
	require.NoError(t, err)
	return db
}

// script runs statements as a user of the file would.
func script(t *testing.T, path string, statements ...string) {
	t.Helper()
	db := openFile(t, path)
	for _, s := range statements {
		_, err := db.ExecContext(t.Context(), s)
		require.NoError(t, err, "%.300s", s)
	}
	require.NoError(t, db.Close())
}

func TestConformance(t *testing.T) { enginetest.Run(t, factory()) }

func TestConformance_FromMemory(t *testing.T) {
	f := factory()
	// Columns that drover makes hold decimals and JSON as text.
	f.Holds = func(kind planv1.Kind, v []byte) bool {
		return kind == canon.Decimal || kind == canon.JSON || holds(kind, v)
	}
	enginetest.RunPair(t, memorytest.Factory(), f)
}

func TestConformance_ToMemory(t *testing.T) { enginetest.RunPair(t, factory(), memorytest.Factory()) }
