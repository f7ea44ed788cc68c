package mysql

import (
	"cmp"
	"database/sql"
	"slices"
	"strconv"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/loss"
)

// Check makes the check of a plan's values: what a writer encodes, by the types that the
// plan names.
func (*Engine) Check(p *planv1.TablePlan) (engine.ValueCheck, error) {
	d := mysqlDialect
	if p.GetTargetEngine() == NameMariaDB {
		d = mariadbDialect
	}
	var columns []columnRow
	for _, c := range p.GetColumns() {
		columns = append(columns, plannedRow(c))
	}
	rows, err := newRowEncoder(d, p, columns)
	if err != nil {
		return nil, fault.At(err, fault.Target, engine.Label(p, engine.TargetSide))
	}
	return &valueCheck{rowEncoder: rows, limit: p.GetConstantLimit() - packetRoom}, nil
}

// valueCheck encodes values as a writer does and keeps nothing of them.
type valueCheck struct {
	*rowEncoder
	// limit is how long a value may be as a constant of SQL; below 0 for any length.
	limit    int64
	constant []byte
}

// Check takes one value.
func (c *valueCheck) Check(column int, v []byte) error {
	c.fields[column] = v
	text, err := c.text(column)
	if err != nil {
		return fault.Find(err).Err
	}
	// Each byte may need an escape.
	if c.limit < 0 || 2*int64(len(text)) <= c.limit-int64(len("_binary''")) {
		return nil
	}
	if c.constant, err = c.appendConstant(c.constant[:0], column); err != nil {
		return fault.Find(err).Err
	}
	return c.fits(int64(len(c.constant)))
}

// fits refuses what is longer than a statement of the target.
func (c *valueCheck) fits(n int64) error {
	if c.limit < 0 || n <= c.limit {
		return nil
	}
	return loss.New(loss.Packet, "value takes %d bytes as text and max_allowed_packet is %d: raise it on the server, or switch local_infile on there", n, c.limit+packetRoom)
}

// Large takes values that a writer passes on as they are.
func (c *valueCheck) Large(column int, size int64) (func([]byte) error, error) {
	e := c.columns[column]
	// A large value is brought in pieces, each with its escapes.
	if err := c.fits(size); err != nil {
		return nil, err
	}
	switch {
	case e.encode != nil || !e.unbounded:
		return nil, nil
	case e.check == nil:
		return func([]byte) error { return nil }, nil
	}
	return e.check, nil
}

// textTypes are those with a character set.
var textTypes = []string{"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"}

// plannedRow is a column as the catalog will have it, as far as an encoder asks.
func plannedRow(c *planv1.ColumnPlan) columnRow {
	name, arguments, _, err := typeParts(c.GetTargetType())
	if err != nil {
		name = c.GetTargetType()
	}
	if alias, ok := typeAliases[name]; ok {
		name = alias
	}
	out := columnRow{name: c.GetTarget(), dataType: strings.Fields(name + " ?")[0], columnType: c.GetTargetType(), nullable: c.GetNullable()}
	if slices.Contains(textTypes, out.dataType) {
		out.charset = sql.NullString{String: cmp.Or(c.GetTargetCharset(), charset), Valid: true}
		out.collation = sql.NullString{String: c.GetTargetCollation(), Valid: c.GetTargetCollation() != ""}
	}
	first, second, _ := strings.Cut(arguments, ",")
	size, sizeErr := strconv.ParseInt(strings.TrimSpace(first), 10, 64)
	limits, sized := sizedTypes[out.dataType]
	if sized && sizeErr != nil {
		size = int64(limits.standard)
	}
	set := func(to *sql.NullInt64, n int64) { *to = sql.NullInt64{Int64: n, Valid: true} }
	switch out.dataType {
	case "char", "varchar", "binary", "varbinary":
		set(&out.length, size)
	case "bit":
		set(&out.precision, size)
	case "decimal":
		digits, _ := strconv.ParseInt(strings.TrimSpace(second), 10, 64) // none is 0
		set(&out.precision, size)
		set(&out.scale, digits)
	case "time", "datetime", "timestamp":
		set(&out.fraction, size)
	}
	return out
}
