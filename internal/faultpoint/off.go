//go:build !faultpoint

package faultpoint

import "context"

// Enabled tells whether this binary has fault points.
const Enabled = false

// Hit does nothing in this build.
func Hit(context.Context, Point, string) error { return nil }
