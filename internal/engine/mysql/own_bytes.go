package mysql

import (
	"slices"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// plainTexts are the types of texts that are no labels.
var plainTexts = []string{"char", "varchar", "tinytext", "text", "mediumtext", "longtext"}

// keepsBytes tells whether a column's texts travel as the bytes that they are, because
// both sides keep them in one character set that Unicode does not hold entirely: some
// of its characters have several forms there, and some none in Unicode.
func keepsBytes(c *planv1.ColumnPlan) bool {
	return c.GetKind() == canon.Bytes && slices.Contains(plainTexts, dataTypeOf(c.GetSourceType())) && slices.Contains(plainTexts, dataTypeOf(c.GetTargetType()))
}

// ownBytes lets a column's texts travel as bytes where that is more than their
// characters. Keys stay characters: their ranges are compared as such.
func (d *designer) ownBytes(t *planv1.Table, c *planv1.Column, to *targetType) {
	if d.family() && c.GetKind() == canon.Text && to.kind == canon.Text && losesCharacters(c.GetCharset()) && to.charset == c.GetCharset() &&
		c.GetCast() == "" && c.GetPolicy().GetAction() <= planv1.Policy_ACTION_ERROR && slices.Contains(plainTexts, dataTypeOf(c.GetNativeType())) &&
		slices.Contains(plainTexts, dataTypeOf(to.name)) && !slices.Contains(t.GetKey().GetColumns(), c.GetName()) {
		to.kind = canon.Bytes
	}
}
