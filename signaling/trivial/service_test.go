package trivial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/signaltest"
	"github.com/gogns/gns/p2p"
	"github.com/stretchr/testify/require"
)

func TestSignalsReachWhomTheyAreFor(t *testing.T) {
	t.Parallel()
	s := newServer(t, Limits{})
	a, b := s.join(alice), s.join(bob)
	a.send(bob, "one")
	b.want(alice, "one")
	b.send(alice, "two")
	a.want(bob, "two")
	a.send(alice, "to myself")
	a.want(alice, "to myself")
	a.send(bob, "")
	b.want(alice, "")

	large := strings.Repeat("\x00\xff\n ", p2p.MaxSignal/4)
	a.send(bob, large)
	b.want(alice, large)
	require.Equal(t, Stats{Connected: true, Connects: 1, Sent: 4, Received: 2}, a.Stats())
}

func TestIdentitiesOfEveryKind(t *testing.T) {
	t.Parallel()
	s := newServer(t, Limits{})
	a := s.join(alice)
	for _, text := range []string{
		"steamid:76561197960287930", "ip:1.2.3.4:5", "ip:2001:db8::1", "gen:00ff10", "xboxpwid:abc", "psn:123", "later:something new?"[:15], "str:ümlaut",
		"str:" + strings.Repeat("x", crypto.MaxGenericString), "later:" + strings.Repeat("x", crypto.MaxIdentityText-6),
	} {
		id, err := crypto.ParseIdentity(text)
		require.NoError(t, err)
		c := s.join(id)
		a.send(id, "hello")
		c.want(alice, "hello")
		c.send(alice, "hello yourself")
		a.want(id, "hello yourself")
	}
}

func TestWhatTheProtocolCannotExpressIsAnError(t *testing.T) {
	t.Parallel()
	service := New("127.0.0.1:1")
	c := open(t, service, alice)
	for _, tc := range []struct {
		id   crypto.Identity
		want string
	}{
		{crypto.GenericString("two words"), "has a space or a control character"},
		{crypto.GenericString("two\nlines"), "has a space or a control character"},
		{crypto.GenericString("wide\u3000space"), "has a space or a control character"},
		{crypto.GenericString("\xff"), "is not UTF-8"},
		{crypto.Identity{}, "no identity"},
		{crypto.GenericBytes(nil), "generic bytes number 0"},
	} {
		require.ErrorContains(t, c.SendSignal(tc.id, nil), tc.want)
		_, err := service.Open(tc.id, c)
		require.ErrorContains(t, err, tc.want)
	}
	require.ErrorContains(t, c.SendSignal(bob, make([]byte, p2p.MaxSignal+1)), "signal of more than 16384 bytes")
	require.NoError(t, c.SendSignal(bob, make([]byte, p2p.MaxSignal)))
	_, err := New("127.0.0.1").Open(alice, c)
	require.ErrorContains(t, err, "server address: address 127.0.0.1: missing port")
}

func TestClientComesBackToARestartedServer(t *testing.T) {
	t.Parallel()
	s := newServer(t, Limits{})
	a, b := s.join(alice), s.join(bob)
	a.send(bob, "before")
	b.want(alice, "before")
	for i := range 3 {
		s.stop()
		require.Eventually(t, func() bool { return !a.Stats().Connected && !b.Stats().Connected }, patience, time.Millisecond)
		s.start()
		s.wantMember(alice)
		s.wantMember(bob)
		signal := fmt.Sprint("after restart ", i)
		a.send(bob, signal)
		b.want(alice, signal)
	}
	require.EqualValues(t, 4, a.Stats().Connects)
}

func TestSignalsWaitForTheServerTheLatest32(t *testing.T) {
	t.Parallel()
	s := newServer(t, Limits{})
	b := s.join(bob)
	var up atomic.Bool
	a := open(t, &Service{Address: s.address, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if !up.Load() {
			return nil, errors.New("no network")
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}}, alice)
	for i := range 100 {
		a.send(bob, fmt.Sprint(i))
	}
	require.EqualValues(t, 100-maxQueue, a.Stats().Dropped)
	up.Store(true)
	for i := 100 - maxQueue; i < 100; i++ {
		b.want(alice, fmt.Sprint(i))
	}
	require.EqualValues(t, 1, a.Stats().Connects)
}

