package testdb

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drover-db/drover/internal/freeport"
)

// OwnMariaDB starts a MariaDB server for one test, with settings that no other test
// may see, and returns the URL of an empty database on it. The server goes with the
// test.
func OwnMariaDB(t testing.TB, settings ...string) string {
	t.Helper()
	mariadb.url(t) // the server must be wanted, and its program be there
	dir, err := os.MkdirTemp("", "drover-mariadb-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	data, name := filepath.Join(dir, "data"), newName(t)
	ctx, cancel := context.WithTimeout(context.Background(), opTimeout)
	defer cancel()
	install := exec.CommandContext(ctx, "mariadb-install-db", "--no-defaults", "--user="+osUser(), "--datadir="+data, "--skip-test-db")
	install.Env = withTemp(dir)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("mariadb-install-db: %v: %s", err, out)
	}
	init := filepath.Join(dir, "init.sql")
	password := strings.TrimPrefix(name, "drover_test_")
	sql := fmt.Sprintf("CREATE USER drover@'%%' IDENTIFIED BY '%s';\nGRANT ALL ON *.* TO drover@'%%' WITH GRANT OPTION;\nCREATE DATABASE %s;\n", password, name)
	if err := os.WriteFile(init, []byte(sql), 0o600); err != nil {
		t.Fatal(err)
	}
	address, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	u := &url.URL{Scheme: "mysql", User: url.UserPassword("drover", password), Host: address, Path: "/" + name}
	serve(t, u, dir, append([]string{"--no-defaults", "--user=" + osUser(), "--datadir=" + data, "--init-file=" + init, "--bind-address=127.0.0.1",
		"--port=" + u.Port(), "--socket=" + filepath.Join(dir, "socket"), "--character-set-server=utf8mb4", "--innodb-buffer-pool-size=16M"}, settings...))
	return u.String()
}

// withTemp is an environment with a folder for temporary files. A server that starts removes
// all temporary tables from it, also those of others.
func withTemp(dir string) []string { return append(os.Environ(), "TMPDIR="+dir) }

// serve runs mariadbd until the test ends, and waits until it answers.
func serve(t testing.TB, u *url.URL, dir string, args []string) {
	t.Helper()
	var log strings.Builder
	cmd := exec.Command("mariadbd", args...)
	cmd.Stdout, cmd.Stderr, cmd.Env = &log, &log, withTemp(dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Errorf("stop mariadbd: %v", err)
		}
		<-ended
	})
	for deadline := time.Now().Add(opTimeout); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if conn, err := net.Dial("tcp", u.Host); err == nil {
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("mariadbd: %v: %s", err, log.String())
		default:
		}
	}
	t.Fatalf("mariadbd does not answer on %s", u.Host)
}

func osUser() string {
	if os.Getuid() == 0 {
		return "root"
	}
	return os.Getenv("USER")
}
