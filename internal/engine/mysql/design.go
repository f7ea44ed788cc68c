package mysql

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// Codes of findings.
const (
	codeNoTypeMapping      = "NO_TYPE_MAPPING"
	codeCastImpossible     = "CAST_IMPOSSIBLE"
	codeTypeNarrowed       = "TYPE_NARROWED"
	codeTypeTranslated     = "TYPE_TRANSLATED"
	codeInstantAsUTC       = "INSTANT_AS_UTC"
	codeTextLimited        = "TEXT_LIMITED"
	codeTargetNotEmpty     = "TARGET_NOT_EMPTY"
	codeTargetExists       = "TARGET_EXISTS"
	codeTargetNotTable     = "TARGET_NOT_A_TABLE"
	codeTargetColumn       = "TARGET_COLUMN"
	codeTargetForeignKey   = "TARGET_FOREIGN_KEY"
	codeNotTransactional   = "TARGET_NOT_TRANSACTIONAL"
	codeTriggersFire       = "TRIGGERS_FIRE"
	codeSchemaMapping      = "SCHEMA_MAPPING_NEEDED"
	codeNameChanged        = "NAME_CHANGED"
	codeNameInvalid        = "NAME_INVALID"
	codeNameCollision      = "NAME_COLLISION"
	codeNameReserved       = "NAME_RESERVED"
	codeKeyRequired        = "KEY_REQUIRED"
	codePrivilegeMissing   = "PRIVILEGE_MISSING"
	codeDefaultNotMoved    = "DEFAULT_NOT_MOVED"
	codeIdentityNotMoved   = "IDENTITY_NOT_MOVED"
	codeIdentityIndexed    = "IDENTITY_INDEXED"
	codeGeneratedAsValue   = "GENERATED_AS_VALUE"
	codeCollationChanged   = "COLLATION_CHANGED"
	codeCollationNotMoved  = "COLLATION_NOT_MOVED"
	codeIndexNotMoved      = "INDEX_NOT_MOVED"
	codeIndexPrefix        = "INDEX_PREFIX"
	codeIndexChanged       = "INDEX_CHANGED"
	codeNullsDistinct      = "NULLS_DISTINCT"
	codeCheckNotMoved      = "CHECK_NOT_MOVED"
	codeForeignNotMoved    = "FOREIGN_KEY_NOT_MOVED"
	codeForeignChanged     = "FOREIGN_KEY_CHANGED"
	codePartitionsJoined   = "PARTITIONS_JOINED"
	codeOptionNotMoved     = "OPTION_NOT_MOVED"
	codeNoColumns          = "NO_COLUMNS"
	codeTooManyColumns     = "TOO_MANY_COLUMNS"
	codeRowTooWide         = "ROW_TOO_WIDE"
	codeLoadedByInserts    = "LOADED_BY_INSERTS"
	codeFlushedByStatement = "TARGET_FLUSHED_BY_STATEMENT"
	codeDefinerMissing     = "DEFINER_MISSING"
	codeDatabaseCollation  = "DATABASE_COLLATION"
	codeEventRuns          = "EVENT_RUNS"
)

const (
	info    = planv1.Severity_SEVERITY_INFO
	warning = planv1.Severity_SEVERITY_WARNING
	blocker = planv1.Severity_SEVERITY_ERROR
)

// objectDatabase begins a statement's object where it makes a database.
const objectDatabase = "database "

// objectOwnSequence begins a statement's object where it makes a sequence; its quoted
// name follows.
const objectOwnSequence = "sequence "

// designer plans one target.
type designer struct {
	db      *database
	dialect *dialect
	source  *planv1.Database
	req     engine.DesignRequest
	design  *planv1.Design
	server  serverSettings
	catalog *targetCatalog
	// made are the databases that statements make.
	made map[string]bool
	// bySource finds the plan of a source table, for foreign keys.
	bySource map[[2]string]*planv1.TablePlan
	// constraints are the names of foreign keys and checks that are taken, by schema.
	constraints map[[2]string]bool
	// accepted are expressions of the other product that this one takes as well.
	accepted map[string]bool
}

