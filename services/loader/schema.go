package loader

import (
	"context"
	"strings"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// design plans the target for a source's tables.
func design(ctx context.Context, db engine.Target, work *workerv1.MakeDesign) (*workerv1.Result, error) {
	names, err := newNames(work.GetMappings())
	if err != nil {
		return nil, err
	}
	made, err := db.Design(ctx, engine.DesignRequest{Source: work.GetDatabase(), Existing: work.GetExisting(), Name: names.of})
	if err != nil {
		return nil, fault.At(err, fault.Target, "")
	}
	return &workerv1.Result{Outcome: &workerv1.Result_Designed{Designed: &workerv1.Designed{Design: made}}}, nil
}

// prepare makes the ledger and what comes before any table.
func prepare(ctx context.Context, db engine.Target, job *workerv1.Job) error {
	work := job.GetPrepare()
	return fault.At(db.Prepare(ctx, engine.PrepareRequest{
		Migration:      migration(job),
		SourceIdentity: work.GetSourceIdentity(),
		TargetIdentity: work.GetTargetIdentity(),
		Statements:     work.GetStatements(),
	}), fault.Target, "")
}

// names gives tables their names in the target, by the first mapping that matches.
type names []*workerv1.Mapping

func newNames(mappings []*workerv1.Mapping) (names, error) {
	for _, m := range mappings {
		schema, table, dotted := strings.Cut(m.GetInto(), ".")
		if !dotted {
			table = schema
		}
		if table == "" || dotted && schema == "" {
			return nil, fault.New(fault.Invalid, "loader.Design",
				"mapping of %q into %q has an empty name: use schema.table or table, with {schema} and {table} in it", m.GetMatch(), m.GetInto())
		}
	}
	return mappings, nil
}

// of maps a source table; ok is false where no mapping names it.
func (n names) of(schema, table string) (toSchema, toTable string, ok bool) {
	for _, m := range n {
		if !engine.MatchTable(m.GetMatch(), schema, table) {
			continue
		}
		// Cut before filling in: the names themselves may have dots.
		toSchema, toTable, ok = strings.Cut(m.GetInto(), ".")
		if !ok {
			toSchema, toTable = "", toSchema
		}
		fill := strings.NewReplacer("{schema}", schema, "{table}", table)
		return fill.Replace(toSchema), fill.Replace(toTable), true
	}
	return "", "", false
}
