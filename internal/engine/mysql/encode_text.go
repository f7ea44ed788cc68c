package mysql

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/loss"
)

// quoting is how a value's text form stands in a statement.
type quoting uint8

const (
	// bare is a number; quoted needs quotes and has nothing to escape.
	bare quoting = iota
	quoted
	textQuoted
	bytesQuoted
)

// columnEncoder writes the values of one column.
type columnEncoder struct {
	quoting quoting
	// check refuses values that the column would change without a word; nil for none.
	check func(v []byte) error
	// encode appends the text form; nil where the value is it.
	encode func(b, v []byte) ([]byte, error)
	// transcode says that LOAD DATA, which reads bytes, must make text of them first.
	transcode bool
	// unbounded says that the column takes values of any size that the server does, and
	// check takes them in pieces.
	unbounded bool
}

var errMalformed = errors.New("the value is not well formed")

// newColumnEncoder finds how values of a plan's column get into a column that is there.
func newColumnEncoder(d *dialect, c *planv1.ColumnPlan, to columnRow) (*columnEncoder, error) {
	if keepsBytes(c) {
		// The server sees that they are characters of the column's character set.
		return &columnEncoder{quoting: bytesQuoted, unbounded: to.dataType == "longtext"}, nil
	}
	out, err := encoderOf(d, c, to)
	if err == nil {
		out.check = both(out.check, limitOf(d, c.GetKind(), to))
		out.unbounded = to.dataType == "longtext" || to.dataType == "longblob"
	}
	return out, err
}

func encoderOf(d *dialect, c *planv1.ColumnPlan, to columnRow) (*columnEncoder, error) {
	kind := c.GetKind()
	out := &columnEncoder{quoting: textQuoted, transcode: needsText(to)}
	switch {
	case isTextual(to):
		out.encode = textForm(kind)
		out.check = textCheck(kind, to)
		if out.encode != nil && kind != canon.Variant {
			out.quoting, out.transcode = quoted, false
		}
		return out, nil
	case kind == canon.JSON || kind == canon.JSONValue:
		out.check = canon.CheckJSONDoubles
		return out, nil
	case to.dataType == "uuid" || strings.HasPrefix(to.dataType, "inet"):
		out.encode, out.quoting = textForm(kind), quoted
		return out, nil
	case kind == canon.Bytes:
		return bytesEncoder(d, c, to), nil
	}
	switch kind {
	case canon.UUID:
		out.quoting = bytesQuoted
	case canon.Bool, canon.Int, canon.Uint:
		out.quoting, out.encode = bare, appendNumber(kind)
		if to.dataType == "year" {
			out.encode = appendYear
		}
	case canon.Decimal:
		out.quoting, out.check = bare, checkDigits
	case canon.Float32, canon.Float64:
		out.quoting, out.encode = bare, floatForm(kind, d.target.negativeZero)
	case canon.Bits:
		out.quoting, out.encode = bytesQuoted, bitsForm(int(to.precision.Int64))
	case canon.Date, canon.Time, canon.Timestamp, canon.TimestampTZ:
		out.quoting, out.encode = quoted, momentForm(d, kind, to.fraction.Int64)
	default:
		return nil, fmt.Errorf("values that travel as %s have no way into %s", kind, to.columnType)
	}
	return out, nil
}

// isTextual tells whether a column holds text in a character set.
func isTextual(to columnRow) bool {
	return to.charset.Valid && to.charset.String != "" && to.dataType != "json" && to.dataType != "uuid" && !strings.HasPrefix(to.dataType, "inet")
}

// needsText tells whether bytes in UTF-8 are something else to a column than text.
func needsText(to columnRow) bool {
	if isTextual(to) {
		return !slices.Contains([]string{"utf8mb4", "utf8mb3", "utf8"}, to.charset.String)
	}
	return to.dataType == "json" || to.dataType == "uuid" || strings.HasPrefix(to.dataType, "inet")
}

