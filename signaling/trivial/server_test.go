package trivial

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestServerTakesPayloadsAsTheyAre(t *testing.T) {
	t.Parallel()
	s := newServer(t, Limits{})
	b := s.telnet(" str:bob\t\r\n")
	s.wantMember(bob)
	a := s.telnet("str:alice\nstr:bob not hex at all\r\nstr:bob \n", "\nnospace\n  nobody\nstr:carol 00\nstr:bob 00\n")
	b.want("str:alice not hex at all\r\n")
	b.want("str:alice \n")
	b.want("str:alice 00\n")
	a.write("str:alice unfinished")
	require.NoError(t, a.conn.Close())
	s.wantStats(func(st ServerStats) bool {
		return st == ServerStats{Clients: 1, Accepted: 2, Forwarded: 3, Malformed: 3, Unknown: 1}
	})
}

func TestNewestConnectionOfAnIdentityReceives(t *testing.T) {
	t.Parallel()
	s := newServer(t, Limits{})
	a, first := s.join(alice), s.telnet("str:bob\n")
	s.wantMember(bob)
	second := s.telnet("str:bob\n")
	first.wantCut()
	a.send(bob, "hello")
	second.want("str:alice 68656c6c6f\n")
	s.wantStats(func(st ServerStats) bool { return st.Clients == 2 && st.Replaced == 1 })
	require.NoError(t, second.conn.Close())
	s.wantStats(func(st ServerStats) bool { return st.Clients == 1 })
	a.send(bob, "anybody?")
	s.wantStats(func(st ServerStats) bool { return st.Unknown == 1 })
}

func TestTwoClientsOfOneIdentityBothStayAlive(t *testing.T) {
	t.Parallel()
	s := newServer(t, Limits{})
	first := s.join(bob)
	second := s.join(bob)
	s.wantStats(func(st ServerStats) bool { return st.Replaced >= 3 })
	require.NoError(t, first.Close())
	a := s.join(alice)
	require.Eventually(t, func() bool {
		a.send(bob, "still there?")
		return len(second.ch) > 0
	}, patience, 10*time.Millisecond)
}

func TestGreetingsRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t, Limits{})
	for _, greeting := range []string{"\n", " \r\n", "str:two words\n", "str:\x01\n", "\xff\n", strings.Repeat("x", 128) + "\n"} {
		s.telnet(greeting, "str:bob 00\n").wantCut()
	}
	c := s.telnet("str:unfinished")
	require.NoError(t, c.conn.(*net.TCPConn).CloseWrite())
	c.wantCut()
	s.wantStats(func(st ServerStats) bool { return st == ServerStats{Accepted: 7, Refused: 7} })
}

func TestGreetingIsNotWaitedForForever(t *testing.T) {
	t.Parallel()
	s := newServer(t, Limits{Greeting: 10 * time.Millisecond})
	s.telnet("str:b").wantCut()
}

func TestTooManyClientsAreRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t, Limits{Clients: 2})
	a, b := s.join(alice), s.join(bob)
	s.telnet("str:carol\n").wantCut()
	require.EqualValues(t, 1, s.Stats().Refused)
	a.send(bob, "hello")
	b.want(alice, "hello")
	require.NoError(t, b.Close())
	s.wantStats(func(st ServerStats) bool { return st.Clients == 1 })
	s.telnet("str:carol\nstr:carol 00\n").want("str:carol 00\n")
}

func TestWhoSendsTooMuchLosesSignals(t *testing.T) {
	t.Parallel()
	s := newServer(t, Limits{Rate: 0.001, Burst: 3})
	a, b := s.telnet("str:alice\n"), s.join(bob)
	a.write(strings.Repeat("str:bob 61\n", 10))
	for range 3 {
		b.want(alice, "a")
	}
	s.wantStats(func(st ServerStats) bool { return st.Limited == 7 })
	b.send(bob, "has a limit of its own")
	b.want(bob, "has a limit of its own")
}

func TestBudgetComesBack(t *testing.T) {
	t.Parallel()
	now := time.Unix(1, 0)
	b := budget{rate: 10, most: 2, left: 2, last: now}
	require.True(t, b.take(now))
	require.True(t, b.take(now))
	require.False(t, b.take(now))
	require.False(t, b.take(now.Add(50*time.Millisecond)))
	require.True(t, b.take(now.Add(101*time.Millisecond)))
	require.False(t, b.take(now), "a clock that goes back gives nothing")
	require.True(t, b.take(now.Add(time.Hour)))
	require.True(t, b.take(now.Add(time.Hour)))
	require.False(t, b.take(now.Add(time.Hour)))
}

func TestSlowReaderIsCutAndHoldsUpNobody(t *testing.T) {
	t.Parallel()
	s := newServer(t, Limits{Rate: 1e9, Burst: 1e9, Write: 200 * time.Millisecond})
	slow := s.telnet("str:slow\n")
	require.NoError(t, slow.conn.(*net.TCPConn).SetReadBuffer(4096))
	require.Eventually(t, func() bool { return s.find("str:slow") != nil }, patience, time.Millisecond)
	a, b := s.telnet("str:alice\n"), s.join(bob)
	flood := strings.Repeat("str:slow "+strings.Repeat("00", 16000)+"\n", 100)
	for s.Stats().Slow == 0 {
		a.write(flood, "str:bob 61\n")
		b.want(alice, "a")
	}
	require.Positive(t, s.Stats().Dropped)
	s.wantStats(func(st ServerStats) bool { return st.Clients == 2 })
}

func TestServerEnds(t *testing.T) {
	t.Parallel()
	s := newServer(t, Limits{})
	c, silent := s.telnet("str:alice\n"), s.telnet()
	s.wantStats(func(st ServerStats) bool { return st.Clients == 2 })
	s.stop()
	c.wantCut()
	silent.wantCut()
	require.Zero(t, s.Stats().Clients)
	require.NoError(t, s.Close(), "again")

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.ErrorIs(t, s.Serve(l), ErrServerClosed)
	_, err = l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)

	var unused Server
	require.NoError(t, unused.Close())
}

// faulty is a listener with errors.
type faulty struct {
	net.Listener
	errs []error
}

type fault struct{ temporary bool }

func (f fault) Error() string   { return "too many open files" }
func (f fault) Temporary() bool { return f.temporary }

func (f *faulty) Accept() (net.Conn, error) {
	err := f.errs[0]
	f.errs = f.errs[1:]
	return nil, err
}

func TestListenerThatFails(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	broken := errors.New("broken")
	s := &Server{}
	defer func() { require.NoError(t, s.Close()) }()
	require.ErrorIs(t, s.Serve(&faulty{l, []error{fault{true}, fault{true}, broken}}), broken)
	_, err = l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}

// FuzzLines checks the reader of lines against a simple one, however the input comes in pieces.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nbb\n\nccc"), uint8(2))
	f.Add([]byte(strings.Repeat("x", 100)+"\ny\n"), uint8(50))
	f.Fuzz(func(t *testing.T, input []byte, limit uint8) {
		parts := bytes.Split(input, []byte("\n"))
		r := lineReader{bufio.NewReaderSize(iotest.HalfReader(bytes.NewReader(input)), 16), int(limit)}
		for _, want := range parts[:len(parts)-1] {
			got, err := r.next()
			if len(want) > int(limit) {
				require.ErrorIs(t, err, errTooLong)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		_, err := r.next()
		require.ErrorIs(t, err, io.EOF)
	})
}
