package nats

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestServersThatCannotRun(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	for _, tc := range []struct{ address, want string }{
		{"127.0.0.1", "missing port"},
		{"127.0.0.1:x", `port "x" is not a number`},
		{"127.0.0.1:65536", `port "65536" is not a number`},
		{l.Addr().String(), "address already in use"},
	} {
		_, err := RunServer(ServerOptions{Address: tc.address})
		require.ErrorContains(t, err, tc.want)
	}
	_, err = RunServer(ServerOptions{Prefix: ">"})
	require.ErrorContains(t, err, "prefix")
}

func TestServerOnAllAddressesIsReachedOnThisMachine(t *testing.T) {
	t.Parallel()
	s := runTestServer(t, ServerOptions{Address: ":0"})
	require.Regexp(t, `^nats://localhost:\d+$`, s.URL())
	a := join(t, Options{URL: s.URL()}, alice)
	a.send(alice, "12345")
	a.want(alice, "12345")
	a.send(bob, "1")
	a.wantEvent(event{who: bob, unreachable: true})
	st := s.Stats()
	require.Equal(t, 1, s.Clients())
	require.Equal(t, 1, st.Clients)
	require.EqualValues(t, 2, st.MessagesIn)
	require.EqualValues(t, 6, st.BytesIn)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "again")
}

func TestServerWithTooManyClients(t *testing.T) {
	t.Parallel()
	s := runTestServer(t, ServerOptions{Clients: 1})
	a := join(t, Options{URL: s.URL()}, alice)
	b := open(t, Options{URL: s.URL()}, bob)
	a.send(bob, "anybody?")
	a.wantEvent(event{who: bob, unreachable: true})
	require.NoError(t, a.Close())
	b.wantStats(func(s Stats) bool { return s.Connected })
}
