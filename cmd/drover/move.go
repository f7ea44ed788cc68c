package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/spec"

	"github.com/drover-db/drover/cmd/drover/internal/output"
	"github.com/drover-db/drover/cmd/drover/internal/progress"
	"github.com/drover-db/drover/cmd/drover/internal/report"
)

// stateRoot is where state folders are, below the working folder.
const stateRoot = ".drover"

// move runs a migration in this process to its end, from wherever its state
// folder says it is.
func (a *app) move(ctx context.Context, m *job) error {
	if err := a.confirm(m); err != nil {
		return err
	}
	s, err := a.startSuite(ctx, m, m.stateDir())
	if err != nil {
		return err
	}
	defer s.Close()
	if err := admit(ctx, s.clients, m); err != nil {
		return stopped(ctx, err)
	}
	name := migrationName(m.spec.GetName())
	f := &follower{clients: s.clients, name: name, view: a.view(hintPause), until: ended, down: s.Done(), why: s.Err,
		pause: func(ctx context.Context) error {
			a.note("pausing: finishing what is in hand; once more to stop at once")
			_, err := s.clients.migrations.PauseMigration(ctx, &droverv1.PauseMigrationRequest{Name: name})
			return err
		}}
	snapshot, err := f.run(ctx)
	if err != nil {
		if errors.Is(err, errInterrupted) || errors.Is(err, errTimeout) {
			a.note("resume with: " + a.resumeCommand())
		}
		return err
	}
	return a.finish(context.WithoutCancel(ctx), s.clients, snapshot, m.summary)
}

// note tells something on standard error.
func (a *app) note(text string) { _, _ = fmt.Fprintf(a.logs, "drover: %s\n", output.Clean(text)) }

// finish prints and writes the summary of a migration that ended.
func (a *app) finish(ctx context.Context, c *clients, s progress.Snapshot, file string) error {
	tables, err := c.listTables(ctx, s.Migration.GetName(), true)
	if err != nil {
		return err
	}
	s.Tables = tables
	summary := report.New(s, report.TableFindings(tables))
	if file != "" {
		if err := writeSummary(file, summary); err != nil {
			return err
		}
	}
	if err := a.printSummary(summary); err != nil {
		return err
	}
	return outcome(s)
}

// printSummary writes the summary as -o asks for. A migration that never began
// has none: its error says everything.
func (a *app) printSummary(s *report.Summary) error {
	switch {
	case a.format.Structured():
		return output.Value(a.stdout, a.format, s)
	case a.format == output.Name:
		return output.Printf(a.stdout, "%s\n", migrationName(s.Migration))
	case s.State == "FAILED":
		return nil
	default:
		return report.Write(a.stdout, s, a.format == output.Wide)
	}
}

// writeSummary writes --summary FILE.
func writeSummary(name string, s *report.Summary) error {
	const op = "drover.writeSummary"
	file, err := os.Create(name)
	if err != nil {
		return fault.Wrap(fault.Invalid, op, err)
	}
	if err := output.Value(file, output.JSON, s); err != nil {
		_ = file.Close()
		return err
	}
	return fault.Wrap(fault.Exhausted, op, file.Close())
}

