package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"buf.build/go/protoyaml"
	"go.yaml.in/yaml/v3"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
)

var (
	// place and the message behind it, as protoyaml writes them.
	place = regexp.MustCompile(`^:(\d+):(\d+) (.*)$`)
	// syntax is the YAML parser's place; it knows no column.
	syntax = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)
	// number is how protoyaml words a number that is none; it does not say which.
	number = regexp.MustCompile(`^invalid (integer|float): .*$`)
	// rule is the rule's name that protoyaml puts behind a violation.
	rule = regexp.MustCompile(` \([a-z0-9_.]*\)$`)
)

// Load reads a spec from YAML or JSON. Errors are fault.Invalid with one line
// "file:line:column: message" for each thing that is wrong.
func Load(file string, data []byte) (*droverv1.MigrationSpec, error) {
	const op = "spec.Load"
	if err := oneDocument(data); err != nil {
		return nil, fault.New(fault.Invalid, op, "%s", syntaxError(file, err))
	}
	out := &droverv1.MigrationSpec{}
	if err := (protoyaml.UnmarshalOptions{Validator: validator{}}).Unmarshal(data, out); err != nil {
		return nil, fault.New(fault.Invalid, op, "%s", strings.Join(placed(file, data, err), "\n"))
	}
	return out, nil
}

// oneDocument refuses files that the decoder would take for an empty spec or
// read only the beginning of.
func oneDocument(data []byte) error {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	if err := dec.Decode(&first); errors.Is(err, io.EOF) {
		return errors.New("yaml: line 1: the file is empty: a spec begins with apiVersion: " + APIVersion)
	} else if err != nil {
		return err
	}
	if err := dec.Decode(&second); err == nil {
		return fmt.Errorf("yaml: line %d: a second document begins here: one file holds one migration", second.Line)
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	return uniqueKeys(&first)
}

// uniqueKeys refuses a key that is written twice, of which one would be lost.
func uniqueKeys(n *yaml.Node) error {
	seen := map[string]bool{}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			if seen[child.Value] {
				return fmt.Errorf("yaml: line %d: %q is written twice", child.Line, child.Value)
			}
			seen[child.Value] = true
		}
		if err := uniqueKeys(child); err != nil {
			return err
		}
	}
	return nil
}

// placed turns protoyaml's errors into lines with their place, each once.
func placed(file string, data []byte, err error) []string {
	var document yaml.Node
	_ = yaml.Unmarshal(data, &document) // it was read before
	list := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	var out []string
	seen := map[string]bool{}
	for _, e := range list {
		// What follows the first line shows the file's text, which may hold a secret.
		first, _, _ := strings.Cut(e.Error(), "\n")
		m := place.FindStringSubmatch(first)
		if m == nil {
			m = []string{"", "1", "1", first}
		}
		message := rule.ReplaceAllString(m[3], "")
		if kind := number.FindStringSubmatch(message); kind != nil {
			message = fmt.Sprintf("%q is no %s", scalarAt(&document, m[1], m[2]), kind[1])
		}
		line := fmt.Sprintf("%s:%s:%s: %s", file, m[1], m[2], message)
		if !seen[line] {
			seen[line] = true
			out = append(out, line)
		}
	}
	return out
}

// scalarAt finds the value at a place.
func scalarAt(n *yaml.Node, line, column string) string {
	if n.Kind == yaml.ScalarNode && strconv.Itoa(n.Line) == line && strconv.Itoa(n.Column) == column {
		return n.Value
	}
	for _, child := range n.Content {
		if v := scalarAt(child, line, column); v != "" {
			return v
		}
	}
	return ""
}

// syntaxError gives a YAML error its place.
func syntaxError(file string, err error) string {
	m := syntax.FindStringSubmatch(err.Error())
	if m == nil || m[1] == "" {
		return fmt.Sprintf("%s:1:1: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	return fmt.Sprintf("%s:%s:1: %s", file, m[1], m[2])
}
