package spec_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/secret"
	"github.com/drover-db/drover/internal/spec"
)

var schemes = []string{"postgres", "postgresql", "sqlite"}

func TestParseURL_SaysWhatIsWrong(t *testing.T) {
	for raw, want := range map[string]string{
		"":                             "URL is empty",
		"shop.db":                      "has no scheme",
		"/data/shop.db":                "has no scheme",
		"mysql://u@h/db":               `has the scheme "mysql", which drover does not know: use postgres, postgresql, sqlite`,
		"postgres://u@h:5432/":         "names no database",
		"postgres://u@h":               "names no database",
		"postgres://u:hunter2@h:x/db":  "is malformed",
		"postgres://u:hunter/2@h/db":   "is malformed",
		"postgres://u:hunter#2@h/db":   "is malformed",
		"postgres://h:port/db":         `is malformed (invalid port ":port" after host)`,
		"postgres://u:hunter%zz2@h/db": "is malformed",
		"postgres:/nowhere":            "has no // behind postgres: write something like postgres://user@host:5432/database",
		"sqlite://shop.db":             "where SQLite has no host",
		"sqlite://":                    "names no file",
		"sqlite:///data/":              "names no file",
		"sqlite:///data/a#b.db":        "has a # in it",
	} {
		_, err := spec.ParseURL(raw, schemes)
		require.ErrorContains(t, err, want, raw)
		require.Equal(t, fault.Invalid, fault.KindOf(err))
		require.NotContains(t, err.Error(), "hunter", raw)
		require.Contains(t, err.Error(), ":", raw)
	}
}

func TestParseURL_MakesFilesAbsolute(t *testing.T) {
	wd, err := os.Getwd()
	require.NoError(t, err)
	u, err := spec.ParseURL("sqlite:a%20b.db", schemes)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(wd, "a b.db"), u.Path)
	require.True(t, strings.HasPrefix(u.String(), "sqlite:///"), u.String())
}

func TestMask(t *testing.T) {
	for raw, want := range map[string]string{
		"postgres://u:hunter2@h/db":                "postgres://u:***@h/db",
		"postgres://u:hun@ter2@h/db":               "postgres://u:***@h/db",
		"postgres://u:hun/ter2@h/db":               "postgres://u:***@h/db",
		"postgres://u@h/db?password=hunter2&a=b":   "postgres://u@h/db?password=***&a=b",
		"postgres://u@h/db?sslpassword=hunter2":    "postgres://u@h/db?sslpassword=***",
		"copy postgres://u:p@h/a postgres://h/b":   "copy postgres://u:***@h/a postgres://h/b",
		"sqlite:///data/shop.db":                   "sqlite:///data/shop.db",
		"postgres://[::1]:5432/db":                 "postgres://[::1]:5432/db",
		"postgres://h:5432/db":                     "postgres://h:5432/db",
		"postgres://h:5432/db?user=a@b":            "postgres://h:***@b",
		"connect to \"postgres://u:p@h/a\" failed": "connect to \"postgres://u:***@h/a\" failed",
	} {
		require.Equal(t, want, spec.Mask(raw), raw)
	}
}

