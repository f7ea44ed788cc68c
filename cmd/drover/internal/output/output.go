// Package output writes results on standard output in the form that -o asks for.
// It never writes logs or progress. Read output.go for the forms, grid.go for
// tables.
package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"buf.build/go/protoyaml"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/drover-db/drover/internal/fault"
)

// Format is a form of output.
type Format string

// The formats.
const (
	Table Format = "table"
	Wide  Format = "wide"
	JSON  Format = "json"
	JSONL Format = "jsonl"
	YAML  Format = "yaml"
	Name  Format = "name"
)

// Formats lists all of them, for help and messages.
var Formats = []string{string(Table), string(Wide), string(JSON), string(JSONL), string(YAML), string(Name)}

// Parse reads a format; empty is Table.
func Parse(text string) (Format, error) {
	if text == "" {
		return Table, nil
	}
	if !slices.Contains(Formats, text) {
		return "", fault.New(fault.Invalid, "output.Parse", "-o %s is no output format: use one of %s", text, strings.Join(Formats, ", "))
	}
	return Format(text), nil
}

// Structured tells whether f is for programs.
func (f Format) Structured() bool { return f == JSON || f == JSONL || f == YAML }

// Message writes one protobuf message as a document: JSON with the proto's own
// field names, or YAML.
func Message(w io.Writer, f Format, m proto.Message) error {
	if f == YAML {
		text, err := (protoyaml.MarshalOptions{Indent: 2, UseProtoNames: true}).Marshal(m)
		if err != nil {
			return fault.Wrap(fault.Internal, "output.Message", err)
		}
		return write(w, text)
	}
	text, err := (protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}).Marshal(m)
	if err != nil {
		return fault.Wrap(fault.Internal, "output.Message", err)
	}
	return indented(w, f, text)
}

// Value writes any other document.
func Value(w io.Writer, f Format, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fault.Wrap(fault.Internal, "output.Value", err)
	}
	if f != YAML {
		return indented(w, f, text)
	}
	var node yaml.Node
	if err := yaml.Unmarshal(text, &node); err != nil {
		return fault.Wrap(fault.Internal, "output.Value", err)
	}
	block(&node)
	var buf bytes.Buffer
	enc := yaml.NewEncoder(&buf)
	enc.SetIndent(2)
	if err := enc.Encode(&node); err != nil {
		return fault.Wrap(fault.Internal, "output.Value", err)
	}
	return write(w, buf.Bytes())
}

// block takes JSON's style out of a YAML document.
func block(n *yaml.Node) {
	n.Style = 0
	for _, child := range n.Content {
		block(child)
	}
}

// indented writes JSON text, whose spaces protojson varies on purpose, in one
// stable form: on one line for jsonl.
func indented(w io.Writer, f Format, text []byte) error {
	var buf bytes.Buffer
	var err error
	if f == JSONL {
		err = json.Compact(&buf, text)
	} else {
		err = json.Indent(&buf, text, "", "  ")
	}
	if err != nil {
		return fault.Wrap(fault.Internal, "output.indented", err)
	}
	buf.WriteByte('\n')
	return write(w, buf.Bytes())
}

func write(w io.Writer, text []byte) error {
	if _, err := w.Write(text); err != nil {
		return fault.New(fault.Exhausted, "output.write", "write the output: %w", err)
	}
	return nil
}

// Printf writes a line for people.
func Printf(w io.Writer, format string, args ...any) error {
	return write(w, []byte(fmt.Sprintf(format, args...)))
}
