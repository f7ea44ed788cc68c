package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"

	"github.com/drover-db/drover/cmd/drover/internal/output"
	"github.com/drover-db/drover/cmd/drover/internal/report"
)

func newRepair(a *app) *cobra.Command {
	m, number, dry := &job{}, "", false
	cmd := &cobra.Command{
		Use:   "repair MIGRATION",
		Short: "Make rows that differ what the source has",
		Long: `Do again exactly the rows that the last verification lists by their keys: each is
read from the source once more and inserted, updated or deleted in the target, the rows
of a range in one transaction. A row of the target that is not the one that was verified
has changed since: it is left alone and listed. Then the ranges are compared again.

--dry-run looks at every row as a repair does and changes nothing. The exit code is 3
when something still differs.`,
		Example: `  drover verify shop && echo nothing to repair
  drover repair shop --dry-run
  drover repair shop`,
		Args: exactly(1, "the name of a migration"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.onMigration(m, func(ctx context.Context, c *clients, name string) error {
				return a.repair(ctx, c, name+"/verifications/"+number, dry, m)
			})(cmd, args)
		},
	}
	verificationFlag(cmd, &number)
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say what would be done, and change nothing")
	m.hereFlags(cmd.Flags())
	return cmd
}

// repair starts a repair, or goes on with one that was begun, and waits for it.
func (a *app) repair(ctx context.Context, c *clients, name string, dry bool, m *job) error {
	got, err := c.verifications.GetVerification(ctx, &droverv1.GetVerificationRequest{Name: name})
	if err != nil {
		return err
	}
	v := got.GetVerification()
	switch {
	case !running(v):
		r, err := c.verifications.RepairVerification(ctx, &droverv1.RepairVerificationRequest{Name: v.GetName(), DryRun: dry})
		if err != nil {
			return err
		}
		v = r.GetVerification()
	case v.GetState() == droverv1.Verification_STATE_REPAIRING && v.GetRepair().GetDryRun() == dry:
		a.note("going on with the repair of " + v.GetName())
	default:
		return fault.New(fault.Conflict, "drover.repair", "%s is under way (%s): wait for its end", v.GetName(), report.VerificationState(v))
	}
	if v, err = a.await(ctx, c, v, "drover repair "+report.MigrationOf(v)+m.whereFlag()); err != nil {
		return err
	}
	if err := a.printRepair(ctx, c, v, m.whereFlag()); err != nil {
		return err
	}
	return verificationCode(v)
}

// printRepair writes what became of each row.
func (a *app) printRepair(ctx context.Context, c *clients, v *droverv1.Verification, where string) error {
	rows, err := pages(func(token string) ([]*droverv1.RepairedRow, string, error) {
		r, err := c.verifications.ListRepairs(ctx, &droverv1.ListRepairsRequest{Parent: v.GetName(), PageSize: pageSize, PageToken: token})
		return r.GetRows(), r.GetNextPageToken(), err
	})
	if err != nil {
		return err
	}
	if a.format.Structured() {
		return output.Message(a.stdout, a.format, &droverv1.ListRepairsResponse{Rows: rows})
	}
	g := output.NewGrid("TABLE", ">RANGE", "KEY", "ACTION", "OUTCOME")
	for _, r := range rows {
		if r.GetReason() != "" && r.GetKey() == "" {
			g.Add(r.GetTable(), rangeNumber(r.GetRange()), "", "", "failed: "+r.GetReason())
			continue
		}
		g.Add(r.GetTable(), rangeNumber(r.GetRange()), r.GetKey(), strings.ToLower(strings.TrimPrefix(r.GetAction().String(), "ACTION_")), outcomeText(r))
	}
	if err := g.Write(a.stdout); err != nil {
		return err
	}
	return output.Printf(a.stdout, "%s\n%s\n", report.RepairText(v.GetRepair()), report.Verdict(v, where))
}

func outcomeText(r *droverv1.RepairedRow) string {
	switch {
	case r.GetAction() == planv1.RowRepair_ACTION_NONE:
		return "right already"
	case r.GetOutcome() == planv1.RowRepair_OUTCOME_PLANNED:
		return "would be done"
	case r.GetOutcome() == planv1.RowRepair_OUTCOME_CHANGED:
		return "left alone: the target's row changed since it was verified"
	case r.GetOutcome() == planv1.RowRepair_OUTCOME_REFUSED:
		return "refused: " + r.GetReason()
	default:
		return "done"
	}
}
