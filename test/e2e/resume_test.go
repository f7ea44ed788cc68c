package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/cli"
	"github.com/drover-db/drover/test/fixture"
)

// slowLoad lets a test step in while a copy is under way.
const slowLoad = "DROVER_FAULTPOINTS=loader.after-write=sleep:100ms"

// begun starts a copy that is slow and waits until rows of it are in the target.
func begun(t *testing.T, d cli.Drover, source, target string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	d.Env = append(d.Env, slowLoad)
	cmd := d.Command(t.Context(), "copy", source, target, "--range-rows", "2000", "--jobs", "2", "--progress", "none")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool {
		out, err := fixture.Try(t.Context(), target, `SELECT count(*) > 2000 FROM orders`)
		return err == nil && out == "t"
	}, time.Minute, 50*time.Millisecond, "no rows arrive")
	return cmd, &stderr
}

// resumed runs the copy again, on the same state folder, to its end.
func resumed(t *testing.T, d cli.Drover, source, target string) {
	t.Helper()
	r := d.Copy(t, source, target, "--range-rows", "2000", "--jobs", "2")
	proven(t, r)
	equal(t, source, target)
}

func TestResume_AfterInterrupt(t *testing.T) {
	source, target := testdb.Postgres(t), testdb.Postgres(t)
	fixture.Mixed(t, source, 60_000)
	d := drover(t)
	cmd, stderr := begun(t, d, source, target)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.Error(t, cmd.Wait())
	require.Equal(t, 130, cmd.ProcessState.ExitCode(), stderr.String())
	require.Contains(t, stderr.String(), "resume with: drover copy")
	require.NotContains(t, stderr.String(), passwordOf(t, source), "the password is shown")
	resumed(t, d, source, target)
}

func TestResume_AfterKill(t *testing.T) {
	source, target := testdb.Postgres(t), testdb.Postgres(t)
	fixture.Mixed(t, source, 60_000)
	d := drover(t)
	cmd, _ := begun(t, d, source, target)
	require.NoError(t, cmd.Process.Signal(syscall.SIGKILL))
	require.Error(t, cmd.Wait())
	resumed(t, d, source, target)
}
