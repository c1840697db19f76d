package gns_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/testport"
	"github.com/stretchr/testify/require"
)

// testContext ends long before the test binary's own timeout, so that a test that hangs says where. Only such a test uses it up, however
// busy the machine is.
func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func newSockets(t testing.TB, opts *gns.Options) *gns.Sockets {
	s, err := gns.New(opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

var loopback4 = netip.MustParseAddrPort("127.0.0.1:0")

// user drives a Sockets through the polling API, as a game would.
type user struct {
	t      testing.TB
	ctx    context.Context
	s      *gns.Sockets
	events []gns.ConnectionStatusChanged
	accept bool
}

func newUser(t testing.TB, opts *gns.Options) *user {
	u := &user{t: t, ctx: testContext(t), s: newSockets(t, opts)}
	u.s.OnConnectionStatusChanged(func(e gns.ConnectionStatusChanged) {
		u.events = append(u.events, e)
		if u.accept && e.Info.State == gns.StateConnecting && e.Info.ListenSocket != 0 {
			require.NoError(t, u.s.AcceptConnection(e.Conn))
		}
	})
	return u
}

// until polls until cond holds.
func (u *user) until(what string, cond func() bool) {
	u.t.Helper()
	for {
		u.s.RunCallbacks()
		if cond() {
			return
		}
		require.NoError(u.t, u.s.Wait(u.ctx), "waiting until %s", what)
	}
}

func (u *user) reached(state gns.State) func() bool {
	return func() bool { return len(u.events) > 0 && u.events[len(u.events)-1].Info.State == state }
}

// connected returns a server and a client that are connected, and their handles.
func connected(t testing.TB, serverOpts, clientOpts *gns.Options, local netip.AddrPort) (server, client *user, sc, cc gns.Connection, ls gns.ListenSocket) {
	server, client = newUser(t, serverOpts), newUser(t, clientOpts)
	server.accept = true
	ls, err := server.s.CreateListenSocketIP(local)
	require.NoError(t, err)
	addr, err := server.s.ListenSocketAddress(ls)
	require.NoError(t, err)
	require.NotZero(t, addr.Port())
	if addr.Addr().IsUnspecified() {
		addr = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), addr.Port())
	}
	cc, err = client.s.ConnectByIPAddress(addr)
	require.NoError(t, err)
	server.until("the server is connected", server.reached(gns.StateConnected))
	client.until("the client is connected", client.reached(gns.StateConnected))
	return server, client, server.events[0].Conn, cc, ls
}

func (u *user) receive(c gns.Connection, n int) []*gns.Message {
	u.t.Helper()
	var all []*gns.Message
	u.until(fmt.Sprintf("%d messages have arrived", n), func() bool {
		dst := make([]*gns.Message, n-len(all))
		got, err := u.s.ReceiveMessagesOnConnection(c, dst)
		require.NoError(u.t, err)
		all = append(all, dst[:got]...)
		return len(all) == n
	})
	return all
}

