package spec

import (
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
)

// maxName is the longest name of a migration.
const maxName = 63

var notInName = regexp.MustCompile(`[^a-z0-9]+`)

// URLs is a migration given on a command line.
type URLs struct {
	Source, Target string
	// Name of the migration; derived from the URLs where empty.
	Name string
	// Schemes that the process has engines for.
	Schemes []string
	// Include and Exclude are globs over schema.table.
	Include, Exclude []string
	// Where are conditions on rows, "table=condition"; a table named here moves also
	// if Include does not name it. Casts are "source type=target type".
	Where, Casts       []string
	Existing           string
	Publish, OnFailure string
	Ranges             *droverv1.RangeSpec
	Stream             *droverv1.StreamSpec
}

// FromURLs builds a spec from two URLs. Passwords are still in them: see Detach.
func FromURLs(u URLs) (*droverv1.MigrationSpec, error) {
	source, err := ParseURL(u.Source, u.Schemes)
	if err != nil {
		return nil, fault.At(err, "", fault.Source)
	}
	target, err := ParseURL(u.Target, u.Schemes)
	if err != nil {
		return nil, fault.At(err, "", fault.Target)
	}
	tables, err := rules(u)
	if err != nil {
		return nil, err
	}
	schema, err := casts(u.Casts)
	if err != nil {
		return nil, err
	}
	out := &droverv1.MigrationSpec{
		ApiVersion: APIVersion,
		Kind:       Kind,
		Name:       u.Name,
		Source:     &droverv1.EndpointSpec{Url: source.String()},
		Target:     &droverv1.EndpointSpec{Url: target.String()},
		Existing:   u.Existing,
		Publish:    u.Publish,
		OnFailure:  u.OnFailure,
		Schema:     schema,
		Ranges:     u.Ranges,
		Stream:     u.Stream,
		Tables:     tables,
	}
	if out.GetName() == "" {
		out.Name = name(source, target)
	}
	if err := Check(out); err != nil {
		return nil, err
	}
	return out, nil
}

// rules turns globs into table rules: the first match wins, so what is left out
// comes first, then what has a condition, and what nobody asked for comes last.
func rules(u URLs) ([]*droverv1.TableRule, error) {
	var out []*droverv1.TableRule
	for _, glob := range u.Exclude {
		out = append(out, &droverv1.TableRule{Match: glob, Skip: true})
	}
	seen := map[string]bool{}
	for _, text := range u.Where {
		glob, condition, ok := strings.Cut(text, "=")
		glob, condition = strings.TrimSpace(glob), strings.TrimSpace(condition)
		switch {
		case !ok || glob == "" || condition == "":
			return nil, fault.New(fault.Invalid, "spec.rules", "where %q is not table=condition, as in 'shop.orders=id > 100'", text)
		case seen[glob]:
			return nil, fault.New(fault.Invalid, "spec.rules", "where has two conditions for %s: join them with AND", glob)
		}
		seen[glob] = true
		out = append(out, &droverv1.TableRule{Match: glob, Where: condition})
	}
	for _, glob := range u.Include {
		out = append(out, &droverv1.TableRule{Match: glob})
	}
	if len(out) > 0 && len(u.Include) == 0 {
		out = append(out, &droverv1.TableRule{Match: "*"})
	}
	return out, nil
}

// casts turns "tinyint(1)=boolean" into casts; nil for none.
func casts(list []string) (*droverv1.SchemaSpec, error) {
	if len(list) == 0 {
		return nil, nil
	}
	out := &droverv1.SchemaSpec{}
	for _, text := range list {
		from, to, ok := strings.Cut(text, "=")
		from, to = strings.TrimSpace(from), strings.TrimSpace(to)
		if !ok || from == "" || to == "" {
			return nil, fault.New(fault.Invalid, "spec.casts", "cast %q is not source type=target type, as in 'tinyint(1)=boolean'", text)
		}
		out.Casts = append(out.Casts, &droverv1.Cast{From: from, To: to})
	}
	return out, nil
}

// name derives a migration's name: "shop-to-warehouse".
func name(source, target *url.URL) string {
	const link = "-to-"
	half := (maxName - len(link)) / 2
	return slug(source, half) + link + slug(target, half)
}

// slug is what a URL is called in a name.
func slug(u *url.URL, limit int) string {
	base := filepath.Base(strings.Trim(u.Path, "/"))
	if u.Scheme == "sqlite" {
		base = strings.TrimSuffix(base, filepath.Ext(base))
	}
	text := strings.Trim(notInName.ReplaceAllString(strings.ToLower(base), "-"), "-")
	if len(text) > limit {
		text = strings.Trim(text[:limit], "-")
	}
	if text == "" {
		return u.Scheme
	}
	return text
}
