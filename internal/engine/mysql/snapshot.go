package mysql

import (
	"context"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// HoldSnapshot is refused: a view of the data belongs to its connection, and no key
// of these servers needs one.
func (d *database) HoldSnapshot(context.Context) (engine.Snapshot, error) {
	return nil, fault.New(fault.Unsupported, "mysql.HoldSnapshot", "%s's views of the data cannot be shared; no table of it asks for one", d.dialect.product)
}
