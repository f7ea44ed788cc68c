package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// scrapeTimeout bounds what a scrape asks of NATS.
const scrapeTimeout = 2 * time.Second

// Pending is what a stream holds.
type Pending struct {
	Bytes    int64
	Messages uint64
}

// streams asks for the streams' contents whenever the metrics are read.
type streams struct {
	ask             func(context.Context) (map[string]Pending, error)
	bytes, messages *prometheus.Desc
}

// WatchStreams adds drover_stream_pending_bytes and _messages to r; ask is called
// at each scrape and gives the streams by name. One process of a deployment is
// enough to report them.
func WatchStreams(r *prometheus.Registry, ask func(context.Context) (map[string]Pending, error)) error {
	labels := []string{"stream"}
	return register(r, &streams{ask: ask,
		bytes:    prometheus.NewDesc("drover_stream_pending_bytes", "Bytes that a row stream holds.", labels, nil),
		messages: prometheus.NewDesc("drover_stream_pending_messages", "Messages that a row stream holds.", labels, nil)})
}

// Describe implements prometheus.Collector.
func (s *streams) Describe(out chan<- *prometheus.Desc) { out <- s.bytes; out <- s.messages }

// Collect implements prometheus.Collector.
func (s *streams) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	list, err := s.ask(ctx)
	if err != nil {
		return // the other metrics are worth more than an error page
	}
	for name, p := range list {
		out <- prometheus.MustNewConstMetric(s.bytes, prometheus.GaugeValue, float64(p.Bytes), name)
		out <- prometheus.MustNewConstMetric(s.messages, prometheus.GaugeValue, float64(p.Messages), name)
	}
}
