package compare

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os/exec"
	"strings"
)

// column of a table as its catalog has it.
type column struct {
	name   string
	engine string
	// typ is the catalog's type name; empty where columns have none that binds.
	typ string
	// base is a MySQL type without length, members and sign.
	base string
}

type table struct {
	schema, name string
	columns      []column
}

// key is the name that pairs a table with the other side's.
func (t table) key(defaultSchema string) string {
	if t.schema == defaultSchema {
		return t.name
	}
	return t.schema + "." + t.name
}

// database is one side: its tables and how to dump one.
type database struct {
	tables map[string]table
	// command dumps the columns of a table, a row a line.
	command func(ctx context.Context, t table, columns []string) *exec.Cmd
	// split cuts a line into the row's values.
	split func(line []byte, into []value) error
	// verbatim lines of two such databases may be compared as they are.
	verbatim string
}

func open(ctx context.Context, raw string) (*database, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("not a URL")
	}
	switch u.Scheme {
	case "postgres", "postgresql":
		return openPostgres(ctx, u)
	case "mysql", "mariadb":
		return openMySQL(ctx, u)
	case "sqlite":
		return openSQLite(ctx, u.Path)
	default:
		return nil, fmt.Errorf("no client for scheme %q: use postgres://, mysql://, mariadb:// or sqlite:///path", u.Scheme)
	}
}

func byKey(tables []table, defaultSchema string) map[string]table {
	m := make(map[string]table, len(tables))
	for _, t := range tables {
		m[t.key(defaultSchema)] = t
	}
	return m
}

// output runs a client and returns what it prints.
func output(cmd *exec.Cmd) ([]byte, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, clientError(cmd, err, stderr.String())
	}
	return out, nil
}

// lines runs a client and calls row for every line that it prints; the line is
// valid during the call only.
func lines(cmd *exec.Cmd, row func([]byte) error) error {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := eachLine(stdout, row); err != nil {
		return errors.Join(err, cmd.Process.Kill(), cmd.Wait())
	}
	if err := cmd.Wait(); err != nil {
		return clientError(cmd, err, stderr.String())
	}
	return nil
}

func clientError(cmd *exec.Cmd, err error, stderr string) error {
	return fmt.Errorf("%s: %w: %s", cmd.Args[0], err, strings.TrimSpace(stderr))
}

// eachLine reads lines of any length.
func eachLine(r io.Reader, row func([]byte) error) error {
	in := bufio.NewReaderSize(r, 1<<20)
	var long []byte
	for {
		part, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			long = append(long, part...)
			continue
		case errors.Is(err, io.EOF):
			if len(part)+len(long) > 0 {
				return errors.New("output ends in the middle of a line")
			}
			return nil
		case err != nil:
			return err
		}
		if long != nil {
			part = append(long, part...)
			long = nil
		}
		if err := row(part[:len(part)-1]); err != nil {
			return err
		}
	}
}
