package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
)

// The databases' passwords in the environment of whoever runs a spec.
const (
	sourceVariable = "DROVER_E2E_SOURCE"
	targetVariable = "DROVER_E2E_TARGET"
)

// Spec writes a migration named e2e to the folder that drover works in, with the rest of
// it as given, and the passwords to drover's environment. It returns the file's path.
func (d *Drover) Spec(t testing.TB, source, target, rest string) string {
	t.Helper()
	d.Env = append(d.Env, Secrets(t, source, target)...)
	text := fmt.Sprintf("apiVersion: drover.dev/v1\nkind: Migration\nname: e2e\nsource: %s\ntarget: %s\n%s\n",
		Endpoint(t, source, sourceVariable), Endpoint(t, target, targetVariable), rest)
	file := filepath.Join(d.Dir, "spec.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Endpoint is an end of a migration as a spec has it, its password a reference. Files
// have none.
func Endpoint(t testing.TB, raw, variable string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if u.User == nil {
		return fmt.Sprintf("{url: %q}", raw)
	}
	u.User = url.User(u.User.Username())
	return fmt.Sprintf("{url: %q, password: '${env:%s}'}", u.String(), variable)
}

// Secrets are the passwords of both ends, for the environment of workers.
func Secrets(t testing.TB, source, target string) []string {
	t.Helper()
	var out []string
	for i, raw := range []string{source, target} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		password, _ := u.User.Password()
		out = append(out, []string{sourceVariable, targetVariable}[i]+"="+password)
	}
	return out
}

// RunSpec runs drover run with a spec and reads its summary, where it wrote one.
func (d Drover) RunSpec(t testing.TB, file string, args ...string) Result {
	t.Helper()
	out := filepath.Join(t.TempDir(), "summary.json")
	r := d.Run(t, append([]string{"run", "-f", file, "--summary", out, "-o", "json", "--progress", "none"}, args...)...)
	r.readSummary(t, out)
	return r
}

// readSummary reads what --summary wrote, if anything.
func (r *Result) readSummary(t testing.TB, file string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err == nil {
		err = json.Unmarshal(raw, &r.Summary)
	}
	if err != nil {
		t.Fatalf("read summary: %v", err)
	}
}