// textForm writes kinds that are no text as text; nil for those that are.
func textForm(kind planv1.Kind) func(b, v []byte) ([]byte, error) {
	switch kind {
	case canon.Text, canon.JSON, canon.JSONValue, canon.Bytes:
		return nil
	}
	return func(b, v []byte) ([]byte, error) {
		b, err := canon.AppendText(b, kind, v)
		if err != nil {
			return b, errors.Join(errMalformed, err)
		}
		return b, nil
	}
}

// textCheck refuses what a text column would take as something else: a label that is
// equal but not the same, and spaces at the end of a CHAR.
func textCheck(kind planv1.Kind, to columnRow) func([]byte) error {
	switch {
	case kind != canon.Text:
	case to.dataType == "enum":
		labels := map[string]bool{}
		for _, l := range labelsOf(to.columnType) {
			labels[l] = true
		}
		return func(v []byte) error {
			if !labels[string(v)] {
				return loss.New(loss.Label, "%q is none of the labels of %s", v, to.columnType)
			}
			return nil
		}
	case to.dataType == "set":
		return setCheck(to)
	case to.dataType == "char":
		return func(v []byte) error {
			if len(v) > 0 && v[len(v)-1] == ' ' {
				return loss.New(loss.Padding, "%s keeps no spaces at the end: make it VARCHAR", to.columnType)
			}
			return nil
		}
	}
	return nil
}

// setCheck wants labels, each once and in the order of the type.
func setCheck(to columnRow) func([]byte) error {
	labels := labelsOf(to.columnType)
	return func(v []byte) error {
		if len(v) == 0 {
			return nil
		}
		last := -1
		for part := range strings.SplitSeq(string(v), ",") {
			i := slices.Index(labels, part)
			if i <= last {
				return loss.New(loss.Label, "%q is not a set of labels of %s in their order", v, to.columnType)
			}
			last = i
		}
		return nil
	}
}

// bytesEncoder writes bytes as they are; a geometry as the server keeps it, and a
// BINARY only if nothing is added to it.
func bytesEncoder(d *dialect, c *planv1.ColumnPlan, to columnRow) *columnEncoder {
	out := &columnEncoder{quoting: bytesQuoted}
	switch {
	case isGeometry(to.dataType):
		out.encode = geometryForm(d, c, to)
	case to.dataType == "binary":
		out.check = func(v []byte) error {
			if int64(len(v)) != to.length.Int64 {
				return loss.New(loss.Padding, "%d bytes are not the %d of %s, which adds zeros: make it VARBINARY", len(v), to.length.Int64, to.columnType)
			}
			return nil
		}
	}
	return out
}

func appendNumber(kind planv1.Kind) func(b, v []byte) ([]byte, error) {
	return func(b, v []byte) ([]byte, error) {
		if err := canon.Check(kind, v); err != nil {
			return b, errors.Join(errMalformed, err)
		}
		switch kind {
		case canon.Bool:
			return append(b, '0'+v[0]&1), nil
		case canon.Uint:
			return strconv.AppendUint(b, canon.GetUint(v), 10), nil
		default:
			return strconv.AppendInt(b, canon.GetInt(v), 10), nil
		}
	}
}

// appendYear writes four digits: the text 0 is the year 2000.
func appendYear(b, v []byte) ([]byte, error) {
	if canon.Check(canon.Int, v) != nil {
		return b, errMalformed
	}
	year := canon.GetInt(v)
	if year != 0 && (year < 1901 || year > 2155) {
		return b, loss.New(loss.NumberRange, "%d is not a YEAR", year)
	}
	return fmt.Appendf(b, "%04d", year), nil
}

// checkDigits lets nothing but digits stand in a statement without quotes.
func checkDigits(v []byte) error {
	for i, c := range v {
		if (c < '0' || c > '9') && c != '.' && (c != '-' || i > 0) {
			return loss.New(loss.NotFinite, "a DECIMAL holds no %s", v)
		}
	}
	if len(v) == 0 {
		return errMalformed
	}
	return nil
}

var (
	errNotFinite    = loss.New(loss.NotFinite, "the server has neither NaN nor infinity: say in the spec what becomes of it, as {invalid: set-null} or {type: text}")
	errNegativeZero = loss.New(loss.NegativeZero, "the server makes 0 of -0.0: say {type: text} in the spec to keep it")
)

