package nats

import (
	"fmt"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/signaltest"
	"github.com/gogns/gns/internal/testport"
	"github.com/gogns/gns/p2p"
	natsgo "github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
)

func TestSignalsReachWhomTheyAreFor(t *testing.T) {
	t.Parallel()
	o := Options{URL: runTestServer(t, ServerOptions{}).URL()}
	a, b := join(t, o, alice), join(t, o, bob)
	a.send(bob, "one")
	b.want(alice, "one")
	b.send(alice, "two")
	a.want(bob, "two")
	a.send(alice, "to myself")
	a.want(alice, "to myself")
	a.send(bob, "")
	b.want(alice, "")
	large := strings.Repeat("\x00\r\n.", p2p.MaxSignal/4)
	a.send(bob, large)
	b.want(alice, large)
	require.Equal(t, Stats{Connected: true, Connects: 1, Sent: 4, Received: 2}, a.Stats())
}

func TestIdentitiesOfEveryKind(t *testing.T) {
	t.Parallel()
	const prefix = "some-game.eu"
	o := Options{URL: runTestServer(t, ServerOptions{Prefix: prefix}).URL(), Prefix: prefix}
	a := join(t, o, alice)
	for _, id := range []crypto.Identity{
		crypto.GenericString("two words.*>\r\n\xff="), crypto.GenericString(""), crypto.GenericBytes([]byte{0, 255}), crypto.PSNID(5),
		crypto.GenericString(strings.Repeat(" ", crypto.MaxGenericString)), crypto.Localhost(),
	} {
		c := join(t, o, id)
		a.send(id, "hello")
		c.want(alice, "hello")
		c.send(alice, "hello yourself")
		a.want(id, "hello yourself")
	}
}

func TestPrefixesKeepApplicationsApart(t *testing.T) {
	t.Parallel()
	url := runTestServer(t, ServerOptions{Prefix: "one"}).URL()
	a := join(t, Options{URL: url, Prefix: "one"}, alice)
	open(t, Options{URL: url, Prefix: "two"}, bob).send(alice, "not permitted")
	a.send(bob, "other subjects")
	a.wantEvent(event{who: bob, unreachable: true})
}

func TestUnreachableWithinARoundTrip(t *testing.T) {
	t.Parallel()
	o := Options{URL: runTestServer(t, ServerOptions{}).URL()}
	a := join(t, o, alice)
	a.send(bob, "anybody?")
	a.wantEvent(event{who: bob, unreachable: true}) // the server says so: nothing here would give up by itself

	b := join(t, o, bob)
	a.send(bob, "now?")
	b.want(alice, "now?")
	require.NoError(t, b.Close())
	require.Eventually(t, func() bool {
		a.send(bob, "still there?")
		return a.Stats().Unreachable > 1
	}, patience, time.Millisecond)
	require.EqualValues(t, 1, a.Stats().Connects, "the connection is none the worse for it")
}

func TestClientsComeBackToARestartedServer(t *testing.T) {
	t.Parallel()
	address := testport.TCP(t).String()
	server := runTestServer(t, ServerOptions{Address: address})
	o := Options{URL: server.URL()}
	a, b := join(t, o, alice), join(t, o, bob)
	for i := range 3 {
		signal := fmt.Sprint("before restart ", i)
		a.send(bob, signal)
		b.want(alice, signal)
		require.NoError(t, server.Close())
		for _, c := range []*testClient{a, b} {
			c.wantStats(func(s Stats) bool { return !s.Connected })
		}
		server = runTestServer(t, ServerOptions{Address: address})
		b.wantStats(func(s Stats) bool { return s.Connected })
		a.send(bob, "first after the restart")
		b.want(alice, "first after the restart")
	}
}

func TestServerMayComeLater(t *testing.T) {
	t.Parallel()
	address := testport.TCP(t).String()
	a := open(t, Options{URL: "nats://" + address}, alice)
	for range maxQueue + 5 {
		a.send(alice, "dropped")
	}
	for i := range maxQueue {
		a.send(alice, fmt.Sprint(i))
	}
	require.EqualValues(t, maxQueue+5, a.Stats().Dropped)
	runTestServer(t, ServerOptions{Address: address})
	for i := range 200 { // as many as there are at once from one sender
		a.want(alice, fmt.Sprint(i))
	}
}

func TestOldSignalsAreNotSent(t *testing.T) {
	t.Parallel()
	a := open(t, Options{URL: "nats://127.0.0.1:1"}, alice)
	a.send(bob, "old")
	_, ok := a.next(time.Now().Add(2 * maxAge))
	require.False(t, ok)
	a.send(bob, "new")
	out, ok := a.next(time.Now())
	require.True(t, ok)
	require.Equal(t, "new", string(out.signal))
	require.EqualValues(t, 1, a.Stats().Dropped)
}

