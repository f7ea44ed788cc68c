package batch

import (
	"encoding/binary"
	"fmt"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// MaxRow is the largest encoded row that travels: a loader must be able to hold
// it and its neighbours within its memory bound.
const MaxRow = 64 << 20

// AppendNull appends a NULL to a canonical row.
func AppendNull(row []byte) []byte { return append(row, 0) }

// AppendValue appends a value to a canonical row.
func AppendValue(row, value []byte) []byte {
	row = binary.AppendUvarint(row, uint64(len(value))+1)
	return append(row, value...)
}

// AppendHead appends the length in front of a value of n bytes, which the caller
// appends next: it saves a copy.
func AppendHead(row []byte, n int) []byte { return binary.AppendUvarint(row, uint64(n)+1) }

// Fields cuts one row off the front of body into dst (one slice a column, nil
// for NULL, non-nil and empty for an empty value) and returns the row's bytes
// and what follows. The slices share body's memory.
func Fields(enc planv1.Encoding, body []byte, dst [][]byte) (row, rest []byte, err error) {
	if enc == planv1.Encoding_ENCODING_PGCOPY {
		return tupleFields(body, dst)
	}
	rest = body
	for i := range dst {
		n, w := binary.Uvarint(rest)
		if w <= 0 {
			return nil, nil, fmt.Errorf("row cut short in the length of column %d", i+1)
		}
		rest = rest[w:]
		if n == 0 {
			dst[i] = nil
			continue
		}
		if n-1 > uint64(len(rest)) {
			return nil, nil, fmt.Errorf("row cut short in column %d", i+1)
		}
		dst[i], rest = rest[:n-1:n-1], rest[n-1:]
	}
	return body[:len(body)-len(rest)], rest, nil
}

// tupleFields cuts one binary COPY tuple.
// https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format", "Tuples".
func tupleFields(body []byte, dst [][]byte) (row, rest []byte, err error) {
	if len(body) < 2 {
		return nil, nil, fmt.Errorf("tuple cut short")
	}
	if n := int(binary.BigEndian.Uint16(body)); n != len(dst) {
		return nil, nil, fmt.Errorf("tuple of %d fields, want %d", n, len(dst))
	}
	rest = body[2:]
	for i := range dst {
		if len(rest) < 4 {
			return nil, nil, fmt.Errorf("tuple cut short in the length of field %d", i+1)
		}
		n := int32(binary.BigEndian.Uint32(rest))
		rest = rest[4:]
		if n < 0 {
			dst[i] = nil
			continue
		}
		if int(n) > len(rest) {
			return nil, nil, fmt.Errorf("tuple cut short in field %d", i+1)
		}
		dst[i], rest = rest[:n:n], rest[n:]
	}
	return body[:len(body)-len(rest)], rest, nil
}

// Fingerprint is a hash of what both ends of a stream must agree on: encoding,
// column names, kinds and scales.
func Fingerprint(t *planv1.TablePlan) uint64 {
	b := binary.AppendUvarint(nil, uint64(t.GetEncoding()))
	for _, c := range t.GetColumns() {
		b = AppendValue(b, []byte(c.GetSource()))
		b = AppendValue(b, []byte(c.GetTarget()))
		b = AppendValue(b, []byte(c.GetTargetType()))
		b = binary.AppendUvarint(b, uint64(c.GetKind()))
		b = binary.AppendVarint(b, int64(c.GetScale()))
	}
	return HashRow(b).Lo
}
