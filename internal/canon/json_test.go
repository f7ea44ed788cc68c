package canon

import (
	"bytes"
	"encoding/json"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestNormalizeJSON(t *testing.T) {
	for text, want := range map[string]string{
		` { "bb" : 1 , "a" : [ ] , "c" : { } } `:  `{"a":[],"c":{},"bb":1}`,
		`{"b":{"z":1,"y":[{"k":1,"j":2}]},"a":2}`: `{"a":2,"b":{"y":[{"j":2,"k":1}],"z":1}}`,
		// Keys by the length of the key, not of what is written for it.
		`{"\u00e9\u00e9":1,"\n\n\n":2,"abc":3,"\"":4}`:     `{"\"":4,"\n\n\n":2,"abc":3,"éé":1}`,
		`"\u0041\/\u001f\u007f\ud83d\ude00\b\f\r\t\u2028"`: "\"A/\\u001f\x7f😀\\b\\f\\r\\t\u2028\"",
		`[true,false,null]`:     `[true,false,null]`,
		`1.0`:                   `1`,
		`10e-1`:                 `1`,
		`-0.00`:                 `0`,
		`-0e999999999999`:       `0`,
		`1e20`:                  `100000000000000000000`,
		`1E+21`:                 `1e+21`,
		`123e21`:                `1.23e+23`,
		`0.000001`:              `0.000001`,
		`0.0000001`:             `1e-7`,
		`9007199254740993`:      `9007199254740993`,
		`9007199254740993.0`:    `9007199254740993`,
		`18446744073709551615`:  `18446744073709551615`,
		`0.1000000000000000055`: `0.1000000000000000055`,
		`120`:                   `120`,
		`12.50`:                 `12.5`,
		`-1.5e-9`:               `-1.5e-9`,
	} {
		got, err := NormalizeJSON([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, string(got), text)
	}
}

func TestNormalizeJSON_Refuses(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	_, err := NormalizeJSON([]byte(deep(MaxJSONDepth)))
	require.NoError(t, err)
	for text, want := range map[string]string{
		``:                       "JSON at byte 1: the text ends where a value should be",
		`{"a":1,"b":2,"a":3}`:    `the key "a" twice`,
		`{"a":1,"\u0061":3}`:     `the key "a" twice`,
		`"\ud800"`:               "surrogate",
		`"\ud800\u0041"`:         "surrogate",
		`"\udc00\ud800"`:         "surrogate",
		"\"\xff\"":               "invalid UTF-8",
		"\"\n\"":                 "control character",
		`"\x"`:                   `no escape \x`,
		`"a`:                     "no end",
		`"\`:                     "no end",
		`"\u12`:                  "four hexadecimal digits",
		`01`:                     "not a number",
		`1.`:                     "not a number",
		`1e`:                     "not a number",
		`-`:                      "not a number",
		`1e1000000001`:           "beyond every database",
		`tru`:                    "not a value",
		`[1 2]`:                  "neither a comma nor ']'",
		`{"a" 1}`:                "no colon",
		`{1:1}`:                  "a key should be here",
		`{} {}`:                  "something follows",
		`[,]`:                    "no value begins with ','",
		deep(MaxJSONDepth + 1):   "deeper than 1000 levels",
		`{"a":[{"x":1,"x":2}]} `: `the key "x" twice`,
	} {
		out, err := NormalizeJSON([]byte(text))
		require.ErrorContains(t, err, want, text)
		require.Empty(t, out)
	}
}

// Any order of members, any spaces and any escapes give the same form.
func TestNormalizeJSON_ByValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-zé"\\\n]{0,4}`), 0, 8, rapid.ID[string]).Draw(t, "keys")
		write := func(order []string, space string) []byte {
			var b bytes.Buffer
			b.WriteString("{")
			for i, key := range order {
				if i > 0 {
					b.WriteString("," + space)
				}
				text, err := json.Marshal(key)
				require.NoError(t, err)
				b.WriteString(space + string(text) + space + ":" + strconv.Itoa(len(key)))
			}
			b.WriteString(space + "}")
			return b.Bytes()
		}
		one, err := NormalizeJSON(write(keys, ""))
		require.NoError(t, err)
		other, err := NormalizeJSON(write(rapid.Permutation(keys).Draw(t, "order"), " \n"))
		require.NoError(t, err)
		require.Equal(t, string(one), string(other))
	})
}

