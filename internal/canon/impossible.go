package canon

// MySQL and MariaDB hold dates that no calendar has: 0000-00-00, a month or a day 0, the
// 30th of February, any date of the year 0. Between the two they travel as days that no
// database counts to, from 271,822 BC on; they are in no order with other dates.
const (
	firstImpossible = -100_000_000
	impossibleYears = 10_000
	impossibleDays  = impossibleYears * 13 * 32
)

// ImpossibleDays gives the days that stand for a year of 0 to 9999, a month of 0 to 12
// and a day of 0 to 31 that make no date.
func ImpossibleDays(year, month, day int) int64 {
	return firstImpossible + int64((year*13+month)*32+day)
}

// Impossible reads what ImpossibleDays made; not ok for the days of a real date.
func Impossible(days int64) (year, month, day int, ok bool) {
	n := int(days - firstImpossible)
	if n < 0 || n >= impossibleDays {
		return 0, 0, 0, false
	}
	return n / 32 / 13, n / 32 % 13, n % 32, true
}
