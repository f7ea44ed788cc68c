package e2e

import (
	"net/url"
	"testing"

	"github.com/drover-db/drover/test/cli"
)

// spec writes a migration named e2e to the folder that drover works in, with the
// rest of it as given, and the passwords to its environment.
func spec(t *testing.T, d *cli.Drover, source, target, rest string) string {
	t.Helper()
	return d.Spec(t, source, target, rest)
}

// secrets are the passwords of both ends, for the environment of workers.
func secrets(t *testing.T, source, target string) []string {
	t.Helper()
	return cli.Secrets(t, source, target)
}

func passwordOf(t *testing.T, raw string) (password string) {
	with(t, raw, func(u *url.URL) { password, _ = u.User.Password() })
	return password
}

// runSpec runs drover run with a spec and reads its summary, where it wrote one.
func runSpec(t *testing.T, d cli.Drover, file string, args ...string) cli.Result {
	t.Helper()
	return d.RunSpec(t, file, args...)
}
