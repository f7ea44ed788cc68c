package testdb

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Postgres makes an empty database on the PostgreSQL 15 server and returns its URL.
func Postgres(t testing.TB) string {
	t.Helper()
	return newPostgres(t, postgres15)
}

// Postgres18 makes an empty database on the PostgreSQL 18 server and returns its URL.
func Postgres18(t testing.TB) string {
	t.Helper()
	return newPostgres(t, postgres18)
}

func newPostgres(t testing.TB, s server) string {
	t.Helper()
	admin := s.url(t)
	name := newName(t)
	execPostgres(t, admin.String(), "CREATE DATABASE "+name)
	t.Cleanup(func() { execPostgres(t, admin.String(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	return databaseURL(admin, name)
}

// PostgresRole makes a role on the servers of a test's databases, and returns its name,
// which no other test's role has and which begins with begin. The role goes with the test,
// behind the databases.
func PostgresRole(t testing.TB, begin string, databases ...string) string {
	t.Helper()
	name := begin + newName(t)
	role := pgx.Identifier{name}.Sanitize()
	made := map[string]bool{}
	for _, database := range databases {
		u, err := url.Parse(database)
		if err != nil {
			t.Fatal(err)
		}
		admin := databaseURL(u, "postgres")
		if !made[admin] {
			execPostgres(t, admin, "CREATE ROLE "+role)
			t.Cleanup(func() { execPostgres(t, admin, "DROP ROLE "+role) })
		}
		made[admin] = true
		t.Cleanup(func() {
			execPostgres(t, admin, "DROP DATABASE IF EXISTS "+pgx.Identifier{strings.TrimPrefix(u.Path, "/")}.Sanitize()+" WITH (FORCE)")
		})
	}
	return name
}

func execPostgres(t testing.TB, url, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), opTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatalf("connect for %q: %v", statement, err)
	}
	defer func() {
		if err := conn.Close(ctx); err != nil {
			t.Errorf("close after %q: %v", statement, err)
		}
	}()
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
