package e2e

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/test/fixture"
)

// backup copies a target as it is and gives what brings it back.
func backup(t *testing.T, target string) (restore func()) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "backup")
	if strings.HasPrefix(target, "sqlite:") {
		u, err := url.Parse(target)
		require.NoError(t, err)
		fixture.Exec(t, target, "VACUUM INTO '"+file+"'") // what is in the log beside the file, too
		return func() {
			for _, beside := range []string{"", "-wal", "-shm"} {
				if err := os.Remove(u.Path + beside); !os.IsNotExist(err) {
					require.NoError(t, err)
				}
			}
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(u.Path, raw, 0o600))
		}
	}
	out, err := exec.Command("pg_dump", "--no-owner", "-f", file, target).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return func() {
		fixture.Exec(t, target, "DROP SCHEMA drover CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public")
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		fixture.Exec(t, target, strings.ReplaceAll(string(raw), "CREATE SCHEMA public;", ""))
	}
}

// A target comes back as it was some time ago, restored from a backup or failed over to a
// replica that was behind: what was loaded, proven and built since is done again, and
// nothing that it still has is read again.
func TestTarget_ComesBackOlder(t *testing.T) {
	for _, to := range []side{postgres15, sqlite} {
		for name, rules := range map[string][2]string{
			"Ranges": {"loader.after-write=hit:9,kill", "loader.after-write=hit:12,kill"},
			// The first step of a table whose ranges are all proven.
			"Steps":  {"loader.after-write=hit:23,kill", "loader.after-step=match:foreign keys,kill"},
			"Tables": {"loader.after-prepare=hit:1,kill", "loader.after-write=hit:12,kill"},
		} {
			t.Run(to.name+name, func(t *testing.T) {
				source, target := mysql.make(t), to.make(t)
				parts(t, source)
				d := drover(t)
				file := spec(t, &d, source, target, "ranges: {targetRows: 250}")
				env := d.Env
				killed := func(rule string) {
					d.Env = append(env[:len(env):len(env)], "DROVER_FAULTPOINTS="+rule)
					r := runSpec(t, d, file, "--jobs", "2")
					require.Equal(t, -1, r.Code, "it was not killed: %s", r.Stderr)
				}
				killed(rules[0])
				restore := backup(t, target)
				ledger := "drover.range"
				if to.name == sqlite.name {
					ledger = "_drover_range"
				}
				loaded, err := strconv.Atoi(fixture.Exec(t, target, "SELECT count(*) FROM "+ledger+" WHERE state = 'LOADED'"))
				require.NoError(t, err)
				killed(rules[1])
				restore()

				read := filepath.Join(t.TempDir(), "read")
				d.Env = append(env[:len(env):len(env)], `DROVER_FAULTPOINTS=extractor.before-read=exec:echo "$DROVER_FAULTPOINT_SUBJECT" >>`+read)
				r := runSpec(t, d, file, "--jobs", "2")
				proven(t, r)
				equal(t, source, target)
				raw, err := os.ReadFile(read)
				require.NoError(t, err)
				// Of two loads the killed process may not have told.
				again := strings.Count(string(raw), "\n") - (r.Summary.Total.Ranges - loaded)
				require.True(t, again >= 0 && again <= 2, "%d ranges that the target has are read again:\n%s", again, raw)
				fixture.Probe{Name: "ForeignKey", SQL: "INSERT INTO line VALUES (9001, -1, 1)", Fails: true, Want: "foreign key"}.Check(t, target)
			})
		}
	}
}
