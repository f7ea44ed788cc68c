package sqlite

import (
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/sqltoken"
)

// ownStatement gives the source's CREATE TABLE under the table's name here, where
// nothing that it says changes: columns, references, and its own name within it.
func (b *tableBuilder) ownStatement() (string, bool) {
	text := b.source.GetDefinition()
	if !b.sameEngine() || text == "" || slices.ContainsFunc(b.source.GetColumns(), changed) {
		return "", false
	}
	for _, f := range b.source.GetForeignKeys() {
		to, there := b.targets[sourceID(f.GetReferencedSchema(), f.GetReferencedTable())]
		if !there || fold(to) != fold(f.GetReferencedTable()) {
			return "", false
		}
	}
	if fold(b.plan.GetTargetName()) == fold(b.source.GetName()) {
		return text, true
	}
	at := named(text, b.source.GetName())
	if len(at) != 1 {
		return "", false
	}
	return text[:at[0].Start] + ident(b.plan.GetTargetName()) + text[at[0].End:], true
}

// changed tells whether the spec makes a column another one.
func changed(c *planv1.Column) bool {
	return c.GetDropped() || c.GetCast() != "" || c.Constant != nil || engine.TargetColumn(c) != c.GetName()
}

// named lists the tokens that are a name, quoted in whatever way or not.
func named(sql, name string) []sqltoken.Token {
	var out []sqltoken.Token
	for _, t := range sqltoken.SQLite.Cut(sql) {
		if t.Kind != sqltoken.Number && t.Kind != sqltoken.Symbol && fold(t.Text) == fold(name) {
			out = append(out, t)
		}
	}
	return out
}

// ownIndex gives the source's CREATE INDEX, where the index gets its own name on a
// table of its own name.
func (b *tableBuilder) ownIndex(i *planv1.Index, name string) (string, bool) {
	if !b.own || i.GetDefinition() == "" || name != i.GetName() || fold(b.plan.GetTargetName()) != fold(b.source.GetName()) {
		return "", false
	}
	tokens := sqltoken.SQLite.Cut(i.GetDefinition())
	at := slices.IndexFunc(tokens, func(t sqltoken.Token) bool { return t.Is("INDEX") })
	if at < 0 {
		return "", false
	}
	return i.GetDefinition()[:tokens[at].End] + " IF NOT EXISTS " + strings.TrimSpace(i.GetDefinition()[tokens[at].End:]), true
}
