// Package loss names what can be wrong with a value: the rules by which engines refuse
// values that they cannot hold exactly. Every refusal has one, so that a scan of the
// data can count them by column and rule, and say what to do about each.
//
// It is at the bottom of the tree: canonical values and all adapters use it.
package loss

import (
	"errors"
	"fmt"
)

// Rule is a word for what a value breaks. It is the code of the finding about it.
type Rule string

// The rules.
const (
	// ImpossibleDate: a date that no calendar has, as 0000-00-00.
	ImpossibleDate Rule = "IMPOSSIBLE_DATE"
	// DateRange: a year, or an infinity, beyond the target's.
	DateRange Rule = "DATE_OUT_OF_RANGE"
	// TimeOfDay: a duration that is no time of a day, or too long for the target.
	TimeOfDay Rule = "TIME_OUT_OF_RANGE"
	// Fraction: digits of a second that the target's type does not keep.
	Fraction Rule = "FRACTION_TOO_FINE"
	// NumberRange: a number beyond the target's type.
	NumberRange Rule = "NUMBER_OUT_OF_RANGE"
	// Digits: more digits than the target's type keeps.
	Digits Rule = "NUMBER_TOO_PRECISE"
	// NotFinite: NaN or an infinity where the target has none.
	NotFinite Rule = "NUMBER_NOT_FINITE"
	// NegativeZero: a -0 where the target has only 0.
	NegativeZero Rule = "NEGATIVE_ZERO"
	// NUL: the character U+0000 in a text.
	NUL Rule = "NUL_CHARACTER"
	// Encoding: bytes that are no text.
	Encoding Rule = "INVALID_TEXT"
	// Charset: a character that the target's character set lacks.
	Charset Rule = "CHARACTER_NOT_IN_SET"
	// TooLong: more characters, bytes or bits than the target's type takes.
	TooLong Rule = "VALUE_TOO_LONG"
	// Padding: blanks or zeros at an end that the target's type adds or takes away.
	Padding Rule = "PADDING_NOT_KEPT"
	// Label: none of an enumeration's labels.
	Label Rule = "LABEL_UNKNOWN"
	// JSON: a text that is no JSON, or a JSON value that the target cannot hold.
	JSON Rule = "JSON_NOT_KEPT"
	// Geometry: a geometry that the target cannot hold.
	Geometry Rule = "GEOMETRY_NOT_KEPT"
	// StorageClass: a value of another type than its column, in SQLite.
	StorageClass Rule = "STORAGE_CLASS"
	// Null: NULL where the target takes none.
	Null Rule = "NULL_NOT_ALLOWED"
	// Conversion: a value that has no form in the type that a cast asks for.
	Conversion Rule = "CAST_NOT_EXACT"
	// TooLarge: more bytes than a worker holds, in a value that cannot pass in pieces.
	TooLarge Rule = "VALUE_TOO_LARGE"
	// Packet: more bytes as text than the target takes in a statement.
	Packet Rule = "VALUE_ABOVE_PACKET"
	// IndexEntry: values that an index of the target has no room for.
	IndexEntry Rule = "INDEX_ENTRY_TOO_LONG"
	// IndexEntryLong: values that an index of the target has room for only if it
	// compresses them well enough.
	IndexEntryLong Rule = "INDEX_ENTRY_LONG"
	// Refused is every other reason.
	Refused Rule = "VALUE_REFUSED"
)

// Error says why a value cannot be held, and by which rule.
type Error struct {
	Rule Rule
	Err  error
}

// New makes an error; format takes %w.
func New(r Rule, format string, args ...any) *Error {
	return &Error{Rule: r, Err: fmt.Errorf(format, args...)}
}

// Error is the message without the rule.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// RuleOf gives the rule of an error; Refused where it has none.
func RuleOf(err error) Rule {
	var ruled interface{ LossRule() Rule }
	if errors.As(err, &ruled) {
		return ruled.LossRule()
	}
	return Refused
}

// LossRule is the rule, for RuleOf: errors of other types have one too by this method.
func (e *Error) LossRule() Rule { return e.Rule }
