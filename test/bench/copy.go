package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// copyAndValidate moves the database by drover copy, all roles in one process.
func copyAndValidate(ctx context.Context, source, target string, o options) (s sample, err error) {
	state, err := os.MkdirTemp("", "drover-bench-")
	if err != nil {
		return sample{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(state)) }()
	cmd := exec.CommandContext(ctx, o.drover, "copy", source, target,
		"--jobs", strconv.Itoa(o.jobs), "--state", state, "--progress", "none")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		return sample{}, fmt.Errorf("drover copy: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	s.total = time.Since(begin)
	s.rss, err = peak(cmd)
	return s, err
}

// peak is the most that a finished process had in memory, in bytes.
func peak(cmd *exec.Cmd) (int64, error) {
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, errors.New("no resource usage of a process on this system")
	}
	return usage.Maxrss << 10, nil // Linux counts in KiB
}
