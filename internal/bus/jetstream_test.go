package bus_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/bus/natsd"
	"github.com/drover-db/drover/internal/fault"
)

func startServer(t *testing.T, c natsd.Config) *natsd.Server {
	t.Helper()
	if c.StoreDir == "" {
		c.StoreDir = t.TempDir()
	}
	c.MaxStore = 256 << 20
	s, err := natsd.Start(c)
	require.NoError(t, err)
	return s
}

func TestJetStream_InProcess(t *testing.T) {
	suite(t, func(t *testing.T, test func(*testing.T, func(bus.Options) bus.Bus)) {
		s := startServer(t, natsd.Config{})
		defer s.Shutdown()
		nc, err := s.Connect()
		require.NoError(t, err)
		defer nc.Close()
		test(t, func(o bus.Options) bus.Bus {
			b, err := bus.NewJetStream(nc, o)
			require.NoError(t, err)
			return b
		})
	})
}

// dial connects over TCP.
func dial(t *testing.T, url string) (*nats.Conn, bus.Bus) {
	t.Helper()
	nc, err := bus.Dial(t.Context(), url, bus.DialOptions{Name: "test"})
	require.NoError(t, err)
	b, err := bus.NewJetStream(nc, bus.Options{})
	require.NoError(t, err)
	return nc, b
}

// A server that is killed and comes back on its store costs time only: publisher
// and consumer go on where they were.
func TestJetStream_ServerRestart(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, natsd.Config{StoreDir: dir, Listen: "127.0.0.1:0"})
	nc, b := dial(t, s.URL())
	defer nc.Close()
	ensure(t, b, 64<<20)
	p := publisher(t, b, 4<<20)
	defer p.Close()
	c := consumer(t, b, subject(1))
	defer c.Close()
	publish(t, p, subject(1), 0, 50)
	expect(t, c, 0, 20)

	addr := s.URL()[len("nats://"):]
	s.Shutdown()
	for n := 50; n < 100; n++ {
		require.NoError(t, p.Publish(t.Context(), message(subject(1), n)))
	}
	s = startServer(t, natsd.Config{StoreDir: dir, Listen: addr})
	defer s.Shutdown()
	require.NoError(t, p.Flush(t.Context()))
	expect(t, c, 20, 100)
}

// A store that was wiped is reported, not waited for.
func TestJetStream_WipedStore(t *testing.T) {
	s := startServer(t, natsd.Config{Listen: "127.0.0.1:0"})
	nc, b := dial(t, s.URL())
	defer nc.Close()
	ensure(t, b, 64<<20)
	p := publisher(t, b, 4<<20)
	defer p.Close()
	publish(t, p, subject(1), 0, 3)
	c := consumer(t, b, subject(1))
	defer c.Close()
	expect(t, c, 0, 3)

	addr := s.URL()[len("nats://"):]
	s.Shutdown()
	s = startServer(t, natsd.Config{StoreDir: filepath.Join(t.TempDir(), "new"), Listen: addr})
	defer s.Shutdown()
	ensure(t, b, 64<<20) // made anew by somebody: it is another stream all the same
	_, err := c.Next(t.Context())
	require.Equal(t, fault.Unavailable, fault.KindOf(err), err)
	require.ErrorContains(t, err, "lost messages")
}

func TestJetStream_StoreTooSmall(t *testing.T) {
	s := startServer(t, natsd.Config{})
	defer s.Shutdown()
	nc, err := s.Connect()
	require.NoError(t, err)
	defer nc.Close()
	b, err := bus.NewJetStream(nc, bus.Options{})
	require.NoError(t, err)
	err = b.EnsureStream(t.Context(), bus.StreamConfig{Name: stream, Subjects: []string{"d.>"}, MaxBytes: 1 << 40})
	require.Equal(t, fault.Exhausted, fault.KindOf(err), err)
}

func TestJetStream_Usages(t *testing.T) {
	s := startServer(t, natsd.Config{})
	defer s.Shutdown()
	nc, err := s.Connect()
	require.NoError(t, err)
	defer nc.Close()
	b, err := bus.NewJetStream(nc, bus.Options{})
	require.NoError(t, err)
	ensure(t, b, 1<<20)
	require.NoError(t, b.EnsureStream(t.Context(), bus.StreamConfig{Name: "OTHER", Subjects: []string{"other.>"}, MaxBytes: 1 << 20}))
	p := publisher(t, b, 1<<20)
	defer p.Close()
	publish(t, p, subject(1), 0, 3)
	all, err := b.Usages(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.EqualValues(t, 3, all[stream].Messages)
}

func TestDial_NothingThere(t *testing.T) {
	_, err := bus.Dial(t.Context(), "nats://u:secret@127.0.0.1:1", bus.DialOptions{Wait: 300 * time.Millisecond})
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.ErrorContains(t, err, "127.0.0.1:1")
	require.NotContains(t, err.Error(), "secret")
	_, err = bus.Dial(t.Context(), "not a url", bus.DialOptions{})
	require.Equal(t, fault.Invalid, fault.KindOf(err))
}

// BenchmarkPublish is the rate of one publisher, every write synced.
func BenchmarkPublish(b *testing.B) {
	for _, kib := range []int{256, 1024} {
		b.Run(fmt.Sprintf("%dKiB", kib), func(b *testing.B) {
			dir, err := os.MkdirTemp("", "bench")
			require.NoError(b, err)
			defer os.RemoveAll(dir)
			s, err := natsd.Start(natsd.Config{StoreDir: dir, MaxStore: 4 << 30})
			require.NoError(b, err)
			defer s.Shutdown()
			nc, err := s.Connect()
			require.NoError(b, err)
			defer nc.Close()
			js, err := bus.NewJetStream(nc, bus.Options{})
			require.NoError(b, err)
			ctx := context.Background()
			require.NoError(b, js.EnsureStream(ctx, bus.StreamConfig{Name: stream, Subjects: []string{"d.>"}, MaxBytes: 2 << 30}))
			p, err := js.Publisher(stream, 8<<20)
			require.NoError(b, err)
			defer p.Close()
			data := make([]byte, kib<<10)
			b.SetBytes(int64(len(data)))
			for i := range b.N {
				require.NoError(b, p.Publish(ctx, bus.Message{Subject: "d.x", ID: fmt.Sprint(i), Data: data}))
			}
			require.NoError(b, p.Flush(ctx))
		})
	}
}
