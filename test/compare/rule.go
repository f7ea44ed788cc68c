package compare

import (
	"encoding/hex"
	"math/big"
	"strconv"
	"strings"
)

// class is how a client handed a value over.
type class byte

const (
	classNull class = 'n'
	classInt  class = 'i'
	classReal class = 'f'
	classText class = 't'
	classBlob class = 'b'
)

// value is one value as a client printed it.
type value struct {
	class class
	// data is the digits of an integer, the bytes of a text or blob.
	data []byte
	real float64
}

// rule says how the values of a pair of columns are written before they are
// compared. RULES.md has them in words.
type rule uint8

const (
	// ruleVerbatim takes the values as the clients of two equal engines print them.
	ruleVerbatim rule = iota
	ruleText
	ruleNumber
	ruleFloat32
	ruleBool
	ruleTimestamp
	ruleInstant
	ruleDate
	ruleTime
	ruleTimeTZ
	// ruleDuration is a time of day or a stretch of time in hours, minutes and seconds.
	ruleDuration
	ruleInterval
	ruleUUID
	ruleBits
	ruleBytes
	ruleGeometry
	ruleJSON
	rulePadded
)

// write appends a value in the form that its rule compares, escaped so that a
// row is one line and values are apart. float4 tells that the value's own column
// is a float4.
func (r rule) write(line []byte, v value, float4 bool) []byte {
	if v.class == classNull {
		return append(line, `\N`...)
	}
	if r == ruleVerbatim {
		return appendEscaped(append(line, byte(v.class)), v.exact())
	}
	text := v.text(float4)
	if read, ok := r.read(v, text); ok {
		text = read
	}
	return appendEscaped(line, text)
}

// exact is the content of a value of any class without loss.
func (v value) exact() []byte {
	if v.class == classReal {
		return strconv.AppendFloat(nil, v.real, 'x', -1, 64)
	}
	return v.data
}

// text is a value as plain text; numbers in full, blobs in hex.
func (v value) text(float4 bool) []byte {
	switch {
	case v.class == classReal:
		return appendFloat(nil, v.real)
	case v.class == classBlob:
		return hex.AppendEncode([]byte(`\x`), v.data)
	case float4:
		if f, err := strconv.ParseFloat(string(v.data), 32); err == nil {
			return appendFloat(nil, f)
		}
	}
	return v.data
}

// read gives the value that a rule sees in a text; not ok where it sees none.
func (r rule) read(v value, text []byte) ([]byte, bool) {
	switch r {
	case ruleNumber, ruleFloat32:
		return readNumber(text)
	case ruleBool:
		return readBool(string(text))
	case ruleTimestamp:
		return readTimestamp(string(text), false)
	case ruleInstant:
		return readTimestamp(string(text), true)
	case ruleDate:
		return readDate(string(text))
	case ruleTime:
		return readTime(string(text), false)
	case ruleTimeTZ:
		return readTime(string(text), true)
	case ruleDuration:
		return readDuration(string(text))
	case ruleInterval:
		return readInterval(string(text))
	case ruleUUID:
		return readUUID(v, string(text))
	case ruleBits:
		return readBits(v, text)
	case ruleGeometry:
		return readGeometry(string(text))
	case ruleJSON:
		return readJSON(text)
	case rulePadded:
		return []byte(strings.TrimRight(string(text), " ")), true
	default:
		// Bytes are hex on both sides already, text is itself.
		return nil, false
	}
}

func readBool(text string) ([]byte, bool) {
	switch strings.ToLower(text) {
	case "t", "true", "1":
		return []byte("true"), true
	case "f", "false", "0":
		return []byte("false"), true
	default:
		return nil, false
	}
}

func readUUID(v value, text string) ([]byte, bool) {
	if v.class == classBlob {
		return hex.AppendEncode(nil, v.data), len(v.data) == 16
	}
	digits := strings.ToLower(strings.ReplaceAll(text, "-", ""))
	_, err := hex.DecodeString(digits)
	return []byte(digits), err == nil && len(digits) == 32
}

// readBits writes a bit string as a binary number: digits of it as text, the number
// itself or its bytes.
func readBits(v value, text []byte) ([]byte, bool) {
	var n big.Int
	ok := len(text) > 0
	switch v.class {
	case classInt:
		_, ok = n.SetString(string(text), 10)
	case classBlob:
		n.SetBytes(v.data)
	default:
		_, ok = n.SetString(string(text), 2)
		ok = ok && text[0] != '-' && text[0] != '+'
	}
	return n.Append(nil, 2), ok
}

// readGeometry writes EWKB in hex, with or without the prefix that bytes have.
func readGeometry(text string) ([]byte, bool) {
	digits := strings.ToLower(strings.TrimPrefix(text, `\x`))
	_, err := hex.DecodeString(digits)
	return []byte(digits), err == nil
}

func appendEscaped(line, text []byte) []byte {
	for _, c := range text {
		switch c {
		case '\\':
			line = append(line, `\\`...)
		case '\t':
			line = append(line, `\t`...)
		case '\n':
			line = append(line, `\n`...)
		case 0:
			line = append(line, `\0`...)
		default:
			line = append(line, c)
		}
	}
	return line
}
