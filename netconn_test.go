package gns_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/nettest"
)

// fast are the settings of streams that should not wait for the send rate.
func fast() gns.Option {
	return gns.WithConfig(config.Int32(config.SendRateMin, 64<<20), config.Int32(config.SendRateMax, 64<<20))
}

func TestNetConnIsANetConn(t *testing.T) {
	t.Parallel()
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		l, err := gns.Listen("127.0.0.1:0", fast())
		if err != nil {
			return nil, nil, nil, err
		}
		nl := l.NetListener()
		accepted := make(chan net.Conn, 1)
		go func() {
			c, _ := nl.Accept()
			accepted <- c
		}()
		c, err := gns.Dial(context.Background(), nl.Addr().String(), fast())
		if err != nil {
			return nil, nil, nil, err
		}
		c1, c2 = c.NetConn(), <-accepted
		return c1, c2, func() {
			_ = c1.Close()
			_ = c2.Close()
			_ = c.Sockets().Close()
			_ = l.Sockets().Close()
		}, nil
	})
}

func TestNetConnOfASocketPairIsANetConn(t *testing.T) {
	t.Parallel()
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		s, err := gns.New(&gns.Options{Config: []config.Value{config.Int32(config.SendBufferSize, 1<<20)}})
		if err != nil {
			return nil, nil, nil, err
		}
		h1, h2, err := s.CreateSocketPair(false, gns.Identity{}, gns.Identity{})
		if err != nil {
			return nil, nil, nil, err
		}
		first, err := s.Conn(h1)
		if err != nil {
			return nil, nil, nil, err
		}
		second, err := s.Conn(h2)
		if err != nil {
			return nil, nil, nil, err
		}
		return first.NetConn(), second.NetConn(), func() { _ = s.Close() }, nil
	})
}

func TestConnOfAHandle(t *testing.T) {
	t.Parallel()
	s, err := gns.New(nil)
	require.NoError(t, err)
	defer s.Close()
	h, _, err := s.CreateSocketPair(false, gns.Identity{}, gns.Identity{})
	require.NoError(t, err)
	c, err := s.Conn(h)
	require.NoError(t, err)
	require.Equal(t, h, c.Handle())
	again, err := s.Conn(h)
	require.NoError(t, err)
	require.Same(t, c.NetConn(), again.NetConn(), "one stream per connection")
	_, err = s.Conn(0)
	require.ErrorIs(t, err, gns.ErrInvalidParam)
	require.NoError(t, c.Close())
	_, err = s.Conn(h)
	require.ErrorIs(t, err, gns.ErrInvalidParam)
}

func TestNetListenerServesHTTP(t *testing.T) {
	t.Parallel()
	l, err := gns.Listen("127.0.0.1:0", fast())
	require.NoError(t, err)
	defer l.Sockets().Close()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, "%s %s with %d bytes", r.Method, r.URL.Path, len(body))
	}))
	require.NoError(t, server.Listener.Close())
	server.Listener = l.NetListener()
	server.Start()
	defer server.Close()

	transport := &http.Transport{DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
		c, err := gns.Dial(ctx, addr, fast())
		if err != nil {
			return nil, err
		}
		return c.NetConn(), nil
	}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for i := range 3 { // on one connection
		res, err := client.Post(fmt.Sprintf("%s/%d", server.URL, i), "text/plain", strings.NewReader(strings.Repeat("x", 100_000)))
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, fmt.Sprintf("POST /%d with 100000 bytes", i), string(body))
	}
}

func TestNetListenerAccept(t *testing.T) {
	t.Parallel()
	l, err := gns.Listen("127.0.0.1:0")
	require.NoError(t, err)
	defer l.Sockets().Close()
	nl := l.NetListener()
	require.Same(t, nl, l.NetListener())
	require.Equal(t, l.Addr().String(), nl.Addr().String())

	d, ok := nl.(interface{ SetDeadline(time.Time) error })
	require.True(t, ok)
	require.NoError(t, d.SetDeadline(time.Now().Add(time.Millisecond)))
	for range 2 { // while it waits, and again
		_, err = nl.Accept()
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		var ne net.Error
		require.ErrorAs(t, err, &ne)
		require.True(t, ne.Timeout())
	}
	require.NoError(t, d.SetDeadline(time.Time{}))
	failed := make(chan error, 1)
	go func() {
		_, err := nl.Accept()
		failed <- err
	}()
	require.NoError(t, nl.Close())
	require.ErrorIs(t, <-failed, net.ErrClosed)
}
