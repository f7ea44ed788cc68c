package postgres

import (
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
)

// planTable plans columns, encoding and statements of one table.
func (d *designer) planTable(p *planv1.TablePlan) {
	there := d.existing[finalPlace(p)]
	switch {
	case there != nil && d.req.Stage != "":
		note(p, blocker, codeTargetExists, "", "%s.%s is on the target already, and a table that is published in one step cannot be: drop it, or map the table to another name",
			there.Schema, there.Name)
	case there != nil:
		d.planExisting(p, there)
	default:
		d.planNew(p)
	}
	if len(p.GetColumns()) == 0 && len(p.GetSource().GetColumns()) > 0 && !blocked(p) {
		note(p, blocker, codeNoColumns, "", "no column is left to copy")
	}
	p.Encoding = planv1.Encoding_ENCODING_CANONICAL
	if d.sameEngine() && passesThrough(p) {
		p.Encoding = planv1.Encoding_ENCODING_PGCOPY
	}
	p.ComparedKeys, p.EntryLimits = d.comparedKeys(p, there), d.entryLimits(p, there)
	key := p.GetSource().GetKey()
	p.ValidateByRange = engine.HasKey(p) && key.GetPortableOrder() && !appends(p) && keyKindsKept(p)
}

// appends tells whether the target keeps rows that the source does not have.
func appends(p *planv1.TablePlan) bool {
	return p.GetTargetExists() && p.GetExisting() == planv1.Existing_EXISTING_APPEND
}

func blocked(p *planv1.TablePlan) bool {
	return slices.ContainsFunc(p.GetFindings(), func(f *planv1.Finding) bool { return f.GetSeverity() == blocker })
}

// passesThrough tells whether binary tuples of the source are tuples of the target:
// columns may be left out and have other names, but no value may change.
func passesThrough(p *planv1.TablePlan) bool {
	for _, c := range p.GetColumns() {
		if c.Constant != nil || c.GetPolicy().GetAction() > planv1.Policy_ACTION_ERROR ||
			c.GetSourceType() != c.GetTargetType() || !engine.SourceColumn(p, c.GetSource()).GetPortableBinary() {
			return false
		}
	}
	return true
}

// planNew plans a table that drover makes.
func (d *designer) planNew(p *planv1.TablePlan) {
	p.KeyAfterLoad = true
	d.planNewColumns(p)
}

// planNewColumns plans columns and statements of a table, or of a partition of one.
func (d *designer) planNewColumns(p *planv1.TablePlan) {
	t := p.GetSource()
	if d.sameEngine() {
		d.noteServer(p)
	}
	if d.joined(p) {
		note(p, warning, codePartitionsJoined, "", "partitions become one ordinary table on the target: partition it there first and use --existing=append to keep them")
	}
	family, related := d.inherits(p)
	if hasOption(t, optionInheritance) && !related {
		note(p, warning, codeOptionNotMoved, "", "inheritance is not moved: the table stands alone on the target")
	}
	var lines []string
	taken := map[string]string{}
	for _, c := range t.GetColumns() {
		if c.GetDropped() {
			continue
		}
		name := d.columnName(p, c, taken)
		if line, ok := d.newColumn(p, c, name); ok && (family == "" || !c.GetInherited()) {
			lines = append(lines, line)
		}
	}
	d.planDDL(p, lines, family)
}

// shorter ends the name that is offered for one that is too long.
const shorter = "_short"

// columnName gives a column's name; one that PostgreSQL would cut, and two that are
// one, are the user's to rename.
func (d *designer) columnName(p *planv1.TablePlan, c *planv1.Column, taken map[string]string) string {
	name := clip(engine.TargetColumn(c), 0)
	if name != engine.TargetColumn(c) {
		note(p, blocker, codeNameTooLong, c.GetName(), "the name has %d bytes and PostgreSQL keeps %d: give the column another one, as with tables: [{match: %q, columns: {%s: {into: %s}}}]",
			len(engine.TargetColumn(c)), maxIdentifier, engine.Label(p, engine.SourceSide), c.GetName(), clip(name, len(shorter))+shorter)
	}
	if other, ok := taken[name]; ok {
		note(p, blocker, codeNameCollision, c.GetName(), "columns %s and %s would both become %s: give one of them another name", other, c.GetName(), name)
	}
	taken[name] = c.GetName()
	return name
}

// newColumn plans one column and writes its line of CREATE TABLE.
func (d *designer) newColumn(p *planv1.TablePlan, c *planv1.Column, name string) (string, bool) {
	to, ok := d.columnType(p, c)
	if !ok {
		return "", false
	}
	plan, err := engine.PlanColumn(c, to.name, to.kind, to.scale)
	if err != nil {
		note(p, blocker, codeCastImpossible, c.GetName(), "%s: %s", to.name, err)
		return "", false
	}
	plan.Target = name
	line := ident(name) + " " + to.name + d.compressed(c) + d.collate(p, c, to)
	if c.GetGenerated() != "" {
		if clause, ok := d.generated(p, c, to); ok {
			p.Recomputed = append(p.Recomputed, name)
			return line + clause + d.notNull(c), true
		}
	}
	p.Columns = append(p.Columns, plan)
	return line + d.valueClause(p, c, name, to) + d.notNull(c), true
}

