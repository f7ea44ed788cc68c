package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// dumpRows is how many rows mydumper puts into a file, the unit of its threads and of
// myloader's.
const dumpRows = "100000"

// mydumper writes the database to files with mydumper and loads them with myloader;
// nothing is validated.
func mydumper(ctx context.Context, source, target string, o options) (s sample, err error) {
	dir, err := os.MkdirTemp("", "drover-bench-")
	if err != nil {
		return sample{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	begin := time.Now()
	if err := dumper(ctx, "mydumper", source, o, "--outputdir", dir, "--rows", dumpRows, "--trx-consistency-only"); err != nil {
		return sample{}, err
	}
	dumped := time.Now()
	// Without it the load is kept from the target's replicas and backups; drover's is not.
	if err := dumper(ctx, "myloader", target, o, "--directory", dir, "--enable-binlog"); err != nil {
		return sample{}, err
	}
	return sample{total: time.Since(begin), note: fmt.Sprintf("dump %.1f s", dumped.Sub(begin).Seconds())}, nil
}

// dumper runs one of the two programs on a database.
func dumper(ctx context.Context, program, target string, o options, args ...string) error {
	u, err := url.Parse(target)
	if err != nil {
		return err
	}
	password, _ := u.User.Password()
	args = append(args, "--host", u.Hostname(), "--port", u.Port(), "--user", u.User.Username(), "--password", password,
		"--database", strings.TrimPrefix(u.Path, "/"), "--threads", strconv.Itoa(o.jobs))
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	// It ends with 0 whatever happens to a row.
	if err != nil || strings.Contains(string(out), "CRITICAL") {
		return fmt.Errorf("%s: %w: %s", program, errors.Join(err, errors.New("it complains")), lastLines(string(out)))
	}
	return nil
}
