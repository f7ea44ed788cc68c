package pausepoints

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drover-db/drover/internal/faultpoint"
)

// fault is what happens at a point.
type fault string

const (
	kill         fault = "kill -9"
	stop         fault = "stop"
	cutDatabases fault = "cut databases"
	cutStream    fault = "cut NATS"
)

var faults = []fault{kill, stop, cutDatabases, cutStream}

const (
	leaseTTL = time.Second
	// paused is how long a process is stopped: its leases are somebody else's when it goes on.
	paused = 2*leaseTTL + 500*time.Millisecond
	// fewCases are run where nobody asks for more.
	fewCases = 8
)

// row is a point, met while a subject is at work.
type row struct {
	scenario string
	point    faultpoint.Point
	match    string
}

// matrix lists all rows.
func matrix() []row {
	var out []row
	add := func(scenario string, point faultpoint.Point, matches ...string) {
		for _, match := range append(matches, make([]string, max(0, 1-len(matches)))...) {
			out = append(out, row{scenario, point, match})
		}
	}
	events := func(scenario string, names ...string) {
		add(scenario, faultpoint.JournalBeforeAppend, names...)
		add(scenario, faultpoint.JournalAfterAppend, names...)
	}
	events(direct, "migration_created", "source_described", "target_designed", "table_planned", "ranges_planned", "plan_finished",
		"migration_started", "target_prepared", "plan_kept", "table_advanced", "range_loaded", "range_verified", "table_verified", "table_counted",
		"objects_applied", "target_finished", "migration_ended")
	add(direct, faultpoint.CoordinatorBeforeGrant, "describe", "hold snapshot", "load", "extract", "validate")
	add(direct, faultpoint.CoordinatorAfterGrant, "load", "extract", "validate")
	add(direct, faultpoint.WorkerBeforeJob, "load", "extract", "validate")
	add(direct, faultpoint.WorkerBeforeResult, "describe", "design", "create", "load", "extract", "validate")
	steps := []string{"create", "build key", "build indexes", "foreign keys", "set sequences"}
	add(direct, faultpoint.LoaderBeforeStep, steps...)
	add(direct, faultpoint.LoaderAfterStep, steps...)
	for _, p := range []faultpoint.Point{
		faultpoint.ExtractorAfterDescribe, faultpoint.ExtractorAfterSplit, faultpoint.ExtractorAfterCount, faultpoint.ExtractorAfterSnapshot,
		faultpoint.ExtractorBeforeRead, faultpoint.ExtractorBeforeEnd, faultpoint.ExtractorAfterEnd,
		faultpoint.BusAfterOpenStream, faultpoint.BusBeforeStore, faultpoint.BusAfterStore, faultpoint.BusBeforePurge, faultpoint.BusAfterPurge,
		faultpoint.BusAfterCloseStream,
		faultpoint.LoaderAfterDesign, faultpoint.LoaderAfterPrepare, faultpoint.LoaderAfterKeepPlan, faultpoint.LoaderBeforeFence, faultpoint.LoaderAfterFence,
		faultpoint.LoaderBeforeComplete, faultpoint.LoaderAfterComplete, faultpoint.LoaderAfterObjects, faultpoint.LoaderAfterFinish,
		faultpoint.ValidatorBeforeRead, faultpoint.ValidatorAfterRead,
	} {
		add(direct, p)
	}
	// Of several batches, so that some are in the target and some are not.
	for _, p := range []faultpoint.Point{faultpoint.ExtractorBeforePublish, faultpoint.ExtractorAfterBatch, faultpoint.LoaderBeforeWrite, faultpoint.LoaderAfterWrite} {
		add(direct, p, "wide")
	}
	for _, scenario := range []string{direct, toMySQL, toSQLite} {
		for _, p := range []faultpoint.Point{faultpoint.TargetFenceLocked, faultpoint.TargetAdvanced, faultpoint.TargetBeforeCommit, faultpoint.TargetAfterCommit,
			faultpoint.TargetCompleteLocked} {
			add(scenario, p, "wide")
		}
		add(scenario, faultpoint.TargetStepLocked)
	}
	for _, scenario := range []string{atomic, atomicMySQL} {
		add(scenario, faultpoint.LoaderBeforePublish)
		add(scenario, faultpoint.TargetPublishLocked)
		add(scenario, faultpoint.LoaderAfterPublish)
	}
	events(atomic, "target_published")
	for _, scenario := range []string{rollback, rollbackMySQL} {
		add(scenario, faultpoint.TargetDiscardLocked)
		add(scenario, faultpoint.LoaderAfterDiscard)
	}
	events(rollback, "discard_started", "target_discarded")
	for _, scenario := range []string{restart, restartMySQL} {
		add(scenario, faultpoint.TargetEmptyLocked)
		add(scenario, faultpoint.LoaderAfterEmpty)
	}
	events(restart, "table_restarted", "table_emptied")
	add(corrupt, faultpoint.ValidatorBeforeDrill)
	add(corrupt, faultpoint.LoaderAfterFence, "wide")
	events(corrupt, "range_failed")
	add(rejects, faultpoint.LoaderAfterKeep)
	add(rejects, faultpoint.LoaderAfterReplay)
	events(rejects, "rejects_retried", "range_replayed")
	events(phased, "phase_started", "phase_completed")
	events(brakes, "migration_paused", "migration_throttled", "migration_resumed")
	return out
}

