package canon

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/drover-db/drover/internal/loss"
)

// Parse reads the text form that AppendText writes; of times it also takes what
// databases without a type for them hold: a "T" between date and time, and a time
// left out or without seconds. Anything that would lose a digit is an error.
func Parse(kind Kind, s string) ([]byte, error) {
	switch kind {
	case Bool:
		return parseBool(s)
	case Int:
		n, err := strconv.ParseInt(s, 10, 64)
		return AppendInt(nil, n), plain(err, s, "an integer")
	case Uint:
		n, err := strconv.ParseUint(s, 10, 64)
		return AppendUint(nil, n), plain(err, s, "an unsigned integer")
	case Float32:
		f, err := strconv.ParseFloat(s, 32)
		return AppendFloat32(nil, float32(f)), plain(err, s, "a number")
	case Float64:
		f, err := strconv.ParseFloat(s, 64)
		return AppendFloat64(nil, f), plain(err, s, "a number")
	case Decimal:
		return NormalizeDecimal(s, -1)
	case Text, JSON:
		if !utf8.ValidString(s) {
			return nil, loss.New(loss.Encoding, "invalid UTF-8 in text")
		}
		return []byte(s), nil
	case JSONValue:
		return NormalizeJSON([]byte(s))
	case Bits:
		if strings.Trim(s, "01") != "" {
			return nil, loss.New(loss.Conversion, "%q is not a string of bits", s)
		}
		return []byte(s), nil
	case Bytes:
		v, err := hex.DecodeString(strings.TrimPrefix(s, `\x`))
		return v, plain(err, s, "hexadecimal bytes")
	case UUID:
		v, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
		if err != nil || len(v) != 16 {
			return nil, loss.New(loss.Conversion, "%q is not a UUID", s)
		}
		return v, nil
	case Date, Time, TimeTZ, Timestamp, TimestampTZ:
		return parseTemporal(kind, s)
	case Interval:
		return parseInterval(s)
	default:
		return nil, fmt.Errorf("no text form for %s", kind)
	}
}

func plain(err error, s, want string) error {
	if err == nil {
		return nil
	}
	return loss.New(loss.Conversion, "%q is not %s", s, want)
}

func parseBool(s string) ([]byte, error) {
	switch strings.ToLower(s) {
	case "t", "true", "1":
		return []byte{1}, nil
	case "f", "false", "0":
		return []byte{0}, nil
	}
	return nil, loss.New(loss.Conversion, "%q is not a boolean", s)
}

// NormalizeDecimal checks a decimal and, with scale >= 0, writes it with exactly
// so many digits after the point. An exponent is expanded. Digits that do not fit
// are an error, not rounded; "-0" keeps no sign.
func NormalizeDecimal(s string, scale int) ([]byte, error) {
	switch s {
	case "NaN", "Infinity", "-Infinity":
		return []byte(s), nil
	}
	digits, exponent, err := splitExponent(s)
	if err != nil {
		return nil, err
	}
	neg := strings.HasPrefix(digits, "-")
	digits = strings.TrimLeft(digits, "+-")
	whole, frac, _ := strings.Cut(digits, ".")
	if (whole == "" && frac == "") || strings.Trim(whole+frac, "0123456789") != "" {
		return nil, loss.New(loss.Conversion, "%q is not a decimal number", s)
	}
	whole, frac = shiftPoint(whole, frac, exponent)
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	if scale >= 0 {
		for len(frac) > scale && frac[len(frac)-1] == '0' {
			frac = frac[:len(frac)-1]
		}
		if len(frac) > scale {
			return nil, loss.New(loss.Digits, "%s has more than %d digits after the point", s, scale)
		}
		frac += strings.Repeat("0", scale-len(frac))
	}
	out := whole
	if frac != "" {
		out += "." + frac
	}
	if neg && strings.Trim(out, "0.") != "" {
		out = "-" + out
	}
	return []byte(out), nil
}

func splitExponent(s string) (digits string, exponent int, err error) {
	i := strings.IndexAny(s, "eE")
	if i < 0 {
		return s, 0, nil
	}
	exponent, err = strconv.Atoi(s[i+1:])
	if err != nil || exponent > 200_000 || exponent < -200_000 {
		return "", 0, loss.New(loss.Conversion, "%q is not a decimal number", s)
	}
	return s[:i], exponent, nil
}

func shiftPoint(whole, frac string, exponent int) (string, string) {
	if exponent >= 0 {
		if len(frac) < exponent {
			frac += strings.Repeat("0", exponent-len(frac))
		}
		return whole + frac[:exponent], frac[exponent:]
	}
	n := -exponent
	if len(whole) < n {
		whole = strings.Repeat("0", n-len(whole)) + whole
	}
	return whole[:len(whole)-n], whole[len(whole)-n:] + frac
}

func parseTemporal(kind Kind, s string) ([]byte, error) {
	switch s {
	case "infinity", "-infinity":
		return parseInfinity(kind, s)
	}
	p := temporal{rest: s}
	if kind != Time && kind != TimeTZ {
		p.date()
	}
	switch kind {
	case Date:
		// A midnight that a database wrote behind its dates says nothing more.
		p.optionalTime()
		if p.micros != 0 {
			p.bad = true
		}
	case Time, TimeTZ:
		p.time()
	default:
		p.optionalTime()
	}
	if kind == TimeTZ || kind == TimestampTZ {
		p.zone()
	}
	if kind != Time && kind != TimeTZ {
		p.era()
	}
	if p.bad || p.rest != "" {
		return nil, loss.New(loss.ImpossibleDate, "%q is not a valid %s", s, kindNoun(kind))
	}
	return p.value(kind, s)
}

func (p *temporal) value(kind Kind, s string) ([]byte, error) {
	switch kind {
	case Time:
		return AppendInt(nil, p.micros), nil
	case TimeTZ:
		return AppendTimeTZ(nil, p.micros, int32(p.offset)), nil
	}
	if !ValidDate(p.year, p.month, p.day) {
		return nil, loss.New(loss.ImpossibleDate, "%q is not a valid %s", s, kindNoun(kind))
	}
	days := Days(p.year, p.month, p.day)
	if _, _, _, taken := Impossible(days); taken {
		return nil, fmt.Errorf("%q is out of range", s)
	}
	if kind == Date {
		if days <= DateNegInfinity || days >= DateInfinity {
			return nil, loss.New(loss.DateRange, "%q is out of range", s)
		}
		return AppendDate(nil, int32(days)), nil
	}
	if days > maxDays || days < -maxDays {
		return nil, loss.New(loss.DateRange, "%q is out of range", s)
	}
	return AppendInt(nil, days*microsPerDay+p.micros-int64(p.offset)*microsPerSecond), nil
}

func parseInfinity(kind Kind, s string) ([]byte, error) {
	positive := s == "infinity"
	switch kind {
	case Date:
		if positive {
			return AppendDate(nil, DateInfinity), nil
		}
		return AppendDate(nil, DateNegInfinity), nil
	case Timestamp, TimestampTZ:
		if positive {
			return AppendInt(nil, TimeInfinity), nil
		}
		return AppendInt(nil, TimeNegInfinity), nil
	}
	return nil, loss.New(loss.ImpossibleDate, "%q is not a valid %s", s, kindNoun(kind))
}

func kindNoun(kind Kind) string {
	switch kind {
	case Date:
		return "date"
	case Time, TimeTZ:
		return "time"
	default:
		return "timestamp"
	}
}
