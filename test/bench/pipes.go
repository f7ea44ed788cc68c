package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// pipes moves the table by COPY … TO | COPY … FROM, in as many pairs of psql as
// there are jobs, and builds the primary key. Nothing is validated.
func pipes(ctx context.Context, source, target string, o options) (sample, error) {
	create, _, _ := strings.Cut(benchSQL, "INSERT INTO")
	if err := psql(ctx, target, create); err != nil {
		return sample{}, err
	}
	begin := time.Now()
	errs := make([]error, o.jobs)
	var wg sync.WaitGroup
	for i := range o.jobs {
		wg.Go(func() { errs[i] = pipe(ctx, source, target, i*o.rows/o.jobs, (i+1)*o.rows/o.jobs) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return sample{}, err
	}
	copied := time.Now()
	if err := psql(ctx, target, "ALTER TABLE bench ADD PRIMARY KEY (id)"); err != nil {
		return sample{}, err
	}
	return sample{total: time.Since(begin), note: fmt.Sprintf("key %.1f s", time.Since(copied).Seconds())}, nil
}

// pipe moves the rows with after < id <= last.
func pipe(ctx context.Context, source, target string, after, last int) error {
	query := fmt.Sprintf("COPY (SELECT * FROM bench WHERE id > %d AND id <= %d) TO STDOUT (FORMAT binary)", after, last)
	read := exec.CommandContext(ctx, "psql", "-X", "-q", "-c", query, source)
	write := exec.CommandContext(ctx, "psql", "-X", "-q", "-c", "COPY bench FROM STDIN (FORMAT binary)", target)
	var complaints bytes.Buffer
	write.Stderr = &complaints
	out, err := read.StdoutPipe()
	if err != nil {
		return err
	}
	write.Stdin = out
	if err := errors.Join(read.Start(), write.Start()); err != nil {
		return err
	}
	// The writer first: Wait of the reader closes the pipe between them.
	if err := errors.Join(write.Wait(), read.Wait()); err != nil {
		return fmt.Errorf("pipe: %w: %s", err, strings.TrimSpace(complaints.String()))
	}
	return nil
}
