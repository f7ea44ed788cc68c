package main

import (
	"cmp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/drover-db/drover/embedded"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/engine/all"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/secret"
	"github.com/drover-db/drover/internal/spec"
)

// job is what a command that works in this process is asked to do.
type job struct {
	file                  string
	tables, exclude       []string
	where, casts          []string
	existing, name        string
	publish, onFailure    string
	rangeRows             int64
	rangeBytes, streamMax string
	maxAttempts           int32
	jobs                  int
	state, summary        string
	yes, fresh            bool
	// created: this command has made the migration, which may go on with one that the
	// target has.
	created        bool
	noSample, deep bool
	// want is the state that a verb asked for; its end is then a success.
	want droverv1.Migration_State
	// resume is the command that goes on after an interruption, where it is not the
	// same again.
	resume    string
	spec      *droverv1.MigrationSpec
	passwords map[string]string
}

// specFlags describe the migration where two URLs do instead of a file.
func (m *job) specFlags(f *pflag.FlagSet) {
	f.StringSliceVar(&m.tables, "tables", nil, "move only tables matching this `glob` over schema.table (repeatable)")
	f.StringSliceVar(&m.exclude, "exclude", nil, "leave out tables matching this `glob` (repeatable)")
	f.StringArrayVar(&m.where, "where", nil, "move only rows for which a `condition` is true, as in 'shop.orders=id > 100'; chooses its table too (repeatable)")
	f.StringArrayVar(&m.casts, "cast", nil, "give columns of a type `another`, as in 'tinyint(1)=boolean' (repeatable)")
	f.StringVar(&m.publish, "publish", "", "`how` tables appear: direct (as they fill), atomic (all in one step when all are proven)")
	f.StringVar(&m.onFailure, "on-failure", "", "with --publish atomic, `what` becomes of staged tables when one is blocked: discard, keep")
	f.StringVar(&m.existing, "existing", "", "`mode` for target tables that exist: fail (unless empty), append, truncate")
	f.StringVar(&m.name, "name", "", "`name` of the migration (default: made of the URLs)")
	f.Int64Var(&m.rangeRows, "range-rows", 0, "rows a range should have (default 250000)")
	f.StringVar(&m.rangeBytes, "range-bytes", "", "`size` a range should have (default 64MiB)")
	f.StringVar(&m.streamMax, "stream-max-bytes", "", "`size` of rows under way at most (default 1GiB)")
	f.Int32Var(&m.maxAttempts, "max-attempts", 0, "tries of a range before it is blocked (default 5)")
}

// runFlags say how this process works.
func (m *job) runFlags(f *pflag.FlagSet) {
	m.jobsFlag(f)
	m.deepFlag(f)
	f.StringVar(&m.state, "state", "", "`folder` that keeps the state between runs (default "+stateRoot+"/NAME)")
	f.StringVar(&m.summary, "summary", "", "write the summary as JSON to this `file`")
	f.BoolVar(&m.yes, "yes", false, "do not ask before rows of the target are removed")
	f.BoolVar(&m.fresh, "fresh", false, "forget what state folder and target know of the migration, and start over; the databases stay as they are")
}

func (m *job) jobsFlag(f *pflag.FlagSet) {
	f.IntVar(&m.jobs, "jobs", 0, "jobs each role does at once (default: one for each CPU, 2 to 16)")
}

// deepFlag asks for a scan of all rows before anything is created.
func (m *job) deepFlag(f *pflag.FlagSet) {
	f.BoolVar(&m.deep, "deep", false, "first read all rows and look for values that cannot move exactly")
}

func (m *job) fileFlag(f *pflag.FlagSet) {
	f.StringVarP(&m.file, "file", "f", "", "spec `file`, YAML or JSON (- for standard input)")
}

// resolve makes the spec from the file or from two URLs, and takes the passwords
// out of it.
func (a *app) resolve(m *job, args []string) error {
	const op = "drover.resolve"
	schemes := all.Engines().Schemes()
	var err error
	switch {
	case m.file != "" && len(args) > 0:
		return fault.New(fault.Invalid, op, "give a spec with -f or two URLs, not both")
	case m.file != "":
		m.spec, err = a.loadSpec(m.file)
	case len(args) == 2:
		m.spec, err = spec.FromURLs(m.urls(args, schemes))
	default:
		return fault.New(fault.Invalid, op, "name the source and the target, as in drover copy sqlite:///data/shop.db postgres://shop@db.example.com/shop")
	}
	if err != nil {
		return err
	}
	if err := m.checkJobs(); err != nil {
		return err
	}
	m.passwords = map[string]string{}
	m.spec = spec.WithDefaults(m.spec)
	return spec.Detach(m.spec, schemes, spec.Secrets{
		Keep: func(name string, v secret.Value) string {
			m.passwords[name] = v.Reveal()
			return "${inline:" + name + "}"
		},
		Env: a.passwordVariable,
	})
}

// checkJobs refuses a number of jobs that no process should do, and sets the default.
func (m *job) checkJobs() error {
	if m.jobs < 0 || m.jobs > 256 {
		return fault.New(fault.Invalid, "drover.checkJobs", "--jobs %d is not between 1 and 256", m.jobs)
	}
	m.jobs = cmp.Or(m.jobs, embedded.DefaultJobs())
	return nil
}

// passwordVariable names the variable that holds a side's password, if it is set.
func (a *app) passwordVariable(side string) string {
	name := "DROVER_" + strings.ToUpper(side) + "_PASSWORD"
	if _, ok := a.lookupEnv(name); ok {
		return name
	}
	return ""
}

// urls is the migration that arguments and flags describe.
func (m *job) urls(args, schemes []string) spec.URLs {
	return spec.URLs{
		Source: args[0], Target: args[1], Name: m.name, Schemes: schemes,
		Include: m.tables, Exclude: m.exclude, Where: m.where, Casts: m.casts, Existing: m.existing, Publish: m.publish, OnFailure: m.onFailure,
		Ranges: &droverv1.RangeSpec{TargetRows: m.rangeRows, TargetBytes: m.rangeBytes, MaxAttempts: m.maxAttempts},
		Stream: &droverv1.StreamSpec{MaxBytes: m.streamMax},
	}
}

// loadSpec reads a spec file.
func (a *app) loadSpec(name string) (*droverv1.MigrationSpec, error) {
	raw, err := a.readFile(name)
	if err != nil {
		return nil, err
	}
	if name == "-" {
		name = "<stdin>"
	}
	return spec.Load(name, raw)
}

// urlsOrFile accepts two URLs, or none beside -f.
func urlsOrFile(cmd *cobra.Command, args []string) error {
	if len(args) != 0 && len(args) != 2 {
		return fault.New(fault.Invalid, "drover.urlsOrFile", "%s takes a source URL and a target URL, not %d arguments", cmd.CommandPath(), len(args))
	}
	return nil
}

// exactly accepts n arguments, which usage names.
func exactly(n int, usage string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return fault.New(fault.Invalid, "drover.exactly", "%s takes %s, not %d arguments", cmd.CommandPath(), usage, len(args))
		}
		return nil
	}
}

// noArgs accepts none.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fault.New(fault.Invalid, "drover.noArgs", "%s takes no arguments, not %q", cmd.CommandPath(), args[0])
	}
	return nil
}
