package main

import (
	"context"
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
	if err := a.admit(ctx, s.clients, m); err != nil {
		return stopped(ctx, err)
	}
	return a.attendHere(ctx, s, m)
}

// note tells something on standard error.
func (a *app) note(text string) { _, _ = fmt.Fprintf(a.logs, "drover: %s\n", output.Clean(text)) }

// finish prints and writes the summary of a migration that rests, for which it reads
// the tables again in full.
func (a *app) finish(ctx context.Context, c *clients, s *progress.Snapshot, file string) error {
	tables, err := c.listTables(ctx, s.Migration.GetName(), true)
	if err != nil {
		return err
	}
	s.Tables = tables
	summary := report.New(*s, report.TableFindings(tables))
	if file != "" {
		if err := writeSummary(file, summary); err != nil {
			return err
		}
	}
	return a.printSummary(summary)
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
func (a *app) admit(ctx context.Context, c *clients, m *job) error {
	list, err := c.listMigrations(ctx)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return create(ctx, c, m, true)
	}
	held := list[0]
	if held.GetState() == droverv1.Migration_STATE_FAILED && !mayRollBack(held) {
		// Nothing was moved: begin again, with the cause removed or the mistake corrected.
		if _, err := c.migrations.DeleteMigration(ctx, &droverv1.DeleteMigrationRequest{Name: held.GetName()}); err != nil {
			return err
		}
		return create(ctx, c, m, true)
	}
	if err := a.sameMigration(ctx, c, held, m); err != nil {
		return err
	}
	if why := over(held); why != "" {
		return &codeError{code: exitUsage, message: fmt.Sprintf("%s %s, says the state folder %s: %s", m.spec.GetName(), why, m.stateDir(), overNext(held, m))}
	}
	return takeUp(ctx, c, held)
}

// over says why a migration cannot go on; empty where it can.
func over(held *droverv1.Migration) string {
	switch held.GetState() {
	case droverv1.Migration_STATE_COMPLETE:
		return "is already complete"
	case droverv1.Migration_STATE_CANCELLED:
		return "was cancelled"
	case droverv1.Migration_STATE_ROLLED_BACK:
		return "was rolled back"
	case droverv1.Migration_STATE_FAILED:
		return "failed and may have left staged tables"
	default:
		return ""
	}
}

// overNext says what to do with a migration that cannot go on.
func overNext(held *droverv1.Migration, m *job) string {
	switch held.GetState() {
	case droverv1.Migration_STATE_COMPLETE:
		return "nothing was done; to move it again use --fresh, or another folder with --state"
	case droverv1.Migration_STATE_FAILED:
		return "remove them with drover rollback " + m.spec.GetName() + " --state " + shellWord(m.stateDir())
	default:
		return "to start over use --fresh"
	}
}

// takeUp lets a migration go on.
func takeUp(ctx context.Context, c *clients, held *droverv1.Migration) (err error) {
	name := held.GetName()
	switch held.GetState() {
	case droverv1.Migration_STATE_PLANNED:
		_, err = c.migrations.StartMigration(ctx, &droverv1.StartMigrationRequest{Name: name})
		if err != nil {
			// One that was killed just before it started by itself does so now.
			r, failed := c.migrations.GetMigration(ctx, &droverv1.GetMigrationRequest{Name: name})
			if failed == nil && r.GetMigration().GetState() != droverv1.Migration_STATE_PLANNED {
				return nil
			}
		}
	case droverv1.Migration_STATE_PAUSED, droverv1.Migration_STATE_STOPPED:
		_, err = c.migrations.ResumeMigration(ctx, &droverv1.ResumeMigrationRequest{Name: name})
	case droverv1.Migration_STATE_INCOMPLETE:
		_, err = c.migrations.RetryMigration(ctx, &droverv1.RetryMigrationRequest{Name: name})
	}
	return err
}

// create makes a migration; start runs it, else it is only planned.
func create(ctx context.Context, c *clients, m *job, start bool) error {
	_, err := c.migrations.CreateMigration(ctx, &droverv1.CreateMigrationRequest{Spec: m.spec, Start: start, NoSample: m.noSample, Deep: m.deep, Fresh: m.fresh})
	m.created = err == nil
	return err
}

// sameMigration refuses a state folder of something else. Tables that have not begun
// take the rules of a changed spec.
func (a *app) sameMigration(ctx context.Context, c *clients, held *droverv1.Migration, m *job) error {
	was, is := comparable(held.GetSpec()), comparable(m.spec)
	if proto.Equal(was, is) {
		return nil
	}
	refused := func(what string) error {
		return &codeError{code: exitUsage, message: fmt.Sprintf(
			"state folder %s holds another migration: %s; choose a folder with --state, or start over with --fresh", m.stateDir(), what)}
	}
	switch {
	case was.GetSource().GetUrl() != is.GetSource().GetUrl() || was.GetTarget().GetUrl() != is.GetTarget().GetUrl() || was.GetName() != is.GetName():
		return refused(fmt.Sprintf("%s, from %s to %s", was.GetName(), was.GetSource().GetUrl(), was.GetTarget().GetUrl()))
	case over(held) != "":
		return refused(was.GetName() + " with other settings")
	}
	changed := proto.CloneOf(m.spec)
	changed.GetSource().Password, changed.GetTarget().Password = held.GetSpec().GetSource().GetPassword(), held.GetSpec().GetTarget().GetPassword()
	r, err := c.migrations.UpdateMigration(ctx, &droverv1.UpdateMigrationRequest{Spec: changed})
	if err != nil {
		return err
	}
	a.note(replannedText(r.GetReplanned()))
	return nil
}

// replannedText says what a changed spec meant.
func replannedText(tables []string) string {
	if len(tables) == 0 {
		return "the spec is changed; no table had to be planned anew"
	}
	return "planned anew by the changed spec: " + strings.Join(tables, ", ")
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
	if !a.asked(fmt.Sprintf("Tables of %s that exist lose their rows. Go on?", m.spec.GetTarget().GetUrl())) {
		return &codeError{code: exitUsage, message: "nothing was done"}
	}
	return nil
}

// asked puts a question to whoever sits at the terminal; without one the answer is no.
func (a *app) asked(question string) bool {
	if !isTerminal(a.stdin) || !isTerminal(a.stderr) {
		return false
	}
	_, _ = fmt.Fprintf(a.stderr, "%s [y/N] ", output.Clean(question))
	var answer string
	_, err := fmt.Fscanln(a.stdin, &answer)
	return err == nil && slices.Contains([]string{"y", "yes"}, strings.ToLower(answer))
}
