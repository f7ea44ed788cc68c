// Package engine is the contract between drover and a database engine. It
// imports no adapter: those live in the folders below, and internal/engine/all
// lists them. What a contract method must do, the conformance suite
// internal/engine/enginetest shows.
//
// Read engine.go for the way of a source, target.go for the way of a target.
package engine

import (
	"context"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/secret"
)

// Engine opens databases of one kind.
type Engine interface {
	// Name is the engine's name in plans: "postgres".
	Name() string
	// Schemes are the URL schemes it answers to.
	Schemes() []string
	// Open connects far enough to know that the database is there. Errors are
	// *fault.Error: Invalid for a URL, Denied for a login, NotFound for a missing
	// database, Unavailable for a server that does not answer.
	Open(ctx context.Context, c Config) (Database, error)
	// Check makes the check of values that a loader of this engine would be given by a
	// plan in the canonical encoding. It needs no database. Errors are
	// fault.Unsupported: a column whose type takes no value of its kind.
	Check(p *planv1.TablePlan) (ValueCheck, error)
}

// ValueCheck tells which values a target would refuse, by the code that its loader
// encodes them with. It serves one goroutine.
type ValueCheck interface {
	// Check takes a canonical value, which is not NULL, of the column at a position of
	// the plan. An error says why it has no exact form there; loss.RuleOf tells the rule.
	Check(column int, v []byte) error
	// Large tells what becomes of a value of size bytes, which nobody should hold. The
	// check takes it in pieces, each of them but the last with whole characters where it
	// is text. Where it is nil a loader holds the value, and Check takes it whole. The error
	// refuses the value for its size.
	Large(column int, size int64) (check func(piece []byte) error, err error)
}

// Config names a database to open.
type Config struct {
	// URL without a password.
	URL      string
	Password secret.Value
	// MaxConns bounds the connections; 0 for 16.
	MaxConns int
	// CloseIdle closes each session as soon as nobody uses it.
	CloseIdle bool
	// Create makes a missing database where that is just a file (SQLite targets).
	Create bool
	// Application is shown by the server where it can: "drover/extractor".
	Application string
}

// Database is an open database; safe for use by many goroutines.
type Database interface {
	Source
	Reader
	Monitor
	Target
	Keeper
	Publisher
	Repairer
	Objects
	Close() error
}

// Side is one end of a migration.
type Side uint8

// The sides.
const (
	SourceSide Side = iota
	TargetSide
)

// Source is what extractors need beyond reading rows.
type Source interface {
	// Describe reads the catalog: the selected tables in full, what they use, and
	// what drover will leave behind.
	Describe(ctx context.Context, s Selection) (*planv1.Database, error)
	// Split cuts a table into ranges that hold every possible key exactly once.
	// Boundaries are keys that exist; sizes are estimates; no scan of the table
	// and no OFFSET over it where the engine knows better.
	Split(ctx context.Context, t *planv1.TablePlan, o SplitOptions) ([]*planv1.Range, error)
	// Count counts the source's rows: those that move and those that the table's
	// condition leaves behind.
	Count(ctx context.Context, t *planv1.TablePlan) (Count, error)
	// HoldSnapshot opens a snapshot that reads elsewhere can share.
	HoldSnapshot(ctx context.Context) (Snapshot, error)
}

// Count of a source table.
type Count struct {
	Rows, Filtered int64
}

// Selection names tables by globs over schema.table (path.Match, each side of the
// dot for itself). Nothing included is everything.
type Selection struct {
	Include, Exclude []string
}

// SplitOptions size ranges: whichever limit comes first.
type SplitOptions struct {
	TargetRows  int64
	TargetBytes int64
	// Snapshot to cut in, where the key needs one.
	Snapshot string
	// Within is the part of the table to cut, with its estimates; nil for all of it.
	// The ranges begin and end where it does and are numbered from 1. What cannot be
	// cut comes back whole.
	Within *planv1.Range
	// After is a key of that part: all cuts lie behind it.
	After *planv1.Bound
}

// Part is what to cut of a table of so many rows and bytes.
func (o SplitOptions) Part(rows, bytes int64) *planv1.Range {
	if o.Within == nil {
		return &planv1.Range{EstimatedRows: rows, EstimatedBytes: bytes}
	}
	return o.Within
}

// StepRows is the number of rows that a range should have, in a table of so many
// rows and bytes; 0 or less for unknown.
func (o SplitOptions) StepRows(rows, bytes int64) int64 {
	step := max(1, o.TargetRows)
	if rows > 0 && bytes > 0 && o.TargetBytes > 0 {
		step = min(step, max(1, o.TargetBytes/max(1, bytes/rows)))
	}
	return step
}

// Snapshot keeps one view of the source for as long as it is open.
type Snapshot interface {
	// Name is what other sessions import.
	Name() string
	// Check tells whether the snapshot still stands.
	Check(ctx context.Context) error
	Close() error
}

// Reader reads rows: the extractor from the source, the validator from the
// target, both by the same plan and into the same encoding, so that equal rows
// are equal bytes.
type Reader interface {
	// Read calls row for each row of the range in key order (any order where the
	// key is none), and stops at its first error, which it returns.
	// Of a source only rows that the table's condition (Table.where) lets through. A
	// value that its kind cannot hold, and no policy replaces, is a fault.Value naming
	// key and column; a source table whose fingerprint is not the plan's is
	// fault.Changed.
	Read(ctx context.Context, r ReadRequest, row RowFunc) error
	// CountRows counts the rows that Read would give, without reading them where the
	// engine knows better.
	CountRows(ctx context.Context, r ReadRequest) (int64, error)
}

// ReadRequest names what to read.
type ReadRequest struct {
	Side Side
	Plan *planv1.TablePlan
	// Range to read; nil for the whole table. On the target a range may be given
	// only if the plan validates by range.
	Range *planv1.Range
	// After leaves out everything up to and including this key.
	After *planv1.Bound
	// Keys, if not nil, are those of the rows to read, of a table with a key; a few
	// hundred at most. Rows whose keys only compare as equal (case, accents) may come too.
	Keys []*planv1.Bound
	// Snapshot to read in; empty for a fresh one.
	Snapshot string
	// Pieces, if not 0, has rows of more bytes than that come in pieces, as they
	// arrive, so that nobody holds them: the caller looks at Row.More. Without it a row
	// of more than batch.MaxRow is refused. A value that is converted on the way is held
	// in any case, and refused by ErrTooWide if it has more than batch.MaxRow bytes.
	Pieces int
	// Touch, if not nil, is called for each value that its column's policy changes,
	// with the column's position in the plan, before the row is given.
	Touch func(column int)
	// Target, if not nil, is asked about the values of columns that have a policy, which
	// is then for those too that the target refuses.
	Target ValueCheck
	// Lossy, if not nil, is called for each value that its kind cannot hold and no
	// policy replaces, with the column's position in the plan, before the row is given
	// with NULL in its place, or as it is where it passes in pieces. Without it the first
	// such value ends the read.
	Lossy func(column int, err error)
}

// RowFunc takes one row. Its bytes and what Key returns are valid during the
// call only.
type RowFunc func(Row) error

// Row is one encoded row.
type Row struct {
	// Data is the row in the plan's encoding, or a piece of it.
	Data []byte
	// More says that more of the row comes with the next call. Key is there with the
	// last piece only.
	More bool
	// Key computes the row's key: the plan's key columns, hidden ones included
	// where this side has them; nil without error where it has not, and where a
	// column of a nullable key is NULL.
	Key func() (*planv1.Bound, error)
}
