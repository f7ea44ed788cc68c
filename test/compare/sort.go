package compare

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// dumpSorted writes a table's normalised rows to a file, sorted by their bytes.
// The sorting is sort(1)'s, on disk where it must be: tables have any size.
func dumpSorted(ctx context.Context, db *database, t table, pairs []pair, file string) (err error) {
	sorter := exec.CommandContext(ctx, "sort", "-S", "128M", "--parallel=2", "-T", file+".tmp", "-o", file)
	sorter.Env = append(os.Environ(), "LC_ALL=C")
	var stderr bytes.Buffer
	sorter.Stderr = &stderr
	if err := os.Mkdir(file+".tmp", 0o700); err != nil {
		return err
	}
	in, err := sorter.StdinPipe()
	if err != nil {
		return err
	}
	if err := sorter.Start(); err != nil {
		return err
	}
	out := bufio.NewWriterSize(in, 1<<20)
	err = dump(ctx, db, t, pairs, out)
	err = errors.Join(err, out.Flush(), in.Close())
	if wait := sorter.Wait(); wait != nil {
		err = errors.Join(err, clientError(sorter, wait, stderr.String()))
	}
	return err
}

// dump writes a table's normalised rows, a line each.
func dump(ctx context.Context, db *database, t table, pairs []pair, out *bufio.Writer) error {
	names := make([]string, len(pairs))
	verbatim := db.verbatim == enginePostgres
	for i, p := range pairs {
		names[i] = p.name
		verbatim = verbatim && p.rule == ruleVerbatim
	}
	cmd := db.command(ctx, t, names)
	if verbatim {
		// What COPY prints is a line of escaped values already.
		return lines(cmd, func(line []byte) error {
			_, err := out.Write(append(line, '\n'))
			return err
		})
	}
	float4 := t.float4(pairs)
	values := make([]value, len(pairs))
	var buf []byte
	return lines(cmd, func(line []byte) error {
		if err := db.split(line, values); err != nil {
			return err
		}
		buf = buf[:0]
		for i, p := range pairs {
			if i > 0 {
				buf = append(buf, '\t')
			}
			buf = p.rule.write(buf, values[i], float4[i])
		}
		_, err := out.Write(append(buf, '\n'))
		return err
	})
}

// float4 tells which of the pairs are a float4 in this table.
func (t table) float4(pairs []pair) []bool {
	types := make(map[string]string, len(t.columns))
	for _, c := range t.columns {
		types[c.name] = c.typ
	}
	out := make([]bool, len(pairs))
	for i, p := range pairs {
		out[i] = types[p.name] == "real"
	}
	return out
}

// walk goes through two sorted files side by side.
func walk(left, right string, pairs []pair, examples int) (Result, error) {
	var r Result
	l, err := openRows(left)
	if err != nil {
		return r, err
	}
	defer l.file.Close()
	g, err := openRows(right)
	if err != nil {
		return r, err
	}
	defer g.file.Close()
	for l.ok || g.ok {
		order := bytes.Compare(l.line, g.line)
		switch {
		case !g.ok || l.ok && order < 0:
			r.OnlyLeft++
			r.LeftExamples = keep(r.LeftExamples, l.line, pairs, examples)
			err = l.next()
		case !l.ok || order > 0:
			r.OnlyRight++
			r.RightExamples = keep(r.RightExamples, g.line, pairs, examples)
			err = g.next()
		default:
			err = errors.Join(l.next(), g.next())
		}
		if err != nil {
			return r, err
		}
	}
	r.Left, r.Right = l.count, g.count
	return r, nil
}

// rows reads a sorted file.
type rows struct {
	file  *os.File
	in    *bufio.Reader
	line  []byte
	ok    bool
	count int64
}

func openRows(path string) (*rows, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r := &rows{file: f, in: bufio.NewReaderSize(f, 1<<20)}
	return r, r.next()
}

func (r *rows) next() error {
	r.line, r.ok = r.line[:0], false
	for {
		part, err := r.in.ReadSlice('\n')
		r.line = append(r.line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(r.line) == 0:
			return nil
		case err != nil:
			return fmt.Errorf("read sorted rows: %w", err)
		}
		r.line = r.line[:len(r.line)-1]
		r.ok = true
		r.count++
		return nil
	}
}

// keep adds a row to the examples, with its columns' names.
func keep(list []string, line []byte, pairs []pair, most int) []string {
	if len(list) >= most {
		return list
	}
	fields := strings.Split(string(line), "\t")
	for i := range fields {
		if i < len(pairs) {
			fields[i] = pairs[i].name + "=" + fields[i]
		}
	}
	return append(list, strings.Join(fields, "  "))
}
