package postgres

import (
	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// naturalKinds are the kinds of built-in types; everything else travels as its
// text form.
var naturalKinds = map[uint32]planv1.Kind{
	oidBool: canon.Bool, oidInt2: canon.Int, oidInt4: canon.Int, oidInt8: canon.Int, oidOid: canon.Int,
	oidFloat4: canon.Float32, oidFloat8: canon.Float64, oidNumeric: canon.Decimal, oidBytea: canon.Bytes,
	oidDate: canon.Date, oidTime: canon.Time, oidTimeTZ: canon.TimeTZ, oidTimestamp: canon.Timestamp,
	oidTimestampTZ: canon.TimestampTZ, oidInterval: canon.Interval, oidUUID: canon.UUID,
	oidJSON: canon.JSON, oidJSONB: canon.JSONValue, oidBit: canon.Bits, oidVarbit: canon.Bits,
}

func kindOf(baseOID uint32) planv1.Kind {
	if k, ok := naturalKinds[baseOID]; ok {
		return k
	}
	return canon.Text
}

// typmod is what a type's modifier says.
type typmod struct {
	length    int64
	precision int32
	scale     int32
	// fraction is the number of fractional digits of a time; -1 for the most.
	fraction int32
}

// decodeTypmod reads a modifier as the type's own output function does.
func decodeTypmod(baseOID uint32, mod int32) typmod {
	out := typmod{fraction: -1}
	if mod < 0 {
		return out
	}
	switch baseOID {
	case oidVarchar, oidBpchar:
		out.length = int64(mod) - 4
	case oidBit, oidVarbit:
		out.length = int64(mod)
	case oidNumeric:
		out.precision = (mod - 4) >> 16 & 0xffff
		// Eleven bits, signed: numeric(5,-2) is legal.
		out.scale = ((mod-4)&0x7ff ^ 1024) - 1024
	case oidTime, oidTimeTZ, oidTimestamp, oidTimestampTZ:
		out.fraction = mod
	case oidInterval:
		if p := mod & 0xffff; p != 0xffff {
			out.fraction = p
		}
	}
	return out
}

// decimalScale is the scale that every value of a decimal column is written with.
func decimalScale(c *planv1.Column) int32 {
	if c.GetPrecision() == 0 {
		return -1
	}
	return max(c.GetScale(), 0)
}
