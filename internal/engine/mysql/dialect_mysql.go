package mysql

// mysqlDialect is MySQL.
var mysqlDialect = &dialect{
	name:    NameMySQL,
	product: "MySQL",
	minimum: [2]int{8, 4},
	settings: map[string]string{
		// Statistics of this moment, not of a day ago.
		"information_schema_stats_expiry": "0",
		// A generated invisible primary key is a key like any other.
		"show_gipk_in_create_table_and_information_schema": "1",
		"max_execution_time": "0",
	},
	identity: "@@global.server_uuid",
}
