// Command bench times drover against what people use today, on the servers of
// DROVER_TEST_*_URL: the same rows, as many connections, run after run in turn. What counts is
// the ratio of the medians; seconds belong to the machine.
//
//	PostgreSQL -> PostgreSQL   pairs of psql, COPY … (FORMAT binary) between them, then the primary key
//	MySQL, MariaDB -> PostgreSQL   pgloader
//	MySQL -> MySQL, MariaDB -> MariaDB   mydumper, then myloader
//
// None of them validates anything. scenario.go lists what is measured, pipes.go,
// pgloader.go and mydumper.go are the other ways, copy.go is drover's, workers.go its memory
// with each role a process, server.go the databases.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path"
	"slices"
	"syscall"
	"time"
)

// maxRSS is what a worker may have in memory.
const maxRSS = 256 << 20

type options struct {
	rows, jobs, runs int
	drover, only     string
}

func main() {
	var o options
	flag.IntVar(&o.rows, "rows", 4_000_000, "rows to move")
	flag.IntVar(&o.jobs, "jobs", 2, "connections of the other way, and jobs of each of drover's roles")
	flag.IntVar(&o.runs, "runs", 3, "runs of each way")
	flag.StringVar(&o.drover, "drover", "bin/drover", "binary")
	flag.StringVar(&o.only, "only", "*", "glob over the names of what is measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// sample is one timed run.
type sample struct {
	total time.Duration
	// note is what else there is to say of it.
	note string
	// rss is the peak memory of drover's process in bytes.
	rss int64
}

func run(ctx context.Context, o options) (err error) {
	s, err := openServers()
	if err != nil {
		return err
	}
	// Interrupted or not, the databases go.
	defer func() { err = errors.Join(err, s.dropAll(context.WithoutCancel(ctx))) }()
	var measured int
	var missed error
	for _, c := range scenarios {
		if ok, err := path.Match(o.only, c.name); err != nil || !ok {
			if err != nil {
				return err
			}
			continue
		}
		measured++
		if err := c.measure(ctx, s, o); err != nil {
			missed = errors.Join(missed, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	if measured == 0 {
		return fmt.Errorf("-only %s names nothing that is measured", o.only)
	}
	return missed
}

// measure runs both ways in turn and prints what they took.
func (c scenario) measure(ctx context.Context, s *servers, o options) error {
	rows := c.rows(o)
	fmt.Printf("\n%s, %d rows of table %s\n", c.name, rows, c.table)
	source, err := s.filled(ctx, c.from, c.table, rows)
	if err != nil {
		return err
	}
	peerSource, err := s.filled(ctx, c.peerFrom, c.table, rows)
	if err != nil {
		return err
	}
	var peer, drover []sample
	for n := 1; n <= o.runs; n++ {
		p, err := s.timed(ctx, c.to, func(target string) (sample, error) { return c.peer(ctx, peerSource, target, o) })
		if err != nil {
			return err
		}
		d, err := s.timed(ctx, c.to, func(target string) (sample, error) { return copyAndValidate(ctx, source, target, o) })
		if err != nil {
			return err
		}
		fmt.Printf("run %d: %s %.1f s (%s), drover %.1f s, %d MiB at most\n",
			n, c.peerName, p.total.Seconds(), p.note, d.total.Seconds(), d.rss>>20)
		peer, drover = append(peer, p), append(drover, d)
	}
	verdict := c.verdict(o, peer, drover)
	memory, err := s.timed(ctx, c.to, func(target string) (sample, error) { return workers(ctx, source, target, o) })
	if err != nil {
		return errors.Join(verdict, err)
	}
	fmt.Printf("with each role a process: %.1f s; peak memory %s (a worker may have %d MiB)\n",
		memory.total.Seconds(), memory.note, int64(maxRSS)>>20)
	if memory.rss > maxRSS {
		verdict = errors.Join(verdict, fmt.Errorf("a worker had %d MiB in memory", memory.rss>>20))
	}
	return verdict
}

// verdict prints the medians and fails when the limit is passed.
func (c scenario) verdict(o options, peer, drover []sample) error {
	ratio := median(drover).Seconds() / median(peer).Seconds()
	fmt.Printf("medians of %d runs with %d jobs: %s %.1f s, drover validated %.1f s: ratio %.2f (at most %.2f)\n",
		o.runs, o.jobs, c.peerName, median(peer).Seconds(), median(drover).Seconds(), ratio, c.limit)
	if ratio > c.limit {
		return fmt.Errorf("ratio %.2f is above %.2f", ratio, c.limit)
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
