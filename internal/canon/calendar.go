package canon

// Days from civil and back: Howard Hinnant's chrono-compatible algorithms, valid
// for every year an int32 of days reaches. Year 0 is 1 BC.

const (
	daysPerEra   = 146097 // 400 Gregorian years
	unixEpochDay = 719468 // 0000-03-01 to 1970-01-01
)

// Days gives the days from 1970-01-01 to a date of the proleptic Gregorian calendar.
func Days(year, month, day int) int64 {
	y := int64(year)
	if month <= 2 {
		y--
	}
	era := floorDiv(y, 400)
	yoe := y - era*400
	mp := int64((month + 9) % 12)
	doy := (153*mp+2)/5 + int64(day) - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*daysPerEra + doe - unixEpochDay
}

// Civil gives the date that lies days after 1970-01-01.
func Civil(days int64) (year, month, day int) {
	z := days + unixEpochDay
	era := floorDiv(z, daysPerEra)
	doe := z - era*daysPerEra
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = int(doy - (153*mp+2)/5 + 1)
	month = int(mp + 3)
	if month > 12 {
		month -= 12
	}
	y := yoe + era*400
	if month <= 2 {
		y++
	}
	return int(y), month, day
}

// ValidDate tells whether the calendar has the date.
func ValidDate(year, month, day int) bool {
	if month < 1 || month > 12 || day < 1 || day > 31 {
		return false
	}
	y, m, d := Civil(Days(year, month, day))
	return y == year && m == month && d == day
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}
