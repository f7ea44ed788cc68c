package mysql

import (
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/fault"
)

// standingBefore stands before a server and treats the first connections as it is told;
// later ones pass.
func standingBefore(t *testing.T, to string, first int, treat func(near, far net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	go func() {
		for n := 0; ; n++ {
			near, err := l.Accept()
			if err != nil {
				return // the test ends
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			if n < first {
				go treat(near, far)
				continue
			}
			go func() { _, _ = io.Copy(far, near); _ = far.Close() }() // until either side ends
			go func() { _, _ = io.Copy(near, far); _ = near.Close() }()
		}
	}()
	return l.Addr().String()
}

// refuseTLS answers the wish for TLS with an error in plain text.
func refuseTLS(near, far net.Conn) {
	go func() { _, _ = io.Copy(near, far); _ = near.Close() }()
	wish := make([]byte, 36)
	_, _ = io.ReadFull(near, wish)
	_, _ = near.Write([]byte("\x1c\x00\x00\x02\xff\x2d\x07#70100Connection was killed"))
	_ = far.Close()
}

// A server that ends a connection while TLS is agreed on is asked once more, and is not
// taken for one whose TLS is wrong.
func TestReaderPool_ConnectsAgain(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		require.NotNil(t, d.endpoint.tls.config)
		for first, ok := range map[int]bool{1: true, 2: false} {
			e := *d.endpoint
			e.network, e.address = "tcp", standingBefore(t, d.endpoint.address, first, refuseTLS)
			p := newReaderPool(&e, d.dialect, 1)
			defer p.close()
			c, err := p.take(t.Context())
			if ok {
				require.NoError(t, err)
				p.give(c, true)
				continue
			}
			err = classify("mysql.Read", err)
			require.Equal(t, fault.Unavailable, fault.KindOf(err), err)
			require.ErrorContains(t, err, "while TLS was agreed on")
		}
	})
}
