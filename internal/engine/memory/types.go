package memory

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/canon"
	"github.com/drover-db/drover/internal/fault"
)

// columnType is a type of this engine: a kind, of decimals with precision and
// scale; precision is 0 for none.
type columnType struct {
	kind             planv1.Kind
	precision, scale int32
}

// parseType reads a type as String writes it, in any case: "text", "decimal(10,2)".
func parseType(text string) (columnType, bool) {
	base, arguments, bounded := strings.Cut(strings.ToLower(strings.TrimSpace(text)), "(")
	out := columnType{kind: planv1.Kind(planv1.Kind_value["KIND_"+strings.ToUpper(strings.TrimSpace(base))])}
	if bounded {
		if n, err := fmt.Sscanf(arguments, "%d,%d)", &out.precision, &out.scale); err != nil || n != 2 || out.kind != canon.Decimal || out.precision < 1 {
			return columnType{}, false
		}
	}
	return out, out.kind != planv1.Kind_KIND_UNSPECIFIED
}

// String is the type's name.
func (t columnType) String() string {
	text := strings.ToLower(strings.TrimPrefix(t.kind.String(), "KIND_"))
	if t.kind == canon.Decimal && t.precision > 0 {
		text += fmt.Sprintf("(%d,%d)", t.precision, t.scale)
	}
	return text
}

// planScale is the scale of a plan's column: -1 where none is declared.
func (t columnType) planScale() int32 {
	if t.precision > 0 {
		return t.scale
	}
	return -1
}

// marshalDefinition writes a table as a statement.
func marshalDefinition(def *planv1.Table) string { return protojson.Format(def) }

func unmarshalDefinition(text string) (*planv1.Table, error) {
	def := &planv1.Table{}
	if err := protojson.Unmarshal([]byte(text), def); err != nil {
		return nil, fault.New(fault.Invalid, "memory.Apply", "read the table's definition: %w", err)
	}
	return def, nil
}
