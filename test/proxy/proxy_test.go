package proxy_test

import (
	"bufio"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drover-db/drover/test/proxy"
)

// echo answers each line with itself.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c) // until it is cut
				_ = c.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func TestProxy_PassesOnUntilItCuts(t *testing.T) {
	p := proxy.Start(t, echo(t))
	cut := proxy.Switch(t, p.Cut)
	ask := func() *bufio.Reader {
		c, err := net.Dial("tcp", p.Address())
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		_, err = c.Write([]byte("hello\n"))
		require.NoError(t, err)
		r := bufio.NewReader(c)
		line, err := r.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "hello\n", line)
		return r
	}
	before := ask()
	c, err := net.Dial("tcp", cut)
	require.NoError(t, err)
	_, err = io.ReadAll(c)
	require.NoError(t, err)
	require.NoError(t, c.Close())
	_, err = before.ReadByte()
	require.Error(t, err, "the connection of before still stands")
	ask()
}

func TestProxy_HoldsAndDelays(t *testing.T) {
	p := proxy.Start(t, echo(t))
	c, err := net.Dial("tcp", p.Address())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	answers := bufio.NewReader(c)
	ask := func() time.Duration {
		begin := time.Now()
		_, err := c.Write([]byte("hello\n"))
		require.NoError(t, err)
		line, err := answers.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "hello\n", line)
		return time.Since(begin)
	}
	ask()
	require.EqualValues(t, len("hello\n"), p.Read())

	p.Delay(50 * time.Millisecond)
	require.GreaterOrEqual(t, ask(), 100*time.Millisecond, "the question and the answer wait")
	p.Delay(0)

	p.Hold()
	time.AfterFunc(100*time.Millisecond, p.Clear)
	require.GreaterOrEqual(t, ask(), 90*time.Millisecond)
}
