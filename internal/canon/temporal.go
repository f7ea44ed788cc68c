package canon

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/drover-db/drover/internal/loss"
)

// temporal reads a date, a time, a zone and an era from the front of rest; bad is
// set at the first thing that is none of them.
type temporal struct {
	rest             string
	bad              bool
	year, month, day int
	micros           int64
	offset           int
}

// number reads between least and most digits.
func (p *temporal) number(least, most int) int {
	n := 0
	for n < len(p.rest) && n < most && p.rest[n] >= '0' && p.rest[n] <= '9' {
		n++
	}
	if n < least {
		p.bad = true
		return 0
	}
	v, _ := strconv.Atoi(p.rest[:n])
	p.rest = p.rest[n:]
	return v
}

func (p *temporal) take(prefix string) bool {
	rest, ok := strings.CutPrefix(p.rest, prefix)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *temporal) date() {
	p.year = p.number(4, 7)
	if !p.take("-") {
		p.bad = true
	}
	p.month = p.number(2, 2)
	if !p.take("-") {
		p.bad = true
	}
	p.day = p.number(2, 2)
}

func (p *temporal) optionalTime() {
	if p.bad || p.rest == "" || strings.HasPrefix(p.rest, " BC") {
		return
	}
	if !p.take(" ") && !p.take("T") {
		p.bad = true
		return
	}
	p.time()
	if p.micros < 0 || p.micros >= microsPerDay {
		p.bad = true
	}
}

func (p *temporal) time() {
	negative := p.take("-")
	hours := p.number(2, 10)
	if !p.take(":") {
		p.bad = true
	}
	minutes := p.number(2, 2)
	seconds, fraction := 0, 0
	if p.take(":") {
		seconds = p.number(2, 2)
		if p.take(".") {
			fraction = p.fraction()
		}
	}
	if minutes > 59 || seconds > 59 {
		p.bad = true
	}
	p.micros = (int64(hours)*3600+int64(minutes)*60+int64(seconds))*microsPerSecond + int64(fraction)
	if negative {
		p.micros = -p.micros
	}
}

// fraction reads digits behind the point as microseconds; more than six must be zeros.
func (p *temporal) fraction() int {
	n := 0
	for n < len(p.rest) && p.rest[n] >= '0' && p.rest[n] <= '9' {
		n++
	}
	digits := p.rest[:n]
	p.rest = p.rest[n:]
	if n == 0 || (n > 6 && strings.Trim(digits[6:], "0") != "") {
		p.bad = true
		return 0
	}
	v, _ := strconv.Atoi((digits + "000000")[:6])
	return v
}

// zone reads Z or +HH[:MM[:SS]].
func (p *temporal) zone() {
	if p.take("Z") {
		return
	}
	sign := 1
	switch {
	case p.take("+"):
	case p.take("-"):
		sign = -1
	default:
		p.bad = true
		return
	}
	p.offset = p.number(2, 2) * 3600
	if p.take(":") {
		p.offset += p.number(2, 2) * 60
		if p.take(":") {
			p.offset += p.number(2, 2)
		}
	}
	p.offset *= sign
}

func (p *temporal) era() {
	if p.take(" BC") {
		p.year = 1 - p.year
	}
}

var intervalForm = regexp.MustCompile(`^P(-?\d+)M(-?\d+)DT(-?)(\d+)(?:\.(\d{1,6}))?S$`)

func parseInterval(s string) ([]byte, error) {
	m := intervalForm.FindStringSubmatch(s)
	if m == nil {
		return nil, loss.New(loss.Conversion, "%q is not an interval of the form P1M2DT3.5S", s)
	}
	months, err1 := strconv.ParseInt(m[1], 10, 32)
	days, err2 := strconv.ParseInt(m[2], 10, 32)
	micros, err3 := strconv.ParseInt(m[3]+m[4]+(m[5] + "000000")[:6], 10, 64)
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			return nil, loss.New(loss.DateRange, "%q is out of range", s)
		}
	}
	return AppendInterval(nil, int32(months), int32(days), micros), nil
}
