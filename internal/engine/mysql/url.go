package mysql

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

const (
	defaultPort           = "3306"
	defaultConnectTimeout = 15 * time.Second
	urlForm               = "mysql://user@host:3306/database"
)

// allowedParams are the settings a URL may carry. The rest could change sessions
// behind drover's back or smuggle a password.
var allowedParams = []string{"connect-timeout", "socket", "ssl-ca", "ssl-cert", "ssl-key", "ssl-mode"}

// endpoint is a server, a login and a database, as a URL and a password give them.
type endpoint struct {
	// network and address are what net.Dial takes; host is the name that a
	// certificate must have.
	network, address, host string
	user, password         string
	database               string
	application            string
	connectTimeout         time.Duration
	tls                    tlsOptions
}

// parseURL checks a URL and reads the files that it names.
func parseURL(c engine.Config) (*endpoint, error) {
	const op = "mysql.Open"
	u, err := url.Parse(c.URL)
	if err != nil || u.Opaque != "" || (u.Scheme != "mysql" && u.Scheme != "mariadb") {
		// The parser's message repeats the URL, which may hold a password.
		return nil, fault.New(fault.Invalid, op, "URL is malformed: want %s", urlForm)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fault.New(fault.Invalid, op, "URL is malformed behind the ?: want %s?ssl-mode=REQUIRED", urlForm)
	}
	if err := checkURL(u, query); err != nil {
		return nil, err
	}
	e := &endpoint{user: u.User.Username(), password: c.Password.Reveal(), database: u.Path[1:], application: c.Application,
		connectTimeout: defaultConnectTimeout, network: "tcp", host: u.Hostname()}
	e.address = net.JoinHostPort(e.host, portOf(u))
	if socket := query.Get("socket"); socket != "" {
		e.network, e.address, e.host = "unix", socket, ""
	}
	if text := query.Get("connect-timeout"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds < 1 {
			return nil, fault.New(fault.Invalid, op, "connect-timeout=%s is not a number of seconds", text)
		}
		e.connectTimeout = time.Duration(seconds) * time.Second
	}
	e.tls, err = parseTLS(query, e.network, e.host)
	return e, err
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return defaultPort
}

func checkURL(u *url.URL, query url.Values) error {
	const op = "mysql.Open"
	if _, inline := u.User.Password(); inline {
		return fault.New(fault.Invalid, op, "URL holds a password: give it as a reference, ${env:NAME} or ${file:/path}")
	}
	for name, values := range query {
		if !slices.Contains(allowedParams, name) {
			return fault.New(fault.Invalid, op, "URL has the setting %q: use only %s", name, strings.Join(allowedParams, ", "))
		}
		if len(values) > 1 {
			return fault.New(fault.Invalid, op, "URL has the setting %q more than once", name)
		}
	}
	socket := query.Get("socket")
	switch {
	case u.User.Username() == "":
		return fault.New(fault.Invalid, op, "URL names no user: want %s", urlForm)
	case socket != "" && !strings.HasPrefix(socket, "/"):
		return fault.New(fault.Invalid, op, "socket=%s is not an absolute path", socket)
	case socket != "" && (u.Hostname() != "" && u.Hostname() != "localhost" || u.Port() != ""):
		return fault.New(fault.Invalid, op, "URL names a socket and a host: leave one out, as in mysql://user@localhost/database?socket=%s", socket)
	case socket == "" && u.Hostname() == "":
		return fault.New(fault.Invalid, op, "URL names no host: want %s", urlForm)
	case strings.Contains(u.Host, ","):
		return fault.New(fault.Invalid, op, "URL names several hosts: drover must know which server it copies, name one")
	case strings.Trim(u.Path, "/") == "":
		return fault.New(fault.Invalid, op, "URL names no database: want %s", urlForm)
	case strings.Contains(u.EscapedPath()[1:], "/"):
		return fault.New(fault.Invalid, op, "URL names the database %q: a / in a name is written %%2F", u.Path[1:])
	case u.Fragment != "":
		return fault.New(fault.Invalid, op, "URL has a # in it: write it as %%23")
	}
	return nil
}
