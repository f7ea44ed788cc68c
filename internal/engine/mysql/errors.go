package mysql

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	sqldriver "database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	client "github.com/go-mysql-org/go-mysql/mysql"
	driver "github.com/go-sql-driver/mysql"

	"github.com/drover-db/drover/internal/fault"
)

// Error numbers that code acts on.
const (
	codeTableExists     = 1050
	codeUnknownDatabase = 1049
	codeDuplicateEntry  = 1062
	codeNoSuchTable     = 1146
	codeNoSuchColumn    = 1054
	codeLockWait        = 1205
	codeTruncated       = 1265
	codeLockNowait      = 3572
	codeNoSuchThread    = 1094
	codeRowTooLong      = 1118
	codeSignal          = 1644
	// LOAD DATA LOCAL is switched off on one side or the other.
	codeNotAllowed       = 1148
	codeLocalInfile      = 3948
	codeLocalInfileMaria = 4166
)

// codeKinds are the kinds of a server's error numbers. A number that is not here is
// Internal. https://dev.mysql.com/doc/mysql-errors/9.7/en/server-error-reference.html
var codeKinds = map[uint16]fault.Kind{
	// Access: login, database, command, table, column, privilege.
	1045: fault.Denied, 1044: fault.Denied, 1142: fault.Denied, 1143: fault.Denied, 1227: fault.Denied, 1370: fault.Denied, 1698: fault.Denied,
	1130: fault.Denied, 1129: fault.Denied, 1410: fault.Denied, 1820: fault.Denied, 1862: fault.Denied, 3118: fault.Denied, 3159: fault.Denied, 1251: fault.Denied,
	1049: fault.NotFound,
	1007: fault.Exists, 1050: fault.Exists, 1061: fault.Exists, 1826: fault.Exists, 3822: fault.Exists,
	1205: fault.Conflict, 1213: fault.Conflict, 1412: fault.Conflict, 3572: fault.Conflict, 1020: fault.Conflict, 3058: fault.Conflict,
	1040: fault.Exhausted, 1203: fault.Exhausted, 1226: fault.Exhausted, 1114: fault.Exhausted, 1021: fault.Exhausted, 1037: fault.Exhausted,
	1038: fault.Exhausted, 1041: fault.Exhausted, 1135: fault.Exhausted, 1206: fault.Exhausted, 1461: fault.Exhausted, 3170: fault.Exhausted,
	2002: fault.Unavailable, 2003: fault.Unavailable, 2006: fault.Unavailable, 2013: fault.Unavailable, 1053: fault.Unavailable, 1077: fault.Unavailable,
	1079: fault.Unavailable, 1152: fault.Unavailable, 1158: fault.Unavailable, 1159: fault.Unavailable, 1160: fault.Unavailable, 1161: fault.Unavailable,
	1184: fault.Unavailable, 1290: fault.Unavailable, 1836: fault.Unavailable, 1792: fault.Unavailable, 1927: fault.Unavailable, 4031: fault.Unavailable,
	1317: fault.Canceled, 1969: fault.Canceled, 3024: fault.Canceled, 1028: fault.Canceled,
	// A value that a column does not take.
	1062: fault.Value, 1586: fault.Value, 1406: fault.Value, 1264: fault.Value, 1366: fault.Value, 1292: fault.Value, 1265: fault.Value, 1048: fault.Value,
	1364: fault.Value, 1690: fault.Value, 1411: fault.Value, 1416: fault.Value, 1452: fault.Value, 1451: fault.Value, 1526: fault.Value, 1367: fault.Value,
	3140: fault.Value, 3141: fault.Value, 3144: fault.Value, 3156: fault.Value, 3643: fault.Value, 3617: fault.Value, 3819: fault.Value, 4025: fault.Value,
	4038: fault.Value, 1153: fault.Value, 1300: fault.Value, 1301: fault.Value, 3854: fault.Value, 1118: fault.Unsupported,
	1054: fault.Changed, 1146: fault.Changed, 1051: fault.Changed, 1136: fault.Changed, 1932: fault.Changed, 1105: fault.Internal,
	1235: fault.Unsupported, 1289: fault.Unsupported, 1148: fault.Unsupported, 3948: fault.Unsupported, 4166: fault.Unsupported, 1286: fault.Unsupported,
	1069: fault.Unsupported, 1070: fault.Unsupported, 1071: fault.Unsupported, 1117: fault.Unsupported, 1170: fault.Unsupported, 1059: fault.Unsupported,
}