func TestPollingAPI(t *testing.T) {
	t.Parallel()
	server, client, sc, cc, ls := connected(t, nil, &gns.Options{Identity: gns.GenericString("alice")}, loopback4)

	require.Equal(t, gns.StateConnecting, server.events[0].Info.State)
	require.Equal(t, gns.StateNone, server.events[0].Old)
	require.Equal(t, ls, server.events[0].Info.ListenSocket)
	require.Equal(t, "str:alice", server.events[0].Info.Identity.String())
	require.Equal(t, []gns.State{gns.StateConnecting, gns.StateConnected}, []gns.State{client.events[0].Info.State, client.events[1].Info.State})
	require.Equal(t, gns.InfoUnauthenticated|gns.InfoUnencrypted|gns.InfoFast, client.events[0].Info.Flags, "no cipher yet")

	info, err := client.s.ConnectionInfo(cc)
	require.NoError(t, err)
	require.Equal(t, gns.StateConnected, info.State)
	require.Equal(t, gns.InfoUnauthenticated|gns.InfoFast, info.Flags)
	require.Equal(t, "ip:"+info.Addr.String(), info.Identity.String(), "an anonymous peer is known by its address")
	require.Equal(t, fmt.Sprintf("#%d UDP %v", cc, info.Addr), info.Description)
	info, err = server.s.ConnectionInfo(sc)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("#%d UDP str:alice@%v", sc, info.Addr), info.Description)

	for i := range 10 {
		n, err := client.s.SendMessageToConnection(cc, fmt.Appendf(nil, "message %d", i), gns.SendReliable)
		require.NoError(t, err)
		require.EqualValues(t, i+1, n)
	}
	require.NoError(t, client.s.FlushMessagesOnConnection(cc))
	require.NoError(t, server.s.SetConnectionUserData(sc, 77))
	for i, m := range server.receive(sc, 10) {
		require.Equal(t, fmt.Sprintf("message %d", i), string(m.Data))
		require.Equal(t, gns.SendReliable, m.Flags)
		require.Equal(t, sc, m.Conn)
		require.EqualValues(t, i+1, m.Number)
		require.Equal(t, "str:alice", m.Peer.String())
		require.WithinDuration(t, time.Now(), m.Received, 10*time.Second)
		m.Release()
	}

	require.NoError(t, server.s.CloseConnection(sc, 1234, "enough", false))
	client.until("the peer has closed", client.reached(gns.StateClosedByPeer))
	last := client.events[len(client.events)-1]
	require.Equal(t, gns.StateConnected, last.Old)
	require.EqualValues(t, 1234, last.Info.EndReason)
	require.Equal(t, "enough", last.Info.EndDebug)
	_, err = client.s.SendMessageToConnection(cc, []byte("x"), gns.SendReliable)
	require.ErrorIs(t, err, gns.ErrNoConnection)
	require.NoError(t, client.s.CloseConnection(cc, 0, "", false))
	client.until("the handle is gone", client.reached(gns.StateNone))
	require.EqualValues(t, 1234, client.events[len(client.events)-1].Info.EndReason, "the original reason stays")
	require.ErrorIs(t, client.s.CloseConnection(cc, 0, "", false), gns.ErrInvalidParam)
	_, err = client.s.ConnectionInfo(cc)
	require.ErrorIs(t, err, gns.ErrInvalidParam)
}

func TestBadHandlesAndArguments(t *testing.T) {
	t.Parallel()
	s := newSockets(t, nil)
	for name, err := range map[string]error{
		"accept":       s.AcceptConnection(1),
		"close":        s.CloseConnection(0, 0, "", false),
		"flush":        s.FlushMessagesOnConnection(12345),
		"close listen": s.CloseListenSocket(1),
	} {
		require.ErrorIs(t, err, gns.ErrInvalidParam, name)
	}
	require.ErrorIs(t, s.ConfigureConnectionLanes(1, []int{1}, nil), gns.ErrNoConnection)
	_, err := s.ConnectionRealTimeStatus(9)
	require.ErrorIs(t, err, gns.ErrNoConnection)
	require.NotErrorIs(t, err, gns.ErrInvalidParam)
	_, err = s.CreateListenSocketIP(loopback4, config.Int32(config.IPAllowWithoutAuth, 0))
	require.ErrorIs(t, err, gns.ErrInvalidParam)
	for _, addr := range []netip.AddrPort{{}, netip.MustParseAddrPort("127.0.0.1:0"), netip.MustParseAddrPort("0.0.0.0:1")} {
		_, err = s.ConnectByIPAddress(addr)
		require.ErrorIs(t, err, gns.ErrInvalidParam, "%v", addr)
	}
	_, err = s.ConnectByIPAddress(netip.MustParseAddrPort("127.0.0.1:1"), config.Float(config.FakePacketLossSend, 1))
	require.ErrorIs(t, err, gns.ErrInvalidParam)
	require.ErrorIs(t, err, config.ErrScope)
	_, err = gns.New(&gns.Options{Identity: gns.GenericString(strings.Repeat("x", 40))})
	require.ErrorIs(t, err, gns.ErrInvalidParam)

	_, client, _, cc, _ := connected(t, nil, nil, loopback4)
	_, err = client.s.SendMessageToConnection(cc, make([]byte, gns.MaxMessageSize+1), gns.SendReliable)
	require.ErrorIs(t, err, gns.ErrInvalidParam)
	_, err = client.s.SendMessageToConnection(cc, make([]byte, gns.MaxMessageSize), gns.SendReliable)
	require.NoError(t, err)
	_, err = client.s.SendMessageToConnection(cc, make([]byte, gns.MaxMessageSize), gns.SendReliable)
	require.ErrorIs(t, err, gns.ErrLimitExceeded)
	require.ErrorIs(t, client.s.AcceptConnection(cc), gns.ErrInvalidState, "not an incoming one")
}

