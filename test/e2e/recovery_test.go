package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/cli"
	"github.com/drover-db/drover/test/fixture"
)

// lost runs a spec until it is killed where a rule says, and removes its state: control
// log, message store and all.
func lost(t *testing.T, d cli.Drover, file, rule string, args ...string) {
	t.Helper()
	d.Env = append(d.Env[:len(d.Env):len(d.Env)], "DROVER_FAULTPOINTS="+rule)
	r := runSpec(t, d, file, args...)
	require.Equal(t, -1, r.Code, "it was not killed: %s", r.Stderr)
	require.NoError(t, os.RemoveAll(filepath.Join(d.Dir, ".drover")))
}

var goesOn = regexp.MustCompile(`the target has this migration unfinished: going on with it; ([0-9,]+) ranges with`)

// recovered runs the spec again, and checks that it reads nothing of what was loaded.
func recovered(t *testing.T, d cli.Drover, file string, args ...string) cli.Result {
	t.Helper()
	read := filepath.Join(t.TempDir(), "read")
	d.Env = append(d.Env[:len(d.Env):len(d.Env)], `DROVER_FAULTPOINTS=extractor.before-read=exec:echo "$DROVER_FAULTPOINT_SUBJECT" >>`+read)
	r := runSpec(t, d, file, args...)
	proven(t, r)
	found := goesOn.FindStringSubmatch(r.Stderr)
	require.NotNil(t, found, r.Stderr)
	loaded, err := strconv.Atoi(found[1])
	require.NoError(t, err)
	require.Positive(t, loaded)
	raw, err := os.ReadFile(read)
	require.NoError(t, err)
	require.Equal(t, r.Summary.Total.Ranges-loaded, strings.Count(string(raw), "\n"), "ranges that were loaded are read again:\n%s", raw)
	return r
}

// The state folder of a run that was killed is gone: the same command goes on from what
// the target knows, and copies nothing again that is loaded.
func TestRecovery_StateIsLost(t *testing.T) {
	for _, p := range publishTargets {
		for name, rest := range map[string]string{"Direct": "ranges: {targetRows: 500}", "Atomic": atomic} {
			t.Run(p.to.name+name, func(t *testing.T) {
				source, target := p.from.make(t), p.to.make(t)
				parts(t, source)
				d := drover(t)
				file := spec(t, &d, source, target, rest)
				lost(t, d, file, "loader.after-write=hit:9,kill", "--jobs", "2")
				recovered(t, d, file)
				equal(t, source, target)
			})
		}
	}
}

// What has no key was read in a snapshot that is lost too: it begins again, and the other
// tables do not.
func TestRecovery_TableWithoutKey(t *testing.T) {
	source, target := testdb.Postgres(t), testdb.Postgres(t)
	parts(t, source)
	fixture.Exec(t, source, `CREATE TABLE note (body text); INSERT INTO note SELECT 'note ' || n FROM generate_series(1, 1500) n; ANALYZE`)
	d := drover(t)
	file := spec(t, &d, source, target, "ranges: {targetRows: 500}")
	lost(t, d, file, "loader.after-complete=match:note,hit:2,kill", "--jobs", "1")
	r := runSpec(t, d, file)
	proven(t, r)
	require.Regexp(t, goesOn, r.Stderr)
	require.Equal(t, int64(1500), r.Summary.Table(t, "note").Rows)
	equal(t, source, target)
}

// A phase that was approved stays approved, and what is proven of an earlier one is not
// read again.
func TestRecovery_Phased(t *testing.T) {
	source, target := testdb.MySQL(t), testdb.Postgres(t)
	parts(t, source)
	d := drover(t)
	file := spec(t, &d, source, target, `strategy: phased
ranges: {targetRows: 500}
phases:
  - {name: first, tables: ["*.part"]}
  - {name: second, tables: ["*.line", "*.zone"], approve: manual}
`)
	r := runSpec(t, d, file)
	require.Equal(t, 11, r.Code, r.Stderr)
	states, err := filepath.Glob(filepath.Join(d.Dir, ".drover", "*"))
	require.NoError(t, err)
	require.Len(t, states, 1)
	broken := d
	broken.Env = append(d.Env[:len(d.Env):len(d.Env)], "DROVER_FAULTPOINTS=loader.after-write=match:line,hit:3,kill")
	killed := broken.Run(t, "approve", filepath.Base(states[0]), "--state", states[0])
	require.Equal(t, -1, killed.Code, "it was not killed: %s", killed.Stderr)
	require.NoError(t, os.RemoveAll(filepath.Join(d.Dir, ".drover")))
	r = recovered(t, d, file)
	require.Equal(t, "COMPLETE", r.Summary.State)
	equal(t, source, target)
}

// It is killed, and its state lost, again and again.
func TestRecovery_LostAgain(t *testing.T) {
	source, target := testdb.Postgres(t), testdb.MySQL(t)
	parts(t, source)
	d := drover(t)
	file := spec(t, &d, source, target, "ranges: {targetRows: 300}")
	lost(t, d, file, "loader.after-keep-plan=kill")
	for _, rule := range []string{
		"loader.after-write=hit:4,kill", "journal.before-append=match:migration_found,kill", "journal.after-append=match:migration_found,kill",
		"journal.after-append=match:table_planned,hit:2,kill", "journal.before-append=match:ranges_found,kill", "journal.after-append=match:ranges_found,kill",
		"journal.before-append=match:migration_recovered,kill", "journal.before-append=match:plan_kept,kill", "loader.after-write=hit:6,kill",
	} {
		lost(t, d, file, rule)
	}
	recovered(t, d, file)
	equal(t, source, target)
}

