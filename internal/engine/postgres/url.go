package postgres

import (
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// allowedParams are the connection settings a URL may carry. The rest could read
// files, change sessions behind drover's back or smuggle a password.
var allowedParams = []string{"application_name", "connect_timeout", "sslcert", "sslkey", "sslmode", "sslrootcert", "target_session_attrs"}

// parseURL checks a URL and makes a pool's configuration of it.
func parseURL(c engine.Config) (*pgxpool.Config, error) {
	const op = "postgres.Open"
	u, err := url.Parse(c.URL)
	if err != nil {
		// The parser's message repeats the URL, which may hold a password.
		return nil, fault.New(fault.Invalid, op, "URL is malformed: want postgres://user@host:5432/database")
	}
	if err := checkURL(u); err != nil {
		return nil, err
	}
	cfg, err := pgxpool.ParseConfig(u.String())
	if err != nil {
		return nil, fault.New(fault.Invalid, op, "URL is malformed: %s", strings.TrimSpace(afterLast(err.Error(), "`:")))
	}
	// Nothing but the URL and the reference decides who logs in: ~/.pgpass and
	// PGPASSWORD of a worker's host do not.
	cfg.ConnConfig.Password = c.Password.Reveal()
	return cfg, nil
}

func checkURL(u *url.URL) error {
	const op = "postgres.Open"
	if u.Opaque != "" || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return fault.New(fault.Invalid, op, "URL is malformed: want postgres://user@host:5432/database")
	}
	if _, inline := u.User.Password(); inline {
		return fault.New(fault.Invalid, op, "URL holds a password: give it as a reference, ${env:NAME} or ${file:/path}")
	}
	if u.Hostname() == "" {
		return fault.New(fault.Invalid, op, "URL names no host: want postgres://user@host:5432/database")
	}
	if strings.Contains(u.Host, ",") {
		return fault.New(fault.Invalid, op, "URL names several hosts: drover must know which server it copies, name one")
	}
	if strings.Trim(u.Path, "/") == "" {
		return fault.New(fault.Invalid, op, "URL names no database: want postgres://user@host:5432/database")
	}
	for name := range u.Query() {
		if !slices.Contains(allowedParams, name) {
			return fault.New(fault.Invalid, op, "URL has the setting %q: use only %s", name, strings.Join(allowedParams, ", "))
		}
	}
	return nil
}

func afterLast(s, sep string) string {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[i+len(sep):]
	}
	return s
}

func address(cfg *pgxpool.Config) string {
	port := cfg.ConnConfig.Port
	return net.JoinHostPort(cfg.ConnConfig.Host, itoa(int64(port)))
}
