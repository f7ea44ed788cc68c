package main

import (
	"context"

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
	var wait, dryRun, deep bool
	cmd := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Start a spec's migration on a server",
		Long: `Send a spec to a server, which plans it and runs it. Passwords must be references,
${env:NAME} or ${file:/path}, that every worker can resolve: a server stores specs.

Where a migration of that name exists, its tables that have not begun take the
rules of the changed spec; which of them were planned anew is printed.

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
				m, done, err := applySpec(ctx, c, s, deep)
				if err != nil {
					return err
				}
				if wait {
					a.note(m.GetName() + " " + done)
					return a.attend(ctx, c, m.GetName(), summary, rested)
				}
				return a.printMigration(m, done)
			})(cmd, nil)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "spec `file`, YAML or JSON (- for standard input)")
	cmd.Flags().BoolVar(&wait, "wait", false, "follow the migration to its end")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "check the spec and print it with its defaults")
	cmd.Flags().BoolVar(&deep, "deep", false, "first read all rows and look for values that cannot move exactly")
	cmd.Flags().StringVar(&summary, "summary", "", "with --wait: write the summary as JSON to this `file`")
	return cmd
}

// applySpec makes a migration, deep for one that reads all rows first, or changes the
// one of that name.
func applySpec(ctx context.Context, c *clients, s *droverv1.MigrationSpec, deep bool) (m *droverv1.Migration, done string, err error) {
	r, err := c.migrations.CreateMigration(ctx, &droverv1.CreateMigrationRequest{Spec: s, Start: true, Deep: deep})
	if err == nil {
		return r.GetMigration(), "started; follow it with drover watch " + s.GetName(), nil
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

// attend follows a migration on a server until there is nothing more to wait for.
// Interrupting it detaches.
func (a *app) attend(ctx context.Context, c *clients, name, summary string, until func(*droverv1.WatchMigrationResponse) bool) error {
	f := &follower{clients: c, name: name, view: a.view(hintDetach), until: until}
	s, err := f.run(ctx)
	if err != nil {
		if context.Cause(ctx) != nil {
			a.note("detached; the migration goes on: drover watch " + name)
		}
		return err
	}
	if err := a.finish(context.WithoutCancel(ctx), c, &s, summary); err != nil {
		return err
	}
	a.nextSteps(s.Migration, "")
	return outcome(s)
}
