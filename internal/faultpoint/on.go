//go:build faultpoint

package faultpoint

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
)

// Enabled tells whether this binary has fault points.
const Enabled = true

// Variable is the environment variable with the rules; rule.go has its form.
const Variable = "DROVER_FAULTPOINTS"

// Trace is the environment variable with a file that gets a line for each point met:
// the point, a tab, the subject.
const Trace = "DROVER_FAULTPOINT_TRACE"

var armed = sync.OnceValues(func() (*rules, error) { return parse(os.Getenv(Variable)) })

// Hit carries out what DROVER_FAULTPOINTS asks for at a point; subject says what is
// being done there, as points.go has it. Rules that cannot be read end the process: a
// test must not pass because its fault never came.
func Hit(ctx context.Context, p Point, subject string) error {
	r, err := armed()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", Variable, err)
		os.Exit(2)
	}
	if err := trace(p, subject); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", Trace, err)
		os.Exit(2)
	}
	return r.hit(ctx, p, subject)
}

// trace adds a line to the file of DROVER_FAULTPOINT_TRACE. Lines of many processes do
// not mix: each is one write at the file's end.
func trace(p Point, subject string) error {
	name := os.Getenv(Trace)
	if name == "" {
		return nil
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%s\t%s\n", p, subject)
	return errors.Join(err, f.Close())
}
