// Package pausepoints runs small migrations on real servers, each with one fault at one
// of the points of internal/faultpoint, and lets test/compare judge what arrived. Every
// role is a process of its own with a lease of a second; whoever is killed is started
// again, as a supervisor would.
//
// matrix_test.go is the matrix of points and faults, scenario_test.go the migrations,
// cluster_test.go the processes, report_test.go the table that a run prints.
//
// DROVER_PAUSEPOINTS chooses what is run: "all", or a number of cases, drawn by
// DROVER_PAUSEPOINTS_SEED; without either it is a few, drawn by the day of the year.
package pausepoints

import (
	"fmt"
	"os"
	"testing"

	"github.com/drover-db/drover/test/cli"
)

// binary is drover with fault points.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "drover-pausepoints-")
	if err == nil {
		binary, err = cli.Build(dir, "faultpoint")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}
