package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/fixture"
)

const atomic = "publish: atomic\nranges: {targetRows: 500}"

// publishTargets are all four engines; rows come from one of another kind.
var publishTargets = []struct{ from, to side }{
	{mysql, postgres15}, {postgres15, mysql}, {mysql, mariadb}, {mysql, sqlite},
}

// parts fills a source with tables that refer to each other.
func parts(t *testing.T, source string) {
	t.Helper()
	var rows, lines []string
	for n := 1; n <= 3000; n++ {
		rows = append(rows, fmt.Sprintf("(%d, 'Part %d ')", n, n))
		lines = append(lines, fmt.Sprintf("(%d, %d, %d.25)", n, (n*7)%3000+1, n))
	}
	fixture.Exec(t, source, `CREATE TABLE part (id integer PRIMARY KEY, name varchar(40) NOT NULL);
		CREATE TABLE line (id integer PRIMARY KEY, part_id integer NOT NULL, price decimal(10,2), FOREIGN KEY (part_id) REFERENCES part (id));
		CREATE TABLE zone (id integer PRIMARY KEY, name varchar(40));
		CREATE INDEX line_part ON line (part_id);
		INSERT INTO part VALUES `+strings.Join(rows, ", ")+`;
		INSERT INTO line VALUES `+strings.Join(lines, ", ")+`;
		INSERT INTO zone SELECT id, name FROM part WHERE id <= 40`)
}

// finalTables lists the tables of the default schema; drover's own are left out.
func finalTables(ctx context.Context, target string) (string, error) {
	if file, ok := strings.CutPrefix(target, "sqlite://"); ok {
		if _, err := os.Stat(file); err != nil {
			return "", nil
		}
		return fixture.Try(ctx, target, patience(target)+`SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\_drover%' ESCAPE '\' ORDER BY name)`)
	}
	if fixture.IsMySQL(target) {
		return fixture.Try(ctx, target, `SELECT coalesce(group_concat(table_name ORDER BY table_name), '') FROM information_schema.tables
			WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND table_name NOT LIKE '\_drover%'`)
	}
	return fixture.Try(ctx, target, `SELECT string_agg(table_name, ',' ORDER BY table_name) FROM information_schema.tables WHERE table_schema = 'public'`)
}

// patience makes SQLite's client wait for a writer.
func patience(target string) string {
	if strings.HasPrefix(target, "sqlite:") {
		return ".timeout 20000\n"
	}
	return ""
}

// sight is what a reader saw of a target, and how often.
type sight struct {
	mu   sync.Mutex
	seen map[string]int
}

// times is how often something was seen.
func (s *sight) times(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[what]
}

// watch polls a target until the test calls the function it returns.
func watch(t *testing.T, target string) (*sight, func()) {
	t.Helper()
	s := &sight{seen: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			tables, err := finalTables(ctx, target)
			if ctx.Err() != nil {
				return
			}
			if tables != "" && err == nil {
				// All that a reader may ever see is everything.
				var rows string
				rows, err = fixture.Try(ctx, target, patience(target)+"SELECT (SELECT count(*) FROM part) + (SELECT count(*) FROM line) + (SELECT count(*) FROM zone)")
				if fixture.IsMySQL(target) && rows == "6040" {
					// MariaDB lists tables without a lock, one by one; what can be read counts.
					tables = "line,part,zone"
				}
				tables += " " + rows
			}
			if ctx.Err() != nil {
				return // what was asked last has no answer
			}
			if err != nil {
				tables = "error " + tables + " " + err.Error()
			}
			s.mu.Lock()
			s.seen[tables]++
			s.mu.Unlock()
			time.Sleep(10 * time.Millisecond)
		}
	})
	return s, func() { cancel(); wg.Wait() }
}

func TestPublish_ReadersSeeNothingThenEverything(t *testing.T) {
	for _, p := range publishTargets {
		t.Run(p.to.name, func(t *testing.T) {
			source, target := p.from.make(t), p.to.make(t)
			parts(t, source)
			d := drover(t, "DROVER_FAULTPOINTS=loader.after-write=sleep:50ms;validator.before-read=sleep:30ms")
			file := spec(t, &d, source, target, atomic)
			saw, stop := watch(t, target)
			r := runSpec(t, d, file)
			assert.Eventually(t, func() bool { return saw.times("line,part,zone 6040") > 0 }, 30*time.Second, 10*time.Millisecond, "the end was seen")
			stop()
			proven(t, r)
			equal(t, source, target)
			assert.Positive(t, saw.seen[""], "the target was seen empty while rows moved: %v", saw.seen)
			assert.Len(t, saw.seen, 2, "nothing in between was seen")
			fixture.Probe{Name: "ForeignKey", SQL: "INSERT INTO line VALUES (9001, -1, 1)", Fails: true, Want: "foreign key"}.Check(t, target)
			fixture.Probe{Name: "PrimaryKey", SQL: "INSERT INTO zone VALUES (1, 'again')", Fails: true, Want: "unique"}.Check(t, target)
		})
	}
}

// The last range that is validated fails for good; all the others are proven by then.
func TestPublish_FailureInTheLastRangeLeavesNothing(t *testing.T) {
	for _, p := range publishTargets {
		t.Run(p.to.name, func(t *testing.T) {
			source, target := p.from.make(t), p.to.make(t)
			parts(t, source)
			before := contents(t, target)
			d := drover(t, "DROVER_FAULTPOINTS=validator.before-read=match:zone,fail:internal")
			file := spec(t, &d, source, target, atomic+"\n")
			r := runSpec(t, d, file)
			assert.NotZero(t, r.Code)
			assert.Equal(t, "ROLLED_BACK", r.Summary.State, r.Stderr)
			if tables, err := finalTables(t.Context(), target); err != nil || tables != "" {
				t.Errorf("the target holds %s (%v)", tables, err)
			}
			if p.to.dialect != fixture.SQLite {
				assert.Equal(t, before, contents(t, target), "drover left something behind")
			}
		})
	}
}

// Kept staged tables are published by a retry when the cause is gone.
func TestPublish_RetryPublishesWhatWasKept(t *testing.T) {
	source, target := testdb.MySQL(t), testdb.Postgres(t)
	parts(t, source)
	d := drover(t)
	file := spec(t, &d, source, target, atomic+"\nonFailure: keep")
	broken := d
	broken.Env = append(broken.Env[:len(broken.Env):len(broken.Env)], "DROVER_FAULTPOINTS=validator.before-read=match:zone,fail:internal")
	r := runSpec(t, broken, file)
	assert.NotZero(t, r.Code)
	if tables, err := finalTables(t.Context(), target); err != nil || tables != "" {
		t.Fatalf("the target shows %s (%v)", tables, err)
	}
	proven(t, runSpec(t, d, file))
	equal(t, source, target)
}

func TestPublish_RefusesATableThatIsThere(t *testing.T) {
	source, target := testdb.MySQL(t), testdb.Postgres(t)
	parts(t, source)
	fixture.Exec(t, target, "CREATE TABLE zone (id integer PRIMARY KEY, name varchar(40))")
	before := contents(t, target)
	d := drover(t)
	refused(t, runSpec(t, d, spec(t, &d, source, target, atomic)), 8, "zone")
	assert.Equal(t, before, contents(t, target))
}
