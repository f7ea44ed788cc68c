package mysql

import (
	"bytes"
	"math"
	"strings"
	"unicode/utf8"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/loss"
)

// limitOf refuses what the server would, for reasons that its catalog tells: a number
// beyond the type, a text too long or with characters that its set lacks. The server
// would refuse the batch; here key and column are known, and a scan of the source can
// tell before anything is written. It is nil where the type takes everything that the
// kind has.
func limitOf(d *dialect, kind planv1.Kind, to columnRow) func(v []byte) error {
	switch {
	case isTextual(to):
		return textLimit(kind, to)
	case kind == canon.Bytes:
		return bytesLimit(to)
	case kind == canon.Int || kind == canon.Uint:
		return integerLimit(kind, to)
	case kind == canon.Decimal:
		return decimalLimit(to)
	case kind == canon.Timestamp || kind == canon.TimestampTZ:
		return timestampLimit(d, to)
	}
	return nil
}

// both makes one check of two; either may be nil.
func both(first, second func([]byte) error) func([]byte) error {
	if first == nil || second == nil {
		if first == nil {
			return second
		}
		return first
	}
	return func(v []byte) error {
		if err := first(v); err != nil {
			return err
		}
		return second(v)
	}
}

// integerRanges are the least and the greatest number of signed types; those without a
// sign have room for the whole width of both.
var integerRanges = map[string][2]int64{
	"tinyint": {math.MinInt8, math.MaxInt8}, "smallint": {math.MinInt16, math.MaxInt16}, "mediumint": {-1 << 23, 1<<23 - 1},
	"int": {math.MinInt32, math.MaxInt32}, "bigint": {math.MinInt64, math.MaxInt64},
}

func integerLimit(kind planv1.Kind, to columnRow) func([]byte) error {
	limits, ok := integerRanges[to.dataType]
	if !ok {
		if to.dataType == "decimal" {
			digits := decimalLimit(to)
			return func(v []byte) error { return digits([]byte(canon.String(kind, v))) }
		}
		return nil
	}
	least, most := limits[0], uint64(limits[1])
	if strings.Contains(strings.ToLower(to.columnType), "unsigned") {
		least, most = 0, 2*most+1
	}
	if kind == canon.Int && least == math.MinInt64 || kind == canon.Uint && most == math.MaxUint64 {
		return nil
	}
	return func(v []byte) error {
		if canon.Check(kind, v) != nil {
			return nil // the encoder says so
		}
		n := canon.GetInt(v)
		if kind == canon.Int && n < least || (kind == canon.Uint || n >= 0) && canon.GetUint(v) > most {
			return loss.New(loss.NumberRange, "%s is beyond %s", canon.String(kind, v), to.columnType)
		}
		return nil
	}
}

func decimalLimit(to columnRow) func([]byte) error {
	if to.dataType != "decimal" || !to.precision.Valid {
		return nil
	}
	unsigned := strings.Contains(strings.ToLower(to.columnType), "unsigned")
	whole, behind := int(to.precision.Int64-to.scale.Int64), int(to.scale.Int64)
	return func(v []byte) error {
		if unsigned && len(v) > 0 && v[0] == '-' {
			return loss.New(loss.NumberRange, "%.80s is below zero, where %s begins", v, to.columnType)
		}
		digits, fraction, _ := bytes.Cut(bytes.TrimPrefix(v, []byte{'-'}), []byte{'.'})
		if len(digits) > whole && !(len(digits) == 1 && digits[0] == '0') {
			return loss.New(loss.NumberRange, "%.80s has more digits before the point than %s", v, to.columnType)
		}
		if len(fraction) > behind && len(bytes.TrimRight(fraction, "0")) > behind {
			return loss.New(loss.Digits, "%.80s has more digits behind the point than %s", v, to.columnType)
		}
		return nil
	}
}

