package testdb

import (
	"context"
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
