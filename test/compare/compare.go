// Package compare tells whether two databases hold the same rows. It is drover's
// independent witness: it reads each side through the database's own command line
// client and shares no code with drover. RULES.md says when values are equal.
//
// Read this file first, then rule.go for the values, sort.go for the rows.
package compare

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Options narrow a comparison.
type Options struct {
	// Tables is a glob over names as Result.Table has them; empty for all.
	Tables string
	// Examples is how many differing rows of each side to keep; 0 for 5.
	Examples int
	// TempDir holds the sorted dumps while a table is compared.
	TempDir string
}

// Result is the comparison of one table.
type Result struct {
	Table string
	// Rows of the left and the right side.
	Left, Right int64
	// Rows that only one side has; a changed row counts on both.
	OnlyLeft, OnlyRight int64
	// The first of them, column by column.
	LeftExamples, RightExamples []string
	// Problem says why rows could not be compared at all.
	Problem string
}

// Equal tells whether the table is the same on both sides.
func (r Result) Equal() bool {
	return r.Problem == "" && r.OnlyLeft == 0 && r.OnlyRight == 0 && r.Left == r.Right
}

// Report is the comparison of two databases.
type Report struct {
	Tables []Result
}

// Equal tells whether there was something to compare and all of it is the same.
func (r Report) Equal() bool {
	return len(r.Tables) > 0 && !slices.ContainsFunc(r.Tables, func(t Result) bool { return !t.Equal() })
}

// Write prints the report for people.
func (r Report) Write(w io.Writer) error {
	var b strings.Builder
	var rows int64
	for _, t := range r.Tables {
		rows += t.Left
		switch {
		case t.Equal():
			fmt.Fprintf(&b, "%s: %d rows, equal\n", t.Table, t.Left)
		case t.Problem != "":
			fmt.Fprintf(&b, "%s: DIFFERENT: %s\n", t.Table, t.Problem)
		default:
			fmt.Fprintf(&b, "%s: DIFFERENT: %d rows left, %d right; %d only left, %d only right\n",
				t.Table, t.Left, t.Right, t.OnlyLeft, t.OnlyRight)
		}
		for _, row := range t.LeftExamples {
			fmt.Fprintf(&b, "  < %s\n", row)
		}
		for _, row := range t.RightExamples {
			fmt.Fprintf(&b, "  > %s\n", row)
		}
	}
	verdict := "equal"
	if !r.Equal() {
		verdict = "DIFFERENT"
	}
	fmt.Fprintf(&b, "%s: %d tables, %d rows on the left\n", verdict, len(r.Tables), rows)
	_, err := io.WriteString(w, b.String())
	return err
}

// Databases compares the databases behind two URLs (postgres://…, mysql://…,
// mariadb://…, sqlite:///path).
func Databases(ctx context.Context, leftURL, rightURL string, o Options) (Report, error) {
	if o.Examples == 0 {
		o.Examples = 5
	}
	left, err := open(ctx, leftURL)
	if err != nil {
		return Report{}, fmt.Errorf("left: %w", err)
	}
	right, err := open(ctx, rightURL)
	if err != nil {
		return Report{}, fmt.Errorf("right: %w", err)
	}
	var report Report
	for _, name := range union(left.tables, right.tables) {
		if o.Tables != "" {
			if ok, err := path.Match(o.Tables, name); err != nil {
				return Report{}, fmt.Errorf("glob %q: %w", o.Tables, err)
			} else if !ok {
				continue
			}
		}
		result, err := compareTable(ctx, name, left, right, o)
		if err != nil {
			return Report{}, fmt.Errorf("table %s: %w", name, err)
		}
		report.Tables = append(report.Tables, result)
	}
	return report, nil
}

// union lists the tables of both sides in order of name.
func union(a, b map[string]table) []string {
	var names []string
	for name := range a {
		names = append(names, name)
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func compareTable(ctx context.Context, name string, left, right *database, o Options) (Result, error) {
	l, inLeft := left.tables[name]
	r, inRight := right.tables[name]
	switch {
	case !inLeft:
		return Result{Table: name, Problem: "no such table on the left"}, nil
	case !inRight:
		return Result{Table: name, Problem: "no such table on the right"}, nil
	}
	pairs, problem := pairColumns(l.columns, r.columns)
	if problem != "" {
		return Result{Table: name, Problem: problem}, nil
	}
	dir, err := os.MkdirTemp(o.TempDir, "drover-compare-")
	if err != nil {
		return Result{}, err
	}
	defer os.RemoveAll(dir)
	sides := [2]struct {
		db   *database
		t    table
		file string
		err  error
	}{{db: left, t: l, file: filepath.Join(dir, "left")}, {db: right, t: r, file: filepath.Join(dir, "right")}}
	var wg sync.WaitGroup
	for i := range sides {
		s := &sides[i]
		wg.Go(func() { s.err = dumpSorted(ctx, s.db, s.t, pairs, s.file) })
	}
	wg.Wait()
	if sides[0].err != nil {
		return Result{}, fmt.Errorf("left: %w", sides[0].err)
	}
	if sides[1].err != nil {
		return Result{}, fmt.Errorf("right: %w", sides[1].err)
	}
	result, err := walk(sides[0].file, sides[1].file, pairs, o.Examples)
	result.Table = name
	return result, err
}

// pair is a column that both sides have, and how its values are compared.
type pair struct {
	name string
	rule rule
}

func pairColumns(left, right []column) ([]pair, string) {
	types := make(map[string]column, len(right))
	for _, c := range right {
		types[c.name] = c
	}
	var pairs []pair
	for _, c := range left {
		other, ok := types[c.name]
		if !ok {
			return nil, fmt.Sprintf("column %s is missing on the right", c.name)
		}
		delete(types, c.name)
		pairs = append(pairs, pair{name: c.name, rule: ruleFor(c, other)})
	}
	for name := range types {
		return nil, fmt.Sprintf("column %s is missing on the left", name)
	}
	return pairs, ""
}