func TestIPv6AndDualStack(t *testing.T) {
	t.Parallel()
	probe, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		t.Skipf("this machine has no IPv6 loopback: %v", err)
	}
	require.NoError(t, probe.Close())
	for _, test := range []struct{ listen, dial string }{
		{"[::1]:0", "[::1]"}, {"[::]:0", "[::1]"}, {"[::]:0", "127.0.0.1"}, {":0", "127.0.0.1"}, {"0.0.0.0:0", "127.0.0.1"}, {"[::]:0", "localhost"},
	} {
		t.Run(test.listen+" from "+test.dial, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			l, err := gns.Listen(test.listen)
			require.NoError(t, err)
			defer l.Close()
			// Dial may have tried two addresses of the same host, so that two connections are accepted, one of
			// which is dropped at once.
			received := make(chan string, 8)
			go func() {
				for {
					c, err := l.Accept(ctx)
					if err != nil {
						return
					}
					go func() {
						if m, err := c.Receive(ctx); err == nil {
							received <- string(m.Data)
						}
					}()
				}
			}()
			c, err := gns.Dial(ctx, fmt.Sprintf("%s:%d", test.dial, l.Addr().Port()))
			require.NoError(t, err)
			require.NoError(t, c.Send([]byte("hello"), gns.SendReliable))
			require.NoError(t, c.Close())
			select {
			case text := <-received:
				require.Equal(t, "hello", text)
			case <-ctx.Done():
				require.NoError(t, ctx.Err())
			}
		})
	}
}

// echo serves every connection of a listener until it is closed.
func echo(ctx context.Context, l *gns.Listener) {
	for {
		c, err := l.Accept(ctx)
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			for {
				m, err := c.Receive(ctx)
				if err != nil {
					return
				}
				if c.SendContext(ctx, m.Data, m.Flags|gns.SendNoNagle) != nil {
					return
				}
				m.Release()
			}
		}()
	}
}

func TestDialEcho(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	l, err := gns.Listen("127.0.0.1:0", gns.WithIdentity(gns.GenericString("server")))
	require.NoError(t, err)
	go echo(ctx, l)
	fast := gns.WithConfig(config.Int32(config.SendRateMin, 50<<20), config.Int32(config.SendRateMax, 50<<20))
	c, err := gns.Dial(ctx, l.Addr().String(), gns.WithIdentity(gns.GenericString("client")), fast)
	require.NoError(t, err)
	require.Equal(t, "str:server", c.RemoteIdentity().String())
	require.Equal(t, l.Addr(), c.RemoteAddr())
	for _, size := range []int{0, 1, 100, 1200, 5000, 70_000} {
		want := bytes.Repeat([]byte{byte(size)}, size)
		require.NoError(t, c.Send(want, gns.SendReliableNoNagle))
		m, err := c.Receive(ctx)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, m.Data), "%d bytes", size)
		m.Release()
	}
	require.NoError(t, c.Close())
	require.NoError(t, c.Close(), "again")
	require.ErrorIs(t, c.Err(), net.ErrClosed)
	_, err = c.Receive(ctx)
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, l.Close())
	require.NoError(t, l.Sockets().Close())
}

func TestCloseDeliversEverything(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	l, err := gns.Listen("127.0.0.1:0", gns.WithConfig(
		config.Float(config.FakePacketLossSend, 10), config.Float(config.FakePacketLossRecv, 10), config.Int32(config.FakePacketLagRecv, 10)))
	require.NoError(t, err)
	c, err := dialAccept(t, ctx, l)
	require.NoError(t, err)
	const count = 200
	for i := range count {
		require.NoError(t, c.client.SendContext(ctx, fmt.Appendf(nil, "%d", i), gns.SendReliable))
	}
	require.NoError(t, c.client.Close())
	for i := range count {
		m, err := c.server.Receive(ctx)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(i), string(m.Data))
	}
	_, err = c.server.Receive(ctx)
	var ce *gns.CloseError
	require.ErrorAs(t, err, &ce)
	require.True(t, ce.ByPeer)
	require.Equal(t, gns.EndAppGeneric, ce.Reason)
	<-c.server.Done()
}

type bothEnds struct{ client, server *gns.Conn }

func dialAccept(t testing.TB, ctx context.Context, l *gns.Listener, opts ...gns.Option) (bothEnds, error) {
	var b bothEnds
	var serverErr error
	done := make(chan struct{})
	go func() { b.server, serverErr = l.Accept(ctx); close(done) }()
	client, err := gns.Dial(ctx, l.Addr().String(), opts...)
	if err != nil {
		return b, err
	}
	<-done
	require.NoError(t, serverErr)
	b.client = client
	return b, nil
}