// timestampLimit knows the bounds of TIMESTAMP, which 0 is not in, but for what stands
// for 0000-00-00 00:00:00. MariaDB's newest versions have a bit more than older ones,
// which refuse the rest themselves.
func timestampLimit(d *dialect, to columnRow) func([]byte) error {
	if to.dataType != "timestamp" {
		return nil
	}
	last := int64(math.MaxInt32)
	if d == mariadbDialect {
		last = math.MaxUint32
	}
	const first = microsPerSecond
	last = last*microsPerSecond + microsPerSecond - 1
	return func(v []byte) error {
		if len(v) != 8 {
			return nil // the encoder says so
		}
		if n := canon.GetInt(v); (n < first || n > last) && n != zeroMoment {
			return loss.New(loss.DateRange, "%s is beyond what TIMESTAMP holds: make it DATETIME(6)", canon.String(canon.Timestamp, v))
		}
		return nil
	}
}

// zeroMoment is 0000-00-00 00:00:00.
var zeroMoment = canon.ImpossibleDays(0, 0, 0) * microsPerDay

// byteLimits are what types of text and of bytes take without a length.
var byteLimits = map[string]int64{
	"tinytext": 1<<8 - 1, "text": 1<<16 - 1, "mediumtext": 1<<24 - 1, "tinyblob": 1<<8 - 1, "blob": 1<<16 - 1, "mediumblob": 1<<24 - 1,
}

func bytesLimit(to columnRow) func([]byte) error {
	most, ok := byteLimits[to.dataType]
	if to.dataType == "varbinary" {
		most, ok = to.length.Int64, true
	}
	if !ok {
		return nil
	}
	return func(v []byte) error {
		if int64(len(v)) > most {
			return loss.New(loss.TooLong, "%d bytes are more than the %d of %s", len(v), most, to.columnType)
		}
		return nil
	}
}

// textLimit counts characters and finds those that the column's set lacks. Kinds that
// are no text have a text form whose length is bounded by the type map.
func textLimit(kind planv1.Kind, to columnRow) func([]byte) error {
	if kind != canon.Text && kind != canon.JSON && kind != canon.JSONValue {
		return nil
	}
	return both(lengthLimit(to), charsetLimit(to))
}

func lengthLimit(to columnRow) func([]byte) error {
	if most := to.length.Int64; to.dataType == "char" || to.dataType == "varchar" {
		return func(v []byte) error {
			if int64(len(v)) > most && int64(utf8.RuneCount(v)) > most {
				return loss.New(loss.TooLong, "text of %d characters is too long for %s", utf8.RuneCount(v), to.columnType)
			}
			return nil
		}
	}
	most, ok := byteLimits[to.dataType]
	if !ok || needsText(to) {
		return nil // bytes of another set are the server's to count
	}
	return func(v []byte) error {
		if int64(len(v)) > most {
			return loss.New(loss.TooLong, "text of %d bytes is too long for %s, which holds %d", len(v), to.columnType, most)
		}
		return nil
	}
}

// charsetLimit knows the sets that most columns have; of others the server is the judge.
func charsetLimit(to columnRow) func([]byte) error {
	lacks := map[string]func(rune) bool{
		"ascii": func(r rune) bool { return r >= utf8.RuneSelf },
		"latin1": func(r rune) bool {
			return r > 0xff && !strings.ContainsRune(latin1Extra, r) || r >= 0x80 && r < 0xa0 && !strings.ContainsRune(latin1Controls, r)
		},
		"utf8mb3": func(r rune) bool { return r > 0xffff },
		"utf8":    func(r rune) bool { return r > 0xffff },
		"ucs2":    func(r rune) bool { return r > 0xffff },
	}[to.charset.String]
	if lacks == nil {
		return nil
	}
	return func(v []byte) error {
		for len(v) > 0 {
			if v[0] < utf8.RuneSelf {
				v = v[1:]
				continue
			}
			r, size := utf8.DecodeRune(v)
			if lacks(r) {
				return loss.New(loss.Charset, "character %q is not in the column's character set %s", r, to.charset.String)
			}
			v = v[size:]
		}
		return nil
	}
}

// latin1Extra are the characters that the server's latin1, which is Windows's 1252, has
// in place of control characters; latin1Controls are those that it keeps.
const (
	latin1Extra    = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
	latin1Controls = "\u0081\u008d\u008f\u0090\u009d"
)