func TestFromURLs_DerivesNameAndRules(t *testing.T) {
	s, err := spec.FromURLs(spec.URLs{Source: "sqlite:///data/My Shop.db", Target: "postgres://u@h/ware_house", Schemes: schemes,
		Include: []string{"main.*"}, Exclude: []string{"*_log"}})
	require.NoError(t, err)
	require.Equal(t, "my-shop-to-ware-house", s.GetName())
	require.Len(t, s.GetTables(), 2)
	require.True(t, s.GetTables()[0].GetSkip(), "exclusions come first")

	s, err = spec.FromURLs(spec.URLs{Source: "sqlite:///a", Target: "sqlite:///b", Schemes: schemes, Publish: "atomic", OnFailure: "keep",
		Where: []string{" main.orders = paid = TRUE"}, Casts: []string{"decimal(10,2)=numeric(12, 2)"}})
	require.NoError(t, err)
	require.Equal(t, "main.orders", s.GetTables()[0].GetMatch())
	require.Equal(t, "paid = TRUE", s.GetTables()[0].GetWhere())
	require.Equal(t, "*", s.GetTables()[1].GetMatch(), "the others move as they are")
	require.Equal(t, "numeric(12, 2)", s.GetSchema().GetCasts()[0].GetTo())

	for _, c := range []struct {
		u    spec.URLs
		want string
	}{
		{spec.URLs{Where: []string{"orders"}}, "is not table=condition"},
		{spec.URLs{Where: []string{"orders=id >"}}, "tables[0].where at character 5"},
		{spec.URLs{Where: []string{"a=id = 1", "a=id = 2"}}, "join them with AND"},
		{spec.URLs{Casts: []string{"=text"}}, "is not source type=target type"},
		{spec.URLs{OnFailure: "keep"}, "on_failure has no meaning without publish: atomic"},
	} {
		c.u.Source, c.u.Target, c.u.Schemes = "sqlite:///a", "sqlite:///b", schemes
		_, err = spec.FromURLs(c.u)
		require.ErrorContains(t, err, c.want)
	}

	long := strings.Repeat("x", 100)
	s, err = spec.FromURLs(spec.URLs{Source: "sqlite:///" + long, Target: "sqlite:///日本", Schemes: schemes})
	require.NoError(t, err)
	require.LessOrEqual(t, len(s.GetName()), 63)
	require.True(t, strings.HasSuffix(s.GetName(), "-to-sqlite"), s.GetName())

	_, err = spec.FromURLs(spec.URLs{Source: "sqlite:///a", Target: "sqlite:///b", Schemes: schemes, Include: []string{"a[b"}})
	require.ErrorContains(t, err, "tables[0].match is no glob")
	_, err = spec.FromURLs(spec.URLs{Source: "sqlite:///a", Target: "sqlite:///b", Schemes: schemes, Existing: "drop"})
	require.ErrorContains(t, err, `existing must be "fail", "append" or "truncate"`)
}

func TestSplit(t *testing.T) {
	plain, password, err := spec.Split("postgres://u:hun%2Fter2@h/a?sslmode=disable", schemes)
	require.NoError(t, err)
	require.Equal(t, "postgres://u@h/a?sslmode=disable", plain)
	require.Equal(t, "hun/ter2", password.Reveal())
	_, _, err = spec.Split("oracle://u:hunter2@h/a", schemes)
	require.ErrorContains(t, err, "which drover does not know")
	require.NotContains(t, err.Error(), "hunter2")
}

func TestDetach(t *testing.T) {
	build := func(source, target string) error {
		s, err := spec.FromURLs(spec.URLs{Source: source, Target: target, Schemes: schemes})
		require.NoError(t, err)
		return spec.Detach(s, schemes, spec.Secrets{})
	}
	require.ErrorContains(t, build("postgres://u:hunter2@h/a", "sqlite:///b"), "source: a URL must not hold a password here")
	require.ErrorContains(t, build("sqlite:///b", "postgres://u@h/a?password=hunter2"), "target: a URL must not hold a password here")
	require.ErrorContains(t, build("sqlite:///a", "sqlite:///a"), "source and target are the same database")

	s, err := spec.FromURLs(spec.URLs{Source: "postgres://u:hun%2Fter2@h/a?sslmode=disable", Target: "postgres://v@h/b", Schemes: schemes})
	require.NoError(t, err)
	kept := map[string]string{}
	require.NoError(t, spec.Detach(s, schemes, spec.Secrets{
		Keep: func(name string, v secret.Value) string { kept[name] = v.Reveal(); return "${inline:" + name + "}" },
		Env:  func(side string) string { return "DROVER_" + strings.ToUpper(side) + "_PASSWORD" },
	}))
	require.Equal(t, map[string]string{"source": "hun/ter2"}, kept)
	require.Equal(t, "postgres://u@h/a?sslmode=disable", s.GetSource().GetUrl())
	require.Equal(t, "${inline:source}", s.GetSource().GetPassword())
	require.Equal(t, "${env:DROVER_TARGET_PASSWORD}", s.GetTarget().GetPassword())
}