const (
	// firstNamedNotNull is the version in which NOT NULL is a constraint with a name,
	// firstVirtual the one that knows generated columns that are not stored.
	firstNamedNotNull = 180000
	firstVirtual      = 180000
)

func (d *designer) notNull(c *planv1.Column) string {
	switch {
	case c.GetNullable():
		return ""
	case d.sameEngine() && c.GetNotNull() != "" && d.db.versionNum >= firstNamedNotNull:
		return " " + c.GetNotNull()
	default:
		return " NOT NULL"
	}
}

// compressed keeps what compresses a column's large values.
func (d *designer) compressed(c *planv1.Column) string {
	if d.sameEngine() && c.GetCast() == "" && c.GetCompression() != "" {
		return " COMPRESSION " + c.GetCompression()
	}
	return ""
}

// columnType gives the type of a new column; false with a finding where there is none.
func (d *designer) columnType(p *planv1.TablePlan, c *planv1.Column) (targetType, bool) {
	switch {
	case c.GetCast() != "":
		return d.castOf(p, c)
	case c.Constant != nil:
		return targetType{name: "text", kind: canon.Text, scale: -1}, true
	case d.sameEngine():
		return d.ownType(p, c)
	case c.GetGeometry() != "":
		return d.spatialType(p, c), true
	}
	to, ok := mapType(d.source.GetEngine(), c)
	if !ok {
		note(p, blocker, codeNoTypeMapping, c.GetName(), "declared type %q has no mapping to PostgreSQL: its values may be of any type; "+
			"declare one in the source, give the column a type in the spec, or make the table on the target first and use --existing=append", c.GetNativeType())
	}
	return to, ok
}

// ownType keeps the type of a PostgreSQL source.
func (d *designer) ownType(p *planv1.TablePlan, c *planv1.Column) (targetType, bool) {
	if !d.typeThere[c.GetNativeType()] {
		note(p, blocker, codeTypeMissing, c.GetName(), "type %s is not on the target: install its extension or make the type there, or leave the table out", c.GetNativeType())
		return targetType{}, false
	}
	to := targetType{name: c.GetNativeType(), kind: c.GetKind(), scale: -1}
	if to.kind == canon.Decimal {
		to.scale = decimalScale(c)
	}
	return to, true
}

// spatialType keeps geometries where PostGIS is, and their bytes where it is not.
func (d *designer) spatialType(p *planv1.TablePlan, c *planv1.Column) targetType {
	if d.geometry != "" {
		return targetType{name: d.geometry, kind: canon.Bytes, scale: -1}
	}
	note(p, warning, codeGeometryAsBytes, c.GetName(), "%s becomes bytea with the geometry as EWKB, since PostGIS is not on the target: CREATE EXTENSION postgis there first to keep it",
		c.GetNativeType())
	return targetType{name: "bytea", kind: canon.Bytes, scale: -1}
}

// collate keeps a collation that the target has. Those of MySQL it has not: what
// that changes, planCollations says.
func (d *designer) collate(p *planv1.TablePlan, c *planv1.Column, to targetType) string {
	collation := c.GetCollation()
	switch {
	case collation == "" || to.kind != canon.Text || d.fromMySQL() || (d.source.GetEngine() == "sqlite" && strings.EqualFold(collation, "BINARY")):
		return ""
	case d.sameEngine() && d.collationThere[collation]:
		return " COLLATE " + collation
	}
	note(p, warning, codeCollationNotMoved, c.GetName(), "collation %s is not on the target: values compare by the database's own", collation)
	return ""
}

// generated writes the clause of a column that the target computes.
func (d *designer) generated(p *planv1.TablePlan, c *planv1.Column, to targetType) (string, bool) {
	switch {
	case c.GetCast() != "":
	case d.sameEngine() && (c.GetGeneratedStored() || d.db.versionNum >= firstVirtual):
		expr, ok := renamed(p.GetSource(), c.GetGenerated())
		if !ok {
			break
		}
		how := " VIRTUAL"
		if c.GetGeneratedStored() {
			how = " STORED"
		}
		return " GENERATED ALWAYS AS (" + expr + ")" + how, true
	case !d.sameEngine():
		// Always stored: PostgreSQL has no index on a virtual column.
		if expr, ok := d.translateValue(p, c, to); ok {
			return " GENERATED ALWAYS AS (" + expr + ") STORED", true
		}
	}
	note(p, warning, codeGeneratedAsValue, c.GetName(), "generated column becomes an ordinary one with the values of now; its expression was: %s", c.GetGenerated())
	return "", false
}

