package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/telemetry"
)

func scrape(t *testing.T, r *prometheus.Registry) string {
	t.Helper()
	w := httptest.NewRecorder()
	telemetry.Handler(r, nil).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, w.Code)
	return w.Body.String()
}

func TestMetrics_Names(t *testing.T) {
	r := prometheus.NewRegistry()
	m, err := telemetry.NewMetrics(r, telemetry.Options{Version: "1.2.3", Revision: "abc"})
	require.NoError(t, err)
	require.NoError(t, telemetry.WatchStreams(r, func(context.Context) (map[string]telemetry.Pending, error) {
		return map[string]telemetry.Pending{"DATA_m": {Bytes: 7, Messages: 2}}, nil
	}))
	m.Moved("extractor", "shop", "public.a", 3, 30)
	m.Moved("loader", "shop", "public.a", 2, 20)
	m.Moved("validator", "shop", "public.a", 1, 10)
	m.RangeDone("loader", 1.5)
	m.Busy("loader", 1, 4)
	m.LeaseExpired("loader")
	m.RangeRetried("load", "gap")
	m.Workers("loader", "connected", 2)
	m.Leading(9)
	m.StateWritten(0.001, true)
	m.Published(time.Millisecond)
	m.Backpressure(2 * time.Second)
	text := scrape(t, r)
	for _, line := range []string{
		`drover_build_info{go_version="go`,
		`drover_extracted_rows_total{migration="shop",table="public.a"} 3`,
		`drover_extracted_bytes_total{migration="shop",table="public.a"} 30`,
		`drover_loaded_rows_total{migration="shop",table="public.a"} 2`,
		`drover_loaded_bytes_total{migration="shop",table="public.a"} 20`,
		`drover_verified_rows_total{migration="shop",table="public.a"} 1`,
		`drover_range_duration_seconds_count{stage="load"} 1`,
		`drover_range_retries_total{reason="gap",stage="load"} 1`,
		`drover_leases_expired_total{role="loader"} 1`,
		`drover_workers{role="loader",state="connected"} 2`,
		`drover_worker_busy_ratio{role="loader"} 0.25`,
		`drover_stream_pending_bytes{stream="DATA_m"} 7`,
		`drover_stream_pending_messages{stream="DATA_m"} 2`,
		`drover_publish_duration_seconds_count 1`,
		`drover_backpressure_seconds_total{stage="extract"} 2`,
		`drover_coordinator_leader 1`,
		`drover_coordinator_epoch 9`,
		`drover_state_writes_total{outcome="ok"} 1`,
		`drover_state_write_duration_seconds_count 1`,
		`go_goroutines`,
	} {
		require.Contains(t, text, line)
	}
	m.Leading(0)
	require.Contains(t, scrape(t, r), "drover_coordinator_leader 0")
}

func TestMetrics_TablesAreCapped(t *testing.T) {
	r := prometheus.NewRegistry()
	m, err := telemetry.NewMetrics(r, telemetry.Options{MaxTables: 2})
	require.NoError(t, err)
	for _, table := range []string{"a", "b", "c", "d", "a"} {
		m.Moved("loader", "shop", table, 1, 1)
	}
	text := scrape(t, r)
	require.Contains(t, text, `drover_loaded_rows_total{migration="shop",table="a"} 2`)
	require.Contains(t, text, `drover_loaded_rows_total{migration="shop",table="_other"} 2`)
	require.NotContains(t, text, `table="c"`)
}

func TestMetrics_TwoInOneProcess(t *testing.T) {
	for range 2 {
		_, err := telemetry.NewMetrics(prometheus.NewRegistry(), telemetry.Options{})
		require.NoError(t, err)
	}
	r := prometheus.NewRegistry()
	_, err := telemetry.NewMetrics(r, telemetry.Options{})
	require.NoError(t, err)
	_, err = telemetry.NewMetrics(r, telemetry.Options{})
	require.Error(t, err)
}

// A scrape is answered when the streams cannot be asked.
func TestWatchStreams_Unreachable(t *testing.T) {
	r := prometheus.NewRegistry()
	require.NoError(t, telemetry.WatchStreams(r, func(context.Context) (map[string]telemetry.Pending, error) {
		return nil, errors.New("no connection")
	}))
	require.NotContains(t, scrape(t, r), "drover_stream")
}

func TestServe(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var sick error
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- telemetry.Serve(ctx, l, telemetry.Handler(prometheus.NewRegistry(), func() error { return sick }))
	}()
	get := func() (int, string) {
		resp, err := http.Get("http://" + l.Addr().String() + "/healthz")
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(body)
	}
	code, body := get()
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "ok\n", body)
	sick = errors.New("no connection to NATS")
	code, body = get()
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, body, "NATS")
	cancel()
	require.NoError(t, <-done)
}

func TestNewLog(t *testing.T) {
	for format, want := range map[string]string{"": `{"time":`, "json": `{"time":`, "text": "time="} {
		var b bytes.Buffer
		log, err := telemetry.NewLog(&b, format, "warn")
		require.NoError(t, err)
		log.Info("quiet")
		log.Warn("loud", telemetry.KeyTable, "public.a")
		require.True(t, strings.HasPrefix(b.String(), want), "%s: %s", format, b.String())
		require.NotContains(t, b.String(), "quiet")
		require.Contains(t, b.String(), "public.a")
	}
	_, err := telemetry.NewLog(io.Discard, "xml", "")
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	_, err = telemetry.NewLog(io.Discard, "", "loudest")
	require.Equal(t, fault.Invalid, fault.KindOf(err))
}
