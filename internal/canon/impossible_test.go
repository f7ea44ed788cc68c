package canon

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestImpossible_IsItsOwnInverseAndNoRealDate(t *testing.T) {
	for _, want := range [][3]int{{0, 0, 0}, {0, 1, 1}, {2024, 2, 30}, {2024, 0, 10}, {9999, 12, 0}, {9999, 12, 31}} {
		y, m, d, ok := Impossible(ImpossibleDays(want[0], want[1], want[2]))
		assert.True(t, ok)
		assert.Equal(t, want, [3]int{y, m, d})
	}
	for _, days := range []int64{0, Days(-4712, 1, 1), Days(9999, 12, 31), Days(5874897, 12, 31), DateInfinity, DateNegInfinity} {
		_, _, _, ok := Impossible(days)
		assert.False(t, ok, "%d", days)
	}
}

func TestImpossible_HasTheTextOfItsParts(t *testing.T) {
	assert.Equal(t, "2024-02-30", String(Date, AppendDate(nil, int32(ImpossibleDays(2024, 2, 30)))))
	micros := ImpossibleDays(0, 0, 0)*microsPerDay + 3_500_000
	assert.Equal(t, "0000-00-00 00:00:03.5", String(Timestamp, AppendInt(nil, micros)))
	assert.Equal(t, "0000-00-00 00:00:03.5+00", String(TimestampTZ, AppendInt(nil, micros)))
}

// A date of that far back would be taken for one that is none.
func TestParse_RefusesWhatStandsForImpossibleDates(t *testing.T) {
	for _, s := range []string{"271821-01-01 BC", "0000-00-00", "2024-02-30"} {
		_, err := Parse(Date, s)
		assert.Error(t, err, s)
		_, err = Parse(Timestamp, s+" 00:00:00")
		assert.Error(t, err, s)
	}
}
