package mysql

import (
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// keyFromText reads a key value in the text protocol's form, which is exact for every
// type that can be a key.
func keyFromText(kind planv1.Kind, nativeType string, scale int32, text []byte) ([]byte, error) {
	switch {
	case text == nil:
		return nil, errNullKey
	case kind == canon.Bits:
		return decodeBits(bitsOf(nativeType))([]byte{}, text)
	case kind == canon.Bytes:
		return append([]byte{}, text...), nil
	case kind == canon.Text:
		return append([]byte{}, text...), validText(text)
	case kind == canon.TimestampTZ:
		return parsedText(canon.Timestamp, scale)([]byte{}, text)
	case (kind == canon.Date || kind == canon.Timestamp) && strings.HasPrefix(string(text), "0000"):
		return nil, &impossibleDate{string(text)}
	}
	return parsedText(kind, scale)([]byte{}, text)
}

// bitsOf is the n of bit(n).
func bitsOf(nativeType string) int {
	n := 0
	for _, c := range nativeType {
		if c >= '0' && c <= '9' {
			n = 10*n + int(c-'0')
		}
	}
	return max(1, n)
}