// Design plans the target. It reads the catalog and changes nothing.
func (d *database) Design(ctx context.Context, r engine.DesignRequest) (*planv1.Design, error) {
	p := &designer{db: d, dialect: d.dialect, source: r.Source, req: r, bySource: map[[2]string]*planv1.TablePlan{}, made: map[string]bool{},
		constraints: map[[2]string]bool{}, design: &planv1.Design{Engine: d.dialect.name, Version: d.version, Identity: d.identity}}
	if err := p.run(ctx); err != nil {
		return nil, fault.At(classify("mysql.Design", err), fault.Target, "")
	}
	return p.design, nil
}

func (d *designer) run(ctx context.Context) error {
	var err error
	if d.server, err = d.db.readServer(ctx); err != nil {
		return err
	}
	for i, t := range d.source.GetTables() {
		p := &planv1.TablePlan{Number: uint32(i + 1), Source: t, Existing: d.req.Existing, Encoding: planv1.Encoding_ENCODING_CANONICAL,
			SourceEngine: d.source.GetEngine(), TargetEngine: d.dialect.name}
		if !d.server.localInfile {
			p.ConstantLimit = d.server.maxPacket
		}
		d.name(p)
		d.design.Tables = append(d.design.Tables, p)
		d.bySource[[2]string{t.GetSchema(), t.GetName()}] = p
	}
	if d.catalog, err = d.readCatalog(ctx); err != nil {
		return err
	}
	if err := d.probeExpressions(ctx); err != nil {
		return err
	}
	d.checkNames()
	if err := d.checkPrivileges(ctx); err != nil {
		return err
	}
	if err := d.noteServer(ctx); err != nil {
		return err
	}
	for _, p := range d.design.GetTables() {
		d.planTable(p)
	}
	// Foreign keys last: they need the other tables' columns.
	for _, p := range d.design.GetTables() {
		if !p.GetTargetExists() {
			d.planForeignKeys(p)
		}
	}
	return d.planObjects(ctx)
}

// name gives a table its place.
func (d *designer) name(p *planv1.TablePlan) {
	t := p.GetSource()
	schema, name, ruled := "", "", false
	if d.req.Name != nil {
		schema, name, ruled = d.req.Name(t.GetSchema(), t.GetName())
	}
	if !ruled && d.severalSchemas() && t.GetSchema() != "public" {
		note(p, blocker, codeSchemaMapping, "", "the source's tables are in several schemas, and a schema is a database here: "+
			"say where they go, as with tables: [{match: %q, into: \"%s.{table}\"}], or %q for names in one database",
			t.GetSchema()+".*", t.GetSchema(), t.GetSchema()+"_{table}")
	}
	if schema == "" {
		schema = d.db.schema
	}
	if name == "" {
		name = t.GetName()
	}
	clipped := clip(name, 0)
	if clipped != name {
		note(p, warning, codeNameChanged, "", "name is longer than %d characters: it becomes %s", maxIdentifier, clipped)
	}
	if reason := invalidName(clipped); reason != "" {
		note(p, blocker, codeNameInvalid, "", "%s: map the table to another name", reason)
	}
	if strings.HasPrefix(clipped, ledgerPrefix) {
		note(p, blocker, codeNameReserved, "", "names that begin with %s are drover's own: map the table to another name", ledgerPrefix)
	}
	if d.server.foldsNames {
		if folded := strings.ToLower(clipped); folded != clipped {
			note(p, warning, codeNameChanged, "", "the server keeps names of tables in lower case (lower_case_table_names=1): it becomes %s", folded)
		}
		schema, clipped = strings.ToLower(schema), strings.ToLower(clipped)
	}
	p.TargetSchema, p.TargetName = schema, clipped
	if d.req.Stage != "" {
		p.PublishSchema, p.PublishName = schema, clipped
		p.TargetSchema = d.stagingDatabase(schema)
	}
}

