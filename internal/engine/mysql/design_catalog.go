package mysql

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
)

// targetCatalog is what the target has already.
type targetCatalog struct {
	schemas map[string]bool
	// tables are the kinds of what is there, by folded schema and name.
	tables     map[[2]string]string
	existing   map[[2]string]*planv1.Table
	filled     map[[2]string]bool
	triggers   map[[2]string]bool
	collations map[string]bool
	// defaults are the default collations of charsets.
	defaults map[string]string
	// widths are the most bytes that a character of each charset takes.
	widths map[string]int
	// transactional are the storage engines that are.
	transactional map[string]bool
}

// readCatalog reads what is there of the databases that plans name.
func (d *designer) readCatalog(ctx context.Context) (*targetCatalog, error) {
	c := &targetCatalog{schemas: map[string]bool{}, tables: map[[2]string]string{}, existing: map[[2]string]*planv1.Table{}, filled: map[[2]string]bool{},
		triggers: map[[2]string]bool{}, collations: map[string]bool{}, defaults: map[string]string{}, widths: map[string]int{}, transactional: map[string]bool{}}
	wanted := map[string]bool{}
	for _, p := range d.design.GetTables() {
		schema, _ := finalPlace(p)
		wanted[d.fold(schema)], wanted[d.fold(p.GetTargetSchema())] = true, true
	}
	pair := func(into func(a, b string)) func(*sql.Rows) error {
		return func(rows *sql.Rows) error {
			var a, b sql.NullString
			err := rows.Scan(&a, &b)
			into(a.String, b.String)
			return err
		}
	}
	for query, into := range map[string]func(a, b string){
		"SELECT SCHEMA_NAME, '' FROM information_schema.SCHEMATA":                                func(a, _ string) { c.schemas[d.fold(a)] = true },
		"SELECT ENGINE, TRANSACTIONS FROM information_schema.ENGINES":                            func(a, b string) { c.transactional[strings.ToLower(a)] = b == "YES" },
		"SELECT CHARACTER_SET_NAME, DEFAULT_COLLATE_NAME FROM information_schema.CHARACTER_SETS": func(a, b string) { c.defaults[a] = b },
		"SELECT CHARACTER_SET_NAME, MAXLEN FROM information_schema.CHARACTER_SETS":               func(a, b string) { c.widths[a], _ = strconv.Atoi(b) },
		d.dialect.target.collations: func(a, _ string) { c.collations[a] = true },
	} {
		if err := each(ctx, d.db.db, query, nil, pair(into)); err != nil {
			return nil, err
		}
	}
	for schema := range wanted {
		if !c.schemas[schema] {
			continue
		}
		if err := d.readSchema(ctx, c, schema); err != nil {
			return nil, err
		}
	}
	return c, d.readExisting(ctx, c)
}

// readSchema reads the names that one database has.
func (d *designer) readSchema(ctx context.Context, c *targetCatalog, schema string) error {
	for query, into := range map[string]func(name, kind string){
		"SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?": func(name, kind string) {
			c.tables[[2]string{schema, d.fold(name)}] = kind
		},
		"SELECT EVENT_OBJECT_TABLE, '' FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = ? AND EVENT_MANIPULATION = 'INSERT'": func(name, _ string) {
			c.triggers[[2]string{schema, d.fold(name)}] = true
		},
		"SELECT CONSTRAINT_NAME, CONSTRAINT_TYPE FROM information_schema.TABLE_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ?": func(name, kind string) {
			if kind == "FOREIGN KEY" || kind == "CHECK" {
				d.constraints[[2]string{schema, strings.ToLower(name)}] = true
			}
		},
	} {
		err := each(ctx, d.db.db, query, []any{schema}, func(rows *sql.Rows) error {
			var name, kind string
			err := rows.Scan(&name, &kind)
			into(name, kind)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readExisting describes the tables that are there under names of the plan.
func (d *designer) readExisting(ctx context.Context, c *targetCatalog) error {
	for _, p := range d.design.GetTables() {
		schema, name := finalPlace(p)
		at := [2]string{d.fold(schema), d.fold(name)}
		if kind := c.tables[at]; !isTable(kind) || c.existing[at] != nil {
			continue
		}
		t, err := d.db.describeOne(ctx, schema, name)
		if err != nil {
			return err
		}
		keys, err := readForeignKeys(ctx, d.db.db, tableFilter{schema: schema, name: name})
		if err != nil {
			return err
		}
		(&catalog{byName: map[string]*planv1.Table{t.GetName(): t}}).addForeignKeys(keys)
		c.existing[at] = t
		var filled bool
		if err := d.db.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+qualified(schema, name)+")").Scan(&filled); err != nil {
			return err
		}
		c.filled[at] = filled
	}
	return nil
}

func isTable(kind string) bool { return kind == "BASE TABLE" || kind == "SYSTEM VERSIONED" }
