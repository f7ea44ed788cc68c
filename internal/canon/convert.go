package canon

// Convert gives a value in another kind that holds each value of its own exactly:
// the same kind, a whole number or decimal as a decimal of a scale, anything but
// bytes as text. Ok is false where there is no such way; an error is a value that
// the scale does not hold.
func Convert(from, to Kind, scale int, v []byte) (out []byte, ok bool, err error) {
	switch {
	case to == Decimal && (from == Decimal || from == Int || from == Uint):
		out, err = NormalizeDecimal(String(from, v), scale)
	case to == from:
		out = v
	case to == Text && from != Bytes:
		out, err = AppendText(nil, from, v)
	default:
		return nil, false, nil
	}
	return out, true, err
}

// Convertible tells whether Convert has a way from one kind to another.
func Convertible(from, to Kind) bool {
	return from == to || to == Text && from != Bytes || to == Decimal && (from == Int || from == Uint)
}
