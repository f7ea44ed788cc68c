package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"

	"github.com/drover-db/drover/cmd/drover/internal/output"
	"github.com/drover-db/drover/cmd/drover/internal/progress"
	"github.com/drover-db/drover/cmd/drover/internal/report"
)

func newPlan(a *app) *cobra.Command {
	m := &job{}
	var ddl, detailed bool
	cmd := &cobra.Command{
		Use:   "plan (-f FILE | SOURCE_URL TARGET_URL)",
		Short: "Show what a migration would do",
		Long: `Read both catalogs and show what a migration would do: tables, keys, ranges and how
they spread, estimates, types, findings, and what would stay behind. Up to a second
of the largest tables is read to tell how long reading would take. Neither database
is changed. -o wide or --ddl adds every statement; -o json or yaml prints the plan
with the spec and all its defaults.

The exit code is 8 when the plan has errors.`,
		Example: `  drover plan sqlite:///data/shop.db postgres://shop@db.example.com/shop
  drover plan -f drover.yaml --ddl
  drover plan -f drover.yaml -o json | jq '.tables[].plan.columns'`,
		Args: urlsOrFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.resolve(m, args); err != nil {
				return err
			}
			p, err := a.planned(cmd.Context(), m)
			if err != nil {
				return err
			}
			if err := a.printPlan(p, ddl || a.format == output.Wide); err != nil {
				return err
			}
			return planCode(p, detailed)
		},
	}
	m.fileFlag(cmd.Flags())
	m.specFlags(cmd.Flags())
	m.jobsFlag(cmd.Flags())
	m.deepFlag(cmd.Flags())
	cmd.Flags().BoolVar(&m.noSample, "no-sample", false, "read no rows: nothing is then said about time")
	cmd.Flags().BoolVar(&ddl, "ddl", false, "show every statement that would run in the target")
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 10 when there is something to move")
	return cmd
}

// planned plans a migration in a state folder that lives as long as the plan is made.
func (a *app) planned(ctx context.Context, m *job) (p report.Plan, err error) {
	dir, err := os.MkdirTemp("", "drover-plan-")
	if err != nil {
		return p, fault.Wrap(fault.Exhausted, "drover.planned", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, err := a.startSuite(ctx, m, dir)
	if err != nil {
		return p, err
	}
	defer s.Close()
	if err := create(ctx, s.clients, m, false); err != nil {
		return p, stopped(ctx, err)
	}
	view := progress.View(progress.None{})
	if a.progress != "auto" {
		view = a.view(hintDetach)
	}
	f := &follower{clients: s.clients, name: migrationName(m.spec.GetName()), view: view, until: planEnded, down: s.Done(), why: s.Err}
	snapshot, err := f.run(ctx)
	if err != nil {
		return p, err
	}
	p.Migration = snapshot.Migration
	p.Tables, err = s.clients.listTables(context.WithoutCancel(ctx), p.Migration.GetName(), true)
	if err != nil {
		return p, err
	}
	// A plan that was refused for what it found still shows what that was.
	if p.Migration.GetState() == droverv1.Migration_STATE_FAILED && len(p.Findings()) == 0 {
		return p, failure(p.Migration)
	}
	return p, nil
}

// planEnded is the until of a migration that is only planned.
func planEnded(m *droverv1.WatchMigrationResponse) bool {
	return m.GetMigration().GetState() == droverv1.Migration_STATE_PLANNED || ended(m)
}

// printPlan writes a plan as -o asks for.
func (a *app) printPlan(p report.Plan, ddl bool) error {
	document := &droverv1.WatchMigrationResponse{Migration: p.Migration, Tables: p.Tables}
	switch {
	case a.format.Structured():
		return output.Message(a.stdout, a.format, document)
	case a.format == output.Name:
		return printNames(a.stdout, p.Tables)
	default:
		return report.WritePlan(a.stdout, p, ddl)
	}
}

// planCode is the exit code of a plan, as an error.
func planCode(p report.Plan, detailed bool) error {
	for _, f := range p.Findings() {
		if f.Severity == report.SeverityError {
			return &codeError{code: exitPreflight}
		}
	}
	if p.Migration.GetState() == droverv1.Migration_STATE_FAILED {
		return failure(p.Migration)
	}
	if detailed && len(p.Tables) > 0 {
		return &codeError{code: exitPending}
	}
	return nil
}
