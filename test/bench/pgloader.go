package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// pgloaderScript is pgloader with its defaults (four workers), but for types that it
// reads wrongly or not at all: unsigned keys, times below zero.
const pgloaderScript = `LOAD DATABASE FROM %s INTO %s
WITH include drop, create tables, create indexes, reset sequences
CAST type bigint to numeric drop typemod, type time to interval drop typemod, type json to jsonb drop typemod;
`

// pgloader moves the database by pgloader; nothing is validated.
func pgloader(ctx context.Context, source, target string, _ options) (s sample, err error) {
	dir, err := os.MkdirTemp("", "drover-bench-")
	if err != nil {
		return sample{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	script := filepath.Join(dir, "load")
	text := fmt.Sprintf(pgloaderScript, source, strings.Replace(target, "postgres:", "postgresql:", 1))
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		return sample{}, err
	}
	cmd := exec.CommandContext(ctx, "pgloader", "--root-dir", dir, "--on-error-stop", script)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		return sample{}, fmt.Errorf("pgloader: %w: %s", err, lastLines(output.String()))
	}
	s.total = time.Since(begin)
	rss, err := peak(cmd)
	s.note = fmt.Sprintf("%d MiB", rss>>20)
	return s, err
}

// lastLines is the end of a program's output.
func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}
