package gns_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/stretchr/testify/require"
)

func milliseconds(id config.ID, d time.Duration) config.Value {
	return config.Int32(id, int32(d/time.Millisecond))
}

func TestDialTimesOutAtTimeoutInitial(t *testing.T) {
	for _, timeout := range []time.Duration{500 * time.Millisecond, 10 * time.Second, 3 * time.Minute} {
		inVirtualTime(t, 1, func(t *testing.T, w *world) {
			s, nobody := w.open(w.machine(), gns.Options{}), w.machine()
			begin := time.Now()
			_, err := w.dial(s, nobody, milliseconds(config.TimeoutInitial, timeout))
			require.Equal(t, timeout, time.Since(begin))
			var ended *gns.CloseError
			require.ErrorAs(t, err, &ended)
			require.Equal(t, gns.CloseError{Reason: gns.EndMiscTimeout, Debug: "timed out attempting to connect"}, *ended)
			require.True(t, ended.Timeout())
		})
	}
}

func TestDialEndsWithItsContext(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		s, nobody := w.open(w.machine(), gns.Options{}), w.machine()
		ctx, cancel := context.WithTimeout(w.ctx, 1234*time.Millisecond)
		defer cancel()
		begin := time.Now()
		_, err := gns.Dial(ctx, fmt.Sprintf("%v:27015", nobody.Addr()), gns.WithSockets(s))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 1234*time.Millisecond, time.Since(begin))
	})
}

// A handshake is two round trips. If there is no answer for half a second, it begins anew.
func TestDialTakesTwoRoundTrips(t *testing.T) {
	const oneWay = 40 * time.Millisecond
	for _, test := range []struct {
		name             string
		cut, until, took time.Duration
	}{
		{name: "nothing lost", took: 4 * oneWay},
		{"challenge request lost", 0, time.Millisecond, 4*oneWay + 500*time.Millisecond},
		{"connect request lost", 2 * oneWay, 3 * oneWay, 6*oneWay + 500*time.Millisecond},
		{"network away for three seconds", 0, 3 * time.Second, 4*oneWay + 3*time.Second},
	} {
		inVirtualTime(t, 1, func(t *testing.T, w *world) {
			client, server := w.machine(), w.machine()
			w.path(client, server, lag(oneWay))
			l, err := gns.Listen(":27015", gns.WithSockets(w.open(server, gns.Options{})))
			require.NoError(t, err)
			go func() { _, _ = l.Accept(w.ctx) }()
			w.net.Cut(client, server, test.cut, test.until-test.cut)
			begin := time.Now()
			_, err = w.dial(w.open(client, gns.Options{}), server)
			require.NoError(t, err, test.name)
			require.Equal(t, test.took, time.Since(begin).Truncate(time.Microsecond), test.name)
			require.NoError(t, l.Close())
		})
	}
}

// A server that does not accept leaves the client waiting until its TimeoutInitial, and does not keep what
// it has of the connection.
func TestConnectionThatIsNeverAccepted(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		client, server := w.machine(), w.machine()
		w.path(client, server, lag(time.Millisecond))
		sock := w.open(server, gns.Options{})
		l, err := gns.Listen(":27015", gns.WithSockets(sock))
		require.NoError(t, err)
		begin := time.Now()
		_, err = w.dial(w.open(client, gns.Options{}), server, milliseconds(config.TimeoutInitial, 20*time.Second))
		var ended *gns.CloseError
		require.ErrorAs(t, err, &ended)
		// The server's patience is the default, which is shorter.
		require.Equal(t, gns.CloseError{Reason: gns.EndMiscTimeout, Debug: "timed out waiting for the application to accept", ByPeer: true}, *ended)
		require.InDelta(t, 10, time.Since(begin).Seconds(), 0.01)
		time.Sleep(6 * time.Second) // FinWait
		conns, _, _ := sock.Tables()
		require.Zero(t, conns)
		require.NoError(t, l.Close())
	})
}

