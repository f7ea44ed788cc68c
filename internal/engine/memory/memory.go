// Package memory is a database engine without a server or a file: databases live
// in the Engine value and are addressed by memory://name. It starts no goroutine
// and reads no clock, so services can be tested on it in virtual time. It keeps
// canonical values, checks keys, uniques and foreign keys, and its ledger has the
// transactional behaviour of a real one.
//
// Types are the plan's kinds by name ("text", "decimal(10,2)").
//
// Read ledger.go for the loader step in its shortest form.
package memory

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"sync"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

const name = "memory"

var (
	_ engine.Engine      = (*Engine)(nil)
	_ engine.Database    = (*handle)(nil)
	_ engine.RangeWriter = (*rangeWriter)(nil)
)

// Engine holds databases by name.
type Engine struct {
	mu        sync.Mutex
	databases map[string]*database
}

// New makes an engine without databases.
func New() *Engine { return &Engine{databases: map[string]*database{}} }

// Name is "memory".
func (*Engine) Name() string { return name }

// Schemes is "memory".
func (*Engine) Schemes() []string { return []string{name} }

// Open gives the database of memory://name.
func (e *Engine) Open(_ context.Context, c engine.Config) (engine.Database, error) {
	const op = "memory.Open"
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != name || u.Host == "" || u.Path != "" {
		return nil, fault.New(fault.Invalid, op, "URL is not of the form memory://name")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	d := e.databases[u.Host]
	if d == nil {
		if !c.Create {
			return nil, fault.New(fault.NotFound, op, "no database %s in this process", u.Host)
		}
		d = newDatabase(u.Host)
		e.databases[u.Host] = d
	}
	return &handle{database: d}, nil
}

// Create makes a database, if it is missing, with tables as a source's catalog
// would describe them; rows are added with Insert.
func (e *Engine) Create(database string, tables ...*planv1.Table) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	d := e.databases[database]
	if d == nil {
		d = newDatabase(database)
		e.databases[database] = d
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range tables {
		made, err := newTable(t)
		if err != nil {
			return err
		}
		made.uniques, made.foreignKeys = uniques(t), t.GetForeignKeys()
		d.tables[place{name: t.GetName()}] = made
	}
	return nil
}

// Insert adds a row of canonical values to a table. Columns that are not named
// are NULL, or the next value of an identity.
func (e *Engine) Insert(database, table string, values map[string][]byte) error {
	e.mu.Lock()
	d := e.databases[database]
	e.mu.Unlock()
	if d == nil {
		return fault.New(fault.NotFound, "memory.Insert", "no database %s", database)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.tables[place{name: table}]
	if t == nil {
		return fault.New(fault.NotFound, "memory.Insert", "no table %s", table)
	}
	row := t.complete(values)
	if err := d.checkReferences(t, row); err != nil {
		return err
	}
	return t.insert([]record{row})
}

// database is the tables and the ledger; mu makes each call one transaction.
type database struct {
	name string

	mu         sync.Mutex
	tables     map[place]*table
	migrations map[string]*migration
}

// place is where a table is: a staged one under the name of its stage, any other
// under none.
type place struct{ stage, name string }

// placeOf is where a plan's table is loaded.
func placeOf(p *planv1.TablePlan) place { return place{p.GetTargetSchema(), p.GetTargetName()} }

func newDatabase(name string) *database {
	return &database{name: name, tables: map[place]*table{}, migrations: map[string]*migration{}}
}

// handle is one opening of a database.
type handle struct{ *database }

// Close does nothing: the engine keeps its databases.
func (*handle) Close() error { return nil }

// sorted gives the tables that are not staged, by name. The caller holds mu.
func (d *database) sorted() []*table {
	out := make([]*table, 0, len(d.tables))
	for at, t := range d.tables {
		if at.stage == "" {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b *table) int { return cmp.Compare(a.def.GetName(), b.def.GetName()) })
	return out
}