// A server that says one thing and hangs up was reached all the same.
func TestDialToAShortConnection(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	l, err := gns.Listen("127.0.0.1:0")
	require.NoError(t, err)
	go func() {
		for {
			c, err := l.Accept(ctx)
			if err != nil {
				return
			}
			_ = c.Send([]byte("not today"), gns.SendReliable)
			_ = c.CloseWithReason(1001, "closed for the day", true)
		}
	}()
	for range 20 {
		c, err := gns.Dial(ctx, l.Addr().String())
		require.NoError(t, err)
		m, err := c.Receive(ctx)
		require.NoError(t, err)
		require.Equal(t, "not today", string(m.Data))
		_, err = c.Receive(ctx)
		require.ErrorIs(t, err, io.EOF)
		require.NoError(t, c.Close())
	}
}

// Drain lets a program exit knowing that the peer has noticed.
func TestDrain(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	l, err := gns.Listen("127.0.0.1:0")
	require.NoError(t, err)
	s := newSockets(t, &gns.Options{Config: []config.Value{config.Float(config.FakePacketLossSend, 15)}})
	c, err := dialAccept(t, ctx, l, gns.WithSockets(s))
	require.NoError(t, err)
	require.NoError(t, s.Drain(ctx), "open connections are not waited for")
	require.NoError(t, c.client.Send([]byte("x"), gns.SendReliable))
	require.NoError(t, c.client.CloseWithReason(1002, "over", true))
	require.NoError(t, s.Drain(ctx))
	require.NoError(t, s.Close())
	<-c.server.Done()
	var ce *gns.CloseError
	require.ErrorAs(t, c.server.Err(), &ce)
	require.EqualValues(t, 1002, ce.Reason)
}

func TestListenerRefuses(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	l, err := gns.Listen("127.0.0.1:0", gns.WithAcceptFunc(func(info gns.ConnectionInfo) error {
		if info.Identity == gns.GenericString("friend") {
			return nil
		}
		return &gns.CloseError{Reason: 1099, Debug: "friends only"}
	}))
	require.NoError(t, err)
	go echo(ctx, l)
	_, err = gns.Dial(ctx, l.Addr().String(), gns.WithIdentity(gns.GenericString("foe")))
	var ce *gns.CloseError
	require.ErrorAs(t, err, &ce)
	require.EqualValues(t, 1099, ce.Reason)
	require.Equal(t, "friends only", ce.Debug)
	c, err := gns.Dial(ctx, l.Addr().String(), gns.WithIdentity(gns.GenericString("friend")))
	require.NoError(t, err)
	require.NoError(t, c.Close())
}

func TestListenerCloseKeepsConnections(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	l, err := gns.Listen("127.0.0.1:0")
	require.NoError(t, err)
	c, err := dialAccept(t, ctx, l)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = l.Accept(ctx)
	require.ErrorIs(t, err, net.ErrClosed)
	require.NoError(t, c.client.Send([]byte("still here"), gns.SendReliable))
	m, err := c.server.Receive(ctx)
	require.NoError(t, err)
	require.Equal(t, "still here", string(m.Data))

	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	_, err = gns.Dial(short, l.Addr().String())
	require.ErrorIs(t, err, context.DeadlineExceeded, "nobody new is let in")
}

func TestCloseListenSocketTellsPeers(t *testing.T) {
	t.Parallel()
	addr := testport.UDP(t)
	server, client, _, _, ls := connected(t, nil, nil, addr)
	require.NoError(t, server.s.CloseListenSocket(ls))
	client.until("the peer has closed", client.reached(gns.StateClosedByPeer))
	_, err := server.s.CreateListenSocketIP(addr)
	require.NoError(t, err, "the address is free at once")
}

func TestReceiveAndDialHonorContext(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	l, err := gns.Listen("127.0.0.1:0")
	require.NoError(t, err)
	c, err := dialAccept(t, ctx, l)
	require.NoError(t, err)
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	_, err = c.client.Receive(short)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = l.Accept(short)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	silent, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	_, err = gns.Dial(ctx, silent.LocalAddr().String(), gns.WithConfig(config.Int32(config.TimeoutInitial, 50)))
	var ce *gns.CloseError
	require.ErrorAs(t, err, &ce)
	require.True(t, ce.Timeout())
}

