package mysql

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/url"
	"os"
	"strings"

	"github.com/drover-db/drover/internal/fault"
)

// Values of ssl-mode, as the clients of both products have them.
const (
	sslDisabled       = "DISABLED"
	sslPreferred      = "PREFERRED"
	sslRequired       = "REQUIRED"
	sslVerifyCA       = "VERIFY_CA"
	sslVerifyIdentity = "VERIFY_IDENTITY"
)

// tlsOptions say how a connection is encrypted.
type tlsOptions struct {
	mode string
	// config is nil where there is no TLS.
	config *tls.Config
	// fallback goes on without TLS where the server has none.
	fallback bool
}

// parseTLS reads the ssl-* settings of a URL.
func parseTLS(query url.Values, network, host string) (tlsOptions, error) {
	const op = "mysql.Open"
	out := tlsOptions{mode: strings.ToUpper(query.Get("ssl-mode"))}
	explicit := out.mode != ""
	if !explicit {
		out.mode = sslPreferred
	}
	verifies := out.mode == sslVerifyCA || out.mode == sslVerifyIdentity
	ca, cert, key := query.Get("ssl-ca"), query.Get("ssl-cert"), query.Get("ssl-key")
	switch {
	case out.mode != sslDisabled && out.mode != sslPreferred && out.mode != sslRequired && !verifies:
		return out, fault.New(fault.Invalid, op, "ssl-mode=%s is none: use %s, %s, %s, %s or %s", out.mode, sslDisabled, sslPreferred, sslRequired,
			sslVerifyCA, sslVerifyIdentity)
	case ca != "" && !verifies:
		return out, fault.New(fault.Invalid, op, "ssl-ca is given but ssl-mode=%s checks no certificate: use %s or %s", out.mode, sslVerifyCA, sslVerifyIdentity)
	case out.mode == sslVerifyCA && ca == "":
		return out, fault.New(fault.Invalid, op, "ssl-mode=%s needs ssl-ca, the file of the authority's certificate", sslVerifyCA)
	case (cert == "") != (key == ""):
		return out, fault.New(fault.Invalid, op, "ssl-cert and ssl-key go together: give both or neither")
	case out.mode == sslDisabled && cert != "":
		return out, fault.New(fault.Invalid, op, "ssl-cert is given but ssl-mode=%s uses no TLS", sslDisabled)
	case network == "unix" && (verifies || out.mode == sslRequired):
		return out, fault.New(fault.Invalid, op, "ssl-mode=%s does not go with a socket, which needs no TLS: leave it out", out.mode)
	case out.mode == sslDisabled || network == "unix":
		return out, nil
	}
	out.fallback = out.mode == sslPreferred
	var err error
	out.config, err = tlsConfig(out.mode, host, ca, cert, key)
	return out, err
}

// tlsConfig checks as much of a server's certificate as the mode asks for.
func tlsConfig(mode, host, ca, cert, key string) (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, InsecureSkipVerify: mode != sslVerifyIdentity} //nolint:gosec // the mode was chosen
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, fault.New(fault.Invalid, "mysql.Open", "read ssl-ca: %w", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fault.New(fault.Invalid, "mysql.Open", "read ssl-ca: %s holds no certificate in PEM form", ca)
		}
	}
	if mode == sslVerifyCA {
		out.VerifyConnection = func(s tls.ConnectionState) error { return verifyChain(s, out.RootCAs) }
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fault.New(fault.Invalid, "mysql.Open", "read ssl-cert and ssl-key: %w", err)
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}

// verifyChain is what VERIFY_CA means: a certificate of the authority, for whatever
// name.
func verifyChain(s tls.ConnectionState, roots *x509.CertPool) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the server sent no certificate")
	}
	o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
	for _, c := range s.PeerCertificates[1:] {
		o.Intermediates.AddCert(c)
	}
	_, err := s.PeerCertificates[0].Verify(o)
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
	}
	return nil
}
