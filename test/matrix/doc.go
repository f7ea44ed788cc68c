// Package matrix is the type matrix as data: for each type of each source engine, each
// target engine and each hostile value, what drover does with it. data/*.yaml is the
// matrix, one file an engine or a family of them; docs/types.md is written from it, and
// the tests move every cell between real servers.
//
// Read data/sqlite.yaml first, it is the shortest. data.go reads the files and check.go
// refuses a cell without an expectation; document.go writes docs/types.md, database.go
// the SQL of a pair of engines, move_test.go moves it.
package matrix
