package spec

import (
	"errors"
	"path"
	"regexp"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
)

// wording replaces the rules' own messages, which quote regular expressions, by
// what to write. The keys are field names as the proto has them.
var wording = map[string]string{
	"api_version":  `must be "drover.dev/v1"`,
	"kind":         `must be "Migration"`,
	"name":         "must be 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end",
	"strategy":     `must be "bulk"`,
	"existing":     `must be "fail", "append" or "truncate"`,
	"password":     "must be a reference, never the password itself: ${env:NAME} or ${file:/path}",
	"target_bytes": "must be a size such as 64MiB",
	"max_bytes":    "must be a size such as 1GiB",
	"replicas":     "must be 1, 3 or 5",
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// Check applies every rule to a spec that did not come from a file.
func Check(s *droverv1.MigrationSpec) error {
	err := validator{}.Validate(s)
	var invalid *protovalidate.ValidationError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &invalid):
		return fault.Wrap(fault.Internal, "spec.Check", err)
	}
	lines := make([]string, 0, len(invalid.Violations))
	for _, v := range invalid.Violations {
		lines = append(lines, fieldName(v.Proto)+" "+v.Proto.GetMessage())
	}
	return fault.New(fault.Invalid, "spec.Check", "%s", strings.Join(lines, "\n"))
}

// validator joins the proto's rules with those it cannot say. It serves protoyaml,
// which finds the place in the file for each violation.
type validator struct{}

// Validate gives a *protovalidate.ValidationError with every violation.
func (validator) Validate(m proto.Message) error {
	var found []*protovalidate.Violation
	err := protovalidate.Validate(m)
	var invalid *protovalidate.ValidationError
	switch {
	case err == nil:
	case errors.As(err, &invalid):
		found = invalid.Violations
	default:
		return err
	}
	for _, v := range found {
		reword(v.Proto)
	}
	if s, ok := m.(*droverv1.MigrationSpec); ok {
		found = append(found, sizes(s)...)
		for i, rule := range s.GetTables() {
			found = append(found, checkRule(uint64(i), rule)...)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return &protovalidate.ValidationError{Violations: found}
}

// reword puts what to write in the place of a rule's own message.
func reword(v *validate.Violation) {
	elements := v.GetField().GetElements()
	if len(elements) == 0 {
		return
	}
	if text, ok := wording[elements[len(elements)-1].GetFieldName()]; ok {
		v.Message = proto.String(text)
	} else if v.GetRuleId() == "required" || v.GetRuleId() == "string.min_len" {
		v.Message = proto.String("is missing")
	}
}

// sizes finds sizes that are zero or too large to count.
func sizes(s *droverv1.MigrationSpec) []*protovalidate.Violation {
	var out []*protovalidate.Violation
	check := func(text string, field ...string) {
		if text == "" {
			return
		}
		n, err := ParseSize(text)
		if err == nil && n > 0 {
			return
		}
		elements := make([]*validate.FieldPathElement, len(field))
		for i, name := range field {
			elements[i] = &validate.FieldPathElement{FieldName: proto.String(name)}
		}
		out = append(out, violation("must be a size above zero, such as 64MiB", elements...))
	}
	check(s.GetRanges().GetTargetBytes(), "ranges", "target_bytes")
	check(s.GetStream().GetMaxBytes(), "stream", "max_bytes")
	return out
}

// checkRule looks at one table rule.
func checkRule(index uint64, rule *droverv1.TableRule) []*protovalidate.Violation {
	at := func(field, message string) *protovalidate.Violation {
		return violation(message,
			&validate.FieldPathElement{FieldName: proto.String("tables"), Subscript: &validate.FieldPathElement_Index{Index: index}},
			&validate.FieldPathElement{FieldName: proto.String(field)})
	}
	var out []*protovalidate.Violation
	if !validGlob(rule.GetMatch()) {
		out = append(out, at("match", "is no glob over schema.table: write something like public.* or main.album (brackets must close)"))
	}
	if rule.GetSkip() && rule.GetInto() != "" {
		out = append(out, at("into", "has no meaning beside skip: remove one of them"))
	}
	for _, p := range placeholder.FindAllString(rule.GetInto(), -1) {
		if p != "{schema}" && p != "{table}" {
			out = append(out, at("into", "has the placeholder "+p+": only {schema} and {table} are known"))
		}
	}
	if strings.Count(rule.GetInto(), ".") > 1 {
		out = append(out, at("into", `must be "name" or "schema.name"`))
	}
	return out
}

// validGlob tells whether both sides of the dot are globs.
func validGlob(glob string) bool {
	schema, table, _ := strings.Cut(glob, ".")
	_, err1 := path.Match(schema, "")
	_, err2 := path.Match(table, "")
	return err1 == nil && err2 == nil
}

func violation(message string, elements ...*validate.FieldPathElement) *protovalidate.Violation {
	return &protovalidate.Violation{Proto: &validate.Violation{
		Field:   &validate.FieldPath{Elements: elements},
		Message: proto.String(message),
	}}
}

func fieldName(v *validate.Violation) string { return protovalidate.FieldPathString(v.GetField()) }
