// Package arch holds the import rules of ARCHITECTURE.md as a test. It has no code
// of its own; rules_test.go is the table, this file reads the packages and
// applies it.
package arch

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/drover-db/drover"

// pkg is a package as go list describes it.
type pkg struct {
	ImportPath string
	Name       string
	Standard   bool
	// Imports of the files that ship, without those of tests.
	Imports []string
	// Deps is everything those link.
	Deps []string
}

// own tells whether the package is part of drover, and not built for a test.
func (p pkg) own() bool { return strings.HasPrefix(p.ImportPath+"/", module+"/") && !p.forTest() }

// forTest tells whether go list made the package up to link a test.
func (p pkg) forTest() bool {
	return strings.HasSuffix(p.ImportPath, ".test") || strings.Contains(p.ImportPath, " [")
}

// load lists every package of the module and all that they and their tests link.
func load(t *testing.T) []pkg {
	t.Helper()
	// -e: a package that does not build is the compiler's to report.
	cmd := exec.Command("go", "list", "-e", "-deps", "-test", "-json=ImportPath,Name,Standard,Imports,Deps", module+"/...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// matches tells whether an import path is what a pattern means: a path, or a path
// and everything below it ("x/..."). Paths of drover go without its module.
func matches(pattern, path string) bool {
	if short, ok := strings.CutPrefix(path, module+"/"); ok {
		path = short
	}
	if tree, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == tree || strings.HasPrefix(path, tree+"/")
	}
	return path == pattern
}

func matchesAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, path) })
}

func TestImports_FollowTheRules(t *testing.T) {
	all := load(t)
	for _, r := range rules() {
		for _, p := range all {
			if !p.own() || !matchesAny(r.who, p.ImportPath) || matchesAny(r.but, p.ImportPath) {
				continue
			}
			links := p.Imports
			if r.linked {
				links = p.Deps
			}
			for _, path := range links {
				if matchesAny(r.never, path) && !matchesAny(r.except, path) && path != p.ImportPath {
					t.Errorf("%s imports %s: %s", p.ImportPath, path, r.why)
				}
			}
		}
	}
}

func TestImports_LeavesStayLeaves(t *testing.T) {
	all := load(t)
	standard := map[string]bool{}
	for _, p := range all {
		standard[p.ImportPath] = p.Standard
	}
	for _, p := range all {
		for _, leaf := range leaves {
			if !p.own() || !matches(leaf.who, p.ImportPath) {
				continue
			}
			for _, path := range p.Imports {
				if !standard[path] && !matchesAny(leaf.may, path) {
					t.Errorf("%s imports %s: %s", p.ImportPath, path, leaf.why)
				}
			}
		}
	}
}

// A rule about a package that was renamed or is gone forbids nothing.
func TestRules_NamePackagesThatExist(t *testing.T) {
	all := load(t)
	var patterns []string
	for _, r := range rules() {
		patterns = slices.Concat(patterns, r.who, r.but, r.never, r.except)
	}
	for _, l := range leaves {
		patterns = append(append(patterns, l.who), l.may...)
	}
	slices.Sort(patterns)
	for _, pattern := range slices.Compact(patterns) {
		if !slices.ContainsFunc(all, func(p pkg) bool { return matches(pattern, p.ImportPath) }) {
			t.Errorf("no package matches %q: mend the rule that names it", pattern)
		}
	}
}

func TestPackages_HaveNamesThatSaySomething(t *testing.T) {
	for _, p := range load(t) {
		if p.own() && slices.Contains([]string{"util", "utils", "common", "helpers", "types", "models", "shared", "misc", "base"}, p.Name) {
			t.Errorf("package %s is named for nothing: value types live with their meaning", p.ImportPath)
		}
	}
}
