// Package e2e moves real databases with the drover that a user would run, and lets
// test/compare judge. A file is a promise: copy_test.go and sakila_test.go the pairs of
// engines, large_test.go millions of rows, corrupt_test.go what validation finds,
// process_test.go roles as processes that die, resume_test.go runs that were stopped,
// rules_test.go filters, renames, casts and policies, phased_test.go and
// publish_test.go the strategies, retry_test.go one failing table alone,
// refuse_test.go and refuse_mysql_test.go bad input.
package e2e

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/cli"
	"github.com/drover-db/drover/test/compare"
	"github.com/drover-db/drover/test/fixture"
)

// binary is drover with fault points; without DROVER_FAULTPOINTS it does what the
// one that ships does.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "drover-e2e-")
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

// drover is a drover in a folder of its own.
func drover(t *testing.T, env ...string) cli.Drover {
	t.Helper()
	return cli.Drover{Binary: binary, Dir: t.TempDir(), Env: env}
}

// rows is how many rows the large tests move: DROVER_TEST_ROWS, or a few.
func rows(t *testing.T) int {
	t.Helper()
	text := os.Getenv("DROVER_TEST_ROWS")
	if text == "" {
		return 300_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1000 {
		t.Fatalf("DROVER_TEST_ROWS=%s is not a number of at least 1000", text)
	}
	return n
}

// equal lets the comparer judge two databases.
func equal(t *testing.T, source, target string) {
	t.Helper()
	report, err := compare.Databases(t.Context(), source, target, compare.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatalf("compare: %v", err)
	}
	if !report.Equal() {
		var text strings.Builder
		if err := report.Write(&text); err != nil {
			t.Fatal(err)
		}
		t.Fatalf("databases differ:\n%s", text.String())
	}
}

// proven checks that a run says that it is complete, and holds a receipt of both
// sides for every table.
func proven(t *testing.T, r cli.Result) {
	t.Helper()
	if r.Code != 0 || r.Summary.State != "COMPLETE" {
		var reasons []string
		for _, table := range r.Summary.Tables {
			if table.Reason != "" {
				reasons = append(reasons, table.Source+": "+table.Reason)
			}
		}
		t.Fatalf("exit code %d, state %q: %s\nstderr: %s\ntables: %s", r.Code, r.Summary.State, r.Summary.Reason, r.Stderr, strings.Join(reasons, "\n"))
	}
	if r.Summary.Total.Ranges == 0 || r.Summary.Total.Ranges != r.Summary.Total.RangesVerified {
		t.Errorf("%d of %d ranges verified", r.Summary.Total.RangesVerified, r.Summary.Total.Ranges)
	}
	for _, table := range r.Summary.Tables {
		if table.State != "COMPLETE" || table.SourceDigest == "" || table.SourceDigest != table.TargetDigest || table.Rows != table.SourceRows {
			t.Errorf("table without a full receipt: %+v", table)
		}
	}
}

func newSQLite(t testing.TB) string { return fixture.SQLiteURL(testdb.SQLite(t)) }
