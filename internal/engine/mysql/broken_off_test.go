package mysql

import (
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/internal/fault"
)

// refusing stands before a server and answers the first connections' wish for TLS with
// an error in plain text; later ones pass.
func refusing(t *testing.T, to string, first int) string {
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
			go func() {
				_, _ = io.Copy(near, far) // until either side ends
				_ = near.Close()
			}()
			if n < first {
				wish := make([]byte, 36)
				_, _ = io.ReadFull(near, wish)
				_, _ = near.Write([]byte("\x1c\x00\x00\x02\xff\x2d\x07#70100Connection was killed"))
				_ = far.Close()
				continue
			}
			go func() {
				_, _ = io.Copy(far, near)
				_ = far.Close()
			}()
		}
	}()
	return l.Addr().String()
}

// A server that ends a connection while TLS is agreed on is asked once more, and is not
// taken for one whose TLS is wrong.
func TestReaderPool_ConnectsAgain(t *testing.T) {
	eachFlavour(t, func(t *testing.T, d *database) {
		require.NotNil(t, d.endpoint.tls.config)
		for first, ok := range map[int]bool{1: true, 2: false} {
			e := *d.endpoint
			e.network, e.address = "tcp", refusing(t, d.endpoint.address, first)
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
