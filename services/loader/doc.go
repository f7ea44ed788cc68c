// Package loader owns the writing of the target: it designs it, prepares it,
// builds its schema and consumes ranges' streams into it. What is in the target
// is decided by the target's ledger alone (internal/engine/target.go), never by
// this package's memory nor by the stream. It never opens the source.
//
// Read load.go first: a range's way from its stream into the target. assemble.go
// turns messages into batches, schema.go has the jobs around the load.
package loader
