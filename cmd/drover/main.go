// Command drover moves whole databases and proves every range of them.
//
// One file is one verb; root.go has what all of them share, exit.go the exit
// codes, move.go the way of copy, run and demo through the embedded services.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.LookupEnv, os.Stdin, os.Stdout, os.Stderr))
}
