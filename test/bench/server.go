package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"strings"
)

//go:embed bench.sql
var benchSQL string

// server makes and drops the databases of a benchmark.
type server struct {
	admin *url.URL
	names []string
}

func newServer(raw string) (*server, error) {
	u, err := url.Parse(raw)
	if err != nil || raw == "" {
		return nil, errors.New("DROVER_TEST_POSTGRES_URL is not set: run it with make bench")
	}
	return &server{admin: u}, nil
}

// create makes an empty database and returns its URL.
func (s *server) create(ctx context.Context) (string, error) {
	name := fmt.Sprintf("drover_bench_%d", len(s.names)+1)
	if err := psql(ctx, s.admin.String(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE);\nCREATE DATABASE "+name); err != nil {
		return "", err
	}
	s.names = append(s.names, name)
	u := *s.admin
	u.Path = "/" + name
	return u.String(), nil
}

func (s *server) dropAll(ctx context.Context) error {
	var err error
	for _, name := range s.names {
		err = errors.Join(err, psql(ctx, s.admin.String(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"))
	}
	return err
}

// timed gives a run an empty target, with nothing of the run before left to write.
func (s *server) timed(ctx context.Context, run func(target string) (sample, error)) (sample, error) {
	target, err := s.create(ctx)
	if err == nil {
		err = psql(ctx, s.admin.String(), "CHECKPOINT")
	}
	if err != nil {
		return sample{}, err
	}
	result, err := run(target)
	if err != nil {
		return sample{}, err
	}
	return result, psql(ctx, s.admin.String(), "DROP DATABASE "+s.names[len(s.names)-1]+" WITH (FORCE)")
}

func fill(ctx context.Context, target string, rows int) error {
	return psql(ctx, target, fmt.Sprintf("\\set rows %d\n", rows)+benchSQL)
}

// psql runs SQL by PostgreSQL's own client.
func psql(ctx context.Context, target, sql string) error {
	cmd := exec.CommandContext(ctx, "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", target)
	cmd.Stdin = strings.NewReader(sql)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("psql: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return nil
}