// trial is one case.
type trial struct {
	row
	fault fault
}

func (c trial) name() string {
	parts := []string{c.scenario, string(c.point), c.match, string(c.fault)}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "/")
}

// trials are the cases of the matrix: a file has no connections to cut.
func trials() []trial {
	var out []trial
	for _, r := range matrix() {
		for _, f := range faults {
			if f == cutDatabases && r.scenario == toSQLite {
				continue
			}
			out = append(out, trial{r, f})
		}
	}
	return out
}

// chosen are the cases to run.
func chosen(t *testing.T) []trial {
	t.Helper()
	all := trials()
	n := fewCases
	switch text := os.Getenv("DROVER_PAUSEPOINTS"); text {
	case "all":
		return all
	case "":
	default:
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 1 {
			t.Fatalf("DROVER_PAUSEPOINTS=%s is neither all nor a number of cases", text)
		}
	}
	seed := uint64(time.Now().YearDay())
	if text := os.Getenv("DROVER_PAUSEPOINTS_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("DROVER_PAUSEPOINTS_SEED=%s is not a number", text)
		}
	}
	t.Logf("%d of %d cases by DROVER_PAUSEPOINTS_SEED=%d", n, len(all), seed)
	r := rand.New(rand.NewPCG(seed, 0))
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(n, len(all))]
}

// Whatever dies, stops or is cut off at any point: the migration ends as it should, and
// what arrived is what was sent.
func TestPausePoints(t *testing.T) {
	report := &report{}
	t.Run("Matrix", func(t *testing.T) {
		for _, c := range chosen(t) {
			t.Run(c.name(), func(t *testing.T) {
				t.Parallel()
				if out := c.run(t); !t.Failed() {
					t.Logf("came to a good end in %.1f s, with %d further attempts", out.took.Seconds(), out.retries)
					report.add(c, out)
				}
			})
		}
	})
	t.Log(report.String())
}

// A point without a row is tested by nobody.
func TestMatrix_HasEveryPoint(t *testing.T) {
	rows := matrix()
	for _, p := range faultpoint.Points() {
		if !slices.ContainsFunc(rows, func(r row) bool { return r.point == p }) {
			t.Errorf("no row of the matrix has %s", p)
		}
	}
	for i, r := range rows {
		if slices.Contains(rows[:i], r) {
			t.Errorf("%v is there twice", r)
		}
		if _, ok := scenarios[r.scenario]; !ok {
			t.Errorf("%v has no scenario", r)
		}
	}
}

// rule is a case in the words of DROVER_FAULTPOINTS.
func (c trial) rule(marker, databases, stream string) string {
	match := ""
	if c.match != "" {
		match = "match:" + c.match + ","
	}
	call := func(address string) string {
		host, port, _ := strings.Cut(address, ":")
		return fmt.Sprintf("exec:bash -c 'cat </dev/tcp/%s/%s'", host, port)
	}
	action := map[fault]string{kill: "kill", stop: "stop:" + paused.String(), cutDatabases: call(databases), cutStream: call(stream)}[c.fault]
	rule := fmt.Sprintf("%s=%sonce:%s,%s", c.point, match, marker, action)
	if c.point == faultpoint.BusBeforePurge || c.point == faultpoint.BusAfterPurge {
		// What is verified is removed at the next tick: the steps behind it must last until then.
		rule += ";loader.after-step=sleep:500ms"
	}
	return rule
}
