package enginetest

import (
	"fmt"
	"math/rand/v2"
	"path"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// testRules: what a spec asks for of tables and columns, from any engine to any other.
func testRules(t *testing.T, source, target Factory) {
	types := castTypes(t, target)
	from, to := source.New(t, ruledTable()), target.New(t)
	run := func(name string, test func(*ruleTest)) {
		t.Run(name, func(t *testing.T) { test(newRuleTest(t, source, target, from, to, types)) })
	}
	for name, test := range map[string]func(*ruleTest){
		"Columns": (*ruleTest).columns, "Constants": (*ruleTest).constants, "Casts": (*ruleTest).casts, "CastKey": (*ruleTest).castKey,
		"Where": (*ruleTest).where, "WhereWithin": (*ruleTest).whereWithin, "SetNull": (*ruleTest).setNull, "Sentinel": (*ruleTest).sentinel,
		"Refused": (*ruleTest).refused, "CastImpossible": (*ruleTest).castImpossible, "NothingMatches": (*ruleTest).nothingMatches,
	} {
		run(name, test)
	}
	for seed := range uint64(4) {
		run(fmt.Sprintf("Random/%d", seed), func(r *ruleTest) { r.random(rand.New(rand.NewPCG(seed, 1))) })
	}
}

// ruledTable has a text of digits that each seventh row breaks.
func ruledTable() Table {
	t := Table{Name: "ruled", Key: []string{"id"}, Columns: []Column{{Name: "id", Kind: canon.Int}, {Name: "n", Kind: canon.Int, Nullable: true},
		{Name: "digits", Kind: canon.Text, Nullable: true, Length: keyLength}, {Name: "secret", Kind: canon.Text}}}
	for i := range int64(60) {
		row := [][]byte{canon.AppendInt(nil, i), canon.AppendInt(nil, i*7-100), fmt.Appendf(nil, "%d", i*3), []byte("s3cr3t")}
		if i%5 == 0 {
			row[1] = nil
		}
		switch {
		case i%7 == 3:
			row[2] = fmt.Appendf(nil, "%d apples", i)
		case i%11 == 0:
			row[2] = nil
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// refusedRows are the rows of ruledTable whose digits are none.
func refusedRows() (n int64) {
	for i := range 60 {
		if i%7 == 3 {
			n++
		}
	}
	return n
}

// castTypes gives an engine's names of types that a key can have, by kind.
func castTypes(t *testing.T, f Factory) map[planv1.Kind]string {
	db := open(t, f, f.New(t, Table{Name: "types", Key: []string{"t"}, Columns: []Column{{Name: "t", Kind: canon.Text, Length: keyLength}, {Name: "i", Kind: canon.Int}}}))
	d, err := db.Describe(t.Context(), engine.Selection{})
	require.NoError(t, err)
	out := map[planv1.Kind]string{}
	for _, c := range d.GetTables()[0].GetColumns() {
		out[c.GetKind()] = c.GetNativeType()
	}
	return out
}

// ruleTest copies the ruled table by rules.
type ruleTest struct {
	*flow
	types map[planv1.Kind]string
}

// newRuleTest is a migration of its own, into a table of its own.
func newRuleTest(t *testing.T, source, target Factory, from, to engine.Config, types map[planv1.Kind]string) *ruleTest {
	f := flowBetween(t, source, target, planv1.Existing_EXISTING_FAIL, from, to)
	f.migration.UID = "01" + path.Base(t.Name())
	into := "into " + path.Base(t.Name())
	f.name = func(string, string) (string, string, bool) { return "", into, true }
	return &ruleTest{f, types}
}

// follow writes rules into the description and designs again.
func (r *ruleTest) follow(where string, columns map[string]*droverv1.ColumnRule, casts ...*droverv1.Cast) *planv1.TablePlan {
	rules, err := engine.NewRules([]*droverv1.TableRule{{Match: "*", Where: where, Columns: columns}}, casts)
	require.NoError(r.t, err)
	var findings [][]*planv1.Finding
	r.database, findings = rules.Apply(r.described)
	for _, list := range findings {
		require.Empty(r.t, list)
	}
	r.redesign()
	return r.plan("ruled")
}

// copied copies the table in ranges, cut off in the middle of each, and gives its
// rows' fields as the target has them, and what the ledger counts.
func (r *ruleTest) copied(p *planv1.TablePlan) ([][][]byte, engine.Touched) {
	r.prepare()
	r.apply(p, planv1.Step_STEP_CREATE)
	if !p.GetKeyAfterLoad() {
		r.apply(p, planv1.Step_STEP_KEY)
	}
	var want batch.Digest
	var touched engine.Touched
	for _, part := range r.split(p, 20) {
		w := r.openRange(p, part, r.nextEpoch(), r.epoch, false)
		rows := r.read(p, engine.SourceSide, part, nil)
		for _, b := range batches(p, rows, 6)[:min(1, len(rows))] {
			r.write(w, b)
		}
		got := r.load(p, part, 4)
		want.Merge(got)
		touched.Add(touchedIn(rows))
		if p.GetValidateByRange() {
			require.Equal(r.t, got, digest(r.read(p, engine.TargetSide, part, nil)), part.GetLabel())
		}
	}
	if p.GetKeyAfterLoad() {
		r.apply(p, planv1.Step_STEP_KEY)
	}
	there := r.read(p, engine.TargetSide, nil, nil)
	require.Equal(r.t, want, digest(there))
	return r.fields(p, there), touched
}

func (r *ruleTest) fields(p *planv1.TablePlan, rows []row) (out [][][]byte) {
	for _, got := range rows {
		fields := make([][]byte, len(p.GetColumns()))
		_, rest, err := batch.Fields(p.GetEncoding(), got.data, fields)
		require.NoError(r.t, err)
		require.Empty(r.t, rest)
		out = append(out, fields)
	}
	return out
}

// number is a whole number in a row, whatever kind it travels as.
func (r *ruleTest) number(p *planv1.TablePlan, at int, fields [][]byte) int64 {
	r.t.Helper()
	n, err := strconv.ParseInt(canon.String(p.GetColumns()[at].GetKind(), fields[at]), 10, 64)
	require.NoError(r.t, err)
	return n
}

// count expects the numbers of rows that move and that stay.
func (r *ruleTest) count(p *planv1.TablePlan, rows, filtered int64) {
	r.t.Helper()
	got, err := r.source.Count(r.ctx, p)
	require.NoError(r.t, err)
	require.Equal(r.t, engine.Count{Rows: rows, Filtered: filtered}, got)
}

// catalog is the target's table as it is described.
func (r *ruleTest) catalog(p *planv1.TablePlan) (columns []string) {
	d, err := r.target.Describe(r.ctx, engine.Selection{})
	require.NoError(r.t, err)
	for _, t := range d.GetTables() {
		if t.GetName() != p.GetTargetName() {
			continue
		}
		for _, c := range t.GetColumns() {
			columns = append(columns, c.GetName())
		}
	}
	return columns
}

func (r *ruleTest) columns() {
	p := r.follow("", map[string]*droverv1.ColumnRule{"secret": {Drop: true}, "n": {Into: "Amount \"x\""}, "id": {Into: "key"}})
	rows, _ := r.copied(p)
	require.Len(r.t, rows, 60)
	require.Equal(r.t, []string{"key", "Amount \"x\"", "digits"}, r.catalog(p))
	r.count(p, 60, 0)
}

func (r *ruleTest) constants() {
	east, seven := "east'; \\ \"", "7"
	p := r.follow("", map[string]*droverv1.ColumnRule{"origin": {Const: &east}, "batch": {Const: &seven, Type: r.types[canon.Int], Into: "run"}, "secret": {Drop: true}})
	rows, touched := r.copied(p)
	require.Len(r.t, rows, 60)
	require.Empty(r.t, touched)
	require.Equal(r.t, []string{"id", "n", "digits", "run", "origin"}, r.catalog(p))
	for _, fields := range rows {
		require.Equal(r.t, "7", canon.String(p.GetColumns()[3].GetKind(), fields[3]))
		require.Equal(r.t, east, canon.String(p.GetColumns()[4].GetKind(), fields[4]))
	}
}

// where: rows for which the condition is unknown stay, as in SQL.
func (r *ruleTest) where() {
	p := r.follow("n > 0", nil)
	var moved int64
	for i := range int64(60) {
		if i%5 != 0 && i*7-100 > 0 {
			moved++
		}
	}
	r.count(p, moved, 60-moved)
	rows, _ := r.copied(p)
	require.EqualValues(r.t, moved, len(rows))
}

// whereWithin: the condition is one, whatever stands beside the range's bounds.
func (r *ruleTest) whereWithin() {
	p := r.follow("n IS NULL OR digits = '3' OR secret <> 's3cr3t' AND id < 30", map[string]*droverv1.ColumnRule{"secret": {Drop: true}})
	r.count(p, 13, 47)
	rows, _ := r.copied(p)
	require.Len(r.t, rows, 13)
	require.Equal(r.t, []string{"id", "n", "digits"}, r.catalog(p))
}

// nothingMatches: a range without rows is complete like any other.
func (r *ruleTest) nothingMatches() {
	p := r.follow("id > 100", nil)
	r.count(p, 0, 60)
	rows, _ := r.copied(p)
	require.Empty(r.t, rows)
}
