package compare

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	datePattern     = regexp.MustCompile(`^(-?\d{4,7})-(\d\d)-(\d\d)( BC)?$`)
	timePattern     = regexp.MustCompile(`^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?$`)
	offsetPattern   = regexp.MustCompile(`^(.*?)\s*(Z|[+-]\d\d(?::?\d\d(?::\d\d)?)?)$`)
	intervalPattern = regexp.MustCompile(`^P(?:(-?\d+)Y)?(?:(-?\d+)M)?(?:(-?\d+)W)?(?:(-?\d+)D)?` +
		`(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?)(\d+)(?:\.(\d{1,6}))?S)?)?$`)
)

func readDate(text string) ([]byte, bool) {
	m := datePattern.FindStringSubmatch(text)
	if m == nil {
		return nil, false
	}
	year := number(m[1])
	if m[4] != "" {
		year = 1 - year
	}
	return fmt.Appendf(nil, "%04d-%s-%s", year, m[2], m[3]), true
}

// readTime writes hours to fraction without trailing zeros, and the offset in
// seconds where the type has one.
func readTime(text string, zone bool) ([]byte, bool) {
	seconds := 0
	if zone {
		var ok bool
		if text, seconds, ok = cutOffset(text); !ok {
			return nil, false
		}
	}
	clock, ok := readClock(text)
	if !ok {
		return nil, false
	}
	if zone {
		clock = fmt.Appendf(clock, "%+d", seconds)
	}
	return clock, true
}

func readClock(text string) ([]byte, bool) {
	m := timePattern.FindStringSubmatch(text)
	if m == nil {
		return nil, false
	}
	if m[3] == "" {
		m[3] = "00"
	}
	out := fmt.Appendf(nil, "%s:%s:%s", m[1], m[2], m[3])
	if fraction := strings.TrimRight(m[4], "0"); fraction != "" {
		out = append(append(out, '.'), fraction...)
	}
	return out, true
}

// readTimestamp writes date and time; an instant in UTC.
func readTimestamp(text string, instant bool) ([]byte, bool) {
	text, bc := strings.CutSuffix(text, " BC")
	offset := 0
	if instant {
		if rest, seconds, ok := cutOffset(text); ok {
			text, offset = rest, seconds
		}
	}
	at := strings.IndexAny(text, "T ")
	if at < 0 {
		return nil, false
	}
	day := text[:at]
	if bc {
		day += " BC"
	}
	date, okDate := readDate(day)
	clock, okClock := readClock(text[at+1:])
	if !okDate || !okClock {
		return nil, false
	}
	if offset != 0 {
		return shift(string(date), string(clock), -offset)
	}
	return append(append(date, ' '), clock...), true
}

// shift moves a wall time by seconds.
func shift(date, clock string, seconds int) ([]byte, bool) {
	d := datePattern.FindStringSubmatch(date)
	c := timePattern.FindStringSubmatch(clock)
	t := time.Date(number(d[1]), time.Month(number(d[2])), number(d[3]),
		number(c[1]), number(c[2]), number(c[3])+seconds, 0, time.UTC)
	out := fmt.Appendf(nil, "%04d-%02d-%02d %02d:%02d:%02d", t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second())
	if c[4] != "" {
		out = append(append(out, '.'), c[4]...)
	}
	return out, true
}

// cutOffset takes "+05:30", "-08" or "Z" off the end, in seconds east of UTC.
func cutOffset(text string) (rest string, seconds int, ok bool) {
	m := offsetPattern.FindStringSubmatch(text)
	// A date alone ends in something like an offset too.
	if m == nil || !strings.Contains(m[1], ":") {
		return text, 0, false
	}
	if m[2] == "Z" {
		return m[1], 0, true
	}
	plain := strings.ReplaceAll(m[2][1:], ":", "")
	for i := 0; i < len(plain); i += 2 {
		seconds = seconds*60 + number(plain[i:i+2])
	}
	for i := len(plain); i < 6; i += 2 {
		seconds *= 60
	}
	if m[2][0] == '-' {
		seconds = -seconds
	}
	return m[1], seconds, true
}

// readInterval writes months, days and microseconds.
func readInterval(text string) ([]byte, bool) {
	m := intervalPattern.FindStringSubmatch(text)
	if m == nil || text == "P" || strings.HasSuffix(text, "T") {
		return nil, false
	}
	months := number(m[1])*12 + number(m[2])
	days := number(m[3])*7 + number(m[4])
	micros := number(m[8])*1_000_000 + number((m[9] + "000000")[:6])
	if m[7] == "-" {
		micros = -micros
	}
	micros += (number(m[5])*60 + number(m[6])) * 60_000_000
	return fmt.Appendf(nil, "%d months %d days %d us", months, days, micros), true
}

var durationPattern = regexp.MustCompile(`^(-?)(\d{2,3}):(\d\d):(\d\d)(?:\.(\d{1,6}))?$`)

// readDuration writes what readInterval does, also of hours:minutes:seconds.
func readDuration(text string) ([]byte, bool) {
	m := durationPattern.FindStringSubmatch(text)
	if m == nil {
		return readInterval(text)
	}
	micros := ((number(m[2])*60+number(m[3]))*60+number(m[4]))*1_000_000 + number((m[5] + "000000")[:6])
	if m[1] == "-" {
		micros = -micros
	}
	return fmt.Appendf(nil, "0 months 0 days %d us", micros), true
}

// number reads digits that a pattern has let through; none are zero.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}
