package engine

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// narrow is a target whose text has no NUL, nothing beyond the basic plane, and at most
// eight bytes.
func narrow(v []byte) error {
	switch {
	case bytes.IndexByte(v, 0) >= 0:
		return errors.New("NUL")
	case bytes.ContainsFunc(v, func(r rune) bool { return r > 0xffff }):
		return errors.New("no such character")
	case len(v) > 8:
		return errors.New("too long")
	}
	return nil
}

func TestConversion_Strip(t *testing.T) {
	unread := errors.New("no UTF-8")
	for name, c := range map[string]struct {
		text string
		read error
		want string
		err  string
	}{
		"Fine":         {"Zoë", nil, "Zoë", ""},
		"NUL":          {"a\x00b\x00", nil, "ab", ""},
		"OnlyNUL":      {"\x00", nil, "", ""},
		"NoUTF8":       {"a\xffb\xc3", unread, "ab", ""},
		"NoCharacter":  {"a🙂b", nil, "ab", ""},
		"Replacement":  {"a�\x00", nil, "a�", ""},
		"TooLong":      {"123456789", nil, "", "too long"},
		"StillTooLong": {"1234\x0056789", nil, "", "too long"},
		"Otherwise":    {"a?b", unread, "", "no UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			touched := 0
			conversion := &Conversion{from: canon.Text, to: canon.Text, policy: planv1.Policy_ACTION_STRIP, fits: narrow, touched: func() { touched++ }}
			v, err := conversion.Apply([]byte(c.text), c.read)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				require.Zero(t, touched)
				return
			}
			require.NoError(t, err)
			require.NotNil(t, v)
			require.Equal(t, c.want, string(v))
			require.Equal(t, c.want != c.text, touched == 1)
		})
	}
	v, err := (&Conversion{from: canon.Text, to: canon.Text, policy: planv1.Policy_ACTION_STRIP, fits: narrow}).Apply(nil, nil)
	require.NoError(t, err)
	require.Nil(t, v)
}
