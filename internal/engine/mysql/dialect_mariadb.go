package mysql

// mariadbDialect is MariaDB.
var mariadbDialect = &dialect{
	name:     NameMariaDB,
	product:  "MariaDB",
	minimum:  [2]int{10, 11},
	settings: map[string]string{"max_statement_time": "0"},
	// MariaDB's server_uid is made anew at every start of some versions: the place of
	// its data tells it apart.
	identity: "sha1(concat_ws('/', @@hostname, @@port, @@datadir))",
}
