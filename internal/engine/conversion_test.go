package engine

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
)

func TestPlanColumn_RefusesWhatCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		column *planv1.Column
		kind   planv1.Kind
		says   string
	}{
		"NoWay":       {&planv1.Column{NativeType: "uuid", Kind: canon.UUID}, canon.Date, "cannot become"},
		"Constant":    {&planv1.Column{Kind: canon.Text, Constant: proto.String("x")}, canon.Int, "constant"},
		"Sentinel":    {&planv1.Column{Kind: canon.Date, Policy: &planv1.Policy{Action: planv1.Policy_ACTION_SENTINEL, Sentinel: "soon"}}, canon.Date, "sentinel"},
		"NullNotNull": {&planv1.Column{Kind: canon.Date, Policy: &planv1.Policy{Action: planv1.Policy_ACTION_NULL}}, canon.Date, "NULL"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := PlanColumn(c.column, "target type", c.kind, -1)
			require.ErrorContains(t, err, c.says)
		})
	}
}

// plan has one column of each policy and a constant.
func conversionPlan() *planv1.TablePlan {
	p := &planv1.TablePlan{Source: &planv1.Table{}}
	for i, action := range []planv1.Policy_Action{planv1.Policy_ACTION_UNSPECIFIED, planv1.Policy_ACTION_NULL, planv1.Policy_ACTION_SENTINEL} {
		c := &planv1.Column{Name: string(rune('a' + i)), Kind: canon.Int, Nullable: true}
		p.Source.Columns = append(p.Source.Columns, c)
		p.Columns = append(p.Columns, &planv1.ColumnPlan{Source: c.GetName(), Target: c.GetName(), Kind: canon.Bool, Scale: -1,
			Policy: &planv1.Policy{Action: action, Sentinel: "false"}})
	}
	p.Columns = append(p.Columns, &planv1.ColumnPlan{Target: "region", Kind: canon.Text, Constant: []byte("eu")})
	return p
}

func TestConversion_PoliciesReplaceAndCount(t *testing.T) {
	p := conversionPlan()
	touched := Touched{}
	convert := func(at int, v []byte, err error) ([]byte, error) {
		c, cerr := NewConversion(ReadRequest{Plan: p, Touch: func(column int) { touched.Add(Touched{uint32(column): 1}) }}, at)
		require.NoError(t, cerr)
		require.False(t, c.Plain())
		return c.Apply(v, err)
	}
	one, two := canon.AppendInt(nil, 1), canon.AppendInt(nil, 2)
	for at := range 3 {
		v, err := convert(at, one, nil)
		require.NoError(t, err)
		require.True(t, canon.GetBool(v))
		v, err = convert(at, nil, nil)
		require.NoError(t, err)
		require.Nil(t, v)
	}
	require.Empty(t, touched)
	_, err := convert(0, two, nil)
	require.Error(t, err)
	v, err := convert(1, two, nil)
	require.NoError(t, err)
	require.Nil(t, v)
	v, err = convert(2, nil, errors.New("0000-00-00 is no date"))
	require.NoError(t, err)
	require.False(t, canon.GetBool(v))
	require.Equal(t, Touched{1: 1, 2: 1}, touched)
}

func TestStored_LeavesConstantsToAppend(t *testing.T) {
	p := conversionPlan()
	require.Len(t, Stored(p, SourceSide), 3)
	require.Len(t, Stored(p, TargetSide), 4)
	require.Equal(t, batch.AppendValue(nil, []byte("eu")), AppendConstants(nil, p))
}

func TestTouched_LedgerRoundTrip(t *testing.T) {
	var sum Touched
	sum.Add(nil)
	raw, err := sum.Marshal()
	require.NoError(t, err)
	require.Nil(t, raw)
	sum.Add(Touched{3: 2})
	sum.Add(Touched{0: 1, 3: 5})
	raw, err = sum.Marshal()
	require.NoError(t, err)
	back, err := UnmarshalTouched(raw)
	require.NoError(t, err)
	require.Equal(t, Touched{0: 1, 3: 7}, back)
	require.Equal(t, back, TouchedOf(back.Proto()))
}
