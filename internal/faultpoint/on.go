//go:build faultpoint

package faultpoint

import (
	"context"
	"fmt"
	"os"
	"sync"
)

// Enabled tells whether this binary has fault points.
const Enabled = true

// Variable is the environment variable with the rules; rule.go has its form.
const Variable = "DROVER_FAULTPOINTS"

var armed = sync.OnceValues(func() (*rules, error) { return parse(os.Getenv(Variable)) })

// Hit carries out what DROVER_FAULTPOINTS asks for at a point; subject is the
// title of the job that meets it. Rules that cannot be read end the process: a
// test must not pass because its fault never came.
func Hit(ctx context.Context, p Point, subject string) error {
	r, err := armed()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", Variable, err)
		os.Exit(2)
	}
	return r.hit(ctx, p, subject)
}
