package e2e

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

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

// A value of 200 MiB and one of 20, with small rows around them and a stream that has no
// room for one, go from process to process, and no worker has more than its memory.
func TestProcesses_BigValues(t *testing.T) {
	size := bigValue(t)
	fill := fmt.Sprintf(`CREATE TABLE big (id int PRIMARY KEY, body bytea, note text);
		ALTER TABLE big ALTER body SET STORAGE EXTERNAL;
		INSERT INTO big SELECT i, sha256(i::text::bytea), 'small ' || i FROM generate_series(1, 100) i;
		UPDATE big SET body = (SELECT string_agg(decode(repeat(md5(id::text || n::text), 65536), 'hex'), NULL) FROM generate_series(1, CASE id WHEN 50 THEN %d ELSE 20 END) n) WHERE id IN (50, 100);
		ANALYZE`, size)
	want := fmt.Sprintf("100/%d", (size+20)<<20+98*32)
	source, target := testdb.Postgres(t), testdb.Postgres18(t)
	fixture.Exec(t, source, fill)
	sums := fixture.Probe{Name: "Sums", SQL: "SELECT md5(string_agg(md5(body) || note, ',' ORDER BY id)) FROM big"}
	sums.Want = strings.TrimSpace(fixture.Exec(t, source, sums.SQL))
	c := newCluster(t, secrets(t, source, target)...)
	c.apply(source, target, "stream: {maxBytes: 64MiB}")
	c.complete()
	fixture.Probe{Name: "Bytes", SQL: "SELECT count(*) || '/' || sum(length(body)) FROM big", Want: want}.Check(t, target)
	sums.Check(t, target)
	c.boundedMemory()
}
