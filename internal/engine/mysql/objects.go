package mysql

import (
	"context"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// codesObjectThere are what the server says of a table or view, a routine, a trigger
// and an event that is there.
var codesObjectThere = []uint16{codeTableExists, 1304, 1359, 1537}

// ApplyObjects makes views, routines, triggers and events. DDL is in no transaction:
// one that is there was made by an earlier call.
func (d *database) ApplyObjects(ctx context.Context, m engine.Migration, objects []*planv1.Statement) error {
	const op = "mysql.ApplyObjects"
	err := engine.MakeInPasses(objects, func(s *planv1.Statement) error {
		if err := d.checkMigration(ctx, d.db, m, op); err != nil {
			return err
		}
		if err := d.runScript(ctx, s.GetSql()); !isObjectThere(err) {
			return classify(op, err)
		}
		return nil
	})
	return fault.At(err, fault.Target, "")
}