// Later addresses of a host are tried 300 ms apart; the first to answer is taken, and the rest given up.
func TestDialTriesAddressesInTurn(t *testing.T) {
	const oneWay = 10 * time.Millisecond
	type host struct {
		answers bool
		oneWay  time.Duration
	}
	dead, alive, slow := host{}, host{true, oneWay}, host{true, 150 * time.Millisecond}
	for _, test := range []struct {
		name  string
		hosts []host
		took  time.Duration
		taken int
	}{
		{"the first answers", []host{alive, alive}, 4 * oneWay, 0},
		{"two do not answer", []host{dead, dead, alive}, 600*time.Millisecond + 4*oneWay, 2},
		{"the second is faster", []host{slow, alive}, 300*time.Millisecond + 4*oneWay, 1},
		{"nobody answers", []host{dead, dead}, 10*time.Second + 300*time.Millisecond, -1},
	} {
		inVirtualTime(t, 1, func(t *testing.T, w *world) {
			client := w.machine()
			var addrs []netip.AddrPort
			var listeners []*gns.Listener
			for _, h := range test.hosts {
				m := w.machine()
				w.path(client, m, lag(h.oneWay))
				addrs = append(addrs, netip.AddrPortFrom(m.Addr(), 27015))
				if h.answers {
					l, err := gns.Listen(":27015", gns.WithSockets(w.open(m, gns.Options{})))
					require.NoError(t, err)
					listeners = append(listeners, l)
					go func() {
						for c, err := l.Accept(w.ctx); err == nil; c, err = l.Accept(w.ctx) {
							_ = c
						}
					}()
				}
			}
			begin := time.Now()
			s := w.open(client, gns.Options{})
			c, err := s.DialAddrs(w.ctx, addrs)
			require.Equal(t, test.took, time.Since(begin).Truncate(time.Microsecond), test.name)
			if test.taken < 0 {
				require.ErrorContains(t, err, addrs[0].String())
				require.ErrorContains(t, err, addrs[1].String())
			} else {
				require.NoError(t, err)
				require.Equal(t, addrs[test.taken], c.RemoteAddr(), test.name)
			}
			time.Sleep(10 * time.Second) // FinWait of those given up
			conns, _, _ := s.Tables()
			require.Equal(t, min(test.taken+1, 1), conns, test.name)
			for _, l := range listeners {
				require.NoError(t, l.Close())
			}
		})
	}
}

// end waits for the end of a connection and returns why and when it was.
func end(c *gns.Conn) (gns.CloseError, time.Time) {
	<-c.Done()
	return *c.Err().(*gns.CloseError), time.Now()
}

// breakDown lets the network break down one second after a connection was made, and returns how long both
// ends took to find out, and what they say.
func breakDown(t *testing.T, timeout time.Duration, busy, toServer, toClient bool) (took [2]time.Duration, why [2]gns.CloseError) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		p := w.connect(lag(25*time.Millisecond), milliseconds(config.TimeoutConnected, timeout))
		time.Sleep(time.Second)
		begin := time.Now()
		if toServer {
			w.net.Cut(p.client, p.server, 0, time.Hour)
		}
		if toClient {
			w.net.Cut(p.server, p.client, 0, time.Hour)
		}
		if busy {
			require.NoError(t, p.dialed.Send([]byte("x"), gns.SendReliableNoNagle))
			require.NoError(t, p.accepted.Send([]byte("y"), gns.SendReliableNoNagle))
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			var at time.Time
			why[serverSide], at = end(p.accepted)
			took[serverSide] = at.Sub(begin)
		}()
		var at time.Time
		why[clientSide], at = end(p.dialed)
		took[clientSide] = at.Sub(begin)
		<-done
	})
	return took, why
}

var stoppedAnswering = gns.CloseError{Reason: gns.EndMiscTimeout, Debug: "connection dropped: peer stopped answering"}

// Who sends notices soon that nothing is answered; TimeoutConnected counts from then, exactly.
func TestSilentPeerIsDroppedAtTimeoutConnected(t *testing.T) {
	var extra []time.Duration
	for _, timeout := range []time.Duration{3 * time.Second, 10 * time.Second, 17 * time.Second, 2 * time.Minute} {
		took, why := breakDown(t, timeout, true, true, true)
		require.Equal(t, [2]gns.CloseError{stoppedAnswering, stoppedAnswering}, why)
		require.Equal(t, took[clientSide], took[serverSide])
		extra = append(extra, took[clientSide]-timeout)
	}
	require.Greater(t, extra[0], 50*time.Millisecond, "a round trip at least")
	require.Less(t, extra[0], time.Second)
	require.Equal(t, slices.Repeat(extra[:1], len(extra)), extra)
}