// valueClause writes identity or default.
func (d *designer) valueClause(p *planv1.TablePlan, c *planv1.Column, name string, to targetType) string {
	if d.sameEngine() && c.GetCast() == "" && (c.GetIdentity() != planv1.Identity_IDENTITY_UNSPECIFIED || c.GetSequence() != nil) {
		return d.ownNumbers(p, c, name)
	}
	if id := c.GetIdentity(); id != planv1.Identity_IDENTITY_UNSPECIFIED {
		return d.identity(p, c, name, to)
	}
	if c.GetDefault() == nil {
		return ""
	}
	sql, ok := renderDefault(d.source.GetEngine(), c, to)
	if !ok {
		note(p, warning, codeDefaultNotMoved, c.GetName(), "default is not moved: %s", describeDefault(c.GetDefault()))
		return ""
	}
	if other, ok := d.renumbered[sql]; ok {
		sql = other
	}
	return " DEFAULT " + sql
}

// identity lets the target number rows. PostgreSQL has identities of integers only;
// a decimal column gets a sequence of its own, which does the same.
func (d *designer) identity(p *planv1.TablePlan, c *planv1.Column, name string, to targetType) string {
	// An identity column takes no NULL.
	inKey := slices.Contains(p.GetSource().GetKey().GetColumns(), c.GetName())
	required := !c.GetNullable() || inKey
	switch {
	case required && selfNumberingType(to.name) && c.GetIdentity() == planv1.Identity_IDENTITY_ALWAYS:
		return " GENERATED ALWAYS AS IDENTITY"
	case required && selfNumberingType(to.name):
		return " GENERATED BY DEFAULT AS IDENTITY"
	case required && strings.HasPrefix(to.name, "numeric") && to.scale <= 0 && d.fromMySQL():
		d.ownSequence(p, c, name)
		return ""
	}
	note(p, warning, codeIdentityNotMoved, c.GetName(), "PostgreSQL numbers only integer columns that take no NULL; this one is %s", to.name)
	return ""
}

// ownSequence numbers a column that cannot be an identity.
func (d *designer) ownSequence(p *planv1.TablePlan, c *planv1.Column, name string) {
	sequence := d.names.free(finalPlace(p)[0], clip(p.GetTargetName()+"_"+name, len("_seq"))+"_seq")
	d.sequences = append(d.sequences, ownedSequence{plan: p, column: name, name: sequence})
	note(p, info, codeIdentityBySequence, c.GetName(), "%s holds more than bigint, the largest type that PostgreSQL numbers by itself: the column becomes numeric(20,0) "+
		"and takes its numbers from the sequence %s; cast it to bigint in the spec if no value is above 9223372036854775807", c.GetNativeType(), sequence)
}

// ownNumbers numbers a column as the source does: by an identity with its sequence, or
// by the default that takes a sequence's next number.
func (d *designer) ownNumbers(p *planv1.TablePlan, c *planv1.Column, name string) string {
	q := c.GetSequence()
	expression := c.GetDefault().GetExpression()
	switch {
	case q.GetByDefaultValue():
		d.numberByDefault(p, c, name, q)
		return ""
	case expression != "":
		if sql, ok := d.renumbered[expression]; ok {
			expression = sql
		}
		return " DEFAULT " + expression
	case q == nil:
		// A partition, whose table has the identity.
		return ""
	}
	always := " GENERATED BY DEFAULT AS IDENTITY"
	if c.GetIdentity() == planv1.Identity_IDENTITY_ALWAYS {
		always = " GENERATED ALWAYS AS IDENTITY"
	}
	_, options, _ := strings.Cut(q.GetOptions(), "START WITH ")
	options = "START WITH " + options
	if sequence := q.GetName(); !d.names.used[[2]string{finalPlace(p)[0], sequence}] {
		d.names.take(finalPlace(p)[0], sequence)
		options = "SEQUENCE NAME " + qualified(p.GetTargetSchema(), sequence) + " " + options
	}
	return always + " (" + options + ")"
}

// numberByDefault makes the sequence that the column owns.
func (d *designer) numberByDefault(p *planv1.TablePlan, c *planv1.Column, name string, q *planv1.Sequence) {
	sequence := d.names.free(finalPlace(p)[0], q.GetName())
	d.sequences = append(d.sequences, ownedSequence{plan: p, column: name, name: sequence, options: q.GetOptions()})
	d.renumbered[c.GetDefault().GetExpression()] = "nextval(" + literal(qualified(p.GetTargetSchema(), sequence)) + "::regclass)"
}

func describeDefault(v *planv1.Default) string {
	switch v := v.GetValue().(type) {
	case *planv1.Default_Expression:
		return v.Expression
	case *planv1.Default_Literal:
		return v.Literal
	default:
		return "the present moment"
	}
}
