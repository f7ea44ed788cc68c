package mysql

import (
	"slices"
	"strconv"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// keyTerms are a key's columns as one side's table has them.
type keyTerms struct {
	// names are quoted; types are as DDL writes them.
	names, types []string
	kinds        []planv1.Kind
}

// keyTermsOf gives the key of a plan on one side; nothing where it has none.
func keyTermsOf(p *planv1.TablePlan, side engine.Side) (keyTerms, error) {
	at, err := engine.KeyColumns(p)
	if err != nil {
		return keyTerms{}, fault.Wrap(fault.Invalid, "mysql.key", err)
	}
	out := keyTerms{kinds: p.GetSource().GetKey().GetKinds()}
	for _, i := range at {
		c := p.GetColumns()[i]
		out.names = append(out.names, ident(engine.ColumnName(c, side)))
		out.types = append(out.types, engine.ColumnType(c, side))
	}
	return out, nil
}

// order is the ORDER BY list.
func (k keyTerms) order(direction string) string {
	return strings.Join(k.names, direction+", ") + direction
}

// compare compares the key with a bound. Rows of several columns are written out:
// the server finds no range of an index for (a, b) > (1, 2), and finds one for
// a >= 1 AND (a > 1 OR (a = 1 AND b > 2)).
func (k keyTerms) compare(operator string, b *planv1.Bound) (string, error) {
	if len(b.GetValues()) != len(k.names) || len(k.kinds) != len(k.names) {
		return "", fault.New(fault.Invalid, "mysql.key", "bound of %d values for a key of %d columns", len(b.GetValues()), len(k.names))
	}
	values := make([]string, len(k.names))
	for i, v := range b.GetValues() {
		text, err := constant(k.kinds[i], k.types[i], v)
		if err != nil {
			return "", fault.New(fault.Invalid, "mysql.key", "write key value %d: %w", i+1, err)
		}
		values[i] = text
	}
	last := len(values) - 1
	strict := operator[:1]
	out := k.side(last, operator, values[last])
	for i := last - 1; i >= 0; i-- {
		out = "(" + k.side(i, strict, values[i]) + " OR (" + k.names[i] + " = " + values[i] + " AND " + out + "))"
	}
	if last > 0 {
		out = k.side(0, strict+"=", values[0]) + " AND " + out
	}
	return out, nil
}

// maxListed is how many numbers of labels are written out.
const maxListed = 1024

// side compares one column with a constant. Labels are ordered by their numbers, and
// the server looks into an index for single ones, not for those below or above one: it
// would read the index from its beginning each time. So they are listed.
func (k keyTerms) side(i int, operator, value string) string {
	first, last := int64(0), labelLimit(k.types[i])
	at, err := strconv.ParseInt(value, 10, 64)
	if last == 0 || err != nil {
		return k.names[i] + " " + operator + " " + value
	}
	switch operator {
	case ">":
		first = at + 1
	case ">=":
		first = at
	case "<":
		last = at - 1
	case "<=":
		last = at
	}
	var numbers []string
	for n := first; n <= last; n++ {
		numbers = append(numbers, itoa(n))
	}
	if len(numbers) == 0 {
		return "FALSE"
	}
	return k.names[i] + " IN (" + strings.Join(numbers, ", ") + ")"
}

// labelLimit is the greatest number of a type's labels; 0 where there are none, or too
// many to be listed.
func labelLimit(nativeType string) int64 {
	limit := 0
	switch labels := len(labelsOf(nativeType)); dataTypeOf(nativeType) {
	case "enum":
		limit = labels
	case "set":
		limit = 1<<min(labels, 63) - 1
	}
	if limit >= maxListed {
		return 0
	}
	return int64(limit)
}

// anyOf selects the rows that have one of some keys.
func (k keyTerms) anyOf(keys []*planv1.Bound) (string, error) {
	out := []string{"FALSE"}
	for _, key := range keys {
		one, err := k.equal(key)
		if err != nil {
			return "", err
		}
		out = append(out, one)
	}
	return "(" + strings.Join(out, " OR ") + ")", nil
}

// equal selects the row that has a key.
func (k keyTerms) equal(key *planv1.Bound) (string, error) {
	if len(key.GetValues()) != len(k.names) || len(k.kinds) != len(k.names) {
		return "", fault.New(fault.Invalid, "mysql.key", "key of %d values for one of %d columns", len(key.GetValues()), len(k.names))
	}
	parts := make([]string, len(k.names))
	for i, v := range key.GetValues() {
		text, err := constant(k.kinds[i], k.types[i], v)
		if err != nil {
			return "", fault.New(fault.Invalid, "mysql.key", "write key value %d: %w", i+1, err)
		}
		parts[i] = k.names[i] + " = " + text
	}
	return "(" + strings.Join(parts, " AND ") + ")", nil
}

// bounds selects a range, without what is up to after: conditions to be joined by
// AND.
func (k keyTerms) bounds(r *planv1.Range, after *planv1.Bound) ([]string, error) {
	var out []string
	for _, part := range []struct {
		operator string
		bound    *planv1.Bound
	}{{">=", r.GetLower()}, {"<", r.GetUpper()}, {">", after}} {
		if part.bound == nil {
			continue
		}
		condition, err := k.compare(part.operator, part.bound)
		if err != nil {
			return nil, err
		}
		out = append(out, condition)
	}
	switch r.GetNullKeys() {
	case planv1.NullKeys_NULL_KEYS_ONLY:
		out = append(out, "("+strings.Join(k.names, " IS NULL OR ")+" IS NULL)")
	case planv1.NullKeys_NULL_KEYS_EXCLUDED:
		out = append(out, strings.Join(k.names, " IS NOT NULL AND ")+" IS NOT NULL")
	}
	return out, nil
}

// constant writes a canonical value as a constant that compares with a column of a
// type as the column's own values do.
func constant(kind planv1.Kind, nativeType string, v []byte) (string, error) {
	dataType := dataTypeOf(nativeType)
	switch natural := naturalKinds[dataType]; {
	case dataType == "enum", dataType == "set":
		return labelNumber(nativeType, dataType == "set", string(v))
	case natural == canon.Text || natural == canon.UUID:
		text, err := canon.AppendText(nil, kind, v)
		return textConstant(text), err
	case natural == canon.Bytes && (kind == canon.UUID || kind == canon.Bytes):
		return bytesConstant(v), nil
	case natural == canon.Bytes:
		text, err := canon.AppendText(nil, kind, v)
		return bytesConstant(text), err
	}
	return plainConstant(kind, v)
}

// labelNumber is an enum's or a set's value as it is ordered: by number. Against a
// text it would be compared as a text, in another order than the index's.
func labelNumber(nativeType string, set bool, text string) (string, error) {
	labels := labelsOf(nativeType)
	if !set {
		if i := slices.Index(labels, text); i >= 0 {
			return itoa(int64(i + 1)), nil
		}
		// The number 0, which is printed so, stands for a value that was refused once.
		if text == "" {
			return "0", nil
		}
		return "", fault.New(fault.Changed, "mysql.key", "%q is none of the labels of %s", text, nativeType)
	}
	var bits uint64
	for _, part := range strings.Split(text, ",") {
		i := slices.Index(labels, part)
		if i < 0 && text != "" {
			return "", fault.New(fault.Changed, "mysql.key", "%q is none of the labels of %s", part, nativeType)
		}
		if i >= 0 {
			bits |= 1 << i
		}
	}
	return strconv.FormatUint(bits, 10), nil
}

// plainConstant writes a value that compares by itself.
func plainConstant(kind planv1.Kind, v []byte) (string, error) {
	if err := canon.Check(kind, v); err != nil {
		return "", err
	}
	switch kind {
	case canon.Bool:
		return strconv.Itoa(int(v[0])), nil
	case canon.Int, canon.Uint, canon.Decimal:
		return canon.String(kind, v), nil
	case canon.Float32:
		// The column is compared as a double.
		return strconv.FormatFloat(float64(canon.GetFloat32(v)), 'e', -1, 64), nil
	case canon.Float64:
		return strconv.FormatFloat(canon.GetFloat64(v), 'e', -1, 64), nil
	case canon.Text:
		return textConstant(v), nil
	case canon.Bytes, canon.UUID:
		return bytesConstant(v), nil
	case canon.Date:
		return "DATE'" + canon.String(kind, v) + "'", nil
	case canon.Time:
		return "TIME'" + canon.String(kind, v) + "'", nil
	case canon.Timestamp, canon.TimestampTZ:
		// The session is in UTC.
		return "TIMESTAMP'" + canon.String(canon.Timestamp, v) + "'", nil
	case canon.Bits:
		n, err := strconv.ParseUint(string(v), 2, 64)
		return strconv.FormatUint(n, 10), err
	}
	return "", fault.New(fault.Unsupported, "mysql.constant", "a value of %s cannot be compared", kind)
}
