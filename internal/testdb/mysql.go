package testdb

import (
	"context"
	"database/sql"
	"net/url"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// MySQL makes an empty database on the MySQL server and returns its URL.
func MySQL(t testing.TB) string {
	t.Helper()
	return newMySQL(t, mysql97)
}

// MariaDB makes an empty database on the MariaDB server and returns its URL.
func MariaDB(t testing.TB) string {
	t.Helper()
	return newMySQL(t, mariadb)
}

func newMySQL(t testing.TB, s server) string {
	t.Helper()
	admin := s.url(t)
	name := newName(t)
	execMySQL(t, admin, "CREATE DATABASE "+name)
	t.Cleanup(func() { execMySQL(t, admin, "DROP DATABASE IF EXISTS "+name) })
	return databaseURL(admin, name)
}

func execMySQL(t testing.TB, server *url.URL, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), opTimeout)
	defer cancel()
	config := mysql.NewConfig()
	config.Net, config.Addr = "tcp", server.Host
	config.User = server.User.Username()
	config.Passwd, _ = server.User.Password()
	connector, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatalf("connect for %q: %v", statement, err)
	}
	db := sql.OpenDB(connector)
	defer func() {
		if err := db.Close(); err != nil {
			t.Errorf("close after %q: %v", statement, err)
		}
	}()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
