// Package faultpoint marks the places where a test can step in: stop the process,
// end it, fail, wait or run a command. Without the build tag "faultpoint" Hit is
// empty and costs nothing; with it on.go reads the environment variables
// DROVER_FAULTPOINTS and DROVER_FAULTPOINT_TRACE. Nothing that ships has the tag.
//
// points.go lists the places, rule.go says what can be asked for at one.
package faultpoint

// Point names a place.
type Point string
