package mysql

import (
	"encoding/binary"
	"fmt"

	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/loss"
)

const (
	microsPerSecond = 1_000_000
	microsPerDay    = 86_400 * microsPerSecond
)

// impossibleDate is a date that MySQL holds and no calendar has: 0000-00-00, a month
// or day 0, the 30th of February. It has a canonical form (canon.ImpossibleDays) that
// only MySQL and MariaDB understand.
type impossibleDate struct{ text string }

func (e *impossibleDate) Error() string {
	return e.text + " has no exact mapping: say in the spec what becomes of it, under the table's columns as " +
		"{invalid: set-null}, {invalid: sentinel, sentinel: …}, or {type: …} with a text type, which keeps it as it is"
}

// LossRule is the rule that such a date breaks; see package loss.
func (e *impossibleDate) LossRule() loss.Rule { return loss.ImpossibleDate }

// civil is a date and a time of day as the protocol carries them.
type civil struct {
	year, month, day     int
	hour, minute, second int
	micros               int
}

// readCivil reads a DATE, DATETIME or TIMESTAMP. What is zero at its end is left out.
func readCivil(field []byte) (civil, error) {
	var c civil
	switch len(field) {
	case 11:
		c.micros = int(binary.LittleEndian.Uint32(field[7:]))
		fallthrough
	case 7:
		c.hour, c.minute, c.second = int(field[4]), int(field[5]), int(field[6])
		fallthrough
	case 4:
		c.year, c.month, c.day = int(binary.LittleEndian.Uint16(field)), int(field[2]), int(field[3])
		fallthrough
	case 0:
		return c, nil
	}
	return c, fmt.Errorf("arrived as %d bytes, which is no date", len(field))
}

func (c civil) dateText() string { return fmt.Sprintf("%04d-%02d-%02d", c.year, c.month, c.day) }

func (c civil) text() string {
	out := c.dateText() + fmt.Sprintf(" %02d:%02d:%02d", c.hour, c.minute, c.second)
	if c.micros != 0 {
		out += fmt.Sprintf(".%06d", c.micros)
	}
	return out
}

// valid tells whether the calendar has the date; the year 0, which is 1 BC
// elsewhere, is no year in MySQL.
func (c civil) valid() bool {
	if c.year == 0 || c.month == 0 || c.day == 0 {
		return false
	}
	return c.day <= 28 || canon.ValidDate(c.year, c.month, c.day)
}

// days are those of the date, or what stands for one that no calendar has.
func (c civil) days() int64 {
	if c.valid() {
		return canon.Days(c.year, c.month, c.day)
	}
	return canon.ImpossibleDays(c.year, c.month, c.day)
}

func (c civil) moment() int64 {
	seconds := int64(c.hour)*3600 + int64(c.minute)*60 + int64(c.second)
	return c.days()*microsPerDay + seconds*microsPerSecond + int64(c.micros)
}

func decodeDate(dst, field []byte) ([]byte, error) {
	c, err := readCivil(field)
	if err == nil && !c.valid() {
		err = &impossibleDate{c.dateText()}
	}
	if err != nil {
		return nil, err
	}
	return canon.AppendDate(dst, int32(c.days())), nil
}

// decodeAnyDate reads a DATE that goes where impossible ones have a place.
func decodeAnyDate(dst, field []byte) ([]byte, error) {
	c, err := readCivil(field)
	return canon.AppendDate(dst, int32(c.days())), err
}

// decodeDateTime reads a DATETIME, or a TIMESTAMP in the session's zone, which is UTC.
func decodeDateTime(dst, field []byte) ([]byte, error) {
	c, err := readCivil(field)
	if err == nil && !c.valid() {
		err = &impossibleDate{c.text()}
	}
	if err != nil {
		return nil, err
	}
	return canon.AppendInt(dst, c.moment()), nil
}

// decodeAnyDateTime reads a DATETIME or TIMESTAMP that goes where impossible ones have a
// place.
func decodeAnyDateTime(dst, field []byte) ([]byte, error) {
	c, err := readCivil(field)
	return canon.AppendInt(dst, c.moment()), err
}

// decodeTime reads a TIME, which may be negative and longer than a day.
func decodeTime(dst, field []byte) ([]byte, error) {
	var micros int64
	switch len(field) {
	case 12:
		micros = int64(binary.LittleEndian.Uint32(field[8:]))
		fallthrough
	case 8:
		micros += int64(binary.LittleEndian.Uint32(field[1:])) * microsPerDay
		micros += (int64(field[5])*3600 + int64(field[6])*60 + int64(field[7])) * microsPerSecond
		if field[0] == 1 {
			micros = -micros
		}
	case 0:
	default:
		return nil, fmt.Errorf("arrived as %d bytes, which is no time", len(field))
	}
	return canon.AppendInt(dst, micros), nil
}
