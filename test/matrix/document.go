package matrix

import (
	_ "embed"
	"strings"
	"text/template"
)

// products are the engines' names for people.
var products = map[string]string{"postgres": "PostgreSQL", postgis: "PostgreSQL with PostGIS", "mysql": "MySQL", "mariadb": "MariaDB", "sqlite": "SQLite"}

//go:embed types.md.tmpl
var text string

// pairSection is what the documentation says of a pair of engines.
type pairSection struct {
	From, To string
	// Remarks are the template's own words on the pair; empty for none.
	Remarks string
	Rows    []row
}

// row is a line of a pair's table: types that become the same in the same way.
type row struct{ Types, Becomes, Values string }

// Document writes docs/types.md: the template, with a table for each pair of engines.
func Document() (string, error) {
	sources, err := Load()
	if err != nil {
		return "", err
	}
	t, err := template.New("types.md").Parse(text)
	if err != nil {
		return "", err
	}
	var pairs []pairSection
	for _, s := range sources {
		for _, target := range Engines {
			p := pairSection{From: products[s.Engine], To: products[target], Rows: s.rows(target)}
			if len(p.Rows) == 0 {
				continue
			}
			if remarks := t.Lookup(s.Engine + "-" + target); remarks != nil {
				var b strings.Builder
				if err := remarks.Execute(&b, nil); err != nil {
					return "", err
				}
				p.Remarks = strings.TrimSpace(b.String())
			}
			pairs = append(pairs, p)
		}
	}
	var b strings.Builder
	err = t.Execute(&b, pairs)
	return b.String(), err
}

// rows are a source's types on their way to a target, in the order of the matrix.
func (s *Source) rows(target string) (out []row) {
	at := map[[2]string]int{}
	for _, t := range s.Types {
		if !t.GoesTo(target) {
			continue
		}
		name, becomes, values := t.label(), t.becomes(s.Engine, target), t.outcomes(target)
		key := [2]string{becomes, values}
		if i, there := at[key]; there {
			out[i].Types += ", " + name
			continue
		}
		at[key], out = len(out), append(out, row{name, becomes, values})
	}
	return out
}

func (t *Type) label() string {
	if t.Declared == "" {
		return "no type"
	}
	return code(t.Declared)
}

// becomes says what a type is in a target.
func (t *Type) becomes(engine, target string) string {
	name, finding := t.Planned(target)
	switch {
	case finding != "":
		return "none: the plan's error `" + finding + "`"
	case name == t.Type:
		return "the same"
	default:
		return code(name)
	}
}

// outcomes says which values are not exact, and what else there is to know.
func (t *Type) outcomes(target string) string {
	_, finding := t.Planned(target)
	labels, keeps := map[Outcome][]string{}, []string{}
	for _, v := range t.Values {
		o := v.Outcome(target)
		if (o == Refused || finding != "") && t.CastFor(v, target) != "" {
			keeps = append(keeps, v.Label())
			continue
		}
		labels[o] = append(labels[o], v.Label())
	}
	var parts []string
	if finding == "" && len(labels[Exact]) > 0 {
		parts = append(parts, "exact")
	}
	for _, o := range []Outcome{Equal, Refused} {
		if len(labels[o]) > 0 && finding == "" {
			parts = append(parts, "**"+string(o)+"**: "+strings.Join(labels[o], ", "))
		}
	}
	cast, _ := t.Cast.of(target)
	switch {
	case len(keeps) > 0 && finding != "":
		parts = append(parts, "a cast to "+code(cast)+" keeps the values")
	case len(keeps) > 0:
		parts = append(parts, "**refused**, but kept by a cast to "+code(cast)+": "+strings.Join(keeps, ", "))
	}
	if note := t.Note(target); note != "" {
		parts = append(parts, note)
	}
	return strings.ReplaceAll(strings.Join(parts, "; "), "|", `\|`)
}

func code(s string) string { return "`" + s + "`" }
