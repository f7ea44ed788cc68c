package spec

import (
	"errors"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	droverv1 "github.com/drover-db/drover/gen/drover/v1"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/secret"
)

// passwordParameter is where a URL may hold a password besides its user part.
const passwordParameter = "password"

// examples of URLs by scheme, for messages.
var examples = map[string]string{
	"postgres":   "postgres://user@host:5432/database",
	"postgresql": "postgresql://user@host:5432/database",
	"mysql":      "mysql://user@host:3306/database",
	"mariadb":    "mariadb://user@host:3306/database",
	"sqlite":     "sqlite:///path/to/file.db",
}

// userinfo and parameter find passwords in texts that need not be valid URLs.
var (
	userinfo  = regexp.MustCompile(`(://[^:/?#\s]*):[^\s]*@`)
	parameter = regexp.MustCompile(`(?i)([?&](?:ssl)?password=)[^&#\s]*`)
)

// Mask hides the passwords of a text that holds URLs, whether or not they are
// well formed. When in doubt it hides more.
func Mask(text string) string {
	return parameter.ReplaceAllString(userinfo.ReplaceAllString(text, "$1:***@"), "$1***")
}

// ParseURL checks a database URL as far as can be done without its engine.
// Its errors never hold the password.
func ParseURL(raw string, schemes []string) (*url.URL, error) {
	const op = "spec.ParseURL"
	bad := func(format string, args ...any) error { return fault.New(fault.Invalid, op, format, args...) }
	if raw == "" {
		return nil, bad("URL is empty: write something like %s", example("", schemes))
	}
	scheme, _, ok := strings.Cut(raw, ":")
	if !ok || strings.ContainsAny(scheme, "/@.") {
		return nil, bad("URL %q has no scheme: write something like %s", Mask(raw), example("", schemes))
	}
	if !slices.Contains(schemes, scheme) {
		return nil, bad("URL %q has the scheme %q, which drover does not know: use %s, as in %s",
			Mask(raw), scheme, strings.Join(schemes, ", "), example("", schemes))
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, bad("URL %q %s: write something like %s", Mask(raw), whyMalformed(raw, err), example(scheme, schemes))
	}
	if u.Fragment != "" {
		return nil, bad("URL %q has a # in it: write it as %%23", Mask(raw))
	}
	if scheme == "sqlite" {
		return sqliteURL(u, raw)
	}
	if !strings.HasPrefix(raw, scheme+"://") {
		return nil, bad("URL %q has no // behind %s: write something like %s", Mask(raw), scheme, example(scheme, schemes))
	}
	if strings.Trim(u.Path, "/") == "" && !u.Query().Has("dbname") {
		return nil, bad("URL %q names no database: write something like %s", Mask(raw), example(scheme, schemes))
	}
	return u, nil
}

// sqliteURL makes the path absolute, since the worker that opens it may have
// another working folder.
func sqliteURL(u *url.URL, raw string) (*url.URL, error) {
	const op = "spec.ParseURL"
	path := u.Path
	if u.Opaque != "" {
		unescaped, err := url.PathUnescape(u.Opaque)
		if err != nil {
			return nil, fault.New(fault.Invalid, op, "URL %q has a broken %%-escape", raw)
		}
		path = unescaped
	}
	switch {
	case u.Host != "":
		return nil, fault.New(fault.Invalid, op, "URL %q has %q where SQLite has no host: write sqlite:///absolute/path or sqlite:relative/path", Mask(raw), u.Host)
	case path == "" || strings.HasSuffix(path, "/"):
		return nil, fault.New(fault.Invalid, op, "URL %q names no file: write sqlite:///absolute/path or sqlite:relative/path", raw)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fault.New(fault.Invalid, op, "find the working folder: %w", err)
	}
	return &url.URL{Scheme: u.Scheme, Path: abs, RawQuery: u.RawQuery}, nil
}

// whyMalformed words a parse error. The parser's own words may quote a piece of
// a password with unescaped characters, so they are used only where there is none.
func whyMalformed(raw string, err error) string {
	if strings.Contains(raw, "@") {
		return "is malformed (a password's special characters need %-escapes: @ is %40, / is %2F, : is %3A, # is %23)"
	}
	var e *url.Error
	if errors.As(err, &e) {
		err = e.Err
	}
	return "is malformed (" + err.Error() + ")"
}

// example gives a URL for a message.
func example(scheme string, schemes []string) string {
	for _, s := range append([]string{scheme, "postgres"}, schemes...) {
		if e, ok := examples[s]; ok && slices.Contains(schemes, s) {
			return e
		}
	}
	if len(schemes) == 0 {
		return "scheme://user@host/database"
	}
	return schemes[0] + "://…"
}

// HasPassword tells whether a parsed URL carries a password.
func HasPassword(u *url.URL) bool {
	_, inUser := u.User.Password()
	return inUser || u.Query().Has(passwordParameter)
}

// Split checks a URL and takes its password out.
func Split(raw string, schemes []string) (plain string, password secret.Value, err error) {
	u, err := ParseURL(raw, schemes)
	if err != nil {
		return "", secret.Value{}, err
	}
	password = takePassword(u)
	return u.String(), password, nil
}

// takePassword removes a URL's password and gives it back.
func takePassword(u *url.URL) secret.Value {
	var plain string
	if p, ok := u.User.Password(); ok {
		plain = p
		u.User = url.User(u.User.Username())
	}
	if q := u.Query(); q.Has(passwordParameter) {
		plain = q.Get(passwordParameter)
		q.Del(passwordParameter)
		u.RawQuery = q.Encode()
	}
	return secret.New(plain)
}

// Secrets says what becomes of the passwords of a spec's URLs.
type Secrets struct {
	// Keep stores a password and returns the reference that replaces it. Nil
	// refuses passwords in URLs: the spec is going to another process.
	Keep func(name string, v secret.Value) string
	// Env names the environment variable to refer to where a side has no password
	// at all; it returns "" for none.
	Env func(side string) string
}

// Detach takes the passwords out of a spec's URLs and puts references there. The
// URLs are checked and made absolute on the way.
func Detach(s *droverv1.MigrationSpec, schemes []string, secrets Secrets) error {
	sides := []struct {
		name string
		spec *droverv1.EndpointSpec
	}{{fault.Source, s.GetSource()}, {fault.Target, s.GetTarget()}}
	for _, side := range sides {
		if err := detach(side.spec, side.name, schemes, secrets); err != nil {
			return err
		}
	}
	if s.GetSource().GetUrl() == s.GetTarget().GetUrl() {
		return fault.New(fault.Invalid, "spec.Detach", "source and target are the same database: %s", s.GetSource().GetUrl())
	}
	return nil
}

func detach(e *droverv1.EndpointSpec, side string, schemes []string, secrets Secrets) error {
	u, err := ParseURL(e.GetUrl(), schemes)
	if err != nil {
		return fault.At(err, "", side)
	}
	if HasPassword(u) {
		if e.GetPassword() != "" {
			return fault.New(fault.Invalid, "spec.Detach", "%s: the password is given twice: remove it from the URL", side)
		}
		if secrets.Keep == nil {
			return fault.New(fault.Invalid, "spec.Detach",
				"%s: a URL must not hold a password here, since specs are stored: remove it and write password: ${env:NAME} or ${file:/path}", side)
		}
		e.Password = secrets.Keep(side, takePassword(u))
	}
	if e.GetPassword() == "" && u.User != nil && secrets.Env != nil {
		if name := secrets.Env(side); name != "" {
			e.Password = "${env:" + name + "}"
		}
	}
	e.Url = u.String()
	return nil
}
