package mysql

import (
	"regexp"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
)

// moments are the expressions for the present moment.
var moments = []struct {
	form   *regexp.Regexp
	moment planv1.Default_Moment
}{
	{regexp.MustCompile(`(?i)^(current_timestamp|now|localtimestamp|localtime)(\([0-6]?\))?$`), planv1.Default_MOMENT_TIMESTAMP},
	{regexp.MustCompile(`(?i)^(curdate\(\)|current_date(\(\))?)$`), planv1.Default_MOMENT_DATE},
	{regexp.MustCompile(`(?i)^(curtime|current_time)(\([0-6]?\))?$`), planv1.Default_MOMENT_TIME},
}

// parseDefault reads a column's default: a constant that fits the column's kind, the
// present moment, or an expression that only the product understands. NULL is none.
func (d *dialect) parseDefault(r columnRow, c *planv1.Column) *planv1.Default {
	text, constant := d.defaultText(r)
	if !constant {
		return parseExpression(text)
	}
	if kind := c.GetKind(); kind == canon.Bits {
		text = strings.Repeat("0", max(0, int(c.GetLength())-len(text))) + text
	} else if kind == canon.Bytes {
		text = d.bytesDefault(text)
	} else if kind == canon.TimestampTZ {
		// In which zone the catalog writes it, it does not say.
		return &planv1.Default{Value: &planv1.Default_Expression{Expression: literal(text)}}
	}
	v, err := canon.Parse(c.GetKind(), text)
	if err != nil {
		// A zero date, perhaps: what only an equal engine takes.
		return &planv1.Default{Value: &planv1.Default_Expression{Expression: literal(text)}}
	}
	return &planv1.Default{Value: &planv1.Default_Literal{Literal: canon.String(c.GetKind(), v)}}
}

func parseExpression(text string) *planv1.Default {
	bare := text
	for strings.HasPrefix(bare, "(") && strings.HasSuffix(bare, ")") {
		bare = bare[1 : len(bare)-1]
	}
	if strings.EqualFold(bare, "NULL") {
		return nil
	}
	for _, m := range moments {
		if m.form.MatchString(bare) {
			return &planv1.Default{Value: &planv1.Default_Moment_{Moment: m.moment}}
		}
	}
	return &planv1.Default{Value: &planv1.Default_Expression{Expression: text}}
}
