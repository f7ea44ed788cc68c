// Command bench times drover against raw COPY pipes on the PostgreSQL of
// DROVER_TEST_POSTGRES_URL: the same rows, the same number of connections, run after run in
// turn. What counts is the ratio of the medians; seconds belong to the machine.
//
// pipes.go is the raw way, copy.go drover's, server.go the databases.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"time"
)

// limits of what a validated copy may cost.
const (
	maxRatio = 2.0
	maxRSS   = 256 << 20
)

type options struct {
	rows, jobs, runs int
	drover           string
}

func main() {
	var o options
	flag.IntVar(&o.rows, "rows", 4_000_000, "rows to move")
	flag.IntVar(&o.jobs, "jobs", 2, "pipes, and jobs of each of drover's roles")
	flag.IntVar(&o.runs, "runs", 3, "runs of each way")
	flag.StringVar(&o.drover, "drover", "bin/drover", "binary")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// sample is one timed run.
type sample struct {
	total time.Duration
	// key is the part of the raw way that builds the primary key.
	key time.Duration
	// rss is the peak memory of drover's process in bytes.
	rss int64
}

func run(ctx context.Context, o options) (err error) {
	s, err := newServer(os.Getenv("DROVER_TEST_POSTGRES_URL"))
	if err != nil {
		return err
	}
	source, err := s.create(ctx)
	if err != nil {
		return err
	}
	// Interrupted or not, the databases go.
	defer func() { err = errors.Join(err, s.dropAll(context.WithoutCancel(ctx))) }()
	fmt.Printf("filling %d rows\n", o.rows)
	if err := fill(ctx, source, o.rows); err != nil {
		return err
	}
	var raw, drover []sample
	for n := 1; n <= o.runs; n++ {
		r, err := s.timed(ctx, func(target string) (sample, error) { return pipes(ctx, source, target, o) })
		if err != nil {
			return err
		}
		d, err := s.timed(ctx, func(target string) (sample, error) { return copyAndValidate(ctx, source, target, o) })
		if err != nil {
			return err
		}
		fmt.Printf("run %d: pipes %.1f s (key %.1f s), drover %.1f s, %d MiB at most\n",
			n, r.total.Seconds(), r.key.Seconds(), d.total.Seconds(), d.rss>>20)
		raw, drover = append(raw, r), append(drover, d)
	}
	return verdict(o, raw, drover)
}

// verdict prints the medians and fails when a limit is passed.
func verdict(o options, raw, drover []sample) error {
	ratio := median(drover).Seconds() / median(raw).Seconds()
	var rss int64
	for _, d := range drover {
		rss = max(rss, d.rss)
	}
	fmt.Printf("%d rows, %d jobs, medians of %d runs: pipes with primary key %.1f s, drover validated %.1f s\n",
		o.rows, o.jobs, o.runs, median(raw).Seconds(), median(drover).Seconds())
	fmt.Printf("ratio %.2f (at most %.1f); peak memory of the one process with all roles and NATS %d MiB (a worker may have %d)\n",
		ratio, maxRatio, rss>>20, int64(maxRSS)>>20)
	if ratio > maxRatio {
		return fmt.Errorf("ratio %.2f is above %.1f", ratio, maxRatio)
	}
	return nil
}

func median(samples []sample) time.Duration {
	times := make([]time.Duration, len(samples))
	for i, s := range samples {
		times[i] = s.total
	}
	slices.Sort(times)
	return times[len(times)/2]
}
