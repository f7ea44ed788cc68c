// Package postgres is the adapter for PostgreSQL 15 to 18. It owns every piece of
// SQL that drover sends to such a server: the catalog, reading by COPY, the type
// map and DDL of a target, the ledger and the loader's step.
//
// It never interprets a row that it can pass through: between two PostgreSQL
// databases of equal types rows travel as binary COPY tuples. It never writes to
// a source, and in a target only to the tables of a plan and to the schema
// "drover".
//
// Read open.go first; then read.go for the way out of a source, design.go and
// write.go for the way into a target.
package postgres
