package sqlite

import (
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/loss"
)

// cell takes a value in its storage class, as the driver has it: int64, float64,
// string or []byte, nil for NULL.
type cell struct{ value any }

// Scan keeps the value.
func (c *cell) Scan(v any) error {
	c.value = v
	return nil
}

// className is the storage class of a value, for people.
func className(v any) string {
	switch v.(type) {
	case int64:
		return "an integer"
	case float64:
		return "a real number"
	case string:
		return "text"
	case []byte:
		return "a blob"
	default:
		return "NULL"
	}
}

// appendCell appends a stored value to a canonical row. from is the kind of the
// column that holds it, c says as what it travels.
func appendCell(row []byte, from planv1.Kind, c *planv1.ColumnPlan, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return batch.AppendNull(row), nil
	case int64:
		if from == canon.Int && c.GetKind() == canon.Int {
			return canon.AppendInt(batch.AppendHead(row, 8), v), nil
		}
	case string:
		if from == canon.Text && c.GetKind() == canon.Text && utf8.ValidString(v) {
			return append(batch.AppendHead(row, len(v)), v...), nil
		}
	}
	if c.GetKind() == canon.Variant {
		return batch.AppendValue(row, variant(v)), nil
	}
	value, err := canonical(from, v)
	if err != nil {
		return nil, err
	}
	if value, err = convert(from, c, value); err != nil {
		return nil, err
	}
	return batch.AppendValue(row, value), nil
}

// appendConverted appends a stored value as its conversion gives it, which also
// decides on values that their own kind does not hold.
func appendConverted(row []byte, from planv1.Kind, c *engine.Conversion, v any) ([]byte, error) {
	var value []byte
	var err error
	if v != nil {
		value, err = canonical(from, v)
	}
	if value, err = c.Apply(value, err); err != nil {
		return nil, err
	}
	if value == nil {
		return batch.AppendNull(row), nil
	}
	return batch.AppendValue(row, value), nil
}

// variant keeps the storage class.
func variant(v any) []byte {
	switch v := v.(type) {
	case int64:
		return canon.AppendInt([]byte{canon.VariantInt}, v)
	case float64:
		return canon.AppendFloat64([]byte{canon.VariantFloat}, v)
	case string:
		return append([]byte{canon.VariantText}, v...)
	default:
		b, _ := v.([]byte)
		return append([]byte{canon.VariantBytes}, b...)
	}
}

// canonical gives a stored value in the kind of its column, or says why it is
// none.
func canonical(kind planv1.Kind, v any) ([]byte, error) {
	switch v := v.(type) {
	case int64:
		return canonicalInteger(kind, v)
	case float64:
		return canonicalReal(kind, v)
	case string:
		return canonicalText(kind, v)
	case []byte:
		if kind == canon.Bytes || (kind == canon.UUID && len(v) == 16) {
			return append([]byte{}, v...), nil
		}
	}
	return nil, misfit(kind, v)
}

func canonicalInteger(kind planv1.Kind, v int64) ([]byte, error) {
	switch {
	case kind == canon.Int:
		return canon.AppendInt(nil, v), nil
	case kind == canon.Bool && (v == 0 || v == 1):
		return canon.AppendBool(nil, v == 1), nil
	case kind == canon.Bool:
		return nil, loss.New(loss.StorageClass, "holds %d where a boolean is 0 or 1", v)
	case kind == canon.Uint && v >= 0:
		return canon.AppendUint(nil, uint64(v)), nil
	case kind == canon.Decimal || kind == canon.JSON:
		return strconv.AppendInt(nil, v, 10), nil
	case kind == canon.Float64 && int64(float64(v)) == v && v != math.MaxInt64:
		return canon.AppendFloat64(nil, float64(v)), nil
	}
	return nil, misfit(kind, v)
}

func canonicalReal(kind planv1.Kind, v float64) ([]byte, error) {
	switch {
	case kind == canon.Float64:
		return canon.AppendFloat64(nil, v), nil
	case kind == canon.Float32 && float64(float32(v)) == v:
		return canon.AppendFloat32(nil, float32(v)), nil
	case kind == canon.Decimal && math.IsInf(v, 0):
		return []byte(canon.String(canon.Float64, canon.AppendFloat64(nil, v))), nil
	case kind == canon.Decimal:
		return canon.NormalizeDecimal(strconv.FormatFloat(v, 'f', -1, 64), -1)
	case kind == canon.JSON && !math.IsInf(v, 0):
		return strconv.AppendFloat(nil, v, 'g', -1, 64), nil
	}
	return nil, misfit(kind, v)
}

// canonicalText parses what kinds without a storage class are stored as. Text that is
// not UTF-8 comes with its error.
func canonicalText(kind planv1.Kind, v string) ([]byte, error) {
	switch kind {
	case canon.Bool, canon.Int, canon.Float32, canon.Float64, canon.Bytes:
		return nil, misfit(kind, v)
	}
	if !utf8.ValidString(v) {
		return []byte(v), loss.New(loss.Encoding, "holds text that is not UTF-8: correct it, or declare the column BLOB")
	}
	return canon.Parse(kind, v)
}

// misfit says that a storage class is not that of the column's kind.
func misfit(kind planv1.Kind, v any) error {
	switch kind {
	case canon.Date, canon.Time, canon.TimeTZ, canon.Timestamp, canon.TimestampTZ:
		return loss.New(loss.StorageClass, "holds %s where a date or time is ISO 8601 text: turn Unix times and Julian days into text first, "+
			"as UPDATE … SET c = datetime(c, 'unixepoch') does", className(v))
	}
	return loss.New(loss.StorageClass, "holds %s, which is no %s: correct the row, or declare the column as what it holds", className(v), noun(kind))
}

// noun names what a column of a kind holds.
func noun(kind planv1.Kind) string {
	switch kind {
	case canon.Bool:
		return "boolean"
	case canon.Int, canon.Uint:
		return "integer"
	case canon.Float32, canon.Float64:
		return "floating-point number"
	case canon.Decimal:
		return "decimal number"
	case canon.Text:
		return "text"
	case canon.Bytes:
		return "blob"
	case canon.UUID:
		return "UUID"
	case canon.JSON:
		return "JSON"
	default:
		return "value of its type"
	}
}

// convert gives a value in the kind that the plan asks for: the same, or one that
// holds each of its values exactly.
func convert(from planv1.Kind, c *planv1.ColumnPlan, v []byte) ([]byte, error) {
	to := c.GetKind()
	out, ok, err := canon.Convert(from, to, int(c.GetScale()), v)
	if !ok {
		return nil, fmt.Errorf("cannot travel as %s: it is %s", noun(to), noun(from))
	}
	return out, err
}

// keyValue is a key column's canonical value. It must be possible to find the
// row by it again, so the stored form must be the one that drover writes.
func keyValue(kind planv1.Kind, v any) ([]byte, error) {
	value, err := canonical(kind, v)
	if err != nil {
		return nil, err
	}
	if text, ok := v.(string); ok && kind != canon.Text && canon.String(kind, value) != text {
		return nil, fmt.Errorf("holds the key %q, which drover would write %q: it has changed since the plan was made, plan again", text, canon.String(kind, value))
	}
	return value, nil
}
