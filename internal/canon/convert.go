package canon

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/drover-db/drover/internal/loss"
)

// Convert gives a value in another kind, exactly or not at all. Ok is false where
// the kinds have no way at all; an error is a value that the other kind, or a
// decimal's scale, does not hold. Nothing is rounded or cut.
//
// Scale is the digits of a decimal behind the point, and the number of bits that an
// integer becomes; below 0 (bits: below 1) for as many as it takes.
//
// Text becomes every kind that it is the text form of (Parse), and every kind but
// bytes becomes its text form; bytes and text are each other's UTF-8. A float is a
// decimal, and the other way round, by its shortest digits: what databases print.
func Convert(from, to Kind, scale int, v []byte) (out []byte, ok bool, err error) {
	if from == to && to != Decimal {
		return v, true, nil
	}
	step := way(from, to)
	if step == nil {
		return nil, false, nil
	}
	if err := checkShape(from, v); err != nil {
		return nil, true, err
	}
	out, err = step(v, scale)
	if err == nil && out == nil {
		out = []byte{} // empty is a value; nil would be NULL
	}
	return out, true, err
}

// Convertible tells whether Convert has a way from one kind to another. For a
// Variant that is so, whatever becomes of values of one class or another.
func Convertible(from, to Kind) bool { return from == to || way(from, to) != nil }

// conversion takes a value of the right shape to another kind.
type conversion func(v []byte, scale int) ([]byte, error)

type pair struct{ from, to Kind }

// ways has every conversion that there is, by both kinds.
var ways [JSONValue + 1][JSONValue + 1]conversion

func way(from, to Kind) conversion {
	if from < 0 || from > JSONValue || to < 0 || to > JSONValue {
		return nil
	}
	return ways[from][to]
}

func init() {
	for from := Bool; from <= JSONValue; from++ {
		ways[from][Text] = func(v []byte, _ int) ([]byte, error) { return AppendText(nil, from, v) }
		ways[Text][from] = func(v []byte, _ int) ([]byte, error) { return Parse(from, string(v)) }
	}
	for to := Bool; to <= JSONValue; to++ {
		ways[Variant][to] = func(v []byte, scale int) ([]byte, error) { return fromVariant(v, to, scale) }
	}
	ways[Text][Variant] = nil // the class would be a guess
	for _, list := range []map[pair]conversion{textConversions, numberConversions, timeConversions} {
		for p, c := range list {
			ways[p.from][p.to] = c
		}
	}
}

// checkShape refuses a value that is none of its kind.
func checkShape(kind Kind, v []byte) error {
	if kind == Variant {
		return CheckVariant(v)
	}
	return Check(kind, v)
}

// textConversions are those of texts and bytes that are not Parse or AppendText.
// convert_number.go has those of numbers, convert_time.go those of times.
var textConversions = map[pair]conversion{
	{Bytes, Text}: func(v []byte, _ int) ([]byte, error) {
		if !utf8.Valid(v) {
			return nil, loss.New(loss.Encoding, "bytes that are not UTF-8 cannot be text")
		}
		return v, nil
	},
	{Text, Bytes}: same,
	{Text, Text}:  same,
	{UUID, Bytes}: same,
	{Bytes, UUID}: func(v []byte, _ int) ([]byte, error) {
		if len(v) != 16 {
			return nil, loss.New(loss.Conversion, "a UUID has 16 bytes, not %d", len(v))
		}
		return v, nil
	},
	{Text, JSON}: func(v []byte, _ int) ([]byte, error) {
		if !utf8.Valid(v) || !json.Valid(v) {
			return nil, loss.New(loss.JSON, "the text is not JSON")
		}
		return v, nil
	},
	{JSON, JSONValue}: func(v []byte, _ int) ([]byte, error) { return NormalizeJSON(v) },
	{JSONValue, JSON}: same,
}

func same(v []byte, _ int) ([]byte, error) { return v, nil }

// fromVariant converts a value by its storage class.
func fromVariant(v []byte, to Kind, scale int) ([]byte, error) {
	class := map[byte]Kind{VariantInt: Int, VariantFloat: Float64, VariantText: Text, VariantBytes: Bytes}[v[0]]
	out, ok, err := Convert(class, to, scale, v[1:])
	if !ok {
		return nil, fmt.Errorf("%s cannot be %s", noun(class), noun(to))
	}
	return out, err
}

// nouns name kinds for people.
var nouns = map[Kind]string{Bool: "a boolean", Int: "an integer", Uint: "an unsigned integer", Float32: "a float", Float64: "a float",
	Decimal: "a decimal", Text: "a text", Bytes: "bytes", Date: "a date", Time: "a time", TimeTZ: "a time with a zone", Timestamp: "a timestamp",
	TimestampTZ: "an instant", Interval: "an interval", UUID: "a UUID", JSON: "JSON", JSONValue: "JSON", Bits: "bits", Variant: "a value of any class"}

func noun(kind Kind) string {
	if n, ok := nouns[kind]; ok {
		return n
	}
	return kind.String()
}
