// Package mysql is the adapter for MySQL 8.4 to 9.7 and MariaDB 10.11 and later. It
// owns every piece of SQL that drover sends to such a server: the catalog, streaming
// reads, the type map and DDL of a target, the ledger and the loader's step.
//
// The two products share this package. What differs between them stands in
// dialect_mysql.go and dialect_mariadb.go and nowhere else; which one a server is
// shows when it is opened, and plans carry "mysql" or "mariadb" as the engine.
//
// A database's catalog and writes go through go-sql-driver/mysql; rows are read with
// go-mysql's client in the binary protocol, one connection a read, straight from the
// packets into canonical rows.
//
// Read open.go first; then read.go for the way out of a source, design.go and
// write.go for the way into a target.
package mysql
