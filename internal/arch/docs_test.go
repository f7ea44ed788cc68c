package arch

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	namedTest = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z]\w*`)
	testFunc  = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)[A-Z]\w*)\(`)
)

// Whatever test a document names is there: a promise whose test was renamed or removed
// is shown by nothing.
func TestDocs_NameTestsThatExist(t *testing.T) {
	there := map[string]bool{}
	var documents []string
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "../.." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "third_party"):
			return fs.SkipDir
		case strings.HasSuffix(path, ".md"):
			documents = append(documents, path)
		case strings.HasSuffix(path, "_test.go"):
			raw, err := os.ReadFile(path)
			for _, m := range testFunc.FindAllSubmatch(raw, -1) {
				there[string(m[1])] = true
			}
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, path := range documents {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		names := namedTest.FindAllString(string(raw), -1)
		named += len(names)
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			if !there[name] {
				t.Errorf("%s names %s, which is nowhere", strings.TrimPrefix(path, "../../"), name)
			}
		}
	}
	if named == 0 {
		t.Error("no document names a test: the pattern is wrong")
	}
}
