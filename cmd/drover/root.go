package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/spec"
	"github.com/drover-db/drover/internal/telemetry"

	"github.com/drover-db/drover/cmd/drover/internal/output"
)

// app is one invocation of drover: what it was given and where it writes.
type app struct {
	args           []string
	lookupEnv      func(string) (string, bool)
	stdin          io.Reader
	stdout, stderr io.Writer
	// logs is standard error, or the live view that shares it.
	logs *switchWriter

	server    string
	output    string
	progress  string
	logLevel  string
	logFormat string
	timeout   time.Duration

	format output.Format
	// begun is set once flags and arguments are accepted: an error before is a
	// wrong usage.
	begun bool
	// stopTimer ends --timeout.
	stopTimer context.CancelFunc
}

// run executes one command line and gives its exit code.
func run(ctx context.Context, args []string, lookupEnv func(string) (string, bool), stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{args: args, lookupEnv: lookupEnv, stdin: stdin, stdout: stdout, stderr: stderr, logs: &switchWriter{w: stderr}, stopTimer: func() {}}
	ctx, release := interruptible(ctx)
	defer release()
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	a.stopTimer()
	if err != nil && !a.begun && fault.KindOf(err) == fault.Internal {
		err = fault.New(fault.Invalid, "drover.run", "%w (see drover --help)", err)
	}
	a.complain(err)
	return exitCode(err)
}

// complain writes an error for people: each line of it on its own.
func (a *app) complain(err error) {
	if err == nil || err.Error() == "" {
		return
	}
	text := err.Error()
	if side := fault.Find(err).Side; (side == fault.Source || side == fault.Target) && !strings.HasPrefix(text, side) {
		text = side + ": " + text
	}
	for line := range strings.SplitSeq(spec.Mask(text), "\n") {
		_, _ = fmt.Fprintf(a.stderr, "drover: %s\n", output.Clean(line))
	}
}

// newRoot builds the command tree.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "drover",
		Short: "Move whole databases with many workers, and prove every range",
		Long: `drover moves whole databases between PostgreSQL, MySQL, MariaDB and SQLite with
many workers at once, and proves every range: no range is complete until its rows,
read back from the target, add up to what was read from the source.

Results go to standard output, logs and progress to standard error. Every flag
can be set in the environment too: --range-rows is DROVER_RANGE_ROWS.

` + exitHelp,
		Example: `  drover demo
  drover copy mysql://shop@db1.example.com/shop postgres://shop@db2.example.com/shop
  drover run -f drover.yaml`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              cobra.ArbitraryArgs,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.begin(cmd) },
		RunE:              group,
	}
	a.globalFlags(root.PersistentFlags())
	root.CompletionOptions.HiddenDefaultCmd = false
	root.AddGroup(
		&cobra.Group{ID: "here", Title: "Move a database with everything in this process:"},
		&cobra.Group{ID: "server", Title: "Work with a server:"},
		&cobra.Group{ID: "services", Title: "Run the services:"})
	for id, list := range map[string][]*cobra.Command{
		"here": {newCopy(a), newRun(a), newPlan(a), newCheck(a), newSchema(a), newDemo(a)},
		"server": {newApply(a), newGet(a), newDescribe(a), newWatch(a), newPause(a), newResume(a), newThrottle(a), newApprove(a), newRetry(a), newSkip(a),
			newVerify(a), newDiff(a), newRepair(a),
			newCancel(a), newRollback(a), newAdopt(a), newDelete(a), newPing(a)},
		"services": {newServe(a)},
	} {
		for _, c := range list {
			c.GroupID = id
			root.AddCommand(c)
		}
	}
	root.AddCommand(newVersion(a))
	return root
}

// globalFlags are accepted by every command.
func (a *app) globalFlags(f *pflag.FlagSet) {
	f.StringVar(&a.server, "server", "127.0.0.1:7432", "`address` of the coordinator to talk to, or of all with commas")
	f.StringVarP(&a.output, "output", "o", "table", "`format` of results: "+strings.Join(output.Formats, ", "))
	f.StringVar(&a.progress, "progress", "auto", "`view` of progress: auto, tty, plain, json, none")
	f.StringVar(&a.logLevel, "log-level", "", "`level` of logs: debug, info, warn, error (default: info for serve, none otherwise)")
	f.StringVar(&a.logFormat, "log-format", "auto", "`form` of logs: auto (text on a terminal, else json), text, json")
	f.DurationVar(&a.timeout, "timeout", 0, "stop after this `time`, resumably (0: never)")
}

// begin runs before every command: flags from the environment, checks, the timer.
func (a *app) begin(cmd *cobra.Command) error {
	if err := a.fromEnvironment(cmd.Flags()); err != nil {
		return err
	}
	format, err := output.Parse(a.output)
	if err != nil {
		return err
	}
	a.format = format
	if err := a.checkView(); err != nil {
		return err
	}
	if a.timeout < 0 {
		return fault.New(fault.Invalid, "drover.begin", "--timeout %s is negative", a.timeout)
	}
	if a.timeout > 0 {
		ctx, cancel := context.WithTimeoutCause(cmd.Context(), a.timeout, errTimeout)
		cmd.SetContext(ctx)
		a.stopTimer = cancel
	}
	a.begun = true
	return nil
}

// fromEnvironment sets flags that were not given from DROVER_* variables.
func (a *app) fromEnvironment(flags *pflag.FlagSet) error {
	var first error
	flags.VisitAll(func(f *pflag.Flag) {
		name := "DROVER_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := a.lookupEnv(name)
		if f.Changed || !ok || f.Name == "help" || first != nil {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			first = fault.New(fault.Invalid, "drover.fromEnvironment", "environment variable %s: %w", name, err)
		}
	})
	return first
}

// group is what a command does that only has subcommands.
func group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	text := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
	cmd.SuggestionsMinimumDistance = 2
	if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
		text += ": did you mean " + strings.Join(similar, " or ") + "?"
	}
	return fault.New(fault.Invalid, "drover.group", "%s (see %s --help)", text, cmd.CommandPath())
}

// logger makes the logger; fallback is the level where none was asked for.
func (a *app) logger(fallback string) (*slog.Logger, error) {
	format := a.logFormat
	if format == "auto" && isTerminal(a.stderr) {
		format = "text" // the logger itself cannot see through a.logs
	}
	return telemetry.NewLog(a.logs, format, cmp.Or(a.logLevel, fallback))
}

// stopped is the error of a command whose context ended: why it did, if that was
// the user's or the clock's doing.
func stopped(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if err != nil && (errors.Is(cause, errInterrupted) || errors.Is(cause, errTimeout)) {
		return cause
	}
	return err
}

// readFile reads a file that a flag names; "-" is standard input.
func (a *app) readFile(name string) ([]byte, error) {
	if name == "-" {
		raw, err := io.ReadAll(a.stdin)
		return raw, fault.Wrap(fault.Invalid, "drover.readFile", err)
	}
	raw, err := os.ReadFile(name)
	return raw, fault.Wrap(fault.Invalid, "drover.readFile", err)
}
