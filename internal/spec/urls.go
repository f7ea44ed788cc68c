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
	Existing         string
	Ranges           *droverv1.RangeSpec
	Stream           *droverv1.StreamSpec
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
	out := &droverv1.MigrationSpec{
		ApiVersion: APIVersion,
		Kind:       Kind,
		Name:       u.Name,
		Source:     &droverv1.EndpointSpec{Url: source.String()},
		Target:     &droverv1.EndpointSpec{Url: target.String()},
		Existing:   u.Existing,
		Ranges:     u.Ranges,
		Stream:     u.Stream,
		Tables:     rules(u.Include, u.Exclude),
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
// comes first, and what nobody asked for comes last.
func rules(include, exclude []string) []*droverv1.TableRule {
	var out []*droverv1.TableRule
	for _, glob := range exclude {
		out = append(out, &droverv1.TableRule{Match: glob, Skip: true})
	}
	for _, glob := range include {
		out = append(out, &droverv1.TableRule{Match: glob})
	}
	if len(exclude) > 0 && len(include) == 0 {
		out = append(out, &droverv1.TableRule{Match: "*"})
	}
	return out
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
