package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/testdb"
	"github.com/drover-db/drover/test/fixture"
)

// storeSize is a message store of which rows alone fill what they may have.
const storeSize = 64 << 20

// fillWide makes n rows of 4 KiB.
func fillWide(t *testing.T) (source, target string) {
	t.Helper()
	source, target = testdb.Postgres(t), testdb.Postgres(t)
	fixture.Exec(t, source, `CREATE TABLE wide (id int PRIMARY KEY, body text);
		INSERT INTO wide SELECT n, (SELECT string_agg(md5(n::text || i), '') FROM generate_series(1, 128) i) FROM generate_series(1, 30000) n; ANALYZE`)
	return source, target
}

// stranger is somebody else's stream in drover's message store.
type stranger struct {
	t      *testing.T
	js     jetstream.JetStream
	stream jetstream.Stream
}

func newStranger(t *testing.T, bus string) *stranger {
	t.Helper()
	nc, err := nats.Connect(bus)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	s, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "STRANGER", Subjects: []string{"stranger"}})
	require.NoError(t, err)
	return &stranger{t: t, js: js, stream: s}
}

// fill publishes until the server takes no more.
func (s *stranger) fill() {
	s.t.Helper()
	for range storeSize / (64 << 10) {
		if _, err := s.js.Publish(s.t.Context(), "stranger", make([]byte, 64<<10)); err != nil {
			return
		}
	}
	s.t.Fatal("the store never was full")
}

// page is what a coordinator says of its health.
func page(t *testing.T, url string) (code int, text string) {
	t.Helper()
	r, err := http.Get(url)
	require.NoError(t, err)
	defer r.Body.Close()
	raw, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return r.StatusCode, string(raw)
}

// A message store that is full, of whatever, makes everybody wait: coordinators say so by
// their health, none ends, and the copy goes on by itself when there is room.
func TestStore_FullOfOthersIsWaitedFor(t *testing.T) {
	source, target := fillWide(t)
	c := newClusterOf(t, layout{nats: 1, coordinators: 2, store: storeSize}, append(secrets(t, source, target), "DROVER_FAULTPOINTS=loader.before-write=sleep:100ms")...)
	other := newStranger(t, c.bus)
	for _, url := range c.health {
		code, text := page(t, url)
		require.Equal(t, http.StatusOK, code, text)
	}
	c.apply(source, target, "stream: {maxBytes: 32MiB}\nranges: {targetRows: 1000, maxAttempts: 2}")
	c.loaded(3000)
	other.fill()
	for _, url := range c.health {
		c.await("a word of the full store", func() bool {
			other.fill() // what others purge is taken as well
			code, text := page(t, url)
			return code == http.StatusServiceUnavailable && strings.Contains(text, "max_file_store")
		})
	}
	require.NoError(t, other.stream.Purge(t.Context()))
	c.complete()
	equal(t, source, target)
	s, _ := c.status()
	t.Logf("%+v", s)
	for _, url := range c.health {
		code, text := page(t, url)
		require.Equal(t, http.StatusOK, code, text)
	}
}

// Rows that fill all that they may have leave room for the control log: the copy is slow,
// no attempt fails, and one leader leads.
func TestStore_FullOfRows(t *testing.T) {
	source, target := fillWide(t)
	c := newClusterOf(t, layout{nats: 1, coordinators: 2, store: storeSize}, append(secrets(t, source, target), "DROVER_FAULTPOINTS=loader.before-write=sleep:300ms")...)
	_, before := c.leader()
	c.apply(source, target, "stream: {maxBytes: 56MiB}\nranges: {targetRows: 5000}")
	c.complete()
	equal(t, source, target)
	_, after := c.leader()
	require.Equal(t, before, after, "terms")
	s, _ := c.status()
	require.Zero(t, s.Counters.Retries, "attempts that the full stream failed")
}
