package filter

import "strings"

// writer writes a condition as SQL. Each part stands in parentheses, so that no
// engine's precedence matters.
type writer struct {
	dialect Dialect
	out     strings.Builder
}

func (w *writer) put(parts ...string) {
	for _, p := range parts {
		w.out.WriteString(p)
	}
}

// operand writes a column or a constant.
func (w *writer) operand(o *operand) error {
	if o.class == columnClass {
		w.put(w.dialect.Ident(o.name))
		return nil
	}
	literal, err := w.dialect.Literal(o.kind, o.value)
	w.put(literal)
	return err
}

// operands writes a list with a separator.
func (w *writer) operands(separator string, list ...*operand) error {
	for i, o := range list {
		if i > 0 {
			w.put(separator)
		}
		if err := w.operand(o); err != nil {
			return err
		}
	}
	return nil
}

// column writes the beginning of a test.
func (w *writer) column(o *operand, not bool) {
	w.put("(", w.dialect.Ident(o.name))
	if not {
		w.put(" NOT")
	}
}

func (g *group) sql(w *writer) error {
	separator := " AND "
	if g.or {
		separator = " OR "
	}
	w.put("(")
	for i, t := range g.terms {
		if i > 0 {
			w.put(separator)
		}
		if err := t.sql(w); err != nil {
			return err
		}
	}
	w.put(")")
	return nil
}

func (n *negation) sql(w *writer) error {
	w.put("(NOT ")
	err := n.inner.sql(w)
	w.put(")")
	return err
}

func (n *comparison) sql(w *writer) error {
	w.put("(")
	err := w.operands(" "+n.op+" ", n.column, n.other)
	w.put(")")
	return err
}

func (n *nullTest) sql(w *writer) error {
	w.put("(", w.dialect.Ident(n.column.name), " IS ")
	if n.not {
		w.put("NOT ")
	}
	w.put("NULL)")
	return nil
}

func (n *membership) sql(w *writer) error {
	w.column(n.column, n.not)
	w.put(" IN (")
	err := w.operands(", ", n.list...)
	w.put("))")
	return err
}

func (n *between) sql(w *writer) error {
	w.column(n.column, n.not)
	w.put(" BETWEEN ")
	err := w.operands(" AND ", n.low, n.high)
	w.put(")")
	return err
}
