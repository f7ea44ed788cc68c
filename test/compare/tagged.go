package compare

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
)

// splitTagged cuts a line of values that each begin with the letter of their class:
// n null, i digits, r decimal digits of a double, f a double's 8 bytes, t and b hex of
// text and bytes, g an SRID in 8 digits of hex and then hex of WKB.
func splitTagged(line []byte, separator byte, into []value) error {
	for i := range into {
		field, rest, more := bytes.Cut(line, []byte{separator})
		if more != (i < len(into)-1) || len(field) == 0 {
			return fmt.Errorf("row has not %d values", len(into))
		}
		line = rest
		v, err := parseTagged(field[0], field[1:])
		if err != nil {
			return fmt.Errorf("value %q: %w", field, err)
		}
		into[i] = v
	}
	return nil
}

func parseTagged(tag byte, content []byte) (value, error) {
	switch tag {
	case 'n', 'i':
		return value{class: class(tag), data: content}, nil
	case 'r':
		f, err := strconv.ParseFloat(string(content), 64)
		return value{class: classReal, real: f}, err
	}
	data := make([]byte, hex.DecodedLen(len(content)))
	if _, err := hex.Decode(data, content); err != nil {
		return value{}, err
	}
	switch tag {
	case 't', 'b':
		return value{class: class(tag), data: data}, nil
	case 'f':
		if len(data) != 8 {
			return value{}, fmt.Errorf("real of %d bytes", len(data))
		}
		return value{class: classReal, real: math.Float64frombits(binary.BigEndian.Uint64(data))}, nil
	case 'g':
		return ewkb(data)
	default:
		return value{}, fmt.Errorf("unknown class %q", tag)
	}
}

// hasSRID is the flag of EWKB in a geometry's type.
const hasSRID = 0x20000000

// ewkb writes an SRID (big-endian) and a little-endian WKB as one EWKB, which is how
// the other engines keep geometries.
func ewkb(data []byte) (value, error) {
	if len(data) < 9 || data[4] != 1 {
		return value{}, fmt.Errorf("geometry of %d bytes is not little-endian WKB", len(data))
	}
	srid, wkb := binary.BigEndian.Uint32(data), data[4:]
	if srid == 0 {
		return value{class: classBlob, data: wkb}, nil
	}
	out := append([]byte{1}, make([]byte, 8)...)
	binary.LittleEndian.PutUint32(out[1:], binary.LittleEndian.Uint32(wkb[1:])|hasSRID)
	binary.LittleEndian.PutUint32(out[5:], srid)
	return value{class: classBlob, data: append(out, wkb[5:]...)}, nil
}
