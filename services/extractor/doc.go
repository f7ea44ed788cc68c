// Package extractor owns the reading of the source: it describes and splits
// tables, holds snapshots, and turns ranges into streams of row batches with a
// digest over every row. It never writes to a database and never opens the
// target.
//
// Read extract.go first: a range's way from the source into its stream.
package extractor
