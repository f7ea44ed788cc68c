package bus_test

import (
	"testing"
	"testing/synctest"

	"github.com/drover-db/drover/internal/bus"
)

func TestMemory(t *testing.T) {
	suite(t, func(t *testing.T, test func(*testing.T, func(bus.Options) bus.Bus)) {
		synctest.Test(t, func(t *testing.T) {
			test(t, func(o bus.Options) bus.Bus { return bus.NewMemory(o) })
		})
	})
}