// floatForm writes a float so that the server reads the same bits: a single as the
// double that it is, since the server rounds twice otherwise.
func floatForm(kind planv1.Kind, negativeZero bool) func(b, v []byte) ([]byte, error) {
	return func(b, v []byte) ([]byte, error) {
		if err := canon.Check(kind, v); err != nil {
			return b, errors.Join(errMalformed, err)
		}
		var f float64
		if kind == canon.Float32 {
			f = float64(canon.GetFloat32(v))
		} else {
			f = canon.GetFloat64(v)
		}
		switch {
		case math.IsNaN(f) || math.IsInf(f, 0):
			return b, errNotFinite
		case f == 0 && math.Signbit(f) && !negativeZero:
			return b, errNegativeZero
		}
		return strconv.AppendFloat(b, f, 'e', -1, 64), nil
	}
}

// bitsForm packs digits into the bytes of a BIT column of n bits.
func bitsForm(n int) func(b, v []byte) ([]byte, error) {
	return func(b, v []byte) ([]byte, error) {
		if len(v) != n {
			return b, loss.New(loss.Padding, "%d bits are not the %d of the column, which adds zeros in front", len(v), n)
		}
		bits, err := strconv.ParseUint(string(v), 2, 64)
		if err != nil {
			return b, errors.Join(errMalformed, err)
		}
		var packed [8]byte
		binary.BigEndian.PutUint64(packed[:], bits)
		return append(b, packed[8-(n+7)/8:]...), nil
	}
}

// Bounds of dates and times: 0001-01-01 to 9999-12-31. A date of the year 0 is taken and
// read back as one that no calendar has.
var (
	firstDay, lastDay = canon.Days(1, 1, 1), canon.Days(9999, 12, 31)
)

var errNoDate = loss.New(loss.DateRange, "the server has dates from year 1 to 9999 and no infinity: say in the spec what becomes of others, as {invalid: sentinel} or {type: text}")

// momentForm writes dates and times, the fraction with all digits of the column,
// which must be enough for the value: the server would round it or cut it.
func momentForm(d *dialect, kind planv1.Kind, digits int64) func(b, v []byte) ([]byte, error) {
	unit := int64(1)
	for range 6 - digits {
		unit *= 10
	}
	return func(b, v []byte) ([]byte, error) {
		if err := canon.Check(kind, v); err != nil {
			return b, errors.Join(errMalformed, err)
		}
		if kind == canon.Date {
			return appendDay(b, int64(canon.GetDate(v)))
		}
		micros := canon.GetInt(v)
		switch {
		case kind == canon.Time && (micros > d.target.longestTime || micros < -d.target.longestTime):
			return b, loss.New(loss.TimeOfDay, "%s is beyond what TIME holds here, 838:59:59: say {type: text} in the spec", canon.String(kind, v))
		case micros%unit != 0:
			return b, loss.New(loss.Fraction, "%s has more digits behind the point than the column, which keeps %d", canon.String(kind, v), digits)
		case kind == canon.Time:
			return canon.AppendText(b, kind, v)
		}
		days := micros / microsPerDay
		if rest := micros % microsPerDay; rest < 0 {
			days--
		}
		b, err := appendDay(b, days)
		if err != nil {
			return b, err
		}
		return canon.AppendText(append(b, ' '), canon.Time, canon.AppendInt(nil, micros-days*microsPerDay))
	}
}

// appendDay writes a date, or one that no calendar has.
func appendDay(b []byte, days int64) ([]byte, error) {
	y, m, day, impossible := canon.Impossible(days)
	switch {
	case impossible:
	case days < firstDay || days > lastDay:
		return b, errNoDate
	default:
		y, m, day = canon.Civil(days)
	}
	return append(b, byte('0'+y/1000), byte('0'+y/100%10), byte('0'+y/10%10), byte('0'+y%10), '-', byte('0'+m/10), byte('0'+m%10), '-', byte('0'+day/10), byte('0'+day%10)), nil
}
