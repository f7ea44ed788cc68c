package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/test/compare"
)

// patience is how long a migration may take once the faults have ended.
const patience = 5 * time.Minute

// round is one migration and what the oracle says of it.
type round struct {
	state  string
	reason string
	took   time.Duration
	// bytes came from the source.
	rows, bytes int64
	faults      int
	counters    *droverv1.Counters
	recoveries  []recovery
	// gaps are attempts that ended for rows that the stream had lost.
	gaps int64
	// lost rows are in the source alone, doubled or foreign ones in the target alone.
	lost, doubled int64
	complete      bool
	oracle        string
}

// silent tells whether drover calls done what is not.
func (r round) silent() bool { return r.complete && (r.lost > 0 || r.doubled > 0 || r.oracle != "") }

func (r round) finding() string {
	switch {
	case r.oracle != "":
		return r.oracle
	case r.lost > 0 || r.doubled > 0:
		return fmt.Sprintf("%d rows lost, %d doubled or changed", r.lost, r.doubled)
	case !r.complete:
		return r.reason
	}
	return fmt.Sprintf("%d rows equal", r.rows)
}

// round migrates into a new database, beside a nemesis where there is one, and asks the
// oracle.
func (s *soak) round(ctx context.Context, number int, n *nemesis) (r round, err error) {
	target, err := s.pair.newTarget(ctx, number)
	if err != nil {
		return r, fmt.Errorf("make the target: %w", err)
	}
	name := fmt.Sprintf("soak-%d", number)
	file := filepath.Join(s.dir, name+".yaml")
	if err := os.WriteFile(file, []byte(s.spec(name, target)), 0o600); err != nil {
		return r, err
	}
	begin, before := time.Now(), s.pair.source.link.Read()
	if err := s.apply(ctx, file); err != nil {
		return r, err
	}
	w := newWatch(s.stack, name)
	if err := s.migrate(ctx, w, n); err != nil {
		return r, err
	}
	r.took, r.bytes = time.Since(begin), s.pair.source.link.Read()-before
	m, recoveries := w.result()
	r.state, r.reason, r.counters, r.recoveries = strings.TrimPrefix(m.GetState().String(), "STATE_"), m.GetReason(), m.GetCounters(), recoveries
	r.complete = m.GetState() == droverv1.Migration_STATE_COMPLETE
	if n != nil {
		r.faults = n.faults
	}
	if err := s.judge(ctx, &r, target); err != nil {
		return r, err
	}
	r.gaps, err = s.gaps(ctx, name)
	if err == nil && r.complete && !r.silent() {
		err = s.pair.dropTarget(ctx, target)
	}
	return r, err
}

// migrate waits for the end of a migration. Faults end with the soak; what is left then
// has patience.
func (s *soak) migrate(ctx context.Context, w *watch, n *nemesis) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var inflicted chan struct{}
	if n != nil {
		n.watch, inflicted = w, make(chan struct{})
		going, stop := context.WithCancel(ctx)
		defer func() { stop(); <-inflicted }()
		go func() {
			defer close(inflicted)
			n.run(going)
		}()
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.run(ctx)
	}()
	select {
	case <-ended:
	case <-inflicted: // nil where there is no nemesis
		select {
		case <-ended:
		case <-time.After(patience):
		}
	}
	switch m, _ := w.result(); {
	case ctx.Err() != nil:
		return ctx.Err()
	case m == nil:
		return errors.New("no coordinator knows of the migration")
	case m.GetEndTime() == nil:
		return fmt.Errorf("%s has not ended %s after the last fault: %s %v", m.GetName(), patience, m.GetReason(), m.GetCounters())
	}
	return nil
}

// spec is small ranges and a small stream, and as many tries as the nemesis may take.
func (s *soak) spec(name, target string) string {
	return fmt.Sprintf(`apiVersion: drover.dev/v1
kind: Migration
name: %s
source: {url: %q, password: '${env:DROVER_SOAK_SOURCE}'}
target: {url: %q, password: '${env:DROVER_SOAK_TARGET}'}
ranges: {targetRows: 5000, maxAttempts: 1000}
stream: {maxBytes: 32MiB}
`, name, s.pair.source.through(s.pair.sourceName), s.pair.target.through(target))
}

// apply hands a spec in.
func (s *soak) apply(ctx context.Context, file string) error {
	var out []byte
	var err error
	for range 20 {
		if out, err = exec.CommandContext(ctx, s.drover, "apply", "-f", file, "--server", s.stack.server(), "--timeout", "10s").CombinedOutput(); err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		lasts(ctx, time.Second)
	}
	return fmt.Errorf("apply: %w: %s", err, out)
}

// judge compares both databases by the program that shares nothing with drover.
func (s *soak) judge(ctx context.Context, r *round, target string) error {
	report, err := compare.Databases(ctx, s.pair.source.at(s.pair.sourceName), s.pair.target.at(target), compare.Options{})
	if err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	var problems []string
	for _, t := range report.Tables {
		r.rows += t.Right
		r.lost += t.OnlyLeft
		r.doubled += t.OnlyRight
		if t.Problem != "" {
			problems = append(problems, t.Table+": "+t.Problem)
		}
	}
	if len(report.Tables) == 0 {
		problems = append(problems, "nothing to compare")
	}
	r.oracle = strings.Join(problems, "; ")
	return nil
}

// gapWords are what a failure says of a stream that lost rows.
var gapWords = []string{"was due", "no message came", "stream is gone"}

// gaps counts, in the log, the attempts that ended because the stream had lost rows.
func (s *soak) gaps(ctx context.Context, name string) (n int64, err error) {
	client := droverv1.NewEventServiceClient(s.stack.conn)
	for token := ""; ; {
		r, err := client.ListEvents(ctx, &droverv1.ListEventsRequest{Parent: "migrations/" + name, PageSize: 1000, PageToken: token})
		if err != nil {
			return n, err
		}
		for _, e := range r.GetEvents() {
			if e.GetType() == "range_failed" && slices.ContainsFunc(gapWords, func(w string) bool { return strings.Contains(e.GetMessage(), w) }) {
				n++
			}
		}
		if token = r.GetNextPageToken(); token == "" {
			return n, nil
		}
	}
}
