// Command typesdoc writes docs/types.md from the type matrix.
//
//	typesdoc FILE
package main

import (
	"fmt"
	"os"

	"github.com/drover-db/drover/test/matrix"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "typesdoc:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("name the file to write")
	}
	text, err := matrix.Document()
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], []byte(text), 0o644)
}
