package compare

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// engineMySQL is MySQL and MariaDB: their clients print the same types the same way.
const engineMySQL = "mysql"

// mysqlSettings make the server print values in one way, whatever its defaults.
const mysqlSettings = "SET SESSION time_zone = '+00:00', sql_mode = ''"

// mysqlCatalog prints names in hex: they may hold anything that separates values.
const mysqlCatalog = `
SELECT HEX(CONVERT(c.TABLE_NAME USING utf8mb4)), HEX(CONVERT(c.COLUMN_NAME USING utf8mb4)), c.DATA_TYPE,
  HEX(CONVERT(c.COLUMN_TYPE USING utf8mb4)), IFNULL(c.CHARACTER_SET_NAME, ''), VERSION()
FROM information_schema.COLUMNS c JOIN information_schema.TABLES t USING (TABLE_SCHEMA, TABLE_NAME)
WHERE c.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND LEFT(c.TABLE_NAME, 8) <> '_drover_'
ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION`

// mysqlClient runs a query by the mariadb client, which speaks to both servers.
func mysqlClient(ctx context.Context, u *url.URL, query string) *exec.Cmd {
	password, _ := u.User.Password()
	port := u.Port()
	if port == "" {
		port = "3306"
	}
	cmd := exec.CommandContext(ctx, "mariadb", "--no-defaults", "--protocol=tcp", "--host="+u.Hostname(), "--port="+port,
		"--user="+u.User.Username(), "--database="+strings.TrimPrefix(u.Path, "/"), "--default-character-set=utf8mb4",
		"--init-command="+mysqlSettings, "--max-allowed-packet=1G", "--batch", "--raw", "--skip-column-names", "--quick", "-e", query)
	cmd.Env = append(os.Environ(), "MYSQL_PWD="+password)
	return cmd
}

func openMySQL(ctx context.Context, u *url.URL) (*database, error) {
	out, err := output(mysqlClient(ctx, u, mysqlCatalog))
	if err != nil {
		return nil, err
	}
	var tables []table
	expressions := map[string]string{}
	err = eachLine(bytes.NewReader(out), func(line []byte) error {
		fields, err := mysqlCatalogRow(line)
		if err != nil {
			return err
		}
		name, column, dataType, columnType, charset, version := fields[0], fields[1], fields[2], fields[3], fields[4], fields[5]
		if len(tables) == 0 || tables[len(tables)-1].name != name {
			tables = append(tables, table{name: name})
		}
		t := &tables[len(tables)-1]
		t.columns = append(t.columns, mysqlColumn(column, dataType, columnType))
		expressions[name+"\x00"+column] = mysqlValue(mysqlIdentifier(column), dataType, charset, strings.Contains(version, "MariaDB"))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	return &database{
		tables: byKey(tables, ""),
		command: func(ctx context.Context, t table, columns []string) *exec.Cmd {
			values := make([]string, len(columns))
			for i, c := range columns {
				values[i] = expressions[t.name+"\x00"+c]
			}
			return mysqlClient(ctx, u, "SELECT "+strings.Join(values, ", ")+" FROM "+mysqlIdentifier(t.name))
		},
		split:    func(line []byte, into []value) error { return splitTagged(line, '\t', into) },
		verbatim: engineMySQL,
	}, nil
}

// mysqlCatalogRow cuts a line of mysqlCatalog and decodes the names in it.
func mysqlCatalogRow(line []byte) (fields [6]string, err error) {
	parts := strings.Split(string(line), "\t")
	if len(parts) != len(fields) {
		return fields, fmt.Errorf("row %q has not %d values", line, len(fields))
	}
	for i, p := range parts {
		if i == 0 || i == 1 || i == 3 {
			raw, err := hex.DecodeString(p)
			if err != nil {
				return fields, err
			}
			p = string(raw)
		}
		fields[i] = p
	}
	return fields, nil
}

var displayWidth = regexp.MustCompile(`^(tinyint|smallint|mediumint|int|bigint|year)\(\d+\)`)

// mysqlColumn names a type without what says nothing about its values: integers'
// display widths, which MySQL no longer prints and MariaDB does.
func mysqlColumn(name, dataType, columnType string) column {
	typ := strings.TrimSuffix(displayWidth.ReplaceAllString(columnType, "$1"), " zerofill")
	return column{name: name, engine: engineMySQL, typ: typ, base: dataType}
}

func mysqlIdentifier(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// mysqlValue is an expression that prints a value's class and its exact content as
// splitTagged reads it: digits for numbers and moments, hex for everything else.
func mysqlValue(c, dataType, charset string, mariadb bool) string {
	var content string
	switch dataType {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "year", "decimal":
		content = "'i', " + c
	case "bit":
		content = "'i', CAST(" + c + " AS UNSIGNED)"
	case "float", "double":
		// As a double without declared digits: a FLOAT prints six, a DOUBLE(10,3) three.
		content = "'r', " + c + " * 1e0"
	case "date", "datetime", "timestamp", "time":
		content = "'t', HEX(CAST(" + c + " AS CHAR CHARACTER SET utf8mb4))"
	case "enum":
		// Member 0 is what the server made of a value that is none; it prints as ''.
		content = "'t', IF(" + c + " + 0 = 0, '00', HEX(CONVERT(" + c + " USING utf8mb4)))"
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "set":
		text := "CONVERT(" + c + " USING utf8mb4)"
		if charset == "utf8mb4" || charset == "utf8mb3" {
			text = c // as stored, well-formed or not
		}
		content = "'t', HEX(" + text + ")"
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "vector":
		content = "'b', HEX(" + c + ")"
	case "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection", "geomcollection":
		wkb := "ST_AsBinary(" + c + ", 'axis-order=long-lat')" // the order of storage
		if mariadb {
			wkb = "ST_AsBinary(" + c + ")"
		}
		content = "'g', LPAD(HEX(ST_SRID(" + c + ")), 8, '0'), HEX(" + wkb + ")"
	default: // json, uuid, inet4, inet6
		content = "'t', HEX(CAST(" + c + " AS CHAR CHARACTER SET utf8mb4))"
	}
	// What HEX cannot hold in a packet is NULL too, and must not pass for one.
	return "IF(" + c + " IS NULL, 'n', CONCAT(" + content + "))"
}