func (d *designer) severalSchemas() bool {
	tables := d.source.GetTables()
	return slices.ContainsFunc(tables, func(t *planv1.Table) bool { return t.GetSchema() != tables[0].GetSchema() })
}

// finalPlace is where a table will be when all is done.
func finalPlace(p *planv1.TablePlan) (schema, name string) {
	if p.GetPublishName() != "" {
		return p.GetPublishSchema(), p.GetPublishName()
	}
	return p.GetTargetSchema(), p.GetTargetName()
}

// checkNames finds tables that would land on one another, and makes the databases.
func (d *designer) checkNames() {
	first := map[[2]string]*planv1.TablePlan{}
	for _, p := range d.design.GetTables() {
		schema, name := finalPlace(p)
		at := [2]string{d.fold(schema), d.fold(name)}
		if other := first[at]; other != nil {
			note(p, blocker, codeNameCollision, "", "%s and %s would both become %s.%s: map one of them to another name",
				engine.Label(other, engine.SourceSide), engine.Label(p, engine.SourceSide), schema, name)
			continue
		}
		first[at] = p
		d.makeDatabase(schema)
		d.makeDatabase(p.GetTargetSchema())
	}
}

// fold is a table's or a database's name as the server compares it.
func (d *designer) fold(name string) string {
	if d.server.comparesFolded {
		return strings.ToLower(name)
	}
	return name
}

func (d *designer) makeDatabase(name string) {
	if d.made[name] || d.catalog.schemas[d.fold(name)] {
		return
	}
	d.made[name] = true
	d.design.Statements = append(d.design.Statements, &planv1.Statement{Step: planv1.Step_STEP_CREATE, Object: objectDatabase + name,
		Sql: "CREATE DATABASE IF NOT EXISTS " + ident(name) + " CHARACTER SET " + charset + " COLLATE " + d.dialect.target.textCollation})
}

// sameEngine tells whether the source's definitions hold here as they are; family,
// whether they nearly do.
func (d *designer) sameEngine() bool { return d.source.GetEngine() == d.dialect.name }

func (d *designer) family() bool { return isFamily(d.source.GetEngine()) }

// isFamily tells whether an engine is MySQL or MariaDB.
func isFamily(engineName string) bool { return engineName == NameMySQL || engineName == NameMariaDB }

func (d *designer) note(severity planv1.Severity, code, format string, args ...any) {
	d.design.Findings = append(d.design.Findings, &planv1.Finding{Severity: severity, Code: code, Message: fmt.Sprintf(format, args...)})
}

// note adds a finding to a table.
func note(p *planv1.TablePlan, severity planv1.Severity, code, column, format string, args ...any) {
	p.Findings = append(p.Findings, &planv1.Finding{Severity: severity, Code: code, Table: engine.Label(p, engine.SourceSide), Column: column,
		Message: fmt.Sprintf(format, args...)})
}

func blocked(p *planv1.TablePlan) bool {
	return slices.ContainsFunc(p.GetFindings(), func(f *planv1.Finding) bool { return f.GetSeverity() == blocker })
}

// clip cuts a name to the characters that the server keeps, less some.
func clip(name string, less int) string {
	if utf8.RuneCountInString(name) <= maxIdentifier-less {
		return name
	}
	return strings.TrimRight(string([]rune(name)[:maxIdentifier-less]), " ")
}

// invalidName says why a name cannot be; empty where it can.
func invalidName(name string) string {
	switch {
	case name == "":
		return "the name is empty"
	case strings.HasSuffix(name, " "):
		return "the name ends with a space, which the server does not take"
	case strings.ContainsFunc(name, func(r rune) bool { return r == 0 || r > 0xffff || r == utf8.RuneError }):
		return "the name has a character that the server does not take in names"
	}
	return ""
}
