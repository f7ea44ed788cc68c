package telemetry

import (
	"cmp"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/drover-db/drover/internal/fault"
)

// other is the table label of all tables beyond the limit.
const other = "_other"

// Options of metrics; the zero value works.
type Options struct {
	// Version and Revision of the build.
	Version, Revision string
	// MaxTables is how many tables get a label of their own; 1,000 where it is zero.
	MaxTables int
}

// Metrics are all that drover counts. Ranges and keys are never labels.
type Metrics struct {
	moved map[string]flow
	// tables holds the labels in use.
	mu     sync.Mutex
	tables map[[2]string]bool
	limit  int

	rangeSeconds                    *prometheus.HistogramVec
	retries, expired, stateWrites   *prometheus.CounterVec
	backpressure                    *prometheus.CounterVec
	workers, busy                   *prometheus.GaugeVec
	leader, epoch                   prometheus.Gauge
	stateRestores                   prometheus.Counter
	publishSeconds, stateWriteTimes prometheus.Histogram
}

// flow counts what workers of one role move.
type flow struct {
	stage       string
	rows, bytes *prometheus.CounterVec
}

// NewMetrics registers drover's metrics, and the Go runtime's, with r; a registry
// takes them once.
func NewMetrics(r *prometheus.Registry, o Options) (*Metrics, error) {
	build := gauges("build_info", "Always 1; the labels say what is running.", "version", "revision", "go_version")
	build.WithLabelValues(o.Version, o.Revision, runtime.Version()).Set(1)
	m := &Metrics{
		tables: map[[2]string]bool{}, limit: cmp.Or(o.MaxTables, 1000),
		moved: map[string]flow{
			"extractor": {"extract", tableCounter("extracted_rows_total", "Rows read from sources."), tableCounter("extracted_bytes_total", "Bytes of encoded rows read from sources.")},
			"loader":    {"load", tableCounter("loaded_rows_total", "Rows written to targets."), tableCounter("loaded_bytes_total", "Bytes of encoded rows written to targets.")},
			"validator": {"verify", tableCounter("verified_rows_total", "Rows read back from targets and compared."), nil},
		},
		rangeSeconds:    prometheus.NewHistogramVec(seconds("range_duration_seconds", "Time that ranges take, by stage.", 0.05, 2, 16), []string{"stage"}),
		retries:         counters("range_retries_total", "Ranges done again, by stage and reason.", "stage", "reason"),
		expired:         counters("leases_expired_total", "Leases that were not renewed in time.", "role"),
		stateWrites:     counters("state_writes_total", "Appends to the control log, by outcome: ok or error.", "outcome"),
		stateRestores:   prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: "state_restores_total", Help: "Times that the control log was lost and written down again from memory."}),
		backpressure:    counters("backpressure_seconds_total", "Time waited because a stream was full.", "stage"),
		workers:         gauges("workers", "Workers known to the coordinator.", "role", "state"),
		busy:            gauges("worker_busy_ratio", "Slots in use out of all, 0 to 1.", "role"),
		leader:          gauge("coordinator_leader", "1 where this process leads."),
		epoch:           gauge("coordinator_epoch", "Term of the leader."),
		publishSeconds:  prometheus.NewHistogram(seconds("publish_duration_seconds", "Time until a stream has a message.", 0.001, 2, 16)),
		stateWriteTimes: prometheus.NewHistogram(seconds("state_write_duration_seconds", "Time of an append to the control log.", 0.0005, 2, 14)),
	}
	list := []prometheus.Collector{build, m.rangeSeconds, m.retries, m.expired, m.stateWrites, m.stateRestores, m.backpressure,
		m.workers, m.busy, m.leader, m.epoch, m.publishSeconds, m.stateWriteTimes,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})}
	for _, f := range m.moved {
		list = append(list, f.rows)
		if f.bytes != nil {
			list = append(list, f.bytes)
		}
	}
	return m, register(r, list...)
}

func register(r *prometheus.Registry, list ...prometheus.Collector) error {
	for _, c := range list {
		if err := r.Register(c); err != nil {
			return fault.Wrap(fault.Internal, "telemetry.NewMetrics", err)
		}
	}
	return nil
}

// Moved counts rows and bytes that a worker of a role moved.
func (m *Metrics) Moved(role, migration, table string, rows, bytes int64) {
	f, ok := m.moved[role]
	if !ok || table == "" {
		return
	}
	table = m.label(migration, table)
	f.rows.WithLabelValues(migration, table).Add(float64(rows))
	if f.bytes != nil {
		f.bytes.WithLabelValues(migration, table).Add(float64(bytes))
	}
}

// label is a table's own, or other when there are too many.
func (m *Metrics) label(migration, table string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := [2]string{migration, table}
	if !m.tables[k] && len(m.tables) >= m.limit {
		return other
	}
	m.tables[k] = true
	return table
}

// RangeDone is told how long a range took a worker of a role.
func (m *Metrics) RangeDone(role string, seconds float64) {
	if f, ok := m.moved[role]; ok {
		m.rangeSeconds.WithLabelValues(f.stage).Observe(seconds)
	}
}

// Busy is told how many of a worker's slots are in use.
func (m *Metrics) Busy(role string, busy, slots int) {
	m.busy.WithLabelValues(role).Set(float64(busy) / float64(max(slots, 1)))
}

// LeaseExpired counts a lease that a worker of a role did not renew.
func (m *Metrics) LeaseExpired(role string) { m.expired.WithLabelValues(role).Inc() }

// RangeRetried counts a range done again.
func (m *Metrics) RangeRetried(stage, reason string) { m.retries.WithLabelValues(stage, reason).Inc() }

// Workers is told how many workers of a role are in a state.
func (m *Metrics) Workers(role, state string, n int) {
	m.workers.WithLabelValues(role, state).Set(float64(n))
}

// Leading is told that this process leads in a term; 0 that it does not any more.
func (m *Metrics) Leading(term uint64) {
	m.leader.Set(float64(min(term, 1)))
	if term > 0 {
		m.epoch.Set(float64(term))
	}
}

// StateWritten is told of an append to the control log.
func (m *Metrics) StateWritten(seconds float64, ok bool) {
	outcome := "ok"
	if !ok {
		outcome = "error"
	}
	m.stateWrites.WithLabelValues(outcome).Inc()
	m.stateWriteTimes.Observe(seconds)
}

// StateRestored counts a lost control log that was written down again.
func (m *Metrics) StateRestored() { m.stateRestores.Inc() }

// Published is told how long a message took to be stored.
func (m *Metrics) Published(d time.Duration) { m.publishSeconds.Observe(d.Seconds()) }

// Backpressure is told each time an extraction waited for room in a stream.
func (m *Metrics) Backpressure(d time.Duration) {
	m.backpressure.WithLabelValues("extract").Add(d.Seconds())
}

const namespace = "drover"

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func tableCounter(name, help string) *prometheus.CounterVec {
	return counters(name, help, "migration", "table")
}

func gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help})
}

// seconds describes a histogram with native buckets, and classic ones from first on.
func seconds(name, help string, first, factor float64, n int) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help,
		Buckets: prometheus.ExponentialBuckets(first, factor, n), NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160}
}