func TestNoCipherInCommon(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	l, err := gns.Listen("127.0.0.1:0", gns.WithConfig(config.Int32(config.Unencrypted, 3)))
	require.NoError(t, err)
	go echo(ctx, l)
	_, err = gns.Dial(ctx, l.Addr().String())
	var ce *gns.CloseError
	require.ErrorAs(t, err, &ce)
	require.Equal(t, gns.EndRemoteBadCrypt, ce.Reason)
	require.True(t, ce.ByPeer)
}

func TestManySocketsInOneProcess(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	l, err := gns.Listen("127.0.0.1:0")
	require.NoError(t, err)
	go echo(ctx, l)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			c, err := gns.Dial(ctx, l.Addr().String())
			if !errors.Is(err, nil) {
				t.Errorf("client %d: %v", i, err)
				return
			}
			for n := range 50 {
				want := fmt.Sprintf("%d/%d", i, n)
				if err := c.Send([]byte(want), gns.SendReliableNoNagle); err != nil {
					t.Errorf("client %d: %v", i, err)
					return
				}
				m, err := c.Receive(ctx)
				if err != nil || string(m.Data) != want {
					t.Errorf("client %d: got %v, want %q", i, err, want)
					return
				}
			}
			if err := c.Close(); err != nil {
				t.Errorf("client %d: close: %v", i, err)
			}
		}()
	}
	wg.Wait()
}

func TestConfig(t *testing.T) {
	t.Parallel()
	_, client, _, cc, _ := connected(t, nil, nil, loopback4)
	s := client.s
	require.NoError(t, s.SetConfig(config.Global, 0, config.Int32(config.NagleTime, 100)))
	v, err := s.Config(config.Connection, uint32(cc), config.NagleTime)
	require.NoError(t, err)
	require.EqualValues(t, 100, v.Int32(), "inherited, live")
	require.NoError(t, s.SetConfig(config.Connection, uint32(cc), config.Int32(config.NagleTime, 0)))
	v, err = s.Config(config.Connection, uint32(cc), config.NagleTime)
	require.NoError(t, err)
	require.Zero(t, v.Int32())
	require.ErrorIs(t, s.SetConfig(config.Connection, uint32(cc), config.Int32(config.Unencrypted, 1)), config.ErrLocked)
	require.ErrorIs(t, s.SetConfig(config.Connection, 1, config.Int32(config.NagleTime, 1)), gns.ErrInvalidParam)
	require.NoError(t, s.SetConfig(config.Global, 0, config.Int32(config.FakePacketLagSend, 1)), "while sockets are open")
}

func TestKeyLog(t *testing.T) {
	t.Parallel()
	var a, b bytes.Buffer
	_, _, _, _, _ = connected(t, &gns.Options{KeyLog: &a}, &gns.Options{KeyLog: &b}, loopback4)
	require.True(t, strings.HasPrefix(a.String(), "GNS_KEYS "))
	require.Equal(t, 1, strings.Count(a.String(), "\n"))
	require.Equal(t, a.String(), b.String(), "both sides have the same keys")
}

func TestSocketsCloseTellsPeersAndLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("use", func(t *testing.T) {
		server, client, _, cc, _ := connected(t, nil, nil, loopback4)
		_, err := client.s.SendMessageToConnection(cc, []byte("x"), gns.SendReliable)
		require.NoError(t, err)
		require.NoError(t, server.s.Close())
		client.until("the peer has closed", client.reached(gns.StateClosedByPeer))
		require.Equal(t, gns.EndAppExceptionMax, client.events[len(client.events)-1].Info.EndReason)
		require.ErrorIs(t, server.s.Wait(server.ctx), gns.ErrInvalidState)
		_, err = server.s.CreateListenSocketIP(loopback4)
		require.ErrorIs(t, err, gns.ErrInvalidState)
	})
	for ctx := testContext(t); runtime.NumGoroutine() > before; {
		require.NoError(t, ctx.Err(), "%d goroutines are left, %d were there before", runtime.NumGoroutine(), before)
		<-time.After(time.Millisecond)
	}
}

// Wait returns as long as anything is left to do, not just once for everything.
func TestWaitWithLeftovers(t *testing.T) {
	t.Parallel()
	server, client, sc, cc, _ := connected(t, nil, nil, loopback4)
	for i := range 20 {
		_, err := client.s.SendMessageToConnection(cc, fmt.Appendf(nil, "%d", i), gns.SendReliable)
		require.NoError(t, err)
	}
	for total := 0; total < 20; {
		require.NoError(t, server.s.Wait(server.ctx), "%d of 20 read", total)
		server.s.RunCallbacks()
		var one [1]*gns.Message
		n, err := server.s.ReceiveMessagesOnConnection(sc, one[:])
		require.NoError(t, err)
		total += n
	}
	short, cancel := context.WithTimeout(server.ctx, 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, server.s.Wait(short), context.DeadlineExceeded, "nothing is left")
}

