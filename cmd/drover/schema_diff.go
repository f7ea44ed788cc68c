package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/engine/all"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/schemadiff"
	"github.com/drover-db/drover/internal/secret"
	"github.com/drover-db/drover/internal/spec"
)

func newSchemaDiff(a *app) *cobra.Command {
	m := &job{}
	s := engine.Selection{}
	cmd := &cobra.Command{
		Use:   "diff (A_URL B_URL | MIGRATION)",
		Short: "Compare the schemas of two databases",
		Long: `Compare tables, columns, types, nullability, defaults, keys, indexes, foreign keys and
checks of two databases: what a migration from A would make in B against what is there.
Names of indexes and constraints do not count. Expressions of another engine are first
written as those of B, and compared by what they say, however B prints them. Neither
database is changed.

With the name of a migration its target is compared with its plan, as drover verify
--mode schema does. Passwords are in the URLs, or in DROVER_SOURCE_PASSWORD and
DROVER_TARGET_PASSWORD. The exit code is 3 when something differs.`,
		Example: `  drover schema diff mysql://shop@db1.example.com/shop postgres://shop@db2.example.com/shop
  drover schema diff shop --state .drover/shop -o json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 && len(args) != 2 {
				return fault.New(fault.Invalid, "drover.schemaDiff", "%s takes two URLs or the name of a migration, not %d arguments", cmd.CommandPath(), len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return a.onMigration(m, func(ctx context.Context, c *clients, name string) error { return a.planDiff(ctx, c, name, m) })(cmd, args)
			}
			found, err := a.schemaDiff(cmd.Context(), args[0], args[1], s)
			if err != nil {
				return stopped(cmd.Context(), err)
			}
			if err := a.printDifferences(found); err != nil {
				return err
			}
			if len(found) > 0 {
				return &codeError{code: exitDifferences}
			}
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&s.Include, "tables", nil, "of two databases, only tables matching this `glob` over schema.table (repeatable)")
	cmd.Flags().StringSliceVar(&s.Exclude, "exclude", nil, "of two databases, leave out tables matching this `glob` (repeatable)")
	m.hereFlags(cmd.Flags())
	return cmd
}

// planDiff compares a migration's target with its plan.
func (a *app) planDiff(ctx context.Context, c *clients, name string, m *job) error {
	r, err := c.verifications.StartVerification(ctx, &droverv1.StartVerificationRequest{Parent: name, Mode: planv1.VerifyMode_VERIFY_MODE_SCHEMA})
	if err != nil {
		return err
	}
	v, err := a.await(ctx, c, r.GetVerification(), "drover schema diff "+shortName(name)+m.whereFlag())
	if err != nil {
		return err
	}
	if v.GetCounters().GetRangesFailed() > 0 {
		return verificationCode(v)
	}
	return a.diff(ctx, c, v.GetName())
}

// schemaDiff compares what a design of one database would make with what another has.
func (a *app) schemaDiff(ctx context.Context, from, to string, s engine.Selection) ([]*droverv1.VerificationDifference, error) {
	source, err := a.openSide(ctx, from, engine.SourceSide)
	if err != nil {
		return nil, err
	}
	defer func() { _ = source.Close() }()
	target, err := a.openSide(ctx, to, engine.TargetSide)
	if err != nil {
		return nil, err
	}
	defer func() { _ = target.Close() }()
	wanted, err := source.Describe(ctx, s)
	if err != nil {
		return nil, fault.At(err, fault.Source, "")
	}
	there, err := target.Describe(ctx, engine.Selection{})
	if err != nil {
		return nil, fault.At(err, fault.Target, "")
	}
	design, err := freshDesign(ctx, target, wanted)
	if err != nil {
		return nil, fault.At(err, fault.Target, "")
	}
	return compareSchemas(design, there, s), nil
}

// freshDesign designs tables as they would be made if none of them were there: under
// names that nothing has. Their own names are those to be published under.
func freshDesign(ctx context.Context, target engine.Target, source *planv1.Database) (*planv1.Design, error) {
	r := engine.DesignRequest{Source: source, Existing: planv1.Existing_EXISTING_APPEND,
		Name: func(string, string) (string, string, bool) { return "", "", false }}
	named, err := target.Design(ctx, r)
	if err != nil {
		return nil, err
	}
	key := func(t *planv1.Table) string { return t.GetSchema() + "\x00" + t.GetName() }
	plans := map[string]*planv1.TablePlan{}
	for _, p := range named.GetTables() {
		plans[key(p.GetSource())] = p
	}
	r.Name = func(schema, table string) (string, string, bool) {
		p := plans[schema+"\x00"+table]
		sum := sha256.Sum256([]byte(schema + "\x00" + table))
		return p.GetTargetSchema(), "drover_" + hex.EncodeToString(sum[:8]), p != nil
	}
	design, err := target.Design(ctx, r)
	for _, p := range design.GetTables() {
		is := plans[key(p.GetSource())]
		p.PublishSchema, p.PublishName = is.GetTargetSchema(), is.GetTargetName()
	}
	return design, err
}

// compareSchemas pairs the tables of a design with those that are there.
func compareSchemas(design *planv1.Design, there *planv1.Database, s engine.Selection) (out []*droverv1.VerificationDifference) {
	known := map[*planv1.Table]bool{}
	schemas := map[string]bool{}
	for _, p := range design.GetTables() {
		schemas[p.GetPublishSchema()] = true
		t := tableNamed(there, p.GetPublishSchema(), p.GetPublishName())
		known[t] = true
		for _, d := range schemadiff.Compare(p, t) {
			out = append(out, schemaDifference(p.GetPublishSchema(), p.GetPublishName(), d))
		}
	}
	for _, t := range there.GetTables() {
		// Other schemas of the target are none of the source's business.
		if !known[t] && schemas[t.GetSchema()] && s.Matches(t.GetSchema(), t.GetName()) {
			out = append(out, schemaDifference(t.GetSchema(), t.GetName(), &planv1.SchemaDifference{Type: planv1.Difference_TYPE_EXTRA, Object: "table"}))
		}
	}
	return out
}

// tableNamed finds a table by its name: exactly, or but for case where the engine folds
// names; nil for none.
func tableNamed(db *planv1.Database, schema, name string) *planv1.Table {
	for _, same := range []func(a, b string) bool{func(a, b string) bool { return a == b }, strings.EqualFold} {
		if i := slices.IndexFunc(db.GetTables(), func(t *planv1.Table) bool { return t.GetSchema() == schema && same(t.GetName(), name) }); i >= 0 {
			return db.GetTables()[i]
		}
	}
	return nil
}

func schemaDifference(schema, table string, d *planv1.SchemaDifference) *droverv1.VerificationDifference {
	return &droverv1.VerificationDifference{Table: strings.TrimPrefix(schema+"."+table, "."), Type: d.GetType(),
		Object: d.GetObject(), Expected: d.GetExpected(), Actual: d.GetActual()}
}

// openSide opens a database by the URL of an argument.
func (a *app) openSide(ctx context.Context, raw string, side engine.Side) (engine.Database, error) {
	name := map[engine.Side]string{engine.SourceSide: fault.Source, engine.TargetSide: fault.Target}[side]
	url, password, err := spec.Split(raw, all.Engines().Schemes())
	if err != nil {
		return nil, err
	}
	if variable := a.passwordVariable(name); variable != "" && password.IsZero() {
		given, _ := a.lookupEnv(variable)
		password = secret.New(given)
	}
	e, err := all.Engines().ForURL(url)
	if err != nil {
		return nil, err
	}
	db, err := e.Open(ctx, engine.Config{URL: url, Password: password, MaxConns: 4, Application: "drover/schema"})
	if err != nil {
		return nil, &fault.Error{Kind: fault.KindOf(err), Op: "drover.schemaDiff", Side: name, Err: errText(password.Scrub(err.Error()))}
	}
	return db, nil
}

// errText is an error that is its text.
type errText string

func (e errText) Error() string { return string(e) }
