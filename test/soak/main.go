// Command soak moves databases again and again while it kills, stops, cuts and wipes
// everything that takes part, and then asks an oracle that shares nothing with drover
// whether a row was lost or doubled.
//
//	soak -minutes 30 -seed 7 -from postgres
//
// Each round is a migration into a new database. stack.go runs the processes, nemesis.go
// draws the faults and faults.go has them, watch.go sees how long each one costs, round.go
// is a migration from its spec to the verdict, report.go what is printed at the end. The
// same seed draws the same faults; when they meet a process is up to the machine.
//
// scripts/soak starts the servers. Exit codes: 0 for nothing lost, doubled or silent, 1
// otherwise, 2 for a run that proves nothing.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type options struct {
	minutes   float64
	seed      uint64
	from      string
	rows      int
	drover    string
	natsd     string
	dir       string
	minFaults int
	maxWaste  float64
	verbose   bool
}

func main() { os.Exit(run()) }

func run() int {
	var o options
	flag.Float64Var(&o.minutes, "minutes", 30, "how long faults are made")
	flag.Uint64Var(&o.seed, "seed", 1, "draws the faults")
	flag.StringVar(&o.from, "from", "postgres", "source: postgres (15, to 18) or mysql (to PostgreSQL 15)")
	flag.IntVar(&o.rows, "rows", 200_000, "rows of the largest table")
	flag.StringVar(&o.drover, "drover", "bin/drover", "binary")
	flag.StringVar(&o.natsd, "natsd", "bin/natsd", "binary of test/cmd/natsd")
	flag.StringVar(&o.dir, "dir", "", "folder for logs and streams, kept (default: a temporary one, removed when all is well)")
	flag.IntVar(&o.minFaults, "min-faults", 0, "faults without which the run proves nothing (default: 10 a minute)")
	flag.Float64Var(&o.maxWaste, "max-waste", 0.25, "bytes read again, as a share of those that one reading takes")
	flag.BoolVar(&o.verbose, "v", false, "print each fault")
	flag.Parse()
	if o.minFaults == 0 {
		o.minFaults = int(10 * o.minutes)
	}
	log.SetFlags(log.Ltime)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := newSoak(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		return 2
	}
	defer s.close()
	if err := s.soak(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		s.keep = true
		s.report.print(os.Stdout, o)
		return 2
	}
	s.report.print(os.Stdout, o)
	code := s.report.verdict(os.Stdout, o)
	s.keep = s.keep || code != 0
	return code
}

// soak is one run.
type soak struct {
	options
	rng    *rand.Rand
	pair   *pair
	stack  *stack
	report *report
	// keep leaves the folder with the logs; sparing soaks crash no server.
	keep, sparing bool
}

func newSoak(o options) (s *soak, err error) {
	s = &soak{options: o, rng: rand.New(rand.NewPCG(o.seed, 0)), report: newReport(), keep: o.dir != ""}
	if s.dir == "" {
		if s.dir, err = os.MkdirTemp("", "drover-soak-"); err != nil {
			return nil, err
		}
	}
	if s.pair, err = newPair(o.from); err != nil {
		return nil, err
	}
	s.stack, err = newStack(s.options, s.pair)
	return s, err
}

// close ends every process, and removes the logs where nothing is to be learnt from them.
func (s *soak) close() {
	s.stack.stop()
	s.pair.close()
	if s.keep {
		log.Printf("logs and streams are in %s", s.dir)
		return
	}
	if err := os.RemoveAll(s.dir); err != nil {
		log.Print(err)
	}
}

// soak fills the source, measures what one reading takes, and makes rounds with faults
// until the time is up; the last round ends by itself.
func (s *soak) soak(ctx context.Context) error {
	log.Printf("seed %d: filling %s", s.seed, s.from)
	if err := s.pair.fill(ctx, s.rows); err != nil {
		return fmt.Errorf("fill the source: %w", err)
	}
	if err := s.stack.start(); err != nil {
		return err
	}
	clean, err := s.round(ctx, 0, nil)
	if err != nil {
		return fmt.Errorf("round without faults: %w", err)
	}
	s.report.cleanBytes = clean.bytes
	log.Printf("without faults: %d rows and %d MiB in %s", clean.rows, clean.bytes>>20, clean.took.Round(time.Second))
	end := time.Now().Add(time.Duration(s.minutes * float64(time.Minute)))
	for n := 1; time.Now().Before(end); n++ {
		r, err := s.round(ctx, n, newNemesis(s, end))
		if err != nil {
			return fmt.Errorf("round %d: %w", n, err)
		}
		s.report.add(r)
		log.Printf("round %d: %s in %s, %d faults, %s", n, r.state, r.took.Round(time.Second), r.faults, r.finding())
	}
	return nil
}
