package compare

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"unicode/utf8"
)

// readJSON writes a document in one form: no spaces, members by name, numbers as
// exact decimals, letters unescaped. Members of one name stay side by side, so that
// a document which lost one differs.
func readJSON(text []byte) ([]byte, bool) {
	if !utf8.Valid(text) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	out, err := appendJSON(nil, d)
	if err != nil {
		return nil, false
	}
	_, err = d.Token()
	return out, errors.Is(err, io.EOF)
}

func appendJSON(out []byte, d *json.Decoder) ([]byte, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			return appendObject(out, d)
		}
		return appendArray(out, d)
	case json.Number:
		number, ok := readNumber([]byte(v))
		if !ok {
			return nil, errors.New("number out of range")
		}
		return append(out, number...), nil
	case string:
		return appendString(out, v)
	default: // true, false, null
		literal, err := json.Marshal(v)
		return append(out, literal...), err
	}
}

func appendString(out []byte, s string) ([]byte, error) {
	quoted, err := json.Marshal(s)
	return append(out, quoted...), err
}

func appendArray(out []byte, d *json.Decoder) ([]byte, error) {
	out = append(out, '[')
	for n := 0; d.More(); n++ {
		if n > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = appendJSON(out, d); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return append(out, ']'), err
}

func appendObject(out []byte, d *json.Decoder) ([]byte, error) {
	type member struct {
		name  string
		whole []byte
	}
	var members []member
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := token.(string)
		if !ok {
			return nil, errors.New("member without a name")
		}
		whole, err := appendString(nil, name)
		if err == nil {
			whole, err = appendJSON(append(whole, ':'), d)
		}
		if err != nil {
			return nil, err
		}
		members = append(members, member{name, whole})
	}
	slices.SortStableFunc(members, func(a, b member) int { return cmp.Compare(a.name, b.name) })
	out = append(out, '{')
	for i, m := range members {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, m.whole...)
	}
	_, err := d.Token()
	return append(out, '}'), err
}
