package main

import (
	"bytes"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	_ "modernc.org/sqlite"

	ports "github.com/drover-db/drover/internal/freeport"
)

var update = flag.Bool("update", false, "write what the commands print into the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"drover": main})
}

// TestScript runs testdata/script: every file is a session with the command line.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "lines": lines, "freeport": freeport, "await": await, "sqlite": sqlite, "absent": absent, "httpget": httpget,
		},
	})
}

// exits runs a command and checks its exit code: "exits 2 drover copy".
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARGS...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// lines checks how many lines a file (or stdout, stderr) has: "lines 1 stderr".
func lines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lines COUNT FILE")
	}
	text := ts.ReadFile(args[1])
	got := 0
	for _, r := range text {
		if r == '\n' {
			got++
		}
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("%s has %d lines, want %s:\n%s", args[1], got, args[0], text)
	}
}

// freeport puts an address that nobody listens on into a variable.
func freeport(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: freeport VARIABLE")
	}
	address, err := ports.Address()
	ts.Check(err)
	ts.Setenv(args[0], address)
}

// await runs a command until it succeeds, for up to 20 seconds.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || args[0] != "exec" {
		ts.Fatalf("usage: await exec COMMAND [ARGS...]")
	}
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if err = ts.Exec(args[1], args[2:]...); err == nil {
			return
		}
	}
	ts.Check(err)
}

// sqlite runs the statements of a file in a database: "sqlite shop.db shop.sql". A
// last one that gives rows is compared with a third file, one row a line.
func sqlite(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: sqlite DATABASE STATEMENTS [ROWS]")
	}
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	defer func() { ts.Check(db.Close()) }()
	if len(args) == 2 {
		_, err = db.Exec(ts.ReadFile(args[1]))
		ts.Check(err)
		return
	}
	rows, err := db.Query(ts.ReadFile(args[1]))
	ts.Check(err)
	var got strings.Builder
	for rows.Next() {
		var line string
		ts.Check(rows.Scan(&line))
		got.WriteString(line + "\n")
	}
	ts.Check(rows.Err())
	if want := ts.ReadFile(args[2]); got.String() != want {
		ts.Fatalf("%s gives\n%swant\n%s", args[1], got.String(), want)
	}
}

// absent checks that no file below a folder holds a text: "absent hunter2 .drover".
func absent(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: absent TEXT FOLDER")
	}
	files := 0
	ts.Check(filepath.WalkDir(ts.MkAbs(args[1]), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		raw, err := os.ReadFile(path)
		if err == nil && bytes.Contains(raw, []byte(args[0])) {
			err = fmt.Errorf("%s holds %q", path, args[0])
		}
		return err
	}))
	if files == 0 {
		ts.Fatalf("%s has no files", args[1])
	}
}

// httpget checks that a page has a line that matches each pattern.
func httpget(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: httpget URL PATTERN...")
	}
	r, err := http.Get(args[0])
	ts.Check(err)
	defer func() { ts.Check(r.Body.Close()) }()
	page, err := io.ReadAll(r.Body)
	ts.Check(err)
	for _, pattern := range args[1:] {
		if !regexp.MustCompile("(?m)" + pattern).Match(page) {
			ts.Fatalf("%s has nothing that matches %s:\n%s", args[0], pattern, page)
		}
	}
}
