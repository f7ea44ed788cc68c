package main

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/drover-db/drover/internal/fault"

	"github.com/drover-db/drover/cmd/drover/internal/shop"
)

const (
	// demoMark is in folders that drover demo made and may make again.
	demoMark = ".drover-demo"
	// demoRangeRows makes ranges small, so that there is something to see.
	demoRangeRows = 20_000
)

func newDemo(a *app) *cobra.Command {
	m := &job{yes: true}
	var dir string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Make a shop database and move it, here and now",
		Long: `Make a SQLite database of a shop with ` + humanize.Comma(shop.Rows) + ` rows in eight tables, and move it into a
second SQLite file: through all four services, gRPC and JetStream, as on many
machines, but in this one process. Nothing needs to be installed.

The folder is made anew by every run.`,
		Example: `  drover demo
  drover demo --dir /tmp/shop --progress plain`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context(), m, dir) },
	}
	cmd.Flags().StringVar(&dir, "dir", "drover-demo", "`folder` for the two databases and the state")
	cmd.Flags().IntVar(&m.jobs, "jobs", 0, "jobs each role does at once (default: one for each CPU, 2 to 16)")
	cmd.Flags().Int64Var(&m.rangeRows, "range-rows", 0, "rows a range should have (default 20000)")
	cmd.Flags().StringVar(&m.summary, "summary", "", "write the summary as JSON to this `file`")
	return cmd
}

// demo makes the shop and moves it.
func (a *app) demo(ctx context.Context, m *job, dir string) error {
	source, target := filepath.Join(dir, "shop.db"), filepath.Join(dir, "moved.db")
	m.state = filepath.Join(dir, "state")
	m.rangeRows = cmp.Or(m.rangeRows, demoRangeRows)
	if err := a.resolve(m, []string{sqliteURL(source), sqliteURL(target)}); err != nil {
		return err
	}
	if err := demoFolder(dir); err != nil {
		return err
	}
	begin := time.Now()
	if err := shop.Create(ctx, source); err != nil {
		return stopped(ctx, err)
	}
	a.note(fmt.Sprintf("made %s: %s rows in %.1f s", source, humanize.Comma(shop.Rows), time.Since(begin).Seconds()))
	if err := a.move(ctx, m); err != nil {
		return err
	}
	for _, line := range demoNext(source, target) {
		a.note(line)
	}
	return nil
}

// demoFolder makes the folder, or empties one that an earlier demo made.
func demoFolder(dir string) error {
	const op = "drover.demo"
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(dir, demoMark)); err != nil {
			return fault.New(fault.Exists, op, "folder %s has files that no demo made: choose another with --dir", dir)
		}
	}
	for _, name := range []string{"shop.db", "moved.db", "moved.db-wal", "moved.db-shm", "state"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return fault.Wrap(fault.Denied, op, err)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fault.Wrap(fault.Invalid, op, err)
	}
	return fault.Wrap(fault.Exhausted, op, os.WriteFile(filepath.Join(dir, demoMark), nil, 0o644))
}

// sqliteURL is the URL of a file.
func sqliteURL(path string) string { return "sqlite:" + (&url.URL{Path: path}).EscapedPath() }

// demoNext says where to look next.
func demoNext(source, target string) []string {
	return []string{
		"look at what was moved:       sqlite3 " + shellWord(target) + " .schema",
		"plan a move of your own:      drover plan " + shellWord(sqliteURL(source)) + " postgres://user@host/database",
		"run the services apart:       drover serve --help",
	}
}
