package sqlite

import (
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/fault"
)

// predicate selects rows by their key.
type predicate struct {
	// terms are the key's columns as they are compared.
	terms []string
	kinds []planv1.Kind
	where []string
	args  []any
}

// add adds a comparison with a bound, if there is one.
func (p *predicate) add(operator string, b *planv1.Bound) error {
	if b == nil {
		return nil
	}
	if len(b.GetValues()) != len(p.terms) {
		return fault.New(fault.Invalid, "sqlite.Read", "bound of %d values for a key of %d columns", len(b.GetValues()), len(p.terms))
	}
	for i, v := range b.GetValues() {
		arg, err := keyArgument(p.kinds[i], v)
		if err != nil {
			return fault.New(fault.Invalid, "sqlite.Read", "key value %d: %w", i+1, err)
		}
		p.args = append(p.args, arg)
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(p.terms)), ", ")
	p.where = append(p.where, row(strings.Join(p.terms, ", "), len(p.terms))+" "+operator+" "+row(marks, len(p.terms)))
	return nil
}

// row puts several terms into parentheses: one alone is compared with its
// column's affinity only without them.
func row(terms string, n int) string {
	if n == 1 {
		return terms
	}
	return "(" + terms + ")"
}

// keyArgument is a key value as it is compared. A decimal goes as text: the
// column's affinity makes of it what it made of the stored one.
func keyArgument(kind planv1.Kind, v []byte) (any, error) {
	if kind == canon.Decimal {
		return string(v), nil
	}
	return stored(kind, affinityBlob, v)
}

// bounds selects a range, without what is up to after.
func (p *predicate) bounds(r *planv1.Range, after *planv1.Bound) error {
	if err := p.add(">=", r.GetLower()); err != nil {
		return err
	}
	if err := p.add("<", r.GetUpper()); err != nil {
		return err
	}
	switch r.GetNullKeys() {
	case planv1.NullKeys_NULL_KEYS_ONLY:
		p.where = append(p.where, "("+strings.Join(p.terms, " IS NULL OR ")+" IS NULL)")
	case planv1.NullKeys_NULL_KEYS_EXCLUDED:
		p.where = append(p.where, strings.Join(p.terms, " IS NOT NULL AND ")+" IS NOT NULL")
	}
	return p.add(">", after)
}

// anyOf selects the rows that have one of some keys; nil is no condition.
func (p *predicate) anyOf(keys []*planv1.Bound) error {
	if keys == nil {
		return nil
	}
	one := &predicate{terms: p.terms, kinds: p.kinds}
	for _, key := range keys {
		if err := one.add("=", key); err != nil {
			return err
		}
	}
	p.args = append(p.args, one.args...)
	p.where = append(p.where, "("+strings.Join(append(one.where, "FALSE"), " OR ")+")")
	return nil
}

// sql is the WHERE clause, empty for everything.
func (p *predicate) sql() string {
	if len(p.where) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(p.where, " AND ")
}
