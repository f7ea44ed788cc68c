package canon

import "fmt"

// Storage classes of a Variant: the first byte of its value.
const (
	VariantInt   = 'i' // 8 bytes, as AppendInt
	VariantFloat = 'r' // 8 bytes, as AppendFloat64
	VariantText  = 't' // the bytes of the text
	VariantBytes = 'b' // the bytes
)

// CheckVariant tells whether v is a well-formed Variant.
func CheckVariant(v []byte) error {
	if len(v) == 0 {
		return fmt.Errorf("variant value without a storage class")
	}
	switch v[0] {
	case VariantInt, VariantFloat:
		if len(v) != 9 {
			return fmt.Errorf("variant number of %d bytes, want 9", len(v))
		}
	case VariantText, VariantBytes:
	default:
		return fmt.Errorf("variant value of unknown storage class %q", v[0])
	}
	return nil
}
