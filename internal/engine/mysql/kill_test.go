package mysql

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/engine"
	"github.com/drover-db/drover/internal/fault"
)

// Reads that end early leave nothing behind in connections that are made meanwhile.
func TestRead_EndsWithoutHarmToOthers(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		require.NotNil(t, d.endpoint.tls.config, "MySQL does the harm with TLS alone")
		script(t, d, "CREATE TABLE n (a INT PRIMARY KEY, b VARCHAR(1000))",
			"INSERT INTO n WITH RECURSIVE s AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM s WHERE i < 999) SELECT i, repeat('x', 1000) FROM s",
			"INSERT INTO n SELECT a + 1000, b FROM n", "INSERT INTO n SELECT a + 2000, b FROM n")
		p := planOf(t, describeTable(t, d, "n"))
		enough := errors.New("enough")
		var readers sync.WaitGroup
		broken := make(chan error, 1000)
		for range 4 {
			readers.Go(func() {
				for range 100 {
					err := d.Read(t.Context(), engine.ReadRequest{Plan: p}, func(engine.Row) error { return enough })
					if !errors.Is(err, enough) {
						broken <- err
					}
				}
			})
		}
		readers.Wait()
		close(broken)
		for err := range broken {
			t.Errorf("a read broke: %v", err)
		}
	})
}

// A connection that is killed while it is idle, or while it waits, is gone at once.
func TestKillConnection(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		for _, statement := range []string{"", "SELECT SLEEP(60)"} {
			conn, err := d.db.Conn(t.Context())
			require.NoError(t, err)
			var id uint64
			require.NoError(t, conn.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id))
			over := make(chan error, 1)
			if statement != "" {
				go func() {
					_, err := conn.ExecContext(context.Background(), statement)
					over <- err
				}()
				require.Eventually(t, func() bool {
					p, found, err := findProcess(t.Context(), d.db, id)
					return err == nil && found && !p.idle
				}, patience, fencePause)
			}
			require.NoError(t, killConnection(t.Context(), d.db, id))
			require.Eventually(t, func() bool {
				_, found, err := findProcess(t.Context(), d.db, id)
				return err == nil && !found
			}, patience, fencePause)
			require.NoError(t, killConnection(t.Context(), d.db, id), "it is gone")
			if statement != "" {
				<-over // SLEEP tells its end by its value, or by an error
			}
			require.Error(t, conn.PingContext(t.Context()))
			_ = conn.Close() // it has no connection any more
		}
	})
}

// A greeting that is none, which a server that killed another connection may send, is
// asked for once more.
func TestReaderPool_StrayGreeting(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		record := append([]byte{0x17, 3, 3, 0x40, 0x11}, make([]byte, 0x4011)...)
		for first, ok := range map[int]bool{1: true, 2: false} {
			e := *d.endpoint
			e.network, e.address = "tcp", standingBefore(t, d.endpoint.address, first, func(near, _ net.Conn) {
				_, _ = near.Write(record)
			})
			p := newReaderPool(&e, d.dialect, 1)
			defer p.close()
			c, err := p.take(t.Context())
			if ok {
				require.NoError(t, err)
				p.give(c, true)
				continue
			}
			require.Equal(t, fault.Unavailable, fault.KindOf(classify("mysql.Read", err)), err)
		}
	})
}