// Close says so if reliable messages did not get through.
func TestCloseReportsUndeliveredData(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	l, err := gns.Listen("127.0.0.1:0")
	require.NoError(t, err)
	c, err := dialAccept(t, ctx, l)
	require.NoError(t, err)
	require.NoError(t, c.client.Send(make([]byte, 500_000), gns.SendReliable)) // two seconds at the default rate
	closed := make(chan error, 1)
	go func() { closed <- c.client.Close() }()
	require.NoError(t, c.server.CloseWithReason(2001, "crash", false))
	var ce *gns.CloseError
	require.ErrorAs(t, <-closed, &ce)
	require.EqualValues(t, 2001, ce.Reason)
	require.True(t, ce.ByPeer)
}

// A message that can never fit into the send buffer is refused at once instead of waited for.
func TestSendContextRefusesWhatNeverFits(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	l, err := gns.Listen("127.0.0.1:0")
	require.NoError(t, err)
	c, err := dialAccept(t, ctx, l, gns.WithConfig(config.Int32(config.SendBufferSize, 5000)))
	require.NoError(t, err)
	require.ErrorIs(t, c.client.SendContext(ctx, make([]byte, 6000), gns.SendReliable), gns.ErrLimitExceeded)
	for range 10 {
		require.NoError(t, c.client.SendContext(ctx, make([]byte, 4000), gns.SendReliable))
	}
}

// Connections that end before anybody accepts them do not pile up.
func TestNeverAcceptedConnectionsGoAway(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		server, client := w.machine(), w.machine()
		w.path(server, client, lag(10*time.Millisecond))
		s := w.open(server, gns.Options{})
		var gone []gns.Connection
		s.OnConnectionStatusChanged(func(e gns.ConnectionStatusChanged) {
			if e.Info.State == gns.StateNone {
				gone = append(gone, e.Conn)
			}
		})
		_, err := gns.Listen(":27015", gns.WithSockets(s))
		require.NoError(t, err)
		clients := w.open(client, gns.Options{})
		const count = 5
		for range count {
			short, cancel := context.WithTimeout(w.ctx, 50*time.Millisecond)
			_, err := gns.Dial(short, fmt.Sprintf("%v:27015", server.Addr()), gns.WithSockets(clients))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			cancel()
		}
		time.Sleep(time.Second)
		s.RunCallbacks()
		require.Len(t, gone, count)
		for _, c := range gone {
			_, err := s.ConnectionInfo(c)
			require.ErrorIs(t, err, gns.ErrInvalidParam)
		}
	})
}

func TestAcceptEndsWithItsSockets(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	for name, end := range map[string]func(*gns.Listener) error{
		"Sockets.Close":     func(l *gns.Listener) error { return l.Sockets().Close() },
		"CloseListenSocket": func(l *gns.Listener) error { return l.Sockets().CloseListenSocket(l.Handle()) },
		"Listener.Close":    func(l *gns.Listener) error { return l.Close() },
	} {
		l, err := gns.Listen("127.0.0.1:0")
		require.NoError(t, err)
		accepted := make(chan error, 1)
		go func() { _, err := l.Accept(ctx); accepted <- err }()
		require.NoError(t, end(l), name)
		require.ErrorIs(t, <-accepted, net.ErrClosed, name)
	}
}

// Closing a Sockets while connections are being made and arrive leaves none behind.
func TestCloseRacesWithConnections(t *testing.T) {
	t.Parallel()
	for range 50 {
		a, err := gns.New(nil)
		require.NoError(t, err)
		b, err := gns.New(nil)
		require.NoError(t, err)
		ls, err := b.CreateListenSocketIP(loopback4)
		require.NoError(t, err)
		addr, err := b.ListenSocketAddress(ls)
		require.NoError(t, err)
		made := make(chan gns.Connection, 1)
		go func() {
			c, _ := a.ConnectByIPAddress(addr)
			made <- c
		}()
		require.NoError(t, a.Close())
		require.NoError(t, b.Close())
		_, err = a.ConnectionInfo(<-made)
		require.ErrorIs(t, err, gns.ErrInvalidParam)
	}
}
