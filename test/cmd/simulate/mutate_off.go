//go:build !mutation

package main

import "errors"

func mutate(uint64, int, string) error {
	return errors.New("guards can be taken away only in a build for it: go run -tags mutation ./test/cmd/simulate -mutations")
}
