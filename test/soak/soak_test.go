package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A short soak on the servers of the tests, whose other users it leaves alone: it
// crashes no server. `make soak` is the long one.
func TestSoak_Short(t *testing.T) {
	dir := t.TempDir()
	o := options{minutes: 0.5, seed: 1, from: "postgres", rows: 100_000, dir: filepath.Join(dir, "run"), minFaults: 5, maxWaste: 10}
	require.NoError(t, os.Mkdir(o.dir, 0o700))
	for path, folder := range map[*string]string{&o.drover: "cmd/drover", &o.natsd: "test/cmd/natsd"} {
		*path = filepath.Join(dir, filepath.Base(folder))
		out, err := exec.Command("go", "build", "-o", *path, "github.com/drover-db/drover/"+folder).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	s, err := newSoak(o)
	require.NoError(t, err)
	s.sparing = true
	t.Cleanup(s.close)
	require.NoError(t, s.soak(t.Context()))
	s.report.print(t.Output(), o)
	require.Zero(t, s.report.verdict(t.Output(), o))
}
