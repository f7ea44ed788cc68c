package canon

import "github.com/drover-db/drover/internal/loss"

// timeConversions are the ways among dates, times and intervals. A timestamp is an
// instant, and the other way round, as if its wall clock showed UTC.
var timeConversions = map[pair]conversion{
	{Date, Timestamp}:        midnight,
	{Date, TimestampTZ}:      midnight,
	{Timestamp, Date}:        dateOf(Timestamp),
	{TimestampTZ, Date}:      dateOf(TimestampTZ),
	{Timestamp, TimestampTZ}: same,
	{TimestampTZ, Timestamp}: same,
	{Time, Interval}:         func(v []byte, _ int) ([]byte, error) { return AppendInterval(nil, 0, 0, GetInt(v)), nil },
	{Interval, Time}: func(v []byte, _ int) ([]byte, error) {
		months, days, micros := GetInterval(v)
		if months != 0 || days != 0 {
			return nil, loss.New(loss.TimeOfDay, "%s has months or days, which have no length in hours", String(Interval, v))
		}
		return AppendInt(nil, micros), nil
	},
}

func midnight(v []byte, _ int) ([]byte, error) {
	switch days := GetDate(v); {
	case days == DateInfinity:
		return AppendInt(nil, TimeInfinity), nil
	case days == DateNegInfinity:
		return AppendInt(nil, TimeNegInfinity), nil
	case int64(days) > maxDays || int64(days) < -maxDays:
		return nil, loss.New(loss.DateRange, "%s is beyond every timestamp", String(Date, v))
	default:
		return AppendInt(nil, int64(days)*microsPerDay), nil
	}
}

func dateOf(from Kind) conversion {
	return func(v []byte, _ int) ([]byte, error) {
		micros := GetInt(v)
		switch days := floorDiv(micros, microsPerDay); {
		case micros == TimeInfinity:
			return AppendDate(nil, DateInfinity), nil
		case micros == TimeNegInfinity:
			return AppendDate(nil, DateNegInfinity), nil
		case days*microsPerDay != micros:
			return nil, loss.New(loss.Conversion, "%s has a time of day, which no date keeps", String(from, v))
		default:
			return AppendDate(nil, int32(days)), nil
		}
	}
}
