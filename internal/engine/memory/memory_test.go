package memory_test

import (
	"testing"

	"github.com/drover-db/drover/internal/engine/enginetest"
	"github.com/drover-db/drover/internal/engine/memory/memorytest"
)

func TestConformance(t *testing.T) { enginetest.Run(t, memorytest.Factory()) }
