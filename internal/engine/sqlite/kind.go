package sqlite

import (
	"strconv"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// affinity is what a column's declared type does to values that are stored:
// https://www.sqlite.org/datatype3.html, 3.1.
type affinity uint8

const (
	affinityBlob affinity = iota
	affinityText
	affinityNumeric
	affinityInteger
	affinityReal
)

func affinityOf(declared string) affinity {
	d := strings.ToUpper(declared)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(d, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("INT"):
		return affinityInteger
	case has("CHAR", "CLOB", "TEXT"):
		return affinityText
	case d == "" || has("BLOB"):
		return affinityBlob
	case has("REAL", "FLOA", "DOUB"):
		return affinityReal
	default:
		return affinityNumeric
	}
}

// numericWhatever tells whether a column turns numbers in text into numbers.
func (a affinity) numericWhatever() bool { return a >= affinityNumeric }

// namedKinds are the kinds of declared types that say more than their affinity.
var namedKinds = map[string]planv1.Kind{
	"BOOL": canon.Bool, "BOOLEAN": canon.Bool, "DATE": canon.Date, "TIME": canon.Time, "DATETIME": canon.Timestamp, "TIMESTAMP": canon.Timestamp,
	"TIMESTAMP WITHOUT TIME ZONE": canon.Timestamp, "TIMESTAMPTZ": canon.TimestampTZ, "TIMESTAMP WITH TIME ZONE": canon.TimestampTZ,
	"DATETIMEOFFSET": canon.TimestampTZ, "DECIMAL": canon.Decimal, "NUMERIC": canon.Decimal, "DEC": canon.Decimal, "NUMBER": canon.Decimal,
	"MONEY": canon.Decimal, "CURRENCY": canon.Decimal, "JSON": canon.JSON, "UUID": canon.UUID, "GUID": canon.UUID, "UNIQUEIDENTIFIER": canon.UUID,
}

// affinityKinds are the kinds of the others.
var affinityKinds = map[affinity]planv1.Kind{
	affinityBlob: canon.Bytes, affinityText: canon.Text, affinityInteger: canon.Int, affinityReal: canon.Float64,
}

// declaredType is a declared type taken apart.
type declaredType struct {
	base             string
	precision, scale int32
}

func parseDeclared(declared string) declaredType {
	base, arguments, _ := strings.Cut(strings.ToUpper(declared), "(")
	arguments, _, _ = strings.Cut(arguments, ")")
	d := declaredType{base: strings.Join(strings.Fields(base), " ")}
	precision, scale, _ := strings.Cut(arguments, ",")
	if p, err := strconv.ParseInt(strings.TrimSpace(precision), 10, 31); err == nil {
		d.precision = int32(p)
	}
	if s, err := strconv.ParseInt(strings.TrimSpace(scale), 10, 31); err == nil {
		d.scale = int32(s)
	}
	return d
}

// kindOf gives the kind of a declared type; false where the type says nothing of
// what the column holds.
func kindOf(declared string) (planv1.Kind, bool) {
	if kind, ok := namedKinds[parseDeclared(declared).base]; ok {
		return kind, true
	}
	if declared == "" || strings.EqualFold(declared, "ANY") {
		return canon.Text, false
	}
	kind, ok := affinityKinds[affinityOf(declared)]
	return kind, ok
}

// classKinds are the kinds of columns without a telling type, by the storage
// classes found in them.
var classKinds = map[string]planv1.Kind{
	"integer": canon.Int, "real": canon.Float64, "text": canon.Text, "blob": canon.Bytes, "integer,real": canon.Decimal, "": canon.Text,
}
