package loss

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

func TestRuleOf_IsFoundInsideOtherErrors(t *testing.T) {
	require.Equal(t, NUL, RuleOf(fmt.Errorf("row 3: %w", New(NUL, "text"))))
	require.Equal(t, Refused, RuleOf(errors.New("text")))
	require.Equal(t, "text of 3", New(TooLong, "text of %d", 3).Error())
}

func TestMerge_AddsByColumnAndRule(t *testing.T) {
	one := []*planv1.Loss{{Column: 1, Rule: "A", Rows: 2, Keys: []string{"1", "2"}, Example: "first"}, {Column: 3, Rule: "A", Rows: 1}}
	two := []*planv1.Loss{{Column: 1, Rule: "A", Rows: 5, Keys: []string{"3", "4", "5", "6"}, Example: "second"}, {Column: 1, Rule: "B", Rows: 1}, {Column: 0, Rule: "Z", Rows: 1}}
	before := proto.CloneOf(one[0])
	sum := Merge(one, two)
	require.Len(t, sum, 4)
	require.True(t, proto.Equal(&planv1.Loss{Column: 1, Rule: "A", Rows: 7, Keys: []string{"1", "2", "3", "4", "5"}, Example: "first"}, sum[1]))
	require.Equal(t, "Z", sum[0].GetRule())
	require.Equal(t, "B", sum[2].GetRule())
	require.True(t, proto.Equal(before, one[0]), "what was added up stays as it was")
}
