package mysql

import (
	"testing"

	"github.com/drover-db/drover/internal/engine"
)

// BenchmarkRead reads a table like sysbench's with a decimal and a time in it.
func BenchmarkRead(b *testing.B) {
	for _, flavour := range flavours {
		b.Run(flavour.name, func(b *testing.B) {
			d := openDB(b, flavour.new(b))
			fillBig(b, d)
			p := planOf(b, describeTable(b, d, "big"))
			rows, bytes := 0, 0
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				rows = 0
				err := d.Read(b.Context(), engine.ReadRequest{Plan: p}, func(r engine.Row) error {
					rows++
					bytes += len(r.Data)
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(bytes)/b.Elapsed().Seconds()/1e6, "MB/s")
		})
	}
}

// BenchmarkReadEmptyRange is what a read costs besides its rows.
func BenchmarkReadEmptyRange(b *testing.B) {
	for _, flavour := range flavours {
		b.Run(flavour.name, func(b *testing.B) {
			d := openDB(b, flavour.new(b))
			script(b, d, "CREATE TABLE nothing (a INT PRIMARY KEY, b VARCHAR(10))")
			p := planOf(b, describeTable(b, d, "nothing"))
			for b.Loop() {
				if err := d.Read(b.Context(), engine.ReadRequest{Plan: p}, func(engine.Row) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
