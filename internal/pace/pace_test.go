package pace

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/fault"
)

// read reads rows of 100 bytes, a millisecond each, for so long, and tells how many.
func read(t *testing.T, p *Pacer, d time.Duration) (rows int) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); rows++ {
		time.Sleep(time.Millisecond)
		require.NoError(t, p.Wait(t.Context(), 1, 100))
	}
	return rows
}

func TestPacer_KeepsAShare(t *testing.T) {
	for name, c := range map[string]struct {
		pace *workerv1.Pace
		want int
	}{
		"Rows":     {&workerv1.Pace{RowsPerSecond: 50}, 50},
		"FewRows":  {&workerv1.Pace{RowsPerSecond: 2}, 2},
		"Bytes":    {&workerv1.Pace{BytesPerSecond: 20_000}, 200},
		"Smaller":  {&workerv1.Pace{RowsPerSecond: 400, BytesPerSecond: 20_000}, 200},
		"Speed":    {&workerv1.Pace{Speed: 0.25}, 250},
		"Together": {&workerv1.Pace{RowsPerSecond: 30, Speed: 0.5}, 30},
		"None":     {nil, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var p Pacer
				p.Set(c.pace)
				got := read(t, &p, 20*time.Second)
				require.InEpsilon(t, c.want*20, got, 0.06)
			})
		})
	}
}

// Whoever waits hears of another share soon.
func TestPacer_ChangesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pacer
		p.Set(&workerv1.Pace{RowsPerSecond: 10})
		freed := make(chan time.Duration)
		go func() {
			begun := time.Now()
			for range 1000 {
				if err := p.Wait(t.Context(), 1, 1); err != nil {
					break
				}
			}
			freed <- time.Since(begun)
		}()
		time.Sleep(2 * time.Second)
		p.Set(nil)
		require.Less(t, <-freed, 3*time.Second)
	})
}

// A row that is larger than a second's bytes takes seconds, and is not refused.
func TestPacer_LargeRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pacer
		p.Set(&workerv1.Pace{BytesPerSecond: 1000})
		begun := time.Now()
		require.NoError(t, p.Wait(t.Context(), 1, 5000))
		require.InDelta(t, 5, time.Since(begun).Seconds(), 0.2)
	})
}

func TestPacer_EndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pacer
		p.Set(&workerv1.Pace{RowsPerSecond: 0.01})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.NoError(t, p.Wait(ctx, 1, 0), "the first one is free")
		require.Error(t, p.Wait(ctx, 1, 0))
		canceled, stop := context.WithCancel(t.Context())
		stop()
		require.Equal(t, fault.Canceled, fault.KindOf(p.Wait(canceled, 1, 0)))
	})
}