// admit brings a migration to where it runs: it is made, or taken up where an
// earlier process left it.
func admit(ctx context.Context, c *clients, m *job) error {
	list, err := c.listMigrations(ctx)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return create(ctx, c, m, true)
	}
	held := list[0]
	request := held.GetName()
	if held.GetState() == droverv1.Migration_STATE_FAILED {
		// Nothing was moved: begin again, with the cause removed or the mistake corrected.
		if _, err := c.migrations.DeleteMigration(ctx, &droverv1.DeleteMigrationRequest{Name: request}); err != nil {
			return err
		}
		return create(ctx, c, m, true)
	}
	if err := sameMigration(held, m); err != nil {
		return err
	}
	switch held.GetState() {
	case droverv1.Migration_STATE_COMPLETE:
		return &codeError{code: exitUsage, message: fmt.Sprintf(
			"%s is already complete, says the state folder %s: nothing was done; to move it again use --fresh, or another folder with --state",
			m.spec.GetName(), m.stateDir())}
	case droverv1.Migration_STATE_CANCELLED:
		return &codeError{code: exitUsage, message: fmt.Sprintf(
			"%s was cancelled, says the state folder %s: to start over use --fresh", m.spec.GetName(), m.stateDir())}
	case droverv1.Migration_STATE_PLANNED:
		_, err = c.migrations.StartMigration(ctx, &droverv1.StartMigrationRequest{Name: request})
	case droverv1.Migration_STATE_PAUSED:
		_, err = c.migrations.ResumeMigration(ctx, &droverv1.ResumeMigrationRequest{Name: request})
	case droverv1.Migration_STATE_INCOMPLETE:
		_, err = c.migrations.RetryMigration(ctx, &droverv1.RetryMigrationRequest{Name: request})
	}
	return err
}

// create makes a migration; start runs it, else it is only planned.
func create(ctx context.Context, c *clients, m *job, start bool) error {
	_, err := c.migrations.CreateMigration(ctx, &droverv1.CreateMigrationRequest{Spec: m.spec, Start: start})
	return err
}

// sameMigration refuses a state folder of something else.
func sameMigration(held *droverv1.Migration, m *job) error {
	was, is := comparable(held.GetSpec()), comparable(m.spec)
	if proto.Equal(was, is) {
		return nil
	}
	what := "with other settings"
	if was.GetSource().GetUrl() != is.GetSource().GetUrl() || was.GetTarget().GetUrl() != is.GetTarget().GetUrl() || was.GetName() != is.GetName() {
		what = fmt.Sprintf("%s, from %s to %s", was.GetName(), was.GetSource().GetUrl(), was.GetTarget().GetUrl())
	} else {
		what = was.GetName() + " " + what
	}
	return &codeError{code: exitUsage, message: fmt.Sprintf(
		"state folder %s holds another migration: %s; choose a folder with --state, or start over with --fresh", m.stateDir(), what)}
}

// comparable is a spec without what may differ from one run to the next.
func comparable(s *droverv1.MigrationSpec) *droverv1.MigrationSpec {
	out := spec.WithDefaults(s)
	out.GetSource().Password, out.GetTarget().Password = "", ""
	return out
}

// stateDir is where the migration's state is kept.
func (m *job) stateDir() string {
	if m.state != "" {
		return m.state
	}
	return filepath.Join(stateRoot, m.spec.GetName())
}

// resumeCommand is this command again, without what must not be repeated.
func (a *app) resumeCommand() string {
	words := []string{"drover"}
	for _, arg := range a.args {
		if slices.Contains([]string{"--fresh", "--fresh=true"}, arg) {
			continue
		}
		words = append(words, shellWord(arg))
	}
	return spec.Mask(strings.Join(words, " "))
}

// shellWord quotes an argument for a POSIX shell where it needs it.
func shellWord(arg string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+:,./@%"
	if arg != "" && strings.Trim(arg, plain) == "" {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// confirm asks before rows of the target are removed.
func (a *app) confirm(m *job) error {
	if m.spec.GetExisting() != "truncate" || m.yes {
		return nil
	}
	if !isTerminal(a.stdin) {
		return fault.New(fault.Invalid, "drover.confirm", "existing: truncate removes rows from the target: confirm it with --yes")
	}
	_, _ = fmt.Fprintf(a.stderr, "Tables of %s that exist lose their rows. Go on? [y/N] ", m.spec.GetTarget().GetUrl())
	var answer string
	if _, err := fmt.Fscanln(a.stdin, &answer); err != nil || !slices.Contains([]string{"y", "yes"}, strings.ToLower(answer)) {
		return &codeError{code: exitUsage, message: "nothing was done"}
	}
	return nil
}
