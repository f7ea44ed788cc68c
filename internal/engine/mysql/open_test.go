package mysql

import (
	"database/sql"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/secret"
)

func TestOpen_RefusesURLs(t *testing.T) {
	for raw, want := range map[string]string{
		"mysql://u:hunter2@h/db":                             "URL holds a password",
		"mysql://u@h/":                                       "URL names no database",
		"mysql://u@h":                                        "URL names no database",
		"mysql:///db":                                        "URL names no user",
		"mysql://u@/db":                                      "URL names no host",
		"mysql://h/db":                                       "URL names no user",
		"mysql://u@a,b/db":                                   "URL names several hosts",
		"mysql://u@h/a/b":                                    "URL names the database",
		"mysql://u@h/db?parseTime=true":                      `URL has the setting "parseTime"`,
		"mysql://u@h/db?allowAllFiles=1":                     `URL has the setting "allowAllFiles"`,
		"mysql://u@h/db?password=hunter2":                    `URL has the setting "password"`,
		"mysql://u@h/db?ssl-mode=perhaps":                    "ssl-mode=PERHAPS is none",
		"mysql://u@h/db?ssl-mode=REQUIRED&ssl-ca=/x":         "ssl-ca is given but",
		"mysql://u@h/db?ssl-mode=VERIFY_CA":                  "needs ssl-ca",
		"mysql://u@h/db?ssl-mode=VERIFY_CA&ssl-ca=/no/ca":    "read ssl-ca",
		"mysql://u@h/db?ssl-cert=/x":                         "ssl-cert and ssl-key go together",
		"mysql://u@h/db?connect-timeout=soon":                "connect-timeout=soon is not",
		"mysql://u@h/db?connect-timeout=1&connect-timeout=2": `"connect-timeout" more than once`,
		"mysql://u@h/db?socket=/s":                           "URL names a socket and a host",
		"mysql://u@localhost/db?socket=s":                    "socket=s is not an absolute path",
		"mysql://u@localhost/db?socket=/s&ssl-mode=REQUIRED": "does not go with a socket",
		"mysql://u@h:port/db":                                "URL is malformed",
		"postgres://u@h/db":                                  "URL is malformed",
		"mysql://u:hunter2%zz@h/db":                          "URL is malformed",
		"mysql://u@h/db#x":                                   "URL has a #",
	} {
		_, err := New().Open(t.Context(), engine.Config{URL: raw})
		require.Equal(t, fault.Invalid, fault.KindOf(err), "%s: %v", raw, err)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestParseURL_ReadsPlaces(t *testing.T) {
	for raw, want := range map[string][4]string{
		"mysql://u@h/db":                             {"tcp", "h:3306", "h", "db"},
		"mariadb://u@[::1]:3307/db":                  {"tcp", "[::1]:3307", "::1", "db"},
		"mysql://u@localhost/d%2Fb?socket=/run/sock": {"unix", "/run/sock", "", "d/b"},
	} {
		e, err := parseURL(engine.Config{URL: raw})
		require.NoError(t, err, raw)
		require.Equal(t, want, [4]string{e.network, e.address, e.host, e.database}, raw)
	}
}

func TestOpen_FindsTheProduct(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		require.Equal(t, d.dialect.name, filepath.Base(t.Name()))
		require.Regexp(t, `^\d+\.\d+\.\d+$`, d.version)
		again := openDB(t, rawURL(d))
		require.Equal(t, d.identity, again.identity)
		require.Regexp(t, "^"+d.dialect.name+":[-0-9a-f]{36,40}/"+d.schema+"$", d.identity)
	})
}

// rawURL is the URL of an open database with its password in it.
func rawURL(d *database) string {
	u := url.URL{Scheme: "mysql", Host: d.endpoint.address, Path: "/" + d.schema, User: url.UserPassword(d.endpoint.user, d.endpoint.password)}
	return u.String()
}

func TestDialectOf_RefusesWhatIsOld(t *testing.T) {
	for version, want := range map[string]string{
		"8.0.36": "", "5.7.44-log": "", "10.6.18-MariaDB": "", "8.0.11-TiDB-v7.5.0": "", "odd": "",
		"8.4.3": "8.4.3", "9.7.0-commercial": "9.7.0", "10.11.6-MariaDB-log": "10.11.6", "5.5.5-10.11.6-MariaDB": "10.11.6", "11.8.2-MariaDB": "11.8.2",
	} {
		_, short, err := dialectOf(version)
		if want == "" {
			require.Equal(t, fault.Unsupported, fault.KindOf(err), version)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, want, short)
	}
}

func TestOpen_SaysWhatIsWrong(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		for name, c := range map[string]struct {
			change   func(*url.URL)
			password string
			kind     fault.Kind
			text     string
		}{
			"MissingDatabase": {func(u *url.URL) { u.Path = "/nowhere" }, d.endpoint.password, fault.NotFound, "Unknown database 'nowhere'"},
			"DeadHost":        {func(u *url.URL) { u.Host = "127.0.0.1:1" }, "hunter2", fault.Unavailable, "127.0.0.1:1"},
			"UnknownHost":     {func(u *url.URL) { u.Host = "no-such-host.invalid" }, "hunter2", fault.Unavailable, "no-such-host.invalid"},
			"UnknownUser":     {func(u *url.URL) { u.User = url.User("nobody") }, "hunter2", fault.Denied, "nobody"},
			"WrongPassword":   {func(*url.URL) {}, "hunter2", fault.Denied, "look at user and password"},
		} {
			t.Run(name, func(t *testing.T) {
				u, err := url.Parse(configOf(t, rawURL(d)).URL)
				require.NoError(t, err)
				c.change(u)
				_, err = New().Open(t.Context(), engine.Config{URL: u.String(), Password: secret.New(c.password)})
				require.Equal(t, c.kind, fault.KindOf(err), "%v", err)
				require.ErrorContains(t, err, c.text)
				require.NotContains(t, err.Error(), "hunter2")
				require.NotContains(t, err.Error(), "\n")
			})
		}
	})
}

func TestOpen_PinsSession(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		var zone, mode, names, coll string
		scan(t, d.db, "SELECT @@session.time_zone, @@session.sql_mode, @@session.character_set_results, @@session.collation_connection", &zone, &mode, &names, &coll)
		require.Equal(t, []string{"+00:00", "utf8mb4", "utf8mb4_bin"}, []string{zone, names, coll})
		require.Equal(t, "NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION", mode)
	})
}

func TestTransact_CommitsOrNot(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		script(t, d, "CREATE TABLE t (a INT PRIMARY KEY)")
		insert := func(tx *sql.Tx) error {
			_, err := tx.ExecContext(t.Context(), "INSERT INTO t VALUES (1)")
			return err
		}
		stop := fault.New(fault.Canceled, "test", "stop")
		require.ErrorIs(t, d.transact(t.Context(), func(tx *sql.Tx) error {
			require.NoError(t, insert(tx))
			return stop
		}), stop)
		require.NoError(t, d.transact(t.Context(), insert))
		err := classify("test", d.transact(t.Context(), insert))
		require.Equal(t, fault.Value, fault.KindOf(err), "%v", err)
		require.EqualValues(t, codeDuplicateEntry, errorCode(err))
	})
}
