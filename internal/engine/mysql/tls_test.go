package mysql

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
	"github.com/drover-db/drover/internal/testdb"
)

// withSettings is a database's configuration with settings behind the URL.
func withSettings(t *testing.T, d *database, settings url.Values) engine.Config {
	t.Helper()
	c := configOf(t, rawURL(d))
	c.URL += "?" + settings.Encode()
	return c
}

// ping opens a database and reads a row over each of its ways to the server.
func ping(t *testing.T, c engine.Config) error {
	t.Helper()
	d, err := open(t.Context(), c)
	if err != nil {
		return err
	}
	defer func() { require.NoError(t, d.Close()) }()
	conn, err := d.readers.take(t.Context())
	if err != nil {
		return err
	}
	result, err := conn.Execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
	require.NoError(t, err)
	cipher, err := result.GetString(0, 1)
	require.NoError(t, err)
	require.Equal(t, d.endpoint.tls.config != nil, cipher != "", "rows travel as the rest does")
	d.readers.give(conn, true)
	return nil
}

func TestTLS_Modes(t *testing.T) {
	d := openFlavour(t, NameMySQL)
	var shown []*x509.Certificate
	seen := *d.endpoint
	seen.tls.config = seen.tls.config.Clone()
	seen.tls.config.VerifyConnection = func(s tls.ConnectionState) error {
		shown = s.PeerCertificates
		return nil
	}
	pool, err := openPool(&seen, nil)
	require.NoError(t, err)
	require.NoError(t, pool.PingContext(t.Context()))
	require.NoError(t, pool.Close())
	right := writeCertificates(t, shown...)
	wrong := writeCertificates(t, strangeAuthority(t))

	require.NoError(t, ping(t, withSettings(t, d, url.Values{"ssl-mode": {"required"}})))
	require.NoError(t, ping(t, withSettings(t, d, url.Values{"ssl-mode": {"VERIFY_CA"}, "ssl-ca": {right}})))

	err = ping(t, withSettings(t, d, url.Values{"ssl-mode": {"VERIFY_CA"}, "ssl-ca": {wrong}}))
	require.Equal(t, fault.Denied, fault.KindOf(err), "%v", err)
	require.ErrorContains(t, err, "not of the authority in ssl-ca")

	// As if the URL had named another host that is this one.
	elsewhere := *d.endpoint
	elsewhere.tls.config, err = tlsConfig(sslVerifyIdentity, "db.example.com", right, "", "")
	require.NoError(t, err)
	pool, err = openPool(&elsewhere, nil)
	require.NoError(t, err)
	err = classify("mysql.Open", pool.PingContext(t.Context()))
	require.NoError(t, pool.Close())
	require.Equal(t, fault.Denied, fault.KindOf(err), "%v", err)
	require.ErrorContains(t, err, "is for another name")
}

func TestTLS_IsAskedForAndNotThere(t *testing.T) {
	d := openDB(t, testdb.OwnMariaDB(t, "--skip-ssl"))
	err := ping(t, withSettings(t, d, url.Values{"ssl-mode": {"REQUIRED"}}))
	require.Equal(t, fault.Denied, fault.KindOf(err), "%v", err)
	require.ErrorContains(t, err, "the server has no TLS")
	require.NoError(t, ping(t, withSettings(t, d, url.Values{"ssl-mode": {"PREFERRED"}})))
}

// A password that the server has not cached goes over a plain connection encrypted
// for the server alone.
func TestOpen_LogsInWithoutTLS(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		script(t, d, "CREATE USER "+d.schema+" IDENTIFIED BY 'sécret'", "GRANT SELECT ON "+d.schema+".* TO "+d.schema)
		t.Cleanup(func() { dropUser(t, d) })
		c := withSettings(t, openAs(t, d, d.schema, "sécret"), url.Values{"ssl-mode": {"DISABLED"}})
		script(t, d, "FLUSH PRIVILEGES")
		require.NoError(t, ping(t, c))
	})
}

// A reader logs in by itself: it can be the first one that the server has not cached.
func TestReaderPool_LogsInWithoutTLS(t *testing.T) {
	d := openFlavour(t, NameMySQL)
	plain, err := open(t.Context(), withSettings(t, d, url.Values{"ssl-mode": {"DISABLED"}}))
	require.NoError(t, err)
	defer func() { require.NoError(t, plain.Close()) }()
	script(t, d, "FLUSH PRIVILEGES")
	conn, err := plain.readers.take(t.Context())
	require.NoError(t, err)
	plain.readers.give(conn, true)
}

func TestOpen_BySocket(t *testing.T) {
	d := openFlavour(t, NameMariaDB)
	var socket string
	scan(t, d.db, "SELECT @@socket", &socket)
	c := configOf(t, rawURL(d))
	u, err := url.Parse(c.URL)
	require.NoError(t, err)
	u.Host, u.RawQuery = "localhost", url.Values{"socket": {socket}}.Encode()
	c.URL = u.String()
	require.NoError(t, ping(t, c))
}

func writeCertificates(t *testing.T, list ...*x509.Certificate) string {
	t.Helper()
	require.NotEmpty(t, list)
	var out []byte
	for _, c := range list {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, out, 0o600))
	return file
}

// strangeAuthority is an authority that has signed nothing.
func strangeAuthority(t *testing.T) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	c, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return c
}
