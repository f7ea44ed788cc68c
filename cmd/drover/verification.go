package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"

	"github.com/drover-db/drover/cmd/drover/internal/output"
	"github.com/drover-db/drover/cmd/drover/internal/report"
)

const (
	// lookEvery is how often a verification is looked at, noteEvery how often people
	// are told how far it is.
	lookEvery = 250 * time.Millisecond
	noteEvery = 5 * time.Second
)

// hereFlags let a command work on the state folder of drover copy or run.
func (m *job) hereFlags(f *pflag.FlagSet) {
	f.StringVar(&m.state, "state", "", "do it in this `folder` of drover copy or run, in this process")
	f.IntVar(&m.jobs, "jobs", 0, "with --state: jobs each role does at once (default: one for each CPU, 2 to 16)")
}

// whereFlag is the flag that finds the same migration again.
func (m *job) whereFlag() string {
	if m.state == "" {
		return ""
	}
	return " --state " + shellWord(m.state)
}

// onMigration runs a command on a migration of the server, or of a state folder in this
// process.
func (a *app) onMigration(m *job, do func(ctx context.Context, c *clients, name string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if m.state == "" {
			if cmd.Flags().Changed("jobs") {
				return fault.New(fault.Invalid, "drover.onMigration", "--jobs has no meaning without --state: the server's own processes do the work")
			}
			return a.withServer(func(ctx context.Context, c *clients, args []string) error { return do(ctx, c, migrationName(args[0])) })(cmd, args)
		}
		s, _, err := a.openState(cmd.Context(), m, migrationName(args[0]))
		if err != nil {
			return err
		}
		defer s.Close()
		return stopped(cmd.Context(), do(cmd.Context(), s.clients, migrationName(args[0])))
	}
}

// await waits for the end of a verification. Whoever interrupts it is told how to go on.
func (a *app) await(ctx context.Context, c *clients, v *droverv1.Verification, again string) (*droverv1.Verification, error) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	told := time.Now()
	for running(v) {
		select {
		case <-ctx.Done():
			a.note("go on with: " + again)
			return nil, stopped(ctx, ctx.Err())
		case <-ticker.C:
		}
		r, err := c.verifications.GetVerification(ctx, &droverv1.GetVerificationRequest{Name: v.GetName()})
		if ctx.Err() != nil {
			continue
		}
		if err != nil {
			return nil, err
		}
		v = r.GetVerification()
		if now := time.Now(); now.Sub(told) >= noteEvery && a.progress != "none" {
			told = now
			n := v.GetCounters()
			a.note(fmt.Sprintf("%s: %d of %d ranges, %d different %s", v.GetName(), n.GetRangesChecked(), n.GetRanges(), n.GetRangesDifferent(), v.GetReason()))
		}
	}
	return v, nil
}

// printVerification writes what a verification found, table by table.
func (a *app) printVerification(v *droverv1.Verification, where string) error {
	switch {
	case a.format.Structured():
		return output.Message(a.stdout, a.format, v)
	case a.format == output.Name:
		return output.Printf(a.stdout, "%s\n", v.GetName())
	}
	g := output.NewGrid("TABLE", ">RANGES", ">SOURCE ROWS", ">TARGET ROWS", ">DIFFERENT", "RESULT")
	if v.GetMode() == planv1.VerifyMode_VERIFY_MODE_SAMPLE {
		g = output.NewGrid("TABLE", ">RANGES", ">SAMPLED ROWS", ">DIFFERENT", "RESULT")
	}
	for _, t := range v.GetTables() {
		n := t.GetCounters()
		ranges := fmt.Sprintf("%d/%d", n.GetRangesChecked(), n.GetRanges())
		different := number(n.GetDifferentRows() + n.GetSchemaDifferences())
		switch v.GetMode() {
		case planv1.VerifyMode_VERIFY_MODE_SAMPLE:
			g.Add(t.GetTarget(), ranges, number(n.GetSampledRows()+n.GetSourceRows()), different, tableResult(t))
		case planv1.VerifyMode_VERIFY_MODE_SCHEMA:
			g.Add(t.GetTarget(), ranges, "", "", different, tableResult(t))
		default:
			g.Add(t.GetTarget(), ranges, number(n.GetSourceRows()), number(n.GetTargetRows()), different, tableResult(t))
		}
	}
	if err := g.Write(a.stdout); err != nil {
		return err
	}
	return output.Printf(a.stdout, "%s\n", report.Verdict(v, where))
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func tableResult(t *droverv1.VerifiedTable) string {
	n := t.GetCounters()
	switch {
	case n.GetRangesDifferent() > 0 && t.GetReason() != "":
		return "different; " + t.GetReason()
	case n.GetRangesDifferent() > 0 && n.GetRejectedRows() > 0:
		return fmt.Sprintf("different, and %d rejected rows", n.GetRejectedRows())
	case n.GetRangesDifferent() > 0:
		return "different"
	case n.GetRangesFailed() > 0:
		return "not compared: " + t.GetReason()
	case n.GetRangesChecked() < n.GetRanges():
		return "not finished"
	case n.GetRejectedRows() > 0:
		return fmt.Sprintf("equal, but for %d rejected rows", n.GetRejectedRows())
	default:
		return "equal"
	}
}
