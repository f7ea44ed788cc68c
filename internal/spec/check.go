package spec

import (
	"errors"
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
	"api_version": `must be "drover.dev/v1"`,
	"kind":        `must be "Migration"`,
	"name":        "must be 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end",
	"strategy":    `must be "bulk" or "phased"`,
	"existing":    `must be "fail", "append" or "truncate"`,
	"publish":     `must be "direct" or "atomic"`,
	"on_failure":  `must be "discard" or "keep"`,
	"approve":     `must be "auto" or "manual"`,
	"invalid":     `must be "error", "set-null", "sentinel" or "strip"`,
	"drop":        `must be "default", "not-null" or "auto-increment"`,
	"max":         "must be a number of rows from 0 to 10000",
	"tables":      "needs at least one glob over schema.table",

	"ranges_per_step": "must be a number from 0 (no limit) to 100000",
	"password":        "must be a reference, never the password itself: ${env:NAME} or ${file:/path}",
	"target_bytes":    "must be a size such as 64MiB",
	"max_bytes":       "must be a size such as 1GiB",
	"replicas":        "must be 1, 3 or 5",
	"rows":            "must be a number a second, such as 10000/s",
	"bytes":           "must be a size a second, such as 50MiB/s",
	"connections":     "must be a number from 0 (no limit) to 10000",
	"replica_lag":     "must be a time such as 10s",
	"active_sessions": "must be a number from 0 (no limit) to 100000",
}

// Check applies every rule to a spec, or its limits, that did not come from a file.
func Check(s proto.Message) error {
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
	if l, ok := m.(*droverv1.LimitSpec); ok {
		found = append(found, limitsAt(l)...)
	}
	if s, ok := m.(*droverv1.MigrationSpec); ok {
		found = append(found, sizes(s)...)
		for _, check := range []func(*droverv1.MigrationSpec) []*protovalidate.Violation{checkTables, checkCasts, checkPolicies, checkRejects, checkPhases, checkPublish, checkLimits} {
			found = append(found, check(s)...)
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

// field is a step of the path to a violation: the name of a field.
func field(name string) *validate.FieldPathElement {
	return &validate.FieldPathElement{FieldName: proto.String(name)}
}

// item is a field's element at an index.
func item(name string, index int) *validate.FieldPathElement {
	return &validate.FieldPathElement{FieldName: proto.String(name), Subscript: &validate.FieldPathElement_Index{Index: uint64(index)}}
}

// entry is a map's value by its key.
func entry(name, key string) *validate.FieldPathElement {
	return &validate.FieldPathElement{FieldName: proto.String(name), Subscript: &validate.FieldPathElement_StringKey{StringKey: key}}
}

func violation(message string, elements ...*validate.FieldPathElement) *protovalidate.Violation {
	return &protovalidate.Violation{Proto: &validate.Violation{
		Field:   &validate.FieldPath{Elements: elements},
		Message: proto.String(message),
	}}
}

func fieldName(v *validate.Violation) string { return protovalidate.FieldPathString(v.GetField()) }
