package engine

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/batch"
	"github.com/drover-db/drover/internal/canon"
)

// PlanColumn plans the way of a source column to a target type whose values are of
// kind; scale is the fractional digits of decimals, -1 for as they come. The error
// says what cannot be: the kinds have no exact way, or a constant or sentinel is no
// value of the type.
func PlanColumn(c *planv1.Column, targetType string, kind planv1.Kind, scale int32) (*planv1.ColumnPlan, error) {
	out := &planv1.ColumnPlan{Source: c.GetName(), SourceType: c.GetNativeType(), Target: TargetColumn(c), TargetType: targetType,
		Kind: kind, Scale: scale, Nullable: c.GetNullable(), Policy: c.GetPolicy()}
	if c.Constant != nil {
		v, err := fromText(kind, scale, c.GetConstant())
		if err != nil {
			return nil, fmt.Errorf("constant %q is no %s: %w", c.GetConstant(), targetType, err)
		}
		out.Source, out.Constant = "", v
		return out, nil
	}
	if !canon.Convertible(c.GetKind(), kind) {
		return nil, fmt.Errorf("values of %s cannot become %s", c.GetNativeType(), targetType)
	}
	switch c.GetPolicy().GetAction() {
	case planv1.Policy_ACTION_NULL:
		if !c.GetNullable() {
			return nil, errors.New("the policy set-null needs a column that may be NULL: use a sentinel")
		}
	case planv1.Policy_ACTION_STRIP:
		if c.GetKind() != canon.Text || kind != canon.Text {
			return nil, fmt.Errorf("the policy strip is for text, and values of %s are none as they go to %s: use set-null or a sentinel", c.GetNativeType(), targetType)
		}
	case planv1.Policy_ACTION_SENTINEL:
		if _, err := fromText(kind, scale, c.GetPolicy().GetSentinel()); err != nil {
			return nil, fmt.Errorf("sentinel %q is no %s: %w", c.GetPolicy().GetSentinel(), targetType, err)
		}
	}
	return out, nil
}

// fromText gives the canonical value of a constant or a sentinel; never nil.
func fromText(kind planv1.Kind, scale int32, text string) ([]byte, error) {
	v, ok, err := canon.Convert(canon.Text, kind, int(scale), []byte(text))
	if err == nil && !ok {
		err = errors.New("no text form")
	}
	if v == nil {
		v = []byte{}
	}
	return v, err
}

// Stored gives the columns of a plan that a side's table has. Constants, which the
// source does not have, come last.
func Stored(p *planv1.TablePlan, s Side) []*planv1.ColumnPlan {
	columns := p.GetColumns()
	for s == SourceSide && len(columns) > 0 && columns[len(columns)-1].Constant != nil {
		columns = columns[:len(columns)-1]
	}
	return columns
}

// AppendConstants ends a canonical row of a source with the plan's constants.
func AppendConstants(row []byte, p *planv1.TablePlan) []byte {
	for _, c := range p.GetColumns()[len(Stored(p, SourceSide)):] {
		row = batch.AppendValue(row, c.GetConstant())
	}
	return row
}

// Conversion takes one column's values from the kind that the source reads them as
// to the kind they travel as, by the column's policy.
type Conversion struct {
	from, to planv1.Kind
	scale    int
	policy   planv1.Policy_Action
	sentinel []byte
	touched  func()
	// fits tells whether the target takes a value; nil where nobody asks.
	fits func(v []byte) error
}

// NewConversion makes the conversion of the column at a position of a read's plan.
func NewConversion(r ReadRequest, at int) (*Conversion, error) {
	p, touch := r.Plan, r.Touch
	c := p.GetColumns()[at]
	out := &Conversion{from: c.GetKind(), to: c.GetKind(), scale: int(c.GetScale()), policy: c.GetPolicy().GetAction()}
	if s := SourceColumn(p, c.GetSource()); s != nil {
		out.from = s.GetKind()
	}
	out.touched = func() {
		if touch != nil {
			touch(at)
		}
	}
	if r.Target != nil && out.policy > planv1.Policy_ACTION_ERROR {
		out.fits = func(v []byte) error { return r.Target.Check(at, v) }
	}
	var err error
	if out.policy == planv1.Policy_ACTION_SENTINEL {
		out.sentinel, err = fromText(out.to, c.GetScale(), c.GetPolicy().GetSentinel())
	}
	return out, err
}

// Plain tells whether values pass as they are, so that a reader may leave Apply out.
func (c *Conversion) Plain() bool {
	return c.from == c.to && c.to != canon.Decimal && c.policy <= planv1.Policy_ACTION_ERROR
}

// Apply converts a value that was read, or replaces one that could not be read
// (err) or converted as the policy says. A nil value is NULL.
func (c *Conversion) Apply(v []byte, err error) ([]byte, error) {
	read := v
	if err == nil && v != nil {
		v, err = c.convert(v)
	}
	if err == nil {
		return v, nil
	}
	switch c.policy {
	case planv1.Policy_ACTION_NULL:
		c.touched()
		return nil, nil
	case planv1.Policy_ACTION_SENTINEL:
		c.touched()
		return c.sentinel, nil
	case planv1.Policy_ACTION_STRIP:
		return c.strip(read, err)
	default:
		return nil, err
	}
}

// convert takes a value to the kind that it travels as; the target must take it.
func (c *Conversion) convert(v []byte) ([]byte, error) {
	v, ok, err := canon.Convert(c.from, c.to, c.scale, v)
	if err == nil && !ok {
		err = fmt.Errorf("a %s has no form as %s", c.from, c.to)
	}
	if err == nil && v != nil && c.fits != nil {
		err = c.fits(v)
	}
	return v, err
}

// strip leaves out of a text what is no character, and characters that the target's
// column does not hold. A text that is refused for anything else stays refused.
func (c *Conversion) strip(text []byte, why error) ([]byte, error) {
	var kept []byte
	for rest := text; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		if (r != utf8.RuneError || n > 1) && c.holds(rest[:n]) {
			kept = append(kept, rest[:n]...)
		}
		rest = rest[n:]
	}
	if len(kept) == len(text) {
		return nil, why
	}
	if kept == nil {
		kept = []byte{}
	}
	v, err := c.convert(kept)
	if err == nil {
		c.touched()
	}
	return v, err
}

// holds tells whether the target's column holds a character.
func (c *Conversion) holds(character []byte) bool {
	if c.fits == nil || character[0] != 0 && len(character) == 1 {
		return true // every character set has those of ASCII; some do without NUL
	}
	return c.fits(character) == nil
}

// SourceColumn finds a column of the source by name; nil where there is none.
func SourceColumn(p *planv1.TablePlan, name string) *planv1.Column {
	for _, c := range p.GetSource().GetColumns() {
		if c.GetName() == name && c.Constant == nil {
			return c
		}
	}
	return nil
}

// PolicyOnKey tells whether a policy may change a key's values on their way.
func PolicyOnKey(p *planv1.TablePlan) bool {
	return slices.ContainsFunc(p.GetColumns(), func(c *planv1.ColumnPlan) bool {
		return c.GetPolicy().GetAction() > planv1.Policy_ACTION_ERROR && slices.Contains(p.GetSource().GetKey().GetColumns(), c.GetSource())
	})
}
