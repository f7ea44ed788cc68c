package testdb

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
)

// queryPostgres runs a query for one value.
func queryPostgres(t *testing.T, url, query string, dest any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if err := conn.QueryRow(t.Context(), query).Scan(dest); err != nil {
		t.Fatal(err)
	}
}

func TestPostgres_GivesAnEmptyDatabaseAndDropsIt(t *testing.T) {
	for _, s := range []server{postgres15, postgres18} {
		t.Run(s.name, func(t *testing.T) {
			admin := s.url(t).String()
			var database string
			t.Run("use", func(t *testing.T) {
				u := newPostgres(t, s)
				queryPostgres(t, u, "SELECT current_database()", &database)
				var tables int
				queryPostgres(t, u, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", &tables)
				if tables != 0 {
					t.Errorf("new database has %d tables", tables)
				}
			})
			var left int
			queryPostgres(t, admin, "SELECT count(*) FROM pg_database WHERE datname = '"+database+"'", &left)
			if left != 0 || !strings.HasPrefix(database, "drover_test_") {
				t.Errorf("database %q: %d left after the test", database, left)
			}
		})
	}
}

func TestPostgres_MeansTheVersionsItSays(t *testing.T) {
	for url, want := range map[string]string{Postgres(t): "15", Postgres18(t): "18"} {
		var got string
		queryPostgres(t, url, "SELECT split_part(current_setting('server_version'), '.', 1)", &got)
		if got != want {
			t.Errorf("server version %s, want %s", got, want)
		}
	}
}

func TestMySQL_GivesADatabaseOnTheRightServer(t *testing.T) {
	for _, c := range []struct {
		url     func(testing.TB) string
		mariadb bool
	}{{MySQL, false}, {MariaDB, true}} {
		u, err := url.Parse(c.url(t))
		if err != nil {
			t.Fatal(err)
		}
		password, _ := u.User.Password()
		config := mysql.NewConfig()
		config.Net, config.Addr, config.User, config.Passwd = "tcp", u.Host, u.User.Username(), password
		config.DBName = strings.TrimPrefix(u.Path, "/")
		db, err := sql.Open("mysql", config.FormatDSN())
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var version, database string
		if err := db.QueryRow("SELECT version(), database()").Scan(&version, &database); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(version, "MariaDB") != c.mariadb || database != config.DBName {
			t.Errorf("got database %s on %s", database, version)
		}
	}
}

func TestSQLite_GivesAPathWithoutAFile(t *testing.T) {
	path := SQLite(t)
	if _, err := os.Stat(path); !os.IsNotExist(err) || !filepath.IsAbs(path) {
		t.Errorf("path %s: %v", path, err)
	}
}

func TestOwnMariaDB_HasItsSettings(t *testing.T) {
	target := OwnMariaDB(t, "--local-infile=OFF", "--default-storage-engine=Aria")
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	config := mysql.NewConfig()
	config.Net, config.Addr, config.User, config.Passwd, config.DBName = "tcp", u.Host, "drover", password, u.Path[1:]
	db, err := sql.Open("mysql", config.FormatDSN())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var infile, engine string
	if err := db.QueryRow("SELECT @@local_infile, @@default_storage_engine").Scan(&infile, &engine); err != nil {
		t.Fatal(err)
	}
	if infile != "0" || engine != "Aria" {
		t.Errorf("local_infile is %s, the engine %s", infile, engine)
	}
}