func TestCheckJSONDoubles(t *testing.T) {
	for text, ok := range map[string]bool{
		`[1,-1,0.1,1e20,18446744073709551615,-9223372036854775808,1.7976931348623157e308,5e-324]`: true,
		`["9.99999999999999999999", {"0.11111111111111111111":"\"1e999"}]`:                        true,
		`18446744073709551616`:             false, // a double prints as 1.8446744073709552e19
		`18446744073709551617`:             false,
		`[1,{"a":0.12345678901234567890}]`: false,
		`1e400`:                            false,
		`1e-400`:                           false,
		`-9223372036854775809`:             false,
	} {
		v, err := NormalizeJSON([]byte(text))
		require.NoError(t, err)
		err = CheckJSONDoubles(v)
		require.Equal(t, ok, err == nil, "%s: %v", text, err)
	}
}

func TestHasJSONNUL(t *testing.T) {
	for text, want := range map[string]bool{`"\u0000"`: true, `{"a\u0000":"b"}`: true, `"\\u0000"`: false, `"\\\u0000"`: true, `"\u0001"`: false, `"u0000"`: false, `1`: false} {
		v, err := NormalizeJSON([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, HasJSONNUL(v), text)
	}
}

// refusals are what a text that is JSON may still be refused for.
var refusals = []string{"twice", "surrogate", "UTF-8", "deeper", "beyond"}

func FuzzNormalizeJSON(f *testing.F) {
	for _, seed := range []string{`{"b":1,"a":[1.50,"\u00e9\ud83d\ude00",null]}`, `-0.0e5`, `"\\\""`, `[[[]]]`, `{"a":{"b":{}},"":0}`, `1e999`, "\"\xff\""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		out, err := NormalizeJSON(text)
		if err != nil {
			if json.Valid(text) {
				require.True(t, slicesAny(refusals, func(s string) bool { return strings.Contains(err.Error(), s) }), "%q: %v", text, err)
			}
			return
		}
		require.True(t, json.Valid(text), "%q", text)
		again, err := NormalizeJSON(out)
		require.NoError(t, err)
		require.Equal(t, string(out), string(again))
		require.True(t, sameJSON(decodeJSON(t, text), decodeJSON(t, out)), "%q became %q", text, out)
		_ = CheckJSONDoubles(out)
	})
}

func slicesAny(list []string, is func(string) bool) bool {
	for _, s := range list {
		if is(s) {
			return true
		}
	}
	return false
}

func decodeJSON(t *testing.T, text []byte) any {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	require.NoError(t, d.Decode(&v))
	return v
}

// sameJSON compares values; numbers by value, as far as they can be counted out.
func sameJSON(a, b any) bool {
	switch x := a.(type) {
	case json.Number:
		y, ok := b.(json.Number)
		if _, after, found := strings.Cut(strings.ToLower(string(x)), "e"); !ok || found && len(after) > 4 {
			return ok
		}
		p, _ := new(big.Rat).SetString(string(x))
		q, _ := new(big.Rat).SetString(string(y))
		return p != nil && q != nil && p.Cmp(q) == 0
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !sameJSON(x[i], y[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k := range x {
			if w, ok := y[k]; !ok || !sameJSON(x[k], w) {
				return false
			}
		}
		return true
	default:
		return reflect.DeepEqual(a, b)
	}
}

func BenchmarkNormalizeJSON(b *testing.B) {
	text := []byte(`{"id": 12345, "name": "Åse Nordmann", "tags": ["a", "b", "c"], "price": 12.50, "nested": {"x": 1, "y": [1, 2, 3]}}`)
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	var out []byte
	for b.Loop() {
		var err error
		if out, err = AppendJSON(out[:0], text); err != nil {
			b.Fatal(err)
		}
	}
}
