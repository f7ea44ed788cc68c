package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"

	"github.com/drover-db/drover/cmd/drover/internal/output"
)

func newDiff(a *app) *cobra.Command {
	m, number := &job{}, ""
	cmd := &cobra.Command{
		Use:   "diff MIGRATION",
		Short: "List what a verification found to differ",
		Long: `List the rows that differ by the last verification of a migration, with their keys
and columns, or the parts of a schema. Values are not shown. missing is what only the
source has, extra what only the target has. A line without a key stands for rows that
the verification counted and did not name: --mode rows names them, up to a thousand of
each range. The exit code is 3 when there is something to list.`,
		Example: `  drover diff shop
  drover diff shop --verification 2 -o json | jq '.differences[].key'`,
		Args: exactly(1, "the name of a migration"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.onMigration(m, func(ctx context.Context, c *clients, name string) error {
				return a.diff(ctx, c, name+"/verifications/"+number)
			})(cmd, args)
		},
	}
	verificationFlag(cmd, &number)
	m.hereFlags(cmd.Flags())
	return cmd
}

func verificationFlag(cmd *cobra.Command, number *string) {
	cmd.Flags().StringVar(number, "verification", "-", "`number` of the verification (-: the newest)")
}

func (a *app) diff(ctx context.Context, c *clients, name string) error {
	r, err := c.verifications.GetVerification(ctx, &droverv1.GetVerificationRequest{Name: name})
	if err != nil {
		return err
	}
	all, err := pages(func(token string) ([]*droverv1.VerificationDifference, string, error) {
		r, err := c.verifications.ListDifferences(ctx, &droverv1.ListDifferencesRequest{Parent: r.GetVerification().GetName(), PageSize: pageSize, PageToken: token})
		return r.GetDifferences(), r.GetNextPageToken(), err
	})
	if err != nil {
		return err
	}
	if err := a.printDifferences(all); err != nil {
		return err
	}
	if len(all) > 0 {
		return &codeError{code: exitDifferences}
	}
	if v := r.GetVerification(); running(v) {
		a.note(v.GetName() + " is not finished")
	}
	return nil
}

func (a *app) printDifferences(all []*droverv1.VerificationDifference) error {
	if a.format.Structured() {
		return output.Message(a.stdout, a.format, &droverv1.ListDifferencesResponse{Differences: all})
	}
	if len(all) == 0 {
		return output.Printf(a.stdout, "nothing differs\n")
	}
	rows := output.NewGrid("TABLE", ">RANGE", "DIFFERENCE", ">ROWS", "KEY", "COLUMNS")
	parts := output.NewGrid("TABLE", "DIFFERENCE", "WHAT", "EXPECTED", "FOUND")
	for _, d := range all {
		kind := strings.ToLower(strings.TrimPrefix(d.GetType().String(), "TYPE_"))
		if d.GetObject() != "" {
			parts.Add(d.GetTable(), kind, d.GetObject(), d.GetExpected(), d.GetActual())
			continue
		}
		key := d.GetKey()
		if key == "" && d.GetExpected() != "" {
			key = d.GetExpected() + " against " + d.GetActual()
		}
		rows.Add(d.GetTable(), rangeNumber(d.GetRange()), kind, number(d.GetRows()), key, strings.Join(d.GetColumns(), ", "))
	}
	for _, g := range []*output.Grid{rows, parts} {
		if g.Len() == 0 {
			continue
		}
		if err := g.Write(a.stdout); err != nil {
			return err
		}
	}
	return nil
}

// rangeNumber is a range for people: the whole table has none.
func rangeNumber(n uint32) string {
	if n == 0 {
		return "all"
	}
	return number(int64(n))
}
