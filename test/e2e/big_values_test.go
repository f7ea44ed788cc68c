package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/fixture"
)

// bigValue is the size of a value; DROVER_TEST_BIG_VALUE is another one in MiB, up to 950.
func bigValue(t *testing.T) int {
	t.Helper()
	size := 200
	if s := os.Getenv("DROVER_TEST_BIG_VALUE"); s != "" {
		var err error
		if size, err = strconv.Atoi(s); err != nil || size < 1 || size > 950 {
			t.Fatalf("DROVER_TEST_BIG_VALUE is %q: give it in MiB, up to 950", s)
		}
	}
	return size
}

// bigSource is a database with a value of size MiB and one of 20, and small rows around them.
func bigSource(t *testing.T, size int) string {
	t.Helper()
	source := testdb.Postgres(t)
	fixture.Exec(t, source, fmt.Sprintf(`CREATE TABLE big (id int PRIMARY KEY, note text, body bytea);
		ALTER TABLE big ALTER body SET STORAGE EXTERNAL;
		INSERT INTO big SELECT i, 'small ' || i, sha256(i::text::bytea) FROM generate_series(1, 100) i;
		UPDATE big SET body = (SELECT string_agg(decode(repeat(md5(id::text || n::text), 65536), 'hex'), NULL) FROM generate_series(1, CASE id WHEN 50 THEN %d ELSE 20 END) n) WHERE id IN (50, 100);
		ANALYZE`, size))
	return source
}

// Values larger than a worker's memory go from process to process through a stream that
// has no room for one, and no worker has more than its memory.
func TestProcesses_BigValues(t *testing.T) {
	size := bigValue(t)
	source, target := bigSource(t, size), testdb.Postgres18(t)
	sums := fixture.Probe{Name: "Sums", SQL: "SELECT md5(string_agg(md5(body) || note, ',' ORDER BY id)) FROM big"}
	sums.Want = strings.TrimSpace(fixture.Exec(t, source, sums.SQL))
	c := newCluster(t, secrets(t, source, target)...)
	c.apply(source, target, "stream: {maxBytes: 64MiB}")
	c.complete()
	bigBytes(size).Check(t, target)
	sums.Check(t, target)
	c.boundedMemory()
}

// SQLite takes blobs behind their rows where they are at the row's end; others it has to
// hold.
func TestProcesses_BigValuesToSQLite(t *testing.T) {
	size := bigValue(t)
	source, target := bigSource(t, size), newSQLite(t)
	c := newCluster(t, secrets(t, source, target)...)
	c.apply(source, target, "stream: {maxBytes: 64MiB}")
	c.complete()
	bigBytes(size).Check(t, target)
	equal(t, source, target)
	c.boundedMemory()
}

// bigBytes counts the rows and bytes of bigSource.
func bigBytes(size int) fixture.Probe {
	return fixture.Probe{Name: "Bytes", SQL: "SELECT count(*) || '/' || sum(length(body)) FROM big", Want: fmt.Sprintf("100/%d", (size+20)<<20+98*32)}
}

// bigLines writes a file for LOAD DATA: a row with a text of size MiB and a blob of half
// as much, between small ones. No byte of them needs an escape.
func bigLines(t *testing.T, size int) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "big.tsv"))
	require.NoError(t, err)
	defer file.Close()
	text, raw := bytes.Repeat([]byte("ä€x1 "), 1<<17), make([]byte, 1<<20)
	for i := range raw {
		raw[i] = 0x80 | byte(i*i>>5)
	}
	out := bufio.NewWriter(file)
	_, _ = out.WriteString("1\ta\tb\n2\t") // the writer keeps its first error
	for range size {
		_, _ = out.Write(text)
	}
	_ = out.WriteByte('\t')
	for range size / 2 {
		_, _ = out.Write(raw)
	}
	_, _ = out.WriteString("\n3\tc\td\n")
	require.NoError(t, out.Flush())
	return file.Name()
}

// Between servers of MySQL's kind a value may be larger than any packet: 200 MiB in a full
// run, more than MariaDB's 16 MiB in others.
func TestProcesses_BigValuesOfMySQL(t *testing.T) {
	size := 20
	if rows(t) >= 4_000_000 {
		size = bigValue(t)
	}
	lines := bigLines(t, size)
	for _, on := range []side{mysql, mariadb} {
		t.Run(on.name, func(t *testing.T) {
			source, target := on.make(t), on.make(t)
			fixture.Exec(t, source, "CREATE TABLE big (id integer PRIMARY KEY, note longtext CHARACTER SET utf8mb4, body longblob)")
			require.NoError(t, fixture.LoadLines(t.Context(), source, "big", lines))
			sums := fixture.Probe{Name: "Sums", SQL: "SELECT group_concat(concat_ws(':', id, length(note), crc32(note), crc32(body)) ORDER BY id) FROM big"}
			sums.Want = fixture.Exec(t, source, sums.SQL)
			require.Contains(t, sums.Want, fmt.Sprintf("2:%d:", size<<20))
			c := newCluster(t, secrets(t, source, target)...)
			c.apply(source, target, "stream: {maxBytes: 64MiB}")
			c.complete()
			sums.Check(t, target)
			c.boundedMemory()
		})
	}
}
