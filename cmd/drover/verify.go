package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"

	"github.com/drover-db/drover/cmd/drover/internal/report"
)

// verifyModes are the modes by their names on the command line.
var verifyModes = map[string]planv1.VerifyMode{
	"count": planv1.VerifyMode_VERIFY_MODE_COUNT, "hash": planv1.VerifyMode_VERIFY_MODE_HASH, "sample": planv1.VerifyMode_VERIFY_MODE_SAMPLE,
	"rows": planv1.VerifyMode_VERIFY_MODE_ROWS, "schema": planv1.VerifyMode_VERIFY_MODE_SCHEMA,
}

func newVerify(a *app) *cobra.Command {
	m, r, mode := &job{}, &droverv1.StartVerificationRequest{}, ""
	cmd := &cobra.Command{
		Use:   "verify MIGRATION",
		Short: "Compare source and target once more",
		Long: `Compare source and target of a migration as they are now, at any time after the
load, in ranges over all validators. What it compares is the mode:

  count   the number of rows of every range
  hash    every row, by sums of hashes
  sample  rows drawn at random from the source, column by column
  rows    every row, and of ranges that differ the keys and columns (default)
  schema  columns, types, keys, indexes, foreign keys and checks

A verification that was interrupted goes on when the same is asked for again. drover
diff lists what differs, drover repair puts rows right. The exit code is 3 when
something differs.`,
		Example: `  drover verify shop
  drover verify shop --mode sample --sample-rows 5000 --seed 7
  drover verify shop --mode count --table 'public.order*'
  drover verify shop --state .drover/shop`,
		Args: exactly(1, "the name of a migration"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var ok bool
			if r.Mode, ok = verifyModes[mode]; !ok {
				return fault.New(fault.Invalid, "drover.verify", "--mode %s is none: use count, hash, sample, rows or schema", mode)
			}
			if r.GetMode() != planv1.VerifyMode_VERIFY_MODE_SAMPLE && (cmd.Flags().Changed("sample-rows") || cmd.Flags().Changed("seed")) {
				return fault.New(fault.Invalid, "drover.verify", "--sample-rows and --seed are for --mode sample")
			}
			return a.onMigration(m, func(ctx context.Context, c *clients, name string) error { return a.verify(ctx, c, name, r, m) })(cmd, args)
		},
	}
	cmd.Flags().StringVar(&mode, "mode", "rows", "`what` to compare: count, hash, sample, rows, schema")
	cmd.Flags().StringSliceVar(&r.Tables, "table", nil, "only tables matching this `glob` over schema.table (repeatable)")
	cmd.Flags().Int64Var(&r.SampleRows, "sample-rows", 1000, "with --mode sample: `rows` of each table to draw")
	cmd.Flags().Uint64Var(&r.Seed, "seed", 0, "with --mode sample: the `number` that rows are drawn by, to draw the same ones again")
	m.hereFlags(cmd.Flags())
	return cmd
}

// verify starts a verification, or goes on with one that was begun, and waits for it.
func (a *app) verify(ctx context.Context, c *clients, name string, r *droverv1.StartVerificationRequest, m *job) error {
	v, err := newest(ctx, c, name)
	if err != nil {
		return err
	}
	switch {
	case !running(v):
		r.Parent = name
		started, err := c.verifications.StartVerification(ctx, r)
		if err != nil {
			return err
		}
		v = started.GetVerification()
	case v.GetState() == droverv1.Verification_STATE_REPAIRING, v.GetMode() != r.GetMode():
		return fault.New(fault.Conflict, "drover.verify", "%s is under way (%s): wait for its end", v.GetName(), report.VerificationState(v))
	default:
		a.note("going on with " + v.GetName())
	}
	if v, err = a.await(ctx, c, v, "drover verify "+shortName(name)+" --mode "+report.ModeName(r.GetMode())+m.whereFlag()); err != nil {
		return err
	}
	if err := a.printVerification(v, m.whereFlag()); err != nil {
		return err
	}
	return verificationCode(v)
}

// newest is the last verification of a migration; nil where there was none.
func newest(ctx context.Context, c *clients, migration string) (*droverv1.Verification, error) {
	r, err := c.verifications.ListVerifications(ctx, &droverv1.ListVerificationsRequest{Parent: migration, PageSize: pageSize})
	if err != nil || len(r.GetVerifications()) == 0 {
		return nil, err
	}
	return r.GetVerifications()[len(r.GetVerifications())-1], nil
}

func running(v *droverv1.Verification) bool {
	return slices.Contains([]droverv1.Verification_State{droverv1.Verification_STATE_RUNNING, droverv1.Verification_STATE_REPAIRING}, v.GetState())
}

func shortName(name string) string { return strings.TrimPrefix(name, "migrations/") }

// verificationCode is the exit code of a verification, as an error.
func verificationCode(v *droverv1.Verification) error {
	switch v.GetState() {
	case droverv1.Verification_STATE_EQUAL:
		return nil
	case droverv1.Verification_STATE_DIFFERENT:
		return &codeError{code: exitDifferences}
	default:
		return &codeError{code: exitFailed, message: fmt.Sprintf("%s is %s: %s", v.GetName(), report.VerificationState(v), v.GetReason())}
	}
}