// classify gives a driver's error its kind and says what to do about those that a
// user can do something about. An error that has a kind keeps it.
func classify(op string, err error) error {
	var known *fault.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return fault.Wrap(fault.Canceled, op, err)
	}
	if code, message := serverError(err); code != 0 {
		return &fault.Error{Kind: kindOfCode(code), Op: op, Err: &codeError{text: advise(code, oneLine(message)), code: code, err: err}}
	}
	if brokenOff(err) {
		return fault.New(fault.Unavailable, op, "the server refused the connection while TLS was agreed on: %w", err)
	}
	if text := tlsAdvice(err); text != "" {
		return fault.New(fault.Denied, op, "%s: %w", text, err)
	}
	return fault.Wrap(kindOfClient(err), op, err)
}

func kindOfCode(code uint16) fault.Kind {
	if kind, ok := codeKinds[code]; ok {
		return kind
	}
	return fault.Internal
}

// codeError is a server's error in one line that still unwraps to the driver's.
type codeError struct {
	text string
	code uint16
	err  error
}

func (e *codeError) Error() string { return e.text }
func (e *codeError) Unwrap() error { return e.err }

// errorCode gives the server's number of an error; 0 for other errors.
func errorCode(err error) uint16 {
	code, _ := serverError(err)
	return code
}

// serverError finds what a server said, whichever client heard it.
func serverError(err error) (code uint16, message string) {
	var e *driver.MySQLError
	if errors.As(err, &e) {
		return e.Number, e.Message
	}
	var c *client.MyError
	if errors.As(err, &c) {
		return c.Code, c.Message
	}
	return 0, ""
}

// advise adds what to do to what the server said.
func advise(code uint16, message string) string {
	more := ""
	switch code {
	case 1045, 1698:
		more = ": look at user and password"
	case 1049:
		more = ": make the database first, or correct the URL"
	case 1142, 1143, 1044, 1227:
		more = ": grant it, or name another user"
	case 1040, 1203:
		more = ": lower max_connections of the endpoint"
	case 1153:
		more = ": raise max_allowed_packet on the server"
	case 3948, 4166, 1148:
		more = ": set local_infile=ON on the server"
	case 1290, 1836:
		more = ": the server is read-only, a replica perhaps; name the primary"
	case 3159:
		more = ": set ssl-mode=REQUIRED in the URL"
	}
	return message + more + " (error " + itoa(int64(code)) + ")"
}

// brokenOff tells whether a server that has TLS answered the client's wish for it in plain
// text, as one does that ends the connection at that moment: TLS itself is not the matter.
func brokenOff(err error) bool {
	var record tls.RecordHeaderError
	return errors.As(err, &record)
}

// strayGreeting tells whether a connection began with something else than a server's first
// words: what MySQL had to say to another one, which somebody killed (see kill.go).
func strayGreeting(err error) bool {
	return errors.Is(err, driver.ErrPktSync) || strings.Contains(err.Error(), "readInitialHandshake: invalid sequence")
}

// tlsAdvice says which setting of the URL a failed handshake is about.
func tlsAdvice(err error) string {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var check *tls.CertificateVerificationError
	var alert tls.AlertError
	switch {
	case errors.Is(err, driver.ErrNoTLS), strings.Contains(err.Error(), "does not support TLS required"):
		return "the server has no TLS, and ssl-mode asks for it"
	case errors.As(err, &host):
		return "the server's certificate is for another name: correct the host, or use ssl-mode=" + sslVerifyCA
	case errors.As(err, &authority):
		return "the server's certificate is not of the authority in ssl-ca"
	case errors.As(err, &invalid), errors.As(err, &check):
		return "the server's certificate does not hold: look at ssl-ca and ssl-mode"
	case errors.As(err, &alert):
		return "agree on TLS with the server: look at ssl-mode, ssl-cert and ssl-key"
	case errors.Is(err, driver.ErrCleartextPassword), errors.Is(err, driver.ErrUnknownPlugin), errors.Is(err, driver.ErrOldPassword), errors.Is(err, driver.ErrNativePassword):
		return "the account logs in by a method that drover does not have: use caching_sha2_password, ed25519 or mysql_native_password"
	}
	return ""
}

// kindOfClient classes what never reached a server, or lost it on the way.
func kindOfClient(err error) fault.Kind {
	var netErr net.Error
	switch {
	case errors.As(err, &netErr), errors.Is(err, context.DeadlineExceeded), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, net.ErrClosed), errors.Is(err, sqldriver.ErrBadConn), errors.Is(err, driver.ErrInvalidConn), errors.Is(err, client.ErrBadConn), strayGreeting(err):
		return fault.Unavailable
	case errors.Is(err, driver.ErrPktTooLarge):
		return fault.Value
	default:
		return fault.Internal
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
