// Package telemetry is how a drover process is seen from outside: its log lines,
// its Prometheus metrics, its /metrics and /healthz. It owns the names of log
// attributes and of metrics; it never decides anything. Metrics live in a registry
// that the caller gives, so that several services in one process do not collide.
// Read metrics.go first.
package telemetry
