package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/fixture"
)

// phases of fillPhases, which are not in the order of names.
const phases = `strategy: phased
ranges: {targetRows: 1000, maxAttempts: 2}
phases:
  - {name: first, tables: ["*.zebra"]}
  - {name: second, tables: ["*.letter", "*.other"], rangesPerStep: 1}
  - {name: third, tables: ["*.aardvark"]}
`

// fillPhases makes the tables of three phases.
func fillPhases(t *testing.T, source string, d fixture.Dialect) {
	t.Helper()
	fillLetters(t, source, d)
	fixture.Exec(t, source, `CREATE TABLE zebra (id integer PRIMARY KEY, word varchar(80)); INSERT INTO zebra SELECT id, word FROM letter;
		CREATE TABLE aardvark (id integer PRIMARY KEY, word varchar(80)); INSERT INTO aardvark SELECT id, word FROM letter`)
}

// A corruption that never ends stops the migration behind its phase; what is proven
// stays, what comes later has not begun, and the same run goes on when it is gone.
func TestPhased_StopsAtCorruptionAndGoesOn(t *testing.T) {
	for _, p := range []struct{ from, to side }{{mysql, postgres15}, {postgres15, mysql}} {
		t.Run(p.from.name+"To"+p.to.name, func(t *testing.T) {
			source, target := p.from.make(t), p.to.make(t)
			fillPhases(t, source, p.from.dialect)
			d := drover(t)
			file := spec(t, &d, source, target, phases)
			broken := d
			broken.Env = append(broken.Env[:len(broken.Env):len(broken.Env)], spoil(t, target, `DELETE FROM letter WHERE id = 1500`, true))
			r := runSpec(t, broken, file)
			require.Equal(t, 3, r.Code, r.Stderr)
			assert.Equal(t, "STOPPED", r.Summary.State, r.Stderr)
			for table, state := range map[string]string{"zebra": "COMPLETE", "other": "COMPLETE", "letter": "BLOCKED", "aardvark": "WAITING"} {
				assert.Equal(t, state, r.Summary.Table(t, table).State, table)
			}
			assert.Equal(t, "3000", fixture.Exec(t, target, "SELECT count(*) FROM zebra"))
			if out, err := fixture.Try(t.Context(), target, "SELECT count(*) FROM aardvark"); err == nil && out != "0" {
				t.Errorf("the third phase has begun: %s rows", out)
			}
			proof := r.Summary.Table(t, "zebra").TargetDigest

			r = runSpec(t, d, file)
			proven(t, r)
			equal(t, source, target)
			zebra := r.Summary.Table(t, "zebra")
			assert.Equal(t, proof, zebra.TargetDigest, "what was proven is proven")
			assert.Equal(t, zebra.Ranges, zebra.Attempts, "no range of the first phase was moved again")
		})
	}
}

// A phase with approve: manual waits for drover approve.
func TestPhased_WaitsForApproval(t *testing.T) {
	source, target := testdb.MySQL(t), testdb.Postgres(t)
	fillPhases(t, source, fixture.MySQL)
	c := newCluster(t, secrets(t, source, target)...)
	c.apply(source, target, `strategy: phased
phases:
  - {name: first, tables: ["*.zebra"]}
  - {name: second, tables: ["*"], approve: manual}
`)
	c.until("waiting", func(s status) bool { return s.State == "STATE_WAITING" })
	assert.Equal(t, "3000", fixture.Exec(t, target, "SELECT count(*) FROM zebra"))
	time.Sleep(2 * time.Second)
	s, ok := c.status()
	require.True(t, ok)
	assert.Equal(t, "STATE_WAITING", s.State)
	assert.Equal(t, int64(3000), s.Counters.RowsVerified)
	r := c.drover.Run(t, "approve", "e2e", "--server", c.address)
	require.Equal(t, 0, r.Code, r.Stderr)
	c.complete()
	equal(t, source, target)
}
