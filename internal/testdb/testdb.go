// Package testdb gives a test an empty database of its own on a real server, and
// drops it when the test ends. It starts no server: scripts/testdb does, and tells
// where they are in DROVER_TEST_*_URL. It never uses a database that it did not
// make.
//
// Without the variable a test fails: a run that tested nothing must not look
// green. Only a server named in DROVER_TEST_WITHOUT is skipped, and scripts/test
// says so at its end.
//
// This file finds the servers; postgres.go, mysql.go and sqlite.go make databases.
package testdb

import (
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// opTimeout bounds what is done to a server around a test.
const opTimeout = 30 * time.Second

// server is a running server and the variable that tells where it is.
type server struct {
	name, variable string
}

var (
	postgres15 = server{"postgres", "DROVER_TEST_POSTGRES_URL"}
	postgres18 = server{"postgres18", "DROVER_TEST_POSTGRES18_URL"}
	mysql97    = server{"mysql", "DROVER_TEST_MYSQL_URL"}
	mariadb    = server{"mariadb", "DROVER_TEST_MARIADB_URL"}
)

// url gives the server's administrative URL.
func (s server) url(t testing.TB) *url.URL {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("DROVER_TEST_WITHOUT"), ","), s.name) {
		t.Skipf("DROVER_TEST_WITHOUT leaves out %s", s.name)
	}
	raw := os.Getenv(s.variable)
	if raw == "" {
		t.Fatalf("%s is not set: run the tests with `make test`, or start the databases with "+
			"`scripts/testdb up` and set the variables with `eval \"$(scripts/testdb env)\"`", s.variable)
	}
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatalf("%s is not a URL: %v", s.variable, err)
	}
	return u
}

// databaseURL is the server's URL with another database.
func databaseURL(server *url.URL, database string) string {
	u := *server
	u.Path = "/" + database
	return u.String()
}

// newName is a database name that no other test has.
func newName(t testing.TB) string {
	t.Helper()
	var random [6]byte
	if _, err := rand.Read(random[:]); err != nil {
		t.Fatalf("read random bytes: %v", err)
	}
	return "drover_test_" + hex.EncodeToString(random[:])
}
