package postgres

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/secret"
	"github.com/drover-db/drover/internal/testdb"
)

func TestOpen_RefusesURLs(t *testing.T) {
	for raw, want := range map[string]string{
		"postgres://u:hunter2@h/db":                        "URL holds a password",
		"postgres://u@h/":                                  "URL names no database",
		"postgres:///db":                                   "URL names no host",
		"postgres://u@a,b/db":                              "URL names several hosts",
		"postgres://u@h/db?options=-crow_security%3Doff":   `URL has the setting "options"`,
		"postgres://u@h/db?passfile=/etc/passwd":           `URL has the setting "passfile"`,
		"postgres://u@h/db?sslmode=perhaps":                "URL is malformed",
		"postgres://u@h:port/db":                           "URL is malformed",
		"mysql://u@h/db":                                   "URL is malformed",
		"postgres://u:hunter2%zz@h/db":                     "URL is malformed",
		"postgres://u@h/db?password=hunter2&sslmode=allow": `URL has the setting "password"`,
	} {
		_, err := New().Open(t.Context(), engine.Config{URL: raw})
		require.Equal(t, fault.Invalid, fault.KindOf(err), "%s: %v", raw, err)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestOpen_SaysWhatIsWrong(t *testing.T) {
	raw := testdb.Postgres(t)
	u, err := url.Parse(withoutPassword(t, raw))
	require.NoError(t, err)
	full, err := url.Parse(raw)
	require.NoError(t, err)
	right, _ := full.User.Password()
	for name, c := range map[string]struct {
		change   func(*url.URL)
		password string
		kind     fault.Kind
		text     string
	}{
		"MissingDatabase": {func(u *url.URL) { u.Path = "/nowhere" }, right, fault.NotFound, `database "nowhere" does not exist`},
		"DeadHost":        {func(u *url.URL) { u.Host = "127.0.0.1:1" }, "hunter2", fault.Unavailable, "127.0.0.1:1"},
		"UnknownHost":     {func(u *url.URL) { u.Host = "no-such-host.invalid" }, "hunter2", fault.Unavailable, "no-such-host.invalid"},
		"UnknownRole":     {func(u *url.URL) { u.User = url.User("nobody") }, "hunter2", fault.Denied, "nobody"},
		"WrongPassword":   {func(*url.URL) {}, "hunter2", fault.Denied, "password authentication failed"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := *u
			c.change(&changed)
			_, err := New().Open(t.Context(), engine.Config{URL: changed.String(), Password: secret.New(c.password)})
			require.Equal(t, c.kind, fault.KindOf(err), "%v", err)
			require.ErrorContains(t, err, c.text)
			require.NotContains(t, err.Error(), "hunter2")
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

// Nothing a role or a database sets reaches drover's sessions.
func TestOpen_PinsSession(t *testing.T) {
	raw := testdb.Postgres(t)
	u, err := url.Parse(raw)
	require.NoError(t, err)
	name := u.Path[1:]
	script(t, raw, "ALTER DATABASE "+name+" SET timezone = 'Asia/Kolkata'", "ALTER DATABASE "+name+" SET datestyle = 'SQL, DMY'",
		"ALTER DATABASE "+name+" SET search_path = evil", "ALTER DATABASE "+name+" SET extra_float_digits = -4")
	db := openDB(t, raw)
	var got string
	require.NoError(t, db.pool.QueryRow(t.Context(), `SELECT concat_ws('|', current_setting('timezone'), current_setting('datestyle'), current_setting('search_path'),
		current_setting('extra_float_digits'), current_setting('application_name'))`).Scan(&got))
	require.Equal(t, "UTC|ISO, YMD|pg_catalog|1|drover/test", got)
}
