package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
)

// act is what a verb does to a migration; done says it in a few words.
type act func(ctx context.Context, c *clients, name string) (m *droverv1.Migration, done string, err error)

// stateFlags let a verb work on the state folder of drover copy or run instead of a
// server: it is carried out in this process, and the migration goes on there.
func (m *job) stateFlags(f *pflag.FlagSet) {
	f.StringVar(&m.state, "state", "", "do it in this `folder` of drover copy or run, in this process, and go on with the migration")
	f.IntVar(&m.jobs, "jobs", 0, "with --state: jobs each role does at once (default: one for each CPU, 2 to 16)")
	f.StringVar(&m.summary, "summary", "", "with --state: write the summary as JSON to this `file`")
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "dir" {
			name = "state"
		}
		return pflag.NormalizedName(name)
	})
}

// verb runs an act on a migration of the server, or of a state folder.
func (a *app) verb(m *job, do act) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if m.state != "" {
			return a.goOn(cmd.Context(), m, migrationName(args[0]), do)
		}
		for _, name := range []string{"jobs", "summary"} {
			if cmd.Flags().Changed(name) {
				return fault.New(fault.Invalid, "drover.verb", "--%s has no meaning without --state: the server's own processes do the work", name)
			}
		}
		return a.withServer(func(ctx context.Context, c *clients, args []string) error {
			changed, done, err := do(ctx, c, migrationName(args[0]))
			if err != nil {
				return err
			}
			return a.printMigration(changed, done)
		})(cmd, args)
	}
}

// goOn opens a state folder, does something to its migration and follows it.
func (a *app) goOn(ctx context.Context, m *job, name string, do act) error {
	s, held, err := a.openState(ctx, m, name)
	if err != nil {
		return err
	}
	defer s.Close()
	m.spec = held.GetSpec()
	m.resume = "drover resume " + m.spec.GetName() + " --state " + shellWord(m.state)
	_, done, err := do(ctx, s.clients, name)
	if err != nil {
		return stopped(ctx, err)
	}
	a.note(fmt.Sprintf("%s %s", name, done))
	return a.attendHere(ctx, s, m)
}

// openState starts the services on a state folder and finds its migration.
func (a *app) openState(ctx context.Context, m *job, name string) (*suite, *droverv1.Migration, error) {
	const op = "drover.goOn"
	if _, err := os.Stat(m.state); err != nil {
		return nil, nil, fault.New(fault.NotFound, op, "no state folder %s: --state names the folder of the drover copy or run that is to go on", m.state)
	}
	m.passwords = map[string]string{}
	for _, side := range []string{fault.Source, fault.Target} {
		if variable := a.passwordVariable(side); variable != "" {
			m.passwords[side], _ = a.lookupEnv(variable)
		}
	}
	if err := m.checkJobs(); err != nil {
		return nil, nil, err
	}
	s, err := a.startSuite(ctx, m, m.state)
	if err != nil {
		return nil, nil, err
	}
	held, err := heldMigration(ctx, s.clients, m, name)
	if err != nil {
		s.Close()
		return nil, nil, stopped(ctx, err)
	}
	return s, held, nil
}

// heldMigration finds the migration of a state folder and makes sure that it can go on.
func heldMigration(ctx context.Context, c *clients, m *job, name string) (*droverv1.Migration, error) {
	const op = "drover.goOn"
	list, err := c.listMigrations(ctx)
	if err != nil {
		return nil, err
	}
	for _, held := range list {
		if held.GetName() != name {
			continue
		}
		for side, e := range map[string]*droverv1.EndpointSpec{fault.Source: held.GetSpec().GetSource(), fault.Target: held.GetSpec().GetTarget()} {
			if _, given := m.passwords[side]; strings.HasPrefix(e.GetPassword(), "${inline:") && !given {
				return nil, fault.New(fault.Invalid, op, "the password of the %s was in its URL, and no state folder keeps that: set DROVER_%s_PASSWORD",
					side, strings.ToUpper(side))
			}
		}
		return held, nil
	}
	return nil, fault.New(fault.NotFound, op, "state folder %s holds no %s: see what it was made for with drover copy or run", m.state, name)
}

// attendHere follows the migration of this process until it rests. On a terminal it
// asks for the approval of a phase.
func (a *app) attendHere(ctx context.Context, s *suite, m *job) error {
	name := migrationName(m.spec.GetName())
	for {
		f := &follower{clients: s.clients, name: name, view: a.view(hintPause), until: rested, down: s.Done(), why: s.Err, news: a.tellRecovery(m.created),
			pause: func(ctx context.Context) error {
				a.note("pausing: finishing what is in hand; once more to stop at once")
				_, err := s.clients.migrations.PauseMigration(ctx, &droverv1.PauseMigrationRequest{Name: name})
				return err
			}}
		snapshot, err := f.run(ctx)
		if err != nil {
			if errors.Is(err, errInterrupted) || errors.Is(err, errTimeout) {
				a.note("resume with: " + cmp.Or(m.resume, a.resumeCommand()))
			}
			return err
		}
		if phase := waitingPhase(snapshot.Migration); phase != "" && a.asked("Phase "+phase+" waits for approval. Begin it?") {
			if _, err := s.clients.migrations.ApproveMigration(ctx, &droverv1.ApproveMigrationRequest{Name: name, Phase: phase}); err != nil {
				return stopped(ctx, err)
			}
			continue
		}
		if err := a.finish(context.WithoutCancel(ctx), s.clients, &snapshot, m.summary); err != nil {
			return err
		}
		a.nextSteps(snapshot.Migration, " --state "+shellWord(m.stateDir()))
		if snapshot.Migration.GetState() == m.want {
			return nil
		}
		return outcome(snapshot)
	}
}

// waitingPhase is the phase that waits for approval; empty where none does.
func waitingPhase(m *droverv1.Migration) string {
	if m.GetState() != droverv1.Migration_STATE_WAITING {
		return ""
	}
	for _, p := range m.GetPhases() {
		if p.GetState() == droverv1.PhaseStatus_STATE_WAITING {
			return p.GetName()
		}
	}
	return ""
}

// nextSteps says which commands go on from where a migration rests; flags are what
// they need to find it.
func (a *app) nextSteps(m *droverv1.Migration, flags string) {
	name := strings.TrimPrefix(m.GetName(), "migrations/")
	switch m.GetState() {
	case droverv1.Migration_STATE_WAITING:
		a.note("begin the phase with: drover approve " + name + flags)
	case droverv1.Migration_STATE_STOPPED:
		a.note("when the cause is gone, go on with: drover resume " + name + flags)
		a.note("go on without a table with: drover skip " + name + " --table TABLE" + flags)
	case droverv1.Migration_STATE_INCOMPLETE:
		a.note("when the cause is gone, go on with: drover retry " + name + flags)
	case droverv1.Migration_STATE_FAILED:
		if mayRollBack(m) {
			a.note("try to remove what is left with: drover rollback " + name + flags)
		}
	}
}

// mayRollBack tells whether a migration that failed may have left something staged.
func mayRollBack(m *droverv1.Migration) bool {
	return m.GetState() == droverv1.Migration_STATE_FAILED && m.GetSpec().GetPublish() == "atomic" && m.GetStartTime() != nil
}
