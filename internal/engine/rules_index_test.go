package engine

import (
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/canon"
)

// Rules leave indexes out, or have them take the beginnings of texts; keys stay.
func TestRules_Indexes(t *testing.T) {
	text := &planv1.Index{Name: "of_text", Definition: "CREATE INDEX of_text", Columns: []*planv1.IndexColumn{{Name: "v"}, {Name: "n"}}}
	db := &planv1.Database{Tables: []*planv1.Table{{Schema: "s", Name: "t", Definition: "CREATE TABLE t", Key: &planv1.Key{Source: planv1.KeySource_KEY_SOURCE_UNIQUE, Columns: []string{"n"}},
		Columns: []*planv1.Column{{Name: "v", Kind: canon.Text}, {Name: "n", Kind: canon.Int}},
		Indexes: []*planv1.Index{{Name: "key", Unique: true, Columns: []*planv1.IndexColumn{{Name: "n"}}}, text, unique("v"), {Name: "other", Columns: []*planv1.IndexColumn{{Name: "v"}}}}}}}
	applied := func(rules map[string]*droverv1.IndexRule) (*planv1.Table, []string) {
		r, err := NewRules([]*droverv1.TableRule{{Match: "s.t", Indexes: rules}}, nil)
		require.NoError(t, err)
		out, found := r.Apply(db)
		var codes []string
		for _, f := range found[0] {
			codes = append(codes, f.GetCode())
		}
		return out.GetTables()[0], codes
	}
	out, codes := applied(map[string]*droverv1.IndexRule{"of_text": {Prefix: 9}, "k": {Drop: true}})
	require.Empty(t, codes)
	require.Len(t, out.GetIndexes(), 3)
	require.EqualValues(t, 9, out.GetIndexes()[1].GetColumns()[0].GetPrefix())
	require.Zero(t, out.GetIndexes()[1].GetColumns()[1].GetPrefix(), "a number has no beginning")
	require.Empty(t, out.GetIndexes()[1].GetDefinition()+out.GetDefinition(), "no statement of the source's says otherwise")
	require.Equal(t, "CREATE INDEX of_text", text.GetDefinition(), "what was described stays as it was")

	_, codes = applied(map[string]*droverv1.IndexRule{"key": {Drop: true}, "k": {Prefix: 3}, "none": {Drop: true}})
	require.Equal(t, []string{"RULE_INDEX_UNIQUE", "RULE_DROPS_KEY", "RULE_INDEX_UNKNOWN"}, codes)
}
