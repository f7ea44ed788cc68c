package memory

import (
	"context"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// ApplyObjects refuses objects: this engine has tables only, and its design makes
// none.
func (d *database) ApplyObjects(_ context.Context, of engine.Migration, objects []*planv1.Statement) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.migrations[of.UID].check(of); err != nil {
		return err
	}
	return engine.MakeInPasses(objects, func(s *planv1.Statement) error {
		return fault.New(fault.Unsupported, "memory.ApplyObjects", "%s is no table", s.GetObject())
	})
}
