package coordinator

import (
	"cmp"
	"context"
	"slices"
	"time"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	workerv1 "github.com/drover-db/drover/gen/drover/worker/v1"
	"github.com/drover-db/drover/internal/spec"
	"github.com/drover-db/drover/services/coordinator/internal/state"
)

// What a plan measures: the tables that make up most of the bytes, for a moment each.
const (
	sampleTables = 8
	sampleShare  = 0.9
	sampleRows   = 1_000_000
	sampleTime   = time.Second
)

// toSample lists the tables that a plan for people still has to measure. A run is
// not held up by it.
func (s *Leader) toSample(m *state.Migration, tables []*state.Table) []*state.Table {
	if m.AutoStart || m.NoSample || m.Stage != state.Planning {
		return nil
	}
	return slices.DeleteFunc(sample(tables), func(t *state.Table) bool { return t.Sample != nil || s.run(m.UID).unsampled[t.Number] })
}

// sample chooses the largest tables until they make up most of the whole.
func sample(tables []*state.Table) []*state.Table {
	movable := slices.DeleteFunc(slices.Clone(tables), func(t *state.Table) bool { return !t.Split || t.Skipped || hasError(t.Plan) })
	slices.SortStableFunc(movable, func(a, b *state.Table) int { return cmp.Compare(b.EstimatedBytes, a.EstimatedBytes) })
	var total, sum float64
	for _, t := range movable {
		total += float64(max(t.EstimatedBytes, 0))
	}
	for i, t := range movable {
		if i == sampleTables || (total > 0 && sum >= sampleShare*total) {
			return movable[:i]
		}
		sum += float64(max(t.EstimatedBytes, 0))
	}
	return movable
}

// sampling offers measurements once every table is split.
func (o *offer) sampling() {
	if slices.ContainsFunc(o.tables, toSplit) {
		return
	}
	for _, t := range o.s.toSample(o.m, o.tables) {
		if !o.give(workSample, t.Number, 0) {
			return
		}
	}
}

func (s *Leader) sampled(ctx context.Context, l *lease, r *workerv1.Sampled) error {
	return s.append(ctx, l.work.migration, &journalv1.Event{Body: &journalv1.Event_TableSampled{TableSampled: &journalv1.TableSampled{
		Table: l.work.table, Rows: r.GetRows(), Bytes: r.GetBytes(), Seconds: r.GetSeconds()}}})
}

// sizing adds up what a migration is expected to take; nil where nothing was measured.
func sizing(m *state.Migration, tables []*state.Table, slots int) *droverv1.Sizing {
	out, e := &droverv1.Sizing{ExtractSlots: int32(slots)}, expectation(tables)
	if e.seconds == 0 {
		return nil
	}
	out.SampledRows, out.SampledBytes, out.SampledSeconds = e.rows, e.bytes, e.seconds
	var seconds, rows float64
	for _, t := range tables {
		if t.Skipped {
			continue
		}
		travel := e.travel(t)
		out.TravelBytes += int64(travel)
		seconds += travel / e.speed(t)
		rows += e.rowsOf(t)
	}
	out.ReadSeconds = seconds / float64(max(slots, 1))
	paced(out, rows, spec.LimitsOf(m.Limits))
	stream := spec.WithDefaults(m.Spec).GetStream()
	limit, _ := spec.ParseSize(stream.GetMaxBytes()) // the spec was validated
	out.StreamBytes = min(limit, out.GetTravelBytes()) * int64(stream.GetReplicas())
	return out
}

// paced lengthens the time of reading to what limits make of it.
func paced(out *droverv1.Sizing, rows float64, l spec.Limits) {
	for _, limit := range []struct {
		name         string
		much, second float64
	}{{"limits.rows", rows, l.Rows}, {"limits.bytes", float64(out.GetTravelBytes()), l.Bytes}} {
		if limit.second > 0 && limit.much/limit.second > out.GetReadSeconds() {
			out.ReadSeconds, out.ReadLimit = limit.much/limit.second, limit.name
		}
	}
}

// expected is what samples say of tables that were not sampled.
type expected struct {
	rows, bytes int64
	seconds     float64
	// ratio of bytes that travel to bytes that statistics know.
	ratio float64
}

func expectation(tables []*state.Table) expected {
	var e expected
	var known, travel float64
	for _, t := range tables {
		if t.Sample == nil || t.Sample.Seconds <= 0 {
			continue
		}
		e.rows, e.bytes, e.seconds = e.rows+t.Sample.Rows, e.bytes+t.Sample.Bytes, e.seconds+t.Sample.Seconds
		if t.EstimatedBytes > 0 && t.Sample.Rows > 0 {
			known += float64(t.EstimatedBytes)
			travel += e.travel(t)
		}
	}
	e.ratio = 1
	if known > 0 {
		e.ratio = travel / known
	}
	return e
}

// travel is the bytes of all of a table's rows under way.
func (e expected) travel(t *state.Table) float64 {
	if s := t.Sample; s != nil && s.Rows > 0 && t.EstimatedRows >= 0 {
		return float64(max(t.EstimatedRows, s.Rows)) * float64(s.Bytes) / float64(s.Rows)
	} else if s != nil {
		return float64(s.Bytes)
	}
	return float64(max(t.EstimatedBytes, 0)) * e.ratio
}

// rowsOf are the rows that a table is expected to have.
func (e expected) rowsOf(t *state.Table) float64 {
	if t.Sample != nil {
		return float64(max(t.EstimatedRows, t.Sample.Rows))
	}
	return float64(max(t.EstimatedRows, 0))
}

// speed in bytes a second with one connection.
func (e expected) speed(t *state.Table) float64 {
	if s := t.Sample; s != nil && s.Seconds > 0 && s.Bytes > 0 {
		return float64(s.Bytes) / s.Seconds
	}
	return max(float64(e.bytes), 1) / e.seconds
}