// Where only the process died, and not its log, in the middle of the recovery, the next
// one goes on with that.
func TestRecovery_IsItselfKilled(t *testing.T) {
	source, target := testdb.Postgres(t), testdb.Postgres(t)
	parts(t, source)
	d := drover(t)
	file := spec(t, &d, source, target, "ranges: {targetRows: 300}")
	lost(t, d, file, "loader.after-write=hit:9,kill")
	for _, event := range []string{"migration_found", "target_designed", "table_planned", "ranges_found", "migration_recovered", "plan_kept"} {
		broken := d
		broken.Env = append(d.Env[:len(d.Env):len(d.Env)], "DROVER_FAULTPOINTS=journal.after-append=match:"+event+",kill")
		r := runSpec(t, broken, file)
		require.Equal(t, -1, r.Code, "it was not killed at %s: %s", event, r.Stderr)
	}
	proven(t, runSpec(t, d, file))
	equal(t, source, target)
}

// Another spec does not go on with what this one has made, and --fresh begins anew: then
// what there is protects itself.
func TestRecovery_Refused(t *testing.T) {
	source, target := testdb.Postgres(t), testdb.Postgres(t)
	parts(t, source)
	d := drover(t)
	same := d
	lost(t, same, spec(t, &same, source, target, "ranges: {targetRows: 500}"), "loader.after-write=hit:9,kill")
	other := spec(t, &d, source, target, "ranges: {targetRows: 500}\ntables: [{match: '*.zone', skip: true}]")
	r := runSpec(t, d, other)
	require.Equal(t, 8, r.Code, r.Stderr)
	require.Contains(t, r.Stderr, "by a spec that differs in tables: apply that spec again to go on with it, or begin anew with --fresh")
	file := spec(t, &d, source, target, "ranges: {targetRows: 500}")
	r = runSpec(t, d, file, "--fresh")
	require.Equal(t, 8, r.Code, r.Stderr)
	require.Contains(t, r.Stderr, "has rows")
	require.NoError(t, os.RemoveAll(filepath.Join(d.Dir, ".drover")))
	recovered(t, d, file)
	equal(t, source, target)
}

// A second run of the same command, from another folder, leaves one alone that is at work.
func TestRecovery_AtWork(t *testing.T) {
	source, target := testdb.Postgres(t), testdb.Postgres(t)
	parts(t, source)
	const rest = "ranges: {targetRows: 50}"
	d, other := drover(t), drover(t)
	file := spec(t, &d, source, target, rest)
	d.Env = append(d.Env, "DROVER_FAULTPOINTS=loader.after-write=sleep:200ms")
	first := d.Command(t.Context(), "run", "-f", file, "--jobs", "2", "--progress", "none")
	require.NoError(t, first.Start())
	require.Eventually(t, func() bool {
		out, err := fixture.Try(t.Context(), target, "SELECT count(*) > 100 FROM line")
		return err == nil && out == "t"
	}, time.Minute, 50*time.Millisecond, "no rows arrive")
	r := runSpec(t, other, spec(t, &other, source, target, rest))
	require.Equal(t, 8, r.Code, r.Stderr)
	require.Contains(t, r.Stderr, "another drover works for a migration of this name in the target")
	require.NoError(t, first.Wait(), "it was not left alone")
	equal(t, source, target)
}

// The message store is wiped and the coordinator with it; the workers live on, with what
// they had in hand.
func TestRecovery_MessageStoreIsWiped(t *testing.T) {
	for _, p := range []struct{ from, to side }{{postgres15, postgres18}, {mysql, mariadb}} {
		t.Run(p.to.name, func(t *testing.T) {
			source, target := p.from.make(t), p.to.make(t)
			parts(t, source)
			c := newCluster(t, append(secrets(t, source, target), "DROVER_FAULTPOINTS=loader.after-write=sleep:100ms")...)
			const rest = "ranges: {targetRows: 50}"
			c.apply(source, target, rest)
			c.until("in the middle", func(s status) bool { return s.Counters.RowsLoaded > 2000 })
			c.down("coordinator")
			c.down("nats")
			require.NoError(t, os.RemoveAll(filepath.Join(c.drover.Dir, "nats")))
			c.up("nats")
			c.up("coordinator")
			c.await("every worker", func() bool {
				r := c.drover.Run(t, "get", "workers", "-o", "name", "--server", c.address, "--timeout", "2s")
				return strings.Count(r.Stdout, "\n") == 5
			})
			c.apply(source, target, rest)
			c.complete()
			var m struct {
				Recovery struct {
					Rows int64 `json:",string"`
				}
			}
			require.NoError(t, json.Unmarshal([]byte(c.must("describe", "migration", "e2e", "-o", "json")), &m))
			require.Greater(t, m.Recovery.Rows, int64(1000))
			equal(t, source, target)
		})
	}
}
