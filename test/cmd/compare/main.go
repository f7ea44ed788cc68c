// Command compare tells whether two databases hold the same rows.
//
//	compare [-tables GLOB] LEFT_URL RIGHT_URL
//
// It exits 0 when they do, 1 when they do not and 2 when it cannot tell.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/drover-db/drover/test/compare"
)

func main() { os.Exit(run()) }

func run() int {
	var o compare.Options
	flag.StringVar(&o.Tables, "tables", "", "glob over the tables to compare")
	flag.IntVar(&o.Examples, "examples", 5, "differing rows to show of each side")
	flag.StringVar(&o.TempDir, "temp", "", "folder for the sorted dumps")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: compare [flags] LEFT_URL RIGHT_URL")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	report, err := compare.Databases(ctx, flag.Arg(0), flag.Arg(1), o)
	if err == nil {
		err = report.Write(os.Stdout)
	}
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "compare:", err)
		return 2
	case !report.Equal():
		return 1
	default:
		return 0
	}
}
