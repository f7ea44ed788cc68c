package compare

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
)

const enginePostgres = "postgres"

const postgresCatalog = `
SELECT coalesce(json_agg(json_build_object('schema', n.nspname, 'name', c.relname, 'columns', (
         SELECT coalesce(json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum), '[]')
         FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))), '[]')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'drover') AND n.nspname !~ '^pg_(temp|toast)'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')`

// postgresSettings make psql print values in one way, whatever the server's defaults.
const postgresSettings = "-c timezone=UTC -c datestyle=ISO -c intervalstyle=iso_8601 -c bytea_output=hex " +
	"-c extra_float_digits=1 -c row_security=off"

func psql(ctx context.Context, u *url.URL, query string) *exec.Cmd {
	password, _ := u.User.Password()
	bare := *u
	bare.User = url.User(u.User.Username())
	cmd := exec.CommandContext(ctx, "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", query, bare.String())
	cmd.Env = append(os.Environ(), "PGPASSWORD="+password, "PGOPTIONS="+postgresSettings, "PGCLIENTENCODING=UTF8")
	return cmd
}

func openPostgres(ctx context.Context, u *url.URL) (*database, error) {
	out, err := output(psql(ctx, u, postgresCatalog))
	if err != nil {
		return nil, err
	}
	var catalog []struct {
		Schema, Name string
		Columns      []struct{ Name, Type string }
	}
	if err := json.Unmarshal(out, &catalog); err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	var tables []table
	for _, c := range catalog {
		t := table{schema: c.Schema, name: c.Name}
		for _, a := range c.Columns {
			t.columns = append(t.columns, column{name: a.Name, engine: enginePostgres, typ: a.Type})
		}
		tables = append(tables, t)
	}
	return &database{
		tables: byKey(tables, "public"),
		command: func(ctx context.Context, t table, columns []string) *exec.Cmd {
			quoted := make([]string, len(columns))
			for i, c := range columns {
				quoted[i] = quoteIdentifier(c)
			}
			return psql(ctx, u, "COPY (SELECT "+strings.Join(quoted, ", ")+" FROM "+
				quoteIdentifier(t.schema)+"."+quoteIdentifier(t.name)+") TO STDOUT")
		},
		split:    splitCopy,
		verbatim: enginePostgres,
	}, nil
}

// quoteIdentifier quotes a name for PostgreSQL and SQLite alike.
func quoteIdentifier(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// splitCopy cuts a line of COPY's text format.
func splitCopy(line []byte, into []value) error {
	for i := range into {
		field, rest, more := bytes.Cut(line, []byte{'\t'})
		if more != (i < len(into)-1) {
			return fmt.Errorf("row has not %d values", len(into))
		}
		line = rest
		if bytes.Equal(field, []byte(`\N`)) {
			into[i] = value{class: classNull}
			continue
		}
		text, err := unescapeCopy(field)
		if err != nil {
			return err
		}
		into[i] = value{class: classText, data: text}
	}
	return nil
}

var copyEscapes = map[byte]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', '\\': '\\'}

func unescapeCopy(field []byte) ([]byte, error) {
	if bytes.IndexByte(field, '\\') < 0 {
		return field, nil
	}
	out := make([]byte, 0, len(field))
	for i := 0; i < len(field); i++ {
		if field[i] != '\\' {
			out = append(out, field[i])
			continue
		}
		i++
		if i == len(field) {
			return nil, errors.New("value ends in a backslash")
		}
		plain, ok := copyEscapes[field[i]]
		if !ok {
			return nil, fmt.Errorf("unknown escape \\%c", field[i])
		}
		out = append(out, plain)
	}
	return out, nil
}
