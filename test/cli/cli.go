// Package cli builds drover and runs it as a user would: a process with
// arguments, streams and an exit code. It imports nothing of drover.
package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Build compiles drover with build tags into a folder and returns the binary's path.
func Build(dir string, tags ...string) (string, error) {
	binary := filepath.Join(dir, "drover-"+strings.Join(append([]string{"test"}, tags...), "-"))
	cmd := exec.Command("go", "build", "-tags", strings.Join(tags, ","), "-o", binary, "github.com/drover-db/drover/cmd/drover")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build drover: %w: %s", err, out)
	}
	return binary, nil
}

// Drover is a drover to run: its binary, the folder it works in and what its
// environment has beyond the test's own.
type Drover struct {
	Binary string
	Dir    string
	Env    []string
}

// Result is how a run ended.
type Result struct {
	Code           int
	Stdout, Stderr string
	// Summary is what --summary wrote; zero where nothing was.
	Summary Summary
}

// Summary is what tests look at in the document of --summary.
type Summary struct {
	State   string
	Phase   string
	Reason  string
	Verdict string
	Tables  []Table
	Total   struct {
		Tables         int
		TablesComplete int `json:"tables_complete"`
		TablesBlocked  int `json:"tables_blocked"`
		TablesSkipped  int `json:"tables_skipped"`
		Rows           int64
		RowsVerified   int64 `json:"rows_verified"`
		Ranges         int
		RangesVerified int `json:"ranges_verified"`
		Attempts       int
	}
	Unmoved  []struct{ Object, Name, Reason string }
	Findings []struct{ Severity, Code, Table, Column, Message string }
}

// Table of a summary.
type Table struct {
	Source, Target, State, Reason string
	Phase                         string
	ReasonKind                    string `json:"reason_kind"`
	Rows                          int64
	SourceRows                    int64 `json:"source_rows"`
	Ranges                        int
	Attempts                      int
	RangesSkipped                 int    `json:"ranges_skipped"`
	RowsFiltered                  int64  `json:"rows_filtered"`
	RowsRejected                  int64  `json:"rows_rejected"`
	FirstReject                   string `json:"first_reject"`
	Mismatches                    int64
	SourceDigest                  string `json:"source_digest"`
	TargetDigest                  string `json:"target_digest"`
	Differences                   []struct {
		Type, Key string
		Columns   []string
	}
	// Touched counts what policies changed.
	Touched []struct {
		Column, Policy string
		Values         int64
	}
}

// Table finds a table of the summary by the end of its source name.
func (s Summary) Table(t testing.TB, name string) Table {
	t.Helper()
	for _, table := range s.Tables {
		if table.Source == name || strings.HasSuffix(table.Source, "."+name) {
			return table
		}
	}
	t.Fatalf("summary has no table %s: %+v", name, s.Tables)
	return Table{}
}

// Command is a run of drover that has not begun.
func (d Drover) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, d.Binary, args...)
	cmd.Dir = d.Dir
	cmd.Env = append(os.Environ(), d.Env...)
	return cmd
}

// Run runs drover to its end.
func (d Drover) Run(t testing.TB, args ...string) Result {
	t.Helper()
	cmd := d.Command(t.Context(), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("run drover %s: %v", strings.Join(args, " "), err)
	}
	return Result{Code: cmd.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}
}

// Copy runs drover copy and reads its summary, where it wrote one.
func (d Drover) Copy(t testing.TB, source, target string, args ...string) Result {
	t.Helper()
	file := filepath.Join(t.TempDir(), "summary.json")
	r := d.Run(t, append([]string{"copy", source, target, "--summary", file, "-o", "json", "--progress", "none"}, args...)...)
	r.readSummary(t, file)
	return r
}
