package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/fixture"
)

// tableStatus is what drover get tables tells of a table.
type tableStatus struct {
	Source, State, Reason string
	RangesSkipped         int `json:"ranges_skipped"`
}

func (c *cluster) table(name string) (found tableStatus) {
	c.t.Helper()
	r := c.drover.Run(c.t, "get", "tables", "-m", "e2e", "-o", "jsonl", "--server", c.address)
	require.Equal(c.t, 0, r.Code, r.Stderr)
	for line := range strings.Lines(r.Stdout) {
		var one tableStatus
		require.NoError(c.t, json.Unmarshal([]byte(line), &one))
		if strings.HasSuffix(one.Source, "."+name) {
			return one
		}
	}
	c.t.Fatalf("no table %s in %s", name, r.Stdout)
	return found
}

// must runs a command of drover against the cluster that has to work.
func (c *cluster) must(args ...string) string {
	c.t.Helper()
	r := c.drover.Run(c.t, append(args, "--server", c.address)...)
	require.Equal(c.t, 0, r.Code, "drover %s: %s", strings.Join(args, " "), r.Stderr)
	return r.Stdout
}

// blockedCluster moves letters to a target that is spoilt as long as a file is not
// there; it returns once the migration has ended without the table.
func blockedCluster(t *testing.T) (c *cluster, source, target string, heal func()) {
	t.Helper()
	source, target = testdb.MySQL(t), testdb.Postgres(t)
	fillLetters(t, source, fixture.MySQL)
	dir := t.TempDir()
	script, healed := filepath.Join(dir, "spoil.sql"), filepath.Join(dir, "healed")
	require.NoError(t, os.WriteFile(script, []byte("DELETE FROM letter WHERE id = 1500;\n"), 0o600))
	fault := "DROVER_FAULTPOINTS=validator.before-read=match:letter,exec:test -e " + healed + " || " + clientCommand(t, target, script)
	c = newCluster(t, append(secrets(t, source, target), fault)...)
	c.apply(source, target, "ranges: {targetRows: 1000, maxAttempts: 2}")
	c.until("incomplete", func(s status) bool { return s.State == "STATE_INCOMPLETE" })
	letter := c.table("letter")
	require.Equal(t, "STATE_BLOCKED", letter.State)
	require.NotEmpty(t, letter.Reason)
	require.Equal(t, "STATE_COMPLETE", c.table("other").State, "one table's failure stops no other")
	return c, source, target, func() { require.NoError(t, os.WriteFile(healed, nil, 0o600)) }
}

func TestRetry_ATableWhoseCauseIsGone(t *testing.T) {
	c, source, target, heal := blockedCluster(t)
	heal()
	c.must("retry", "e2e", "--table", "public.letter")
	c.until("complete", func(s status) bool { return s.State == "STATE_COMPLETE" })
	equal(t, source, target)
	assert.Equal(t, "STATE_COMPLETE", c.table("letter").State)
}

func TestSkip_ATableIsGivenUpAndSaysSo(t *testing.T) {
	c, _, _, _ := blockedCluster(t)
	c.must("skip", "e2e", "--table", "public.letter")
	assert.Equal(t, "STATE_SKIPPED", c.table("letter").State)
	assert.Equal(t, "STATE_COMPLETE", c.table("other").State)
}

func TestSkip_ARangeLeavesTheTablePartial(t *testing.T) {
	c, _, target, _ := blockedCluster(t)
	var blocked string
	for line := range strings.Lines(c.must("get", "ranges", "-m", "e2e", "-t", "public.letter", "--state", "blocked", "-o", "jsonl")) {
		var one struct{ Name string }
		require.NoError(t, json.Unmarshal([]byte(line), &one))
		blocked = one.Name[strings.LastIndex(one.Name, "/")+1:]
	}
	require.NotEmpty(t, blocked, "a blocked range is listed")
	c.must("skip", "e2e", "--table", "public.letter", "--range", blocked)
	c.until("ended", func(s status) bool { return s.State != "STATE_RUNNING" && c.table("letter").State == "STATE_PARTIAL" })
	assert.Equal(t, 1, c.table("letter").RangesSkipped)
	rows := fixture.Exec(t, target, "SELECT count(*) BETWEEN 1999 AND 2999 FROM letter")
	assert.Equal(t, "t", rows, "the other ranges are there")
}
