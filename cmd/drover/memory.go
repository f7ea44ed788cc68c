package main

import "runtime/debug"

// What the garbage collector aims to stay under: a process of one role, and one
// with all of them and NATS. Rows under way are bounded by windows and slots; this
// keeps what is already garbage from adding to them.
const (
	roleMemory = 160 << 20
	allMemory  = 320 << 20
)

// boundMemory sets the aim unless GOMEMLIMIT has.
func (a *app) boundMemory(bytes int64) {
	if _, set := a.lookupEnv("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(bytes)
	}
}
