package main

import "context"

// scenario is one way between two servers, measured against a peer.
type scenario struct {
	name     string
	from, to *server
	// table is bench, mixed (22 columns) or wide (rows of 2 KiB).
	table string
	peer  func(ctx context.Context, source, target string, o options) (sample, error)
	// peerFrom is the server that the peer reads the same rows from.
	peerFrom *server
	peerName string
	// limit is the ratio of medians that drover may take.
	limit float64
}

var scenarios = []scenario{
	{name: "postgres-postgres", from: postgres, to: postgres, table: "bench", peerFrom: postgres, peer: pipes, peerName: "pipes with primary key", limit: 2},
	// pgloader has none of the ways to authenticate that MySQL 9 has left (its client
	// knows mysql_native_password alone), so it reads the same rows from MariaDB.
	{name: "mysql-postgres", from: mysql, to: postgres, table: "bench", peerFrom: mariadb, peer: pgloader, peerName: "pgloader (from MariaDB)", limit: 0.35},
	{name: "mariadb-postgres", from: mariadb, to: postgres, table: "bench", peerFrom: mariadb, peer: pgloader, peerName: "pgloader", limit: 0.35},
	{name: "mysql-mysql", from: mysql, to: mysql, table: "bench", peerFrom: mysql, peer: mydumper, peerName: "mydumper and myloader", limit: 0.9},
	{name: "mariadb-mariadb", from: mariadb, to: mariadb, table: "bench", peerFrom: mariadb, peer: mydumper, peerName: "mydumper and myloader", limit: 0.9},
	// 22 columns of every type: the servers' own work for a row weighs more.
	{name: "mysql-postgres-mixed", from: mysql, to: postgres, table: "mixed", peerFrom: mariadb, peer: pgloader, peerName: "pgloader (from MariaDB)", limit: 0.7},
	{name: "mariadb-postgres-mixed", from: mariadb, to: postgres, table: "mixed", peerFrom: mariadb, peer: pgloader, peerName: "pgloader", limit: 0.7},
	{name: "mysql-mysql-mixed", from: mysql, to: mysql, table: "mixed", peerFrom: mysql, peer: mydumper, peerName: "mydumper and myloader", limit: 0.9},
	{name: "mysql-postgres-wide", from: mysql, to: postgres, table: "wide", peerFrom: mariadb, peer: pgloader, peerName: "pgloader (from MariaDB)", limit: 0.35},
}

// rows of the scenario's table: rows of 2 KiB are fewer.
func (c scenario) rows(o options) int {
	if c.table == "wide" {
		return o.rows / 16
	}
	return o.rows
}
