// Package secret resolves references to secrets and keeps the values from
// leaking: a Value prints as [redacted] in every form Go prints values in.
package secret

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"

	"github.com/drover-db/drover/internal/fault"
)

const redacted = "[redacted]"

// Value is a secret. Only Reveal gives it away.
type Value struct{ plain string }

// New makes a value.
func New(plain string) Value { return Value{plain: plain} }

// Reveal gives the secret itself, for a driver's configuration.
func (v Value) Reveal() string { return v.plain }

// IsZero tells whether there is no secret.
func (v Value) IsZero() bool { return v.plain == "" }

// String redacts.
func (v Value) String() string { return redacted }

// GoString redacts.
func (v Value) GoString() string { return redacted }

// Format redacts whatever the verb.
func (v Value) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalJSON redacts.
func (v Value) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText redacts.
func (v Value) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue redacts.
func (v Value) LogValue() slog.Value { return slog.StringValue(redacted) }

// Scrub removes the secret from a text that a driver may have put it in.
func (v Value) Scrub(text string) string {
	if v.plain == "" {
		return text
	}
	return strings.ReplaceAll(text, v.plain, redacted)
}

// Resolver turns references into values: ${env:NAME}, ${file:/path} and, within
// one process, ${inline:NAME}.
type Resolver struct {
	mu     sync.RWMutex
	inline map[string]Value
}

// NewResolver makes a resolver without inline values.
func NewResolver() *Resolver { return &Resolver{inline: map[string]Value{}} }

// Keep stores a value under a name and returns its reference. It serves
// passwords typed into a URL on the command line, which live in this process only.
func (r *Resolver) Keep(name string, v Value) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inline[name] = v
	return "${inline:" + name + "}"
}

// Resolve gives the value behind ref; an empty ref is an empty value.
func (r *Resolver) Resolve(ref string) (Value, error) {
	const op = "secret.Resolve"
	if ref == "" {
		return Value{}, nil
	}
	body, ok := strings.CutPrefix(ref, "${")
	body, ok2 := strings.CutSuffix(body, "}")
	scheme, name, ok3 := strings.Cut(body, ":")
	if !ok || !ok2 || !ok3 {
		return Value{}, fault.New(fault.Invalid, op, "a password must be a reference: ${env:NAME} or ${file:/path}")
	}
	switch scheme {
	case "env":
		v, found := os.LookupEnv(name)
		if !found {
			return Value{}, fault.New(fault.NotFound, op, "environment variable %s is not set in this worker", name)
		}
		return New(v), nil
	case "file":
		raw, err := os.ReadFile(name)
		if err != nil {
			return Value{}, fault.New(fault.NotFound, op, "read secret file: %w", err)
		}
		return New(strings.TrimRight(string(raw), "\r\n")), nil
	case "inline":
		r.mu.RLock()
		defer r.mu.RUnlock()
		v, found := r.inline[name]
		if !found {
			return Value{}, fault.New(fault.NotFound, op, "this process was not given the password %q; name the database with its password again", name)
		}
		return v, nil
	default:
		return Value{}, fault.New(fault.Invalid, op, "unknown secret scheme %q: use env or file", scheme)
	}
}