func TestCloseSendsWhatWaits(t *testing.T) {
	t.Parallel()
	s := newServer(t, Limits{})
	a, b := s.join(alice), s.join(bob)
	for range maxQueue {
		a.send(bob, "last words")
	}
	require.NoError(t, a.Close())
	for range maxQueue {
		b.want(alice, "last words")
	}
	require.ErrorIs(t, a.SendSignal(bob, nil), p2p.ErrClosed)
	require.NoError(t, a.Close(), "again")
	s.wantStats(func(st ServerStats) bool { return st.Clients == 1 })
}

func TestCloseDoesNotWaitForAServerThatTakesNothing(t *testing.T) {
	t.Parallel()
	dialed, stuck := make(chan struct{}), make(chan struct{})
	for _, dial := range []func(ctx context.Context, network, address string) (net.Conn, error){
		func(ctx context.Context, _, _ string) (net.Conn, error) {
			close(dialed)
			<-ctx.Done()
			return nil, ctx.Err()
		},
		func(context.Context, string, string) (net.Conn, error) {
			conn, other := net.Pipe() // whose writes wait for reads
			t.Cleanup(func() { _ = other.Close() })
			close(stuck)
			return conn, nil
		},
	} {
		a := open(t, &Service{Address: "server:1", Dial: dial}, alice)
		a.send(bob, "hello")
		select {
		case <-dialed:
		case <-stuck:
		}
		start := time.Now()
		require.NoError(t, a.Close())
		require.Less(t, time.Since(start), 4*time.Second)
		dialed = nil
	}
}

func TestCloseWaitsForTheHandler(t *testing.T) {
	t.Parallel()
	s := newServer(t, Limits{})
	a := s.join(alice)
	signaltest.CloseWaitsForTheHandler(t, func(h p2p.SignalHandler) p2p.SignalingClient {
		b, err := New(s.address).Open(bob, h)
		require.NoError(t, err)
		s.wantMember(bob)
		return b
	}, func(signal string) { a.send(bob, signal) })
}

func TestClientIgnoresWhatIsNoSignal(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	a := open(t, New(l.Addr().String()), alice)
	conn, err := l.Accept()
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	greeting := make([]byte, len("str:alice\n"))
	_, err = conn.Read(greeting)
	require.NoError(t, err)
	require.Equal(t, "str:alice\n", string(greeting))

	for _, line := range []string{
		"\n", "nospace\n", " 00\n", "str:bob 0\n", "str:bob 0g\n", "str:bob 00 00\n",
		"str:bob " + strings.Repeat("00", p2p.MaxSignal+1) + "\n",
		strings.Repeat("x", 3*maxLine) + " 00\n",
	} {
		_, err := conn.Write([]byte(line))
		require.NoError(t, err)
	}
	_, err = conn.Write([]byte("str:bob aBCd\r\nnobody 6162\n"))
	require.NoError(t, err)
	a.want(bob, "\xab\xcd")
	a.want(crypto.Identity{}, "ab")
	require.EqualValues(t, 8, a.Stats().Malformed)
}

func TestPausesGrowAndVary(t *testing.T) {
	t.Parallel()
	require.Zero(t, pause(0))
	seen := map[time.Duration]bool{}
	for i := 1; i < 100; i++ {
		p := pause(i)
		require.GreaterOrEqual(t, p, firstPause/2)
		require.LessOrEqual(t, p, longestPause)
		seen[p] = true
	}
	require.Less(t, pause(1), pause(20))
	require.Greater(t, len(seen), 90)
}

// FuzzLine checks that what is taken for a signal is one.
func FuzzLine(f *testing.F) {
	for _, line := range []string{"str:bob 00ff", "str:bob", " 00", "str:bob ", "x aBcD\r", "str:bob 0"} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		from, signal, err := parseLine(line)
		if err != nil {
			require.Nil(t, signal)
			return
		}
		require.LessOrEqual(t, len(signal), p2p.MaxSignal)
		require.True(t, from.IsZero() || from.IsValid())
		if name, err := nameOf(from); err == nil {
			again, signal2, err := parseLine(bytes.TrimSuffix(formatLine(name, signal), []byte("\n")))
			require.NoError(t, err)
			require.Equal(t, from, again)
			require.True(t, bytes.Equal(signal, signal2))
		}
	})
}
