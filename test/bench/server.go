package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/drover-db/drover/test/fixture"
)

//go:embed bench.sql
var benchSQL string

// server is a running server.
type server struct{ name, variable string }

var (
	postgres = &server{"postgres", "DROVER_TEST_POSTGRES_URL"}
	mysql    = &server{"mysql", "DROVER_TEST_MYSQL_URL"}
	mariadb  = &server{"mariadb", "DROVER_TEST_MARIADB_URL"}
)

// servers makes and drops the databases of a benchmark.
type servers struct {
	admin map[*server]*url.URL
	made  []database
	// sources by server and table; they serve all scenarios.
	sources map[string]string
}

type database struct {
	on   *server
	name string
}

func openServers() (*servers, error) {
	s := &servers{admin: map[*server]*url.URL{}, sources: map[string]string{}}
	for _, one := range []*server{postgres, mysql, mariadb} {
		raw := os.Getenv(one.variable)
		u, err := url.Parse(raw)
		if err != nil || raw == "" {
			return nil, fmt.Errorf("%s is not set: run it with make bench", one.variable)
		}
		s.admin[one] = u
	}
	return s, nil
}

func (s *servers) exec(ctx context.Context, on *server, statements ...string) error {
	for _, sql := range statements {
		if out, err := fixture.Try(ctx, s.admin[on].String(), sql); err != nil {
			return fmt.Errorf("%s: %s: %w: %s", on.name, sql, err, out)
		}
	}
	return nil
}

// create makes an empty database and returns its URL.
func (s *servers) create(ctx context.Context, on *server) (string, error) {
	d := database{on, fmt.Sprintf("drover_bench_%d", len(s.made)+1)}
	if err := s.exec(ctx, on, d.drop(), "CREATE DATABASE "+d.name); err != nil {
		return "", err
	}
	s.made = append(s.made, d)
	u := *s.admin[on]
	u.Path = "/" + d.name
	return u.String(), nil
}

func (d database) drop() string {
	if d.on == postgres {
		return "DROP DATABASE IF EXISTS " + d.name + " WITH (FORCE)"
	}
	return "DROP DATABASE IF EXISTS " + d.name
}

func (s *servers) dropAll(ctx context.Context) error {
	var err error
	for _, d := range s.made {
		err = errors.Join(err, s.exec(ctx, d.on, d.drop()))
	}
	return err
}

// timed gives a run an empty target, with nothing of the run before left to write.
func (s *servers) timed(ctx context.Context, on *server, run func(target string) (sample, error)) (sample, error) {
	target, err := s.create(ctx, on)
	if err != nil {
		return sample{}, err
	}
	if err := s.settle(ctx); err != nil {
		return sample{}, err
	}
	result, err := run(target)
	if err != nil {
		return sample{}, err
	}
	return result, s.exec(ctx, on, s.made[len(s.made)-1].drop())
}

// settle writes what is left of the run before, or of filling the source, on every server.
func (s *servers) settle(ctx context.Context) error {
	if err := s.exec(ctx, postgres, "CHECKPOINT"); err != nil {
		return err
	}
	syscall.Sync()
	return nil
}

// filled is a database with a table of rows; the same one each time it is asked for.
func (s *servers) filled(ctx context.Context, on *server, table string, rows int) (string, error) {
	key := on.name + "." + table
	if source, ok := s.sources[key]; ok {
		return source, nil
	}
	source, err := s.create(ctx, on)
	if err != nil {
		return "", err
	}
	fmt.Printf("filling %d rows on %s\n", rows, on.name)
	switch {
	case table == "bench" && on != postgres:
		err = fixture.FillBenchMySQL(ctx, source, rows)
	case table == "mixed":
		err = fixture.FillMixedMySQL(ctx, source, rows)
	case table == "wide":
		err = fixture.FillWide(ctx, source, rows)
	default:
		err = psql(ctx, source, fmt.Sprintf("\\set rows %d\n", rows)+benchSQL)
	}
	s.sources[key] = source
	return source, err
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
