package validator

import (
	"context"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/schemadiff"
)

// schema describes a table on both sides and compares it with its plan.
func (v *verification) schema(ctx context.Context) (*workerv1.RangeCheck, error) {
	p := v.work.GetTable()
	source, err := describeOne(ctx, v.source, p, engine.SourceSide)
	if err != nil {
		return nil, err
	}
	target, err := describeOne(ctx, v.target, p, engine.TargetSide)
	if err != nil {
		return nil, err
	}
	out := &workerv1.RangeCheck{Source: &planv1.Digest{}, Target: &planv1.Digest{}}
	switch {
	case source == nil:
		out.Schema = append(out.Schema, &planv1.SchemaDifference{Type: planv1.Difference_TYPE_MISSING, Object: "table in the source", Expected: "as it was planned"})
	case source.GetFingerprint() != p.GetSource().GetFingerprint():
		out.Schema = append(out.Schema, &planv1.SchemaDifference{Type: planv1.Difference_TYPE_DIFFERENT, Object: "table in the source",
			Expected: "as it was planned", Actual: "its columns or its key changed since"})
	}
	out.Schema = append(out.Schema, schemadiff.Compare(p, target)...)
	return out, nil
}

// describeOne describes a plan's table on one side; nil where it is not there.
func describeOne(ctx context.Context, db engine.Source, p *planv1.TablePlan, side engine.Side) (*planv1.Table, error) {
	schema, name := engine.TableName(p, side)
	found, err := db.Describe(ctx, engine.Selection{Include: []string{wildcards(schema) + "." + wildcards(name)}})
	if err != nil {
		return nil, err
	}
	for _, t := range found.GetTables() {
		if t.GetName() == name && (t.GetSchema() == schema || schema == "") {
			return t, nil
		}
	}
	return nil, nil
}

// wildcards makes a glob that matches a name, and little else.
func wildcards(name string) string {
	if name == "" {
		return "*"
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(`*?[]\.`, r) {
			return '?'
		}
		return r
	}, name)
}
