package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/drover-db/drover/test/cli"
)

// The databases' passwords in the environment of whoever runs a spec.
const (
	sourceVariable = "DROVER_E2E_SOURCE"
	targetVariable = "DROVER_E2E_TARGET"
)

// spec writes a migration named e2e to the folder that drover works in, with the
// rest of it as given, and the passwords to its environment.
func spec(t *testing.T, d *cli.Drover, source, target, rest string) string {
	t.Helper()
	d.Env = append(d.Env, secrets(t, source, target)...)
	text := fmt.Sprintf("apiVersion: drover.dev/v1\nkind: Migration\nname: e2e\nsource: %s\ntarget: %s\n%s\n",
		endpoint(t, source, sourceVariable), endpoint(t, target, targetVariable), rest)
	file := filepath.Join(d.Dir, "spec.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// endpoint is an end of a migration, its password a reference. Files have none.
func endpoint(t *testing.T, raw, variable string) string {
	bare := with(t, raw, func(u *url.URL) {
		if u.User != nil {
			u.User = url.User(u.User.Username())
		}
	})
	if bare == raw {
		return fmt.Sprintf("{url: %q}", raw)
	}
	return fmt.Sprintf("{url: %q, password: '${env:%s}'}", bare, variable)
}

// secrets are the passwords of both ends, for the environment of workers.
func secrets(t *testing.T, source, target string) []string {
	return []string{sourceVariable + "=" + passwordOf(t, source), targetVariable + "=" + passwordOf(t, target)}
}

func passwordOf(t *testing.T, raw string) (password string) {
	with(t, raw, func(u *url.URL) { password, _ = u.User.Password() })
	return password
}

// runSpec runs drover run with a spec and reads its summary, where it wrote one.
func runSpec(t *testing.T, d cli.Drover, file string, args ...string) cli.Result {
	t.Helper()
	out := filepath.Join(t.TempDir(), "summary.json")
	r := d.Run(t, append([]string{"run", "-f", file, "--summary", out, "-o", "json", "--progress", "none"}, args...)...)
	raw, err := os.ReadFile(out)
	if errors.Is(err, os.ErrNotExist) {
		return r
	}
	if err == nil {
		err = json.Unmarshal(raw, &r.Summary)
	}
	if err != nil {
		t.Fatalf("read summary: %v", err)
	}
	return r
}
