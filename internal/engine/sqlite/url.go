package sqlite

import (
	"net/url"
	"path/filepath"
	"strings"

	"github.com/drover-db/drover/internal/fault"
)

// parseURL gives the absolute path of sqlite:///absolute/path or
// sqlite:relative/path. Special characters are %-escaped.
func parseURL(raw string) (string, error) {
	const op = "sqlite.Open"
	const want = "write sqlite:///absolute/path or sqlite:relative/path"
	u, err := url.Parse(raw)
	if err != nil {
		return "", fault.New(fault.Invalid, op, "URL is malformed: %s", want)
	}
	path := u.Path
	if u.Opaque != "" {
		if path, err = url.PathUnescape(u.Opaque); err != nil {
			return "", fault.New(fault.Invalid, op, "URL has a broken %%-escape: %s", want)
		}
	}
	switch {
	case u.Host != "" || u.User != nil:
		return "", fault.New(fault.Invalid, op, "URL has a host, and SQLite has none: %s", want)
	case u.RawQuery != "" || u.ForceQuery:
		return "", fault.New(fault.Invalid, op, "URL has settings behind a ?, and drover takes none for SQLite; a ? in a file name is %%3F")
	case u.Fragment != "":
		return "", fault.New(fault.Invalid, op, "URL has a # in it: write it as %%23")
	case path == "" || strings.HasSuffix(path, "/") || strings.ContainsRune(path, 0):
		return "", fault.New(fault.Invalid, op, "URL names no file: %s", want)
	case path == ":memory:":
		return "", fault.New(fault.Invalid, op, "a database in memory is gone when its connection is: name a file")
	}
	abs, err := filepath.Abs(path)
	return abs, fault.Wrap(fault.Invalid, op, err)
}