// An idle side asks every ten seconds whether the peer is there.
func TestIdleSidesNoticeASilentPeer(t *testing.T) {
	for _, timeout := range []time.Duration{10 * time.Second, 2 * time.Minute} {
		took, why := breakDown(t, timeout, false, true, true)
		require.Equal(t, [2]gns.CloseError{stoppedAnswering, stoppedAnswering}, why)
		for _, d := range took {
			require.Greater(t, d, timeout+8*time.Second) // a second had passed
			require.Less(t, d, timeout+10*time.Second)
		}
	}
}

// Where only one direction is cut, the side that hears nothing ends the connection, and tells the other.
func TestOneWayCutEndsBothSides(t *testing.T) {
	for cut := range 2 { // which side's datagrams are lost
		for _, busy := range []bool{true, false} {
			took, why := breakDown(t, 10*time.Second, busy, cut == clientSide, cut == serverSide)
			told := stoppedAnswering
			told.ByPeer = true
			deaf, mute := 1-cut, cut
			require.Equal(t, stoppedAnswering, why[deaf])
			require.Equal(t, told, why[mute])
			require.Equal(t, took[deaf]+25*time.Millisecond, took[mute])
			require.Less(t, took[mute], 21*time.Second)
		}
	}
}

func TestTimeoutConnectedChangesWhileThePeerIsSilent(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		p := w.connect(lag(time.Millisecond))
		w.net.Partition(p.client, p.server, 0, time.Hour)
		require.NoError(t, p.dialed.Send([]byte("x"), gns.SendReliableNoNagle))
		begin := time.Now()
		time.Sleep(9 * time.Second)
		s := p.dialed.Sockets()
		require.NoError(t, s.SetConfig(config.Connection, uint32(p.dialed.Handle()), milliseconds(config.TimeoutConnected, 30*time.Second)))
		time.Sleep(19 * time.Second)
		require.NoError(t, p.dialed.Err())
		_, at := end(p.dialed)
		require.InDelta(t, 30.5, at.Sub(begin).Seconds(), 0.5)
	})
}

// A connection of which nobody wants anything stays, and costs little.
func TestIdleConnectionLivesForLong(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		p := w.connect(lag(50 * time.Millisecond))
		before := w.net.Sends()
		const hours = 12
		time.Sleep(hours * time.Hour)
		require.NoError(t, p.dialed.Err())
		require.NoError(t, p.accepted.Err())
		perMinute := float64(w.net.Sends()-before) / (hours * 60)
		require.Less(t, perMinute, 20.)
		require.Greater(t, perMinute, 6., "or a silent peer would not be noticed")
		require.NoError(t, p.accepted.Send([]byte("good morning"), gns.SendReliable))
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		m, err := p.dialed.Receive(ctx)
		require.NoError(t, err)
		require.Equal(t, "good morning", string(m.Data))
		m.Release()
	})
}

// The server knows a client by its address. When that changes, neither hears of the other any more.
func TestConnectionDoesNotSurviveAChangeOfAddress(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		p := w.connect(lag(10 * time.Millisecond))
		time.Sleep(time.Second)
		require.NoError(t, p.client.Rebind())
		require.NoError(t, p.dialed.Send([]byte("x"), gns.SendReliableNoNagle))
		begin := time.Now()
		why, at := end(p.dialed)
		require.Equal(t, stoppedAnswering, why)
		require.InDelta(t, 10.5, at.Sub(begin).Seconds(), 0.5)
		why, _ = end(p.accepted)
		require.Equal(t, stoppedAnswering, why)

		go func() { p.accepted, _ = p.l.Accept(w.ctx) }()
		again, err := w.dial(p.dialed.Sockets(), p.server)
		require.NoError(t, err)
		require.NoError(t, again.Send([]byte("here I am"), gns.SendReliable))
		require.NoError(t, again.Close())
	})
}
