package journal_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	journalv1 "github.com/drover-db/drover/gen/drover/journal/v1"
	"github.com/drover-db/drover/internal/bus"
	"github.com/drover-db/drover/internal/bus/natsd"
	"github.com/drover-db/drover/services/coordinator/internal/journal"
)

// lossyProxy forwards TCP to a server and, when told to, cuts every connection
// instead of handing back the next bytes from the server.
type lossyProxy struct {
	net.Listener
	backend string
	cutNext atomic.Bool
	cuts    atomic.Int32
	mu      sync.Mutex
	open    []net.Conn
}

func startProxy(t *testing.T, backend string) *lossyProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &lossyProxy{Listener: l, backend: backend}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", backend)
			if err != nil {
				client.Close()
				continue
			}
			p.mu.Lock()
			p.open = append(p.open, client, server)
			p.mu.Unlock()
			go func() { _, _ = io.Copy(server, client) }()
			go p.back(client, server)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		p.cut()
	})
	return p
}

func (p *lossyProxy) back(client, server net.Conn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := server.Read(buf)
		if err != nil {
			client.Close()
			return
		}
		if p.cutNext.CompareAndSwap(true, false) {
			p.cuts.Add(1)
			p.cut()
			return
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (p *lossyProxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.open {
		c.Close()
	}
	p.open = nil
}

// An append whose answer is lost on the way succeeds, and its event is in the log once.
func TestJetStream_LostAnswer(t *testing.T) {
	s, err := natsd.Start(natsd.Config{StoreDir: t.TempDir(), MaxStore: 64 << 20, Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	defer s.Shutdown()
	proxy := startProxy(t, s.URL()[len("nats://"):])
	nc, err := bus.Dial(t.Context(), "nats://"+proxy.Addr().String(), bus.DialOptions{})
	require.NoError(t, err)
	defer nc.Close()
	l, err := journal.NewJetStream(t.Context(), nc, journal.Config{})
	require.NoError(t, err)

	var last uint64
	for i := range 2 {
		proxy.cutNext.Store(true)
		last, err = l.Append(t.Context(), "m", last, event(fmt.Sprint("e", i)))
		require.NoError(t, err)
	}
	require.EqualValues(t, 2, proxy.cuts.Load())
	ids, end := replay(t, l, "m")
	require.Equal(t, []string{"1:e0", "2:e1"}, ids)
	require.Equal(t, last, end)
}

// The stream is as safe as the log's promises need it.
func TestJetStream_StreamConfig(t *testing.T) {
	s, err := natsd.Start(natsd.Config{StoreDir: t.TempDir(), MaxStore: 64 << 20})
	require.NoError(t, err)
	defer s.Shutdown()
	nc, err := s.Connect()
	require.NoError(t, err)
	defer nc.Close()
	l, err := journal.NewJetStream(t.Context(), nc, journal.Config{SyncAlways: true})
	require.NoError(t, err)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	st, err := js.Stream(t.Context(), bus.ControlStream)
	require.NoError(t, err)
	c := st.CachedInfo().Config
	require.Equal(t, jetstream.FileStorage, c.Storage)
	require.Equal(t, jetstream.LimitsPolicy, c.Retention)
	require.Zero(t, c.MaxAge)
	require.False(t, c.AllowDirect, "a follower's answer may be old")
	require.True(t, c.DenyDelete)
	require.NotEqual(t, jetstream.AsyncPersistMode, c.PersistMode)
	words, err := l.Durability(t.Context())
	require.NoError(t, err)
	require.Contains(t, words, "synced to disk")
}

// A hundred thousand events are replayed in seconds. They are written with a
// window on the wire: appending one by one is not what is measured.
func TestJetStream_ReplayLongLog(t *testing.T) {
	s, err := natsd.Start(natsd.Config{StoreDir: t.TempDir(), MaxStore: 256 << 20})
	require.NoError(t, err)
	defer s.Shutdown()
	nc, err := s.Connect()
	require.NoError(t, err)
	defer nc.Close()
	l, err := journal.NewJetStream(t.Context(), nc, journal.Config{})
	require.NoError(t, err)
	const events = 100_000
	fill(t, nc, events)

	start := time.Now()
	n := 0
	last, err := l.Replay(context.Background(), "m", 0, func(seq uint64, _ *journalv1.Event) error {
		n++
		if seq != uint64(n) {
			return fmt.Errorf("event %d came as the %dth", seq, n)
		}
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, events, n)
	require.EqualValues(t, events, last)
	require.Less(t, time.Since(start), 20*time.Second)
	t.Logf("replayed %d events in %s", n, time.Since(start))
}

func fill(t *testing.T, nc *nats.Conn, events int) {
	t.Helper()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	st, err := js.Stream(t.Context(), bus.ControlStream)
	require.NoError(t, err)
	for i := range events {
		data, err := proto.Marshal(event(fmt.Sprint("e", i)))
		require.NoError(t, err)
		_, err = js.PublishAsync(bus.ControlSubject("m"), data)
		require.NoError(t, err)
		if i%1000 == 999 {
			<-js.PublishAsyncComplete()
		}
	}
	i, err := st.Info(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, events, i.State.Msgs)
}
