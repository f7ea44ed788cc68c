package postgres

import (
	"encoding/binary"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/loss"
)

// timeEncoder gives the encoder of dates, times and intervals.
func timeEncoder(kind planv1.Kind, to storedType) encoder {
	switch {
	case kind == canon.Date && to.oid == oidDate:
		return encodeDate
	case kind == canon.Time && to.oid == oidTime:
		return to.whole(encodeTime)
	case kind == canon.Time && to.oid == oidInterval:
		return to.whole(func(dst, v []byte) ([]byte, error) { return append(append(dst, v...), 0, 0, 0, 0, 0, 0, 0, 0), nil })
	case kind == canon.TimeTZ && to.oid == oidTimeTZ:
		return to.whole(encodeTimeTZ)
	case kind == canon.Timestamp && to.oid == oidTimestamp, kind == canon.TimestampTZ && to.oid == oidTimestampTZ:
		return to.whole(encodeTimestamp)
	case kind == canon.Interval && to.oid == oidInterval:
		return to.wholeInterval(encodeInterval)
	default:
		return nil
	}
}

// microsPerFraction is the last digit's worth, by the number of digits.
var microsPerFraction = [...]int64{1_000_000, 100_000, 10_000, 1_000, 100, 10}

// unit is what the type's times are multiples of: the server would round.
func (t storedType) unit() int64 {
	if t.fraction < 0 || int(t.fraction) >= len(microsPerFraction) {
		return 1
	}
	return microsPerFraction[t.fraction]
}

// whole refuses a value whose fraction the type has no digits for; its micros come
// first.
func (t storedType) whole(e encoder) encoder {
	unit := t.unit()
	if unit == 1 {
		return e
	}
	return func(dst, v []byte) ([]byte, error) {
		n := canon.GetInt(v[:8])
		if n%unit != 0 && n != canon.TimeInfinity && n != canon.TimeNegInfinity {
			return dst, loss.New(loss.Fraction, "value has more than the %d fractional digits of seconds that the column's type keeps", t.fraction)
		}
		return e(dst, v)
	}
}

// wholeInterval is whole for intervals, whose micros come last.
func (t storedType) wholeInterval(e encoder) encoder {
	unit := t.unit()
	return func(dst, v []byte) ([]byte, error) {
		if canon.GetInt(v[8:])%unit != 0 {
			return dst, loss.New(loss.Fraction, "value has more than the %d fractional digits of seconds that the column's type keeps", t.fraction)
		}
		return e(dst, v)
	}
}

// The first and the last day that PostgreSQL has, since 1970-01-01: 24 November 4714 BC,
// and the last of the year 5874897.
const (
	firstDay     = -2_440_588
	lastDay      = 2_145_042_905
	microsPerDay = 86_400_000_000
)

func encodeTime(dst, v []byte) ([]byte, error) { return append(dst, v...), checkTime(canon.GetInt(v)) }

func encodeTimeTZ(dst, v []byte) ([]byte, error) {
	micros, offset := canon.GetTimeTZ(v)
	return binary.BigEndian.AppendUint32(canon.AppendInt(dst, micros), uint32(-offset)), checkTime(micros)
}

func encodeInterval(dst, v []byte) ([]byte, error) {
	months, days, micros := canon.GetInterval(v)
	dst = binary.BigEndian.AppendUint32(canon.AppendInt(dst, micros), uint32(days))
	return binary.BigEndian.AppendUint32(dst, uint32(months)), nil
}

func checkTime(micros int64) error {
	if micros < 0 || micros > 86_400_000_000 {
		return loss.New(loss.TimeOfDay, "%s is not a time of day", canon.String(canon.Time, canon.AppendInt(nil, micros)))
	}
	return nil
}

func encodeDate(dst, v []byte) ([]byte, error) {
	d := canon.GetDate(v)
	if d == canon.DateInfinity || d == canon.DateNegInfinity {
		return append(dst, v...), nil
	}
	if d < firstDay || d > lastDay {
		return dst, loss.New(loss.DateRange, "date is out of range")
	}
	return canon.AppendDate(dst, d-epochDays), nil
}

func encodeTimestamp(dst, v []byte) ([]byte, error) {
	n := canon.GetInt(v)
	if n == canon.TimeInfinity || n == canon.TimeNegInfinity {
		return append(dst, v...), nil
	}
	if n < firstDay*microsPerDay {
		return dst, loss.New(loss.DateRange, "timestamp is out of range")
	}
	return canon.AppendInt(dst, n-epochMicros), nil
}
