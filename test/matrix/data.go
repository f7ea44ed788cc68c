package matrix

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Engines are the engines of the matrix, in the order of the documentation.
var Engines = []string{"postgres", postgis, "mysql", "mariadb", "sqlite"}

// postgis is PostgreSQL with PostGIS. As a target it has only the types for which it is
// another one than PostgreSQL without.
const postgis = "postgis"

// Outcome is what becomes of a value.
type Outcome string

// The outcomes.
const (
	// Exact: the value arrives, and comes back the same to the last byte.
	Exact Outcome = "exact"
	// Equal: the same value arrives in another writing, which the type's notes name: a
	// number with other zeros at its end, JSON with its members in another order.
	Equal Outcome = "equal"
	// Refused: the value stops its table when its row is read or written, with key and
	// column; this is the default of the policy `invalid`.
	Refused Outcome = "refused"
)

// Source is one engine's types.
type Source struct {
	Engine string
	// Session is run before anything else on each connection, Setup once in a database.
	Session, Setup string
	Types          []*Type
}

// Type is a column type of a source.
type Type struct {
	// Type is its name as the source's catalog has it. Declared is how a column declares
	// it where that takes more than the name.
	Type     string
	Declared string `yaml:"ddl"`
	// Name is what its columns are called after.
	Name string
	// Only names the one engine of a file for several that has the type.
	Only string
	// Back is the type that the spec asks for on the way back: the type's own unless said
	// otherwise, "-" for none.
	Back string
	// Becomes has the planned type by target: a type, "same", or "error" and the code of
	// the finding that says so before anything moves.
	Becomes Targets
	// Sentinel is a value of the planned type, for the policy of that name.
	Sentinel Targets
	// Cast is the type that keeps what the planned one refuses, or what has no planned
	// one. OneWay says that its values do not become the source's again by another cast.
	Cast   Targets
	OneWay bool
	// Notes are for the documentation, by target.
	Notes  Targets
	Values []Value
}

// Value is one hostile value, or several with the same outcomes.
type Value struct {
	// SQL are expressions in the source's dialect.
	SQL List
	// Only names the one engine of a file for several that has the values.
	Only string
	// Is describes the values for people; the expressions themselves where it is empty.
	Is string
	// Exact, Equal and Refused list the targets of each outcome: "mysql+mariadb", "all".
	Exact, Equal, Refused string
	// Uncast lists the targets in which no cast keeps values that are refused.
	Uncast string
	// Strip is what the policy of that name leaves of a text that is refused; "error"
	// where it stays refused.
	Strip Targets
	// Shows is what the target's own client prints for the values, where comparing them
	// would not tell them apart.
	Shows Targets
}

// List is a YAML scalar or a list of them.
type List []string

// UnmarshalYAML reads either.
func (l *List) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*l = List{n.Value}
		return nil
	}
	return n.Decode((*[]string)(l))
}

// Targets says something of target engines; a key lists several: "mysql+mariadb", "all".
type Targets map[string]string

// of gives what is said of a target.
func (t Targets) of(target string) (string, bool) {
	for key, v := range t {
		if lists(key, target) {
			return v, true
		}
	}
	return "", false
}

// lists tells whether a list of targets has one.
func lists(list, target string) bool {
	return list == "all" || slices.Contains(strings.Split(list, "+"), target)
}

// file is a data file.
type file struct {
	Engines []string
	Session string
	Setup   string
	Types   []*Type
}

//go:embed data/*.yaml
var data embed.FS

// Load reads the matrix. An error names every cell that has no expectation, or several.
func Load() ([]*Source, error) {
	var out []*Source
	names, err := fs.Glob(data, "data/*.yaml")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		f, err := read(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, engine := range f.Engines {
			s := &Source{Engine: engine, Session: f.Session, Setup: f.Setup}
			for _, t := range f.Types {
				if t.Only == "" || t.Only == engine {
					s.Types = append(s.Types, t.in(engine))
				}
			}
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b *Source) int { return slices.Index(Engines, a.Engine) - slices.Index(Engines, b.Engine) })
	return out, check(out)
}

func read(name string) (*file, error) {
	raw, err := data.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f := &file{}
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(f); err != nil {
		return nil, err
	}
	for _, t := range f.Types {
		if t.Declared == "" {
			t.Declared = t.Type
		}
		if t.Name == "" {
			t.Name = strings.Trim(notInNames.ReplaceAllString(strings.ToLower(strings.ReplaceAll(t.Declared, "[]", " array")), "_"), "_")
		}
		if t.Back == "" {
			t.Back = t.Type
		}
	}
	return f, nil
}

// in is the type with the values that an engine has.
func (t *Type) in(engine string) *Type {
	out := *t
	out.Values = slices.DeleteFunc(slices.Clone(t.Values), func(v Value) bool { return v.Only != "" && v.Only != engine })
	return &out
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// DDL declares a column of the type.
func (t *Type) DDL() string { return t.Declared }

// BackDDL declares the column that values come back to.
func (t *Type) BackDDL() string {
	if t.Back == "-" || t.Back == t.Type {
		return t.Declared
	}
	return t.Back
}

// Column is the name of columns of the type: no word that an engine reserves.
func (t *Type) Column() string { return "v_" + t.Name }

// GoesTo tells whether the matrix says what becomes of the type in a target.
func (t *Type) GoesTo(target string) bool { return t.Becomes.count(target) > 0 }

// Planned is the type that a column becomes, or the code of the finding that refuses it.
func (t *Type) Planned(target string) (name, code string) {
	name, _ = t.Becomes.of(target)
	if code, refused := strings.CutPrefix(name, "error "); refused {
		return "", code
	}
	if name == "same" {
		name = t.Type
	}
	return name, ""
}

// Note is what else there is to know of a type on its way to a target.
func (t *Type) Note(target string) string {
	note, _ := t.Notes.of(target)
	return note
}

// CastFor gives the type by which a target keeps values that have no place in the planned
// one; empty where there is none.
func (t *Type) CastFor(v Value, target string) string {
	cast, _ := t.Cast.of(target)
	if lists(v.Uncast, target) {
		return ""
	}
	return cast
}

// Outcome of the values in a target.
func (v Value) Outcome(target string) Outcome {
	for outcome, list := range v.outcomes() {
		if lists(list, target) {
			return outcome
		}
	}
	return ""
}

func (v Value) outcomes() map[Outcome]string {
	return map[Outcome]string{Exact: v.Exact, Equal: v.Equal, Refused: v.Refused}
}

// Label names the values for people.
func (v Value) Label() string {
	if v.Is != "" {
		return v.Is
	}
	return "`" + strings.Join(v.SQL, "`, `") + "`"
}
