package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/engine/all"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/spec"

	"github.com/drover-db/drover/cmd/drover/internal/output"
	"github.com/drover-db/drover/cmd/drover/internal/progress"
)

func newApply(a *app) *cobra.Command {
	var file, summary string
	var wait, dryRun, deep, fresh bool
	cmd := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Start a spec's migration on a server",
		Long: `Send a spec to a server, which plans it and runs it. Passwords must be references,
${env:NAME} or ${file:/path}, that every worker can resolve: a server stores specs.

Where a migration of that name exists, its tables that have not begun take the
rules of the changed spec; which of them were planned anew is printed. Where the
server knows none, but the target has an unfinished one of that name, by the same spec
and from the same source, the migration goes on with it.

--wait follows the migration to its end and exits as drover run does. --dry-run
checks the spec and prints it with its defaults; nothing is sent.`,
		Example: `  drover apply -f drover.yaml --wait
  drover apply -f drover.yaml --dry-run -o yaml`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.specForServer(file)
			if err != nil {
				return err
			}
			if dryRun {
				return a.printSpec(s)
			}
			return a.withServer(func(ctx context.Context, c *clients, _ []string) error {
				m, done, err := applySpec(ctx, c, s, deep, fresh)
				if err != nil {
					return err
				}
				if wait {
					a.note(m.GetName() + " " + done)
					f := &follower{clients: c, name: m.GetName(), view: a.view(hintDetach), until: rested, news: a.tellRecovery(strings.HasPrefix(done, started))}
					return a.attend(ctx, c, f, summary)
				}
				return a.printMigration(m, done)
			})(cmd, nil)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "spec `file`, YAML or JSON (- for standard input)")
	cmd.Flags().BoolVar(&wait, "wait", false, "follow the migration to its end")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "check the spec and print it with its defaults")
	cmd.Flags().BoolVar(&deep, "deep", false, "first read all rows and look for values that cannot move exactly")
	cmd.Flags().BoolVar(&fresh, "fresh", false, "do not go on with an unfinished migration of that name that the target has")
	cmd.Flags().StringVar(&summary, "summary", "", "with --wait: write the summary as JSON to this `file`")
	return cmd
}

// started begins what is said of a migration that was made.
const started = "started"

// applySpec makes a migration, deep for one that reads all rows first and fresh for one
// that begins anew whatever the target has, or changes the one of that name.
func applySpec(ctx context.Context, c *clients, s *droverv1.MigrationSpec, deep, fresh bool) (m *droverv1.Migration, done string, err error) {
	r, err := c.migrations.CreateMigration(ctx, &droverv1.CreateMigrationRequest{Spec: s, Start: true, Deep: deep, Fresh: fresh})
	if err == nil {
		return r.GetMigration(), started + "; follow it with drover watch " + s.GetName(), nil
	}
	if !fault.Is(err, fault.Exists) {
		return nil, "", err
	}
	u, err := c.migrations.UpdateMigration(ctx, &droverv1.UpdateMigrationRequest{Spec: s})
	if err != nil {
		g, failed := c.migrations.GetMigration(ctx, &droverv1.GetMigrationRequest{Name: s.GetName()})
		if failed == nil && progress.Ended(g.GetMigration()) {
			err = fault.New(fault.KindOf(err), "drover.apply", "%w; forget it with drover delete %s, or choose another name", err, s.GetName())
		}
		return nil, "", err
	}
	return u.GetMigration(), "exists; " + replannedText(u.GetReplanned()), nil
}

// specForServer reads a spec that will be stored elsewhere.
func (a *app) specForServer(file string) (*droverv1.MigrationSpec, error) {
	if file == "" {
		return nil, fault.New(fault.Invalid, "drover.apply", "name the spec with -f, as in drover apply -f drover.yaml")
	}
	s, err := a.loadSpec(file)
	if err != nil {
		return nil, err
	}
	if err := spec.Detach(s, all.Engines().Schemes(), spec.Secrets{}); err != nil {
		return nil, err
	}
	return spec.WithDefaults(s), nil
}

// printSpec writes a spec; for people that is YAML too.
func (a *app) printSpec(s *droverv1.MigrationSpec) error {
	switch {
	case a.format == output.Name:
		return output.Printf(a.stdout, "%s\n", migrationName(s.GetName()))
	case a.format.Structured():
		return output.Message(a.stdout, a.format, s)
	default:
		return output.Message(a.stdout, output.YAML, s)
	}
}

// printMigration writes a migration after something was done to it.
func (a *app) printMigration(m *droverv1.Migration, done string) error {
	switch {
	case a.format == output.Name:
		return output.Printf(a.stdout, "%s\n", m.GetName())
	case a.format.Structured():
		return output.Message(a.stdout, a.format, m)
	default:
		return output.Printf(a.stdout, "%s %s\n", m.GetName(), done)
	}
}

// tellRecovery gives what says once, of a migration that was just made, that it goes on
// with one that the target has.
func (a *app) tellRecovery(made bool) func(*droverv1.Migration) {
	return func(m *droverv1.Migration) {
		r := m.GetRecovery()
		if !made || r == nil {
			return
		}
		made = false
		a.note(fmt.Sprintf("the target has this migration unfinished: going on with it; %s ranges with %s rows are loaded, and validated again (--fresh begins anew)",
			humanize.Comma(r.GetRanges()), humanize.Comma(r.GetRows())))
	}
}

// attend follows a migration on a server until there is nothing more to wait for.
// Interrupting it detaches.
func (a *app) attend(ctx context.Context, c *clients, f *follower, summary string) error {
	s, err := f.run(ctx)
	if err != nil {
		if context.Cause(ctx) != nil {
			a.note("detached; the migration goes on: drover watch " + f.name)
		}
		return err
	}
	if err := a.finish(context.WithoutCancel(ctx), c, &s, summary); err != nil {
		return err
	}
	a.nextSteps(s.Migration, "")
	return outcome(s)
}
