// Package state is the control log made readable: go-memdb tables that Apply
// fills from events. It is deterministic (times and numbers come in with the
// events) and holds nothing that a replay would not bring back, so a coordinator
// may die at any moment.
//
// Stored objects are never changed: Apply copies, changes the copy and inserts
// it. apply.go is the only writer; the other files have each table's schema and
// accessors.
package state

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-memdb"
)

// Tables and indexes.
const (
	tableMigrations    = "migrations"
	tableTables        = "tables"
	tableRanges        = "ranges"
	tableVerifications = "verifications"
	tableChecks        = "checks"

	indexID    = "id"
	indexName  = "name"
	indexState = "state"
)

// Store holds the state of every migration.
type Store struct {
	db *memdb.MemDB
	// newest is the version that readers see.
	newest atomic.Pointer[View]
}

// New makes an empty store.
func New() *Store {
	schema := &memdb.DBSchema{Tables: map[string]*memdb.TableSchema{}}
	for _, t := range []*memdb.TableSchema{migrationSchema(), tableSchema(), rangeSchema(), verificationSchema(), checkSchema()} {
		if _, twice := schema.Tables[t.Name]; twice {
			panic("state: table " + t.Name + " declared twice")
		}
		schema.Tables[t.Name] = t
	}
	db, err := memdb.NewMemDB(schema)
	if err != nil {
		panic(fmt.Sprintf("state: schema: %v", err))
	}
	s := &Store{db: db}
	s.publish()
	return s
}

// Forget removes a migration whose log is gone.
func (s *Store) Forget(uid string) {
	a := &apply{Replay: s.Replay(uid)}
	defer a.Abort()
	if m := a.currentMigration(); m != nil && a.delete(m) == nil {
		_ = a.Commit() // nothing is pending that could fail
	}
}

// View reads one consistent version of the state. Any number of readers may use one.
type View struct {
	txn *memdb.Txn
	// lists of the version, each made when it is first asked for; nil for a version
	// that still changes.
	lists *lists
}

type lists struct {
	mu         sync.Mutex
	migrations []*Migration
	tables     map[string][]*Table
}

// View opens the newest version.
func (s *Store) View() View { return *s.newest.Load() }

// publish makes what was committed the newest version.
func (s *Store) publish() {
	s.newest.Store(&View{txn: s.db.Txn(false), lists: &lists{tables: map[string][]*Table{}}})
}

// tuple is the key form of every index: big-endian numbers behind
// null-terminated strings, so that prefixes group and numbers sort.
type tuple []byte

func (t tuple) text(s string) tuple {
	if t == nil {
		t = make(tuple, 0, len(s)+1+3*4) // most keys go on with up to three numbers
	}
	return append(append(t, s...), 0)
}

func (t tuple) number(n uint32) tuple {
	return append(t, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// indexer adapts a function to memdb; arguments of queries are tuples.
type indexer[T any] struct {
	key func(T) tuple
}

// FromObject gives the object's key.
func (i indexer[T]) FromObject(obj any) (bool, []byte, error) {
	o, ok := obj.(T)
	if !ok {
		return false, nil, fmt.Errorf("object is %T", obj)
	}
	return true, i.key(o), nil
}

// FromArgs takes the one tuple of a query.
func (i indexer[T]) FromArgs(args ...any) ([]byte, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("want one tuple, got %d arguments", len(args))
	}
	t, ok := args[0].(tuple)
	if !ok {
		return nil, fmt.Errorf("want a tuple, got %T", args[0])
	}
	return t, nil
}

// PrefixFromArgs takes a tuple as a prefix.
func (i indexer[T]) PrefixFromArgs(args ...any) ([]byte, error) { return i.FromArgs(args...) }

func index[T any](name string, unique bool, key func(T) tuple) *memdb.IndexSchema {
	return &memdb.IndexSchema{Name: name, Unique: unique, Indexer: indexer[T]{key: key}}
}

// first looks one object up; a missing one is the zero value.
func first[T any](txn *memdb.Txn, table, idx string, key tuple) T {
	raw, err := txn.First(table, idx, key)
	if err != nil {
		panic(fmt.Sprintf("state: %s.%s: %v", table, idx, err)) // a wrong name in this package
	}
	o, _ := raw.(T)
	return o
}

// each visits the objects under a prefix in key order until fn returns false.
func each[T any](txn *memdb.Txn, table, idx string, prefix tuple, fn func(T) bool) {
	it, err := txn.Get(table, idx+"_prefix", prefix)
	if err != nil {
		panic(fmt.Sprintf("state: %s.%s: %v", table, idx, err))
	}
	for raw := it.Next(); raw != nil; raw = it.Next() {
		if o, ok := raw.(T); !ok || !fn(o) {
			return
		}
	}
}