func TestWhoSendsTooMuchIsNotHeard(t *testing.T) {
	t.Parallel()
	o := Options{URL: runTestServer(t, ServerOptions{}).URL()}
	a, c := join(t, o, alice), join(t, o, carol)
	o.Rate, o.Burst = 0.001, 3
	b := join(t, o, bob)
	for range 10 {
		a.send(bob, "spam")
	}
	for range 3 {
		b.want(alice, "spam")
	}
	b.wantStats(func(s Stats) bool { return s.Limited == 7 })
	c.send(bob, "hello")
	b.want(carol, "hello")
}

func TestLimiterForgetsThoseWhoAreQuiet(t *testing.T) {
	t.Parallel()
	now := time.Unix(1, 0)
	l := newLimiter(1, 2)
	sender := func(i int) crypto.Identity { return crypto.PSNID(uint64(i)) }
	for i := range maxSenders {
		require.True(t, l.take(sender(i), now))
	}
	require.False(t, l.take(sender(maxSenders), now), "no room")
	require.True(t, l.take(sender(0), now), "known")
	require.False(t, l.take(sender(0), now), "its second was the last")
	now = now.Add(1001 * time.Millisecond)
	require.True(t, l.take(sender(maxSenders), now))
	require.Len(t, l.full, 2)
	require.True(t, l.take(sender(0), now))
	require.False(t, l.take(sender(0), now))
}

func TestClose(t *testing.T) {
	t.Parallel()
	server := runTestServer(t, ServerOptions{})
	o := Options{URL: server.URL()}
	a, b := join(t, o, alice), join(t, o, bob)
	for range 100 {
		a.send(bob, "last words")
	}
	require.NoError(t, a.Close())
	for range 100 {
		b.want(alice, "last words")
	}
	require.ErrorIs(t, a.SendSignal(bob, nil), p2p.ErrClosed)
	require.NoError(t, a.Close(), "again")
	require.False(t, a.Stats().Connected)
	require.Eventually(t, func() bool { return server.Clients() == 1 }, patience, time.Millisecond)
}

func TestCloseWaitsForTheHandler(t *testing.T) {
	t.Parallel()
	o := Options{URL: runTestServer(t, ServerOptions{}).URL()}
	a := join(t, o, alice)
	signaltest.CloseWaitsForTheHandler(t, func(h p2p.SignalHandler) p2p.SignalingClient {
		service, err := New(o)
		require.NoError(t, err)
		b, err := service.Open(bob, h)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return b.(*Client).Stats().Connected }, patience, time.Millisecond)
		return b
	}, func(signal string) { a.send(bob, signal) })
}

func TestCloseDoesNotWaitForAServerThatSaysNothing(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	a := open(t, Options{URL: "nats://" + l.Addr().String()}, alice)
	a.send(bob, "hello")
	conn, err := l.Accept()
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	start := time.Now()
	require.NoError(t, a.Close())
	require.Less(t, time.Since(start), helloTimeout/2)
}

func TestStrangeMessagesAreIgnored(t *testing.T) {
	t.Parallel()
	server := runTestServer(t, ServerOptions{})
	a := join(t, Options{URL: server.URL()}, alice)
	conn, err := natsgo.Connect(server.URL(), natsgo.UserInfo("str:bob", ""))
	require.NoError(t, err)
	defer conn.Close()
	a.receive(&natsgo.Msg{Subject: "gns.signal.str:alice.nobody"})
	a.receive(&natsgo.Msg{Subject: "gns.signal.str:alice.str:bob", Data: make([]byte, p2p.MaxSignal+1)})
	a.receiveAbsent(&natsgo.Msg{Subject: "gns.absent.str:alice.str:bob"})
	a.receiveAbsent(&natsgo.Msg{Subject: "gns.absent.str:alice.=", Header: natsgo.Header{"Status": {"503"}}})
	require.EqualValues(t, 4, a.Stats().Malformed)
	require.NoError(t, conn.Publish("gns.signal.str:alice.str:bob", []byte("from anything that speaks NATS")))
	a.want(bob, "from anything that speaks NATS")
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		o    Options
		want string
	}{
		{Options{}, "no URL"},
		{Options{URL: "x", Prefix: "a..b"}, `prefix "a..b" does not consist of`},
		{Options{URL: "x", Prefix: "a.*"}, `prefix "a.*" does not consist of`},
		{Options{URL: "x", Prefix: strings.Repeat("x", 129)}, "prefix of 129 bytes"},
		{Options{URL: "x", Rate: math.NaN()}, "are not limits"},
		{Options{URL: "x", Burst: -1}, "are not limits"},
	} {
		_, err := New(tc.o)
		require.ErrorContains(t, err, tc.want)
	}
	a := open(t, Options{URL: "nats://127.0.0.1:1"}, alice)
	require.ErrorContains(t, a.SendSignal(crypto.Identity{}, nil), "no identity")
	require.ErrorContains(t, a.SendSignal(bob, make([]byte, p2p.MaxSignal+1)), "signal of more than 16384 bytes")
	_, err := a.service.Open(crypto.Identity{}, a)
	require.ErrorContains(t, err, "no identity")
}
