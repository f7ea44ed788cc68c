package mysql

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// Loaders of neighbouring ranges do not stand in each other's way: no deadlock, and
// nobody waits.
func TestWrite_ManyLoaders(t *testing.T) {
	const loaders, batches, rows = 8, 12, 40
	eachWay(t, func(t *testing.T, d *database, bulk bool) {
		source := foreignTable(&planv1.Column{Name: "v", NativeType: "TEXT", Kind: canon.Text, Nullable: true})
		source.Tables[0].Columns[0].Identity = planv1.Identity_IDENTITY_BY_DEFAULT
		p := designed(t, d, source, engine.DesignRequest{}).GetTables()[0]
		require.NoError(t, d.Apply(t.Context(), testMigration, p, planv1.Step_STEP_CREATE))
		errs := make([]error, loaders)
		var group sync.WaitGroup
		for n := range loaders {
			group.Go(func() { errs[n] = loadRange(t, d, p, n, bulk, batches, rows) })
		}
		group.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		require.EqualValues(t, loaders*batches*rows, count(t, d, "t"))
	})
}

// loadRange writes one range of its own.
func loadRange(t *testing.T, d *database, p *planv1.TablePlan, n int, bulk bool, batches, rows int64) error {
	opened, err := d.OpenRange(t.Context(), engine.RangeRequest{Migration: testMigration, Plan: p, Range: &planv1.Range{Number: uint32(n + 1)}, Attempt: 1, Epoch: 1})
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	opened.(*rangeWriter).bulk = bulk
	for i := range batches {
		var list [][][]byte
		for j := range rows {
			list = append(list, [][]byte{canon.AppendInt(nil, int64(n)*1_000_000+i*rows+j), fmt.Appendf(nil, "row %d", j)})
		}
		b := batchOf(list...)
		b.Sequence = uint64(i)
		if _, err := opened.Write(t.Context(), b); err != nil {
			return err
		}
	}
	_, err = opened.Complete(t.Context(), uint64(batches))
	return err
}
