package postgres

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// mixedColumns is the table of the benchmark between engines: what MySQL describes.
var mixedColumns = []struct {
	kind  planv1.Kind
	scale int32
	to    storedType
	text  func(i int) string
}{
	{canon.Int, -1, storedType{oid: oidInt8}, func(i int) string { return fmt.Sprint(i) }},
	{canon.Int, -1, storedType{oid: oidInt4}, func(i int) string { return fmt.Sprint(i % 1000) }},
	{canon.Uint, -1, storedType{oid: oidNumeric, typmod: typmod{precision: 20}}, func(i int) string { return fmt.Sprint(uint64(i) << 30) }},
	{canon.Decimal, 2, storedType{oid: oidNumeric, typmod: typmod{precision: 12, scale: 2}}, func(i int) string { return fmt.Sprintf("%d.%02d", i, i%100) }},
	{canon.Text, -1, storedType{oid: oidVarchar, typmod: typmod{length: 100}}, func(i int) string { return fmt.Sprintf("name of row number %d in this table", i) }},
	{canon.Timestamp, -1, storedType{oid: oidTimestamp, typmod: typmod{fraction: 0}}, func(i int) string { return fmt.Sprintf("2024-01-01 00:%02d:%02d", i/60%60, i%60) }},
	{canon.Date, -1, storedType{oid: oidDate}, func(i int) string { return fmt.Sprintf("2024-02-%02d", i%28+1) }},
	{canon.Float64, -1, storedType{oid: oidFloat8}, func(i int) string { return fmt.Sprint(float64(i) / 7) }},
}

// mixedBatch gives a plan and a canonical body of rows.
func mixedBatch(tb testing.TB, rows int) (*planv1.TablePlan, []byte) {
	p := &planv1.TablePlan{Encoding: planv1.Encoding_ENCODING_CANONICAL, Source: &planv1.Table{Key: &planv1.Key{}}}
	for i, c := range mixedColumns {
		p.Columns = append(p.Columns, &planv1.ColumnPlan{Source: fmt.Sprint(i), Target: fmt.Sprint(i), Kind: c.kind, Scale: c.scale})
	}
	var body []byte
	for i := range rows {
		for _, c := range mixedColumns {
			v, err := canon.Parse(c.kind, c.text(i))
			require.NoError(tb, err)
			body = batch.AppendValue(body, v)
		}
	}
	return p, body
}

func mixedEncoder(p *planv1.TablePlan) *tupleEncoder {
	e := &tupleEncoder{plan: p, fields: make([][]byte, len(p.GetColumns()))}
	for _, c := range mixedColumns {
		e.types = append(e.types, c.to)
	}
	e.prepare()
	return e
}

const mixedRows = 10_000

// BenchmarkEncode is a loader's work on a batch, without the server's.
func BenchmarkEncode(b *testing.B) {
	p, body := mixedBatch(b, mixedRows)
	e := mixedEncoder(p)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		_, err := e.encode(body)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(mixedRows*b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkDecode is a validator's work on rows that it reads back.
func BenchmarkDecode(b *testing.B) {
	p, body := mixedBatch(b, mixedRows)
	e := mixedEncoder(p)
	_, err := e.encode(body)
	require.NoError(b, err)
	r := mixedReader(p)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		for rest := e.buf; len(rest) > 0; {
			n, _ := tupleLen(rest)
			_, err := r.take(rest[:n])
			require.NoError(b, err)
			rest = rest[n:]
		}
	}
	b.ReportMetric(float64(mixedRows*b.N)/b.Elapsed().Seconds(), "rows/s")
}

func mixedReader(p *planv1.TablePlan) *rowReader {
	out := &projection{plan: p, side: engine.TargetSide, width: len(mixedColumns)}
	for _, c := range mixedColumns {
		out.exprs = append(out.exprs, "c")
		out.columns = append(out.columns, fieldReader{decode: decoderFor(c.to.oid, c.kind, c.scale)})
	}
	return &rowReader{projection: out, fields: make([][]byte, len(mixedColumns))}
}

// Nothing is allocated for a value on either way.
func TestCodec_AllocatesNothing(t *testing.T) {
	p, body := mixedBatch(t, 100)
	e := mixedEncoder(p)
	encode := func() {
		_, err := e.encode(body)
		require.NoError(t, err)
	}
	encode()
	// The readers around a batch are a few, whatever its rows.
	require.Less(t, testing.AllocsPerRun(20, encode), 10.0)
	r := mixedReader(p)
	var got []byte
	decode := func() {
		got = got[:0]
		for rest := e.buf; len(rest) > 0; {
			n, _ := tupleLen(rest)
			row, err := r.take(rest[:n])
			require.NoError(t, err)
			got = append(got, row...)
			rest = rest[n:]
		}
	}
	decode()
	require.Zero(t, testing.AllocsPerRun(20, decode))
	require.Equal(t, body, got)
}
