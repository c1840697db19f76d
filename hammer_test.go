package gns_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/signaling/memory"
	"github.com/gogns/gns/transport/ice"
	"github.com/stretchr/testify/require"
)

var hammerTime = flag.Duration("hammer", 2*time.Second, "how long TestHammer runs")

// How much TestHammer has of everything.
const (
	hammerGoroutines  = 50
	hammerConnections = 100
	hammerGroups      = 8
)

var hammerIdentities = [2]gns.Identity{gns.GenericString("anvil"), gns.GenericString("nail")}

// hammer is what all goroutines of TestHammer share: whatever handles there are, used without any order.
type hammer struct {
	s      [2]*gns.Sockets
	ctx    context.Context
	addr   atomic.Pointer[netip.AddrPort] // of the listen socket
	conns  [2][hammerConnections]atomic.Uint32
	groups [2][hammerGroups]atomic.Uint32
	listen atomic.Uint32
	calls  atomic.Int64
}

// TestHammer calls every function of Sockets from many goroutines on the same connections, which come
// and go. There is nothing to expect but that nothing breaks: no race, no deadlock, nothing left in the
// end.
func TestHammer(t *testing.T) {
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithTimeout(t.Context(), *hammerTime)
	defer cancel()
	h := &hammer{ctx: ctx}
	paths, signals := ice.New(ice.Options{IncludeLoopback: true}), memory.New()
	for i := range h.s {
		var err error
		h.s[i], err = gns.New(&gns.Options{
			Identity: hammerIdentities[i], DevelopmentCertificate: true, ICE: paths, Signaling: signals,
			Config: []config.Value{config.Int32(config.TimeoutInitial, 2000), config.Int32(config.TimeoutConnected, 2000)},
		})
		require.NoError(t, err)
		h.s[i].OnConnectionStatusChanged(func(e gns.ConnectionStatusChanged) { h.changed(i, e) })
		h.s[i].OnAuthenticationStatus(func(gns.Availability, string) {})
	}
	var running sync.WaitGroup
	for i := range hammerGoroutines {
		running.Go(func() { h.run(rand.New(rand.NewPCG(uint64(i), 1))) })
	}
	ended := make(chan struct{})
	go func() { running.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(*hammerTime + time.Minute):
		buf := make([]byte, 1<<20)
		t.Fatalf("deadlock:\n%s", buf[:runtime.Stack(buf, true)])
	}
	for _, s := range h.s {
		require.NoError(t, s.Close())
		conns, listeners, endpoints := s.Tables()
		require.Zero(t, conns+listeners+endpoints)
	}
	t.Logf("%d calls", h.calls.Load())
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+2 }, time.Minute, 10*time.Millisecond,
		"goroutines are left")
}

// changed is the callback: it accepts most of what arrives and keeps the handle.
func (h *hammer) changed(i int, e gns.ConnectionStatusChanged) {
	switch e.Info.State {
	case gns.StateConnecting:
		if e.Info.ListenSocket != 0 {
			h.keep(i, int(e.Conn)%hammerConnections, e.Conn)
			_ = h.s[i].SetConnectionPollGroup(e.Conn, gns.PollGroup(h.groups[i][int(e.Conn)%hammerGroups].Load()))
			_ = h.s[i].AcceptConnection(e.Conn)
		}
	case gns.StateClosedByPeer, gns.StateProblemDetectedLocally:
		_ = h.s[i].CloseConnection(e.Conn, 0, "", e.Conn%2 == 0)
	}
}

// keep puts a handle into a place, and closes the connection whose place that was.
func (h *hammer) keep(i, place int, c gns.Connection) {
	if old := h.conns[i][place].Swap(uint32(c)); old != 0 {
		_ = h.s[i].CloseConnection(gns.Connection(old), 1000, "replaced", c%2 == 0)
	}
}

// run calls functions until time is up. Most calls are of those that programs call most.
func (h *hammer) run(r *rand.Rand) {
	messages := make([]*gns.Message, 16)
	for h.ctx.Err() == nil {
		h.calls.Add(1)
		i := r.IntN(2)
		s := h.s[i]
		c := gns.Connection(h.conns[i][r.IntN(hammerConnections)].Load())
		g := &h.groups[i][r.IntN(hammerGroups)]
		switch n := r.IntN(1000); {
		case n < 250:
			_, _ = s.SendMessageToConnection(c, make([]byte, r.IntN(3000)), gns.SendFlags(r.IntN(16)))
		case n < 350:
			batch := make([]*gns.OutMessage, 10)
			for j := range batch {
				to := gns.Connection(h.conns[i][r.IntN(hammerConnections)].Load())
				batch[j] = &gns.OutMessage{Conn: to, Data: make([]byte, 100), Flags: gns.SendReliable, Lane: r.IntN(3)}
			}
			s.SendMessages(batch)
		case n < 500:
			k, _ := s.ReceiveMessagesOnConnection(c, messages)
			release(messages[:k])
		case n < 650:
			k, _ := s.ReceiveMessagesOnPollGroup(gns.PollGroup(g.Load()), messages)
			release(messages[:k])
		case n < 720:
			s.RunCallbacks()
		default:
			h.rare(r, i, s, c, g)
		}
	}
}

func release(messages []*gns.Message) {
	for _, m := range messages {
		m.Release()
	}
}

// rare are the other functions.
func (h *hammer) rare(r *rand.Rand, i int, s *gns.Sockets, c gns.Connection, g *atomic.Uint32) {
	place := r.IntN(hammerConnections)
	switch r.IntN(32) {
	case 0:
		_ = s.FlushMessagesOnConnection(c)
	case 1:
		_ = s.ConfigureConnectionLanes(c, []int{0, 1, r.IntN(3)}, nil)
	case 2:
		_, _ = s.ConnectionInfo(c)
	case 3:
		_, _ = s.ConnectionRealTimeStatus(c)
	case 4:
		if r.IntN(10) == 0 {
			_, _ = s.DetailedConnectionStatus(c)
		}
	case 5:
		_ = s.SetConnectionUserData(c, r.Int64())
	case 6:
		_, _ = s.ConnectionUserData(c)
	case 7:
		_ = s.SetConnectionName(c, fmt.Sprint(place))
	case 8:
		_, _ = s.ConnectionName(c)
	case 9, 10, 11:
		_ = s.SetConnectionPollGroup(c, gns.PollGroup(g.Load()))
	case 12:
		_ = s.SetConnectionPollGroup(c, 0)
	case 13:
		if old := g.Swap(uint32(s.CreatePollGroup())); old != 0 {
			_ = s.DestroyPollGroup(gns.PollGroup(old))
		}
	case 14:
		_ = s.AcceptConnection(c)
	case 15:
		if h.conns[i][place].CompareAndSwap(uint32(c), 0) {
			_ = s.CloseConnection(c, gns.EndReason(r.IntN(4000)), strings.Repeat("x", r.IntN(200)), r.IntN(2) == 0)
		}
	case 16, 17:
		if addr := h.addr.Load(); addr != nil && i == 1 {
			if out, err := s.ConnectByIPAddress(*addr); err == nil {
				h.keep(i, place, out)
			}
		}
	case 18:
		if one, two, err := s.CreateSocketPair(r.IntN(4) == 0, gns.Identity{}, gns.GenericString("pair")); err == nil {
			h.keep(i, place, one)
			h.keep(i, (place+1)%hammerConnections, two)
		}
	case 19, 20:
		h.relisten(r)
	case 21:
		_, _ = s.ListenSocketAddress(gns.ListenSocket(h.listen.Load()))
	case 22:
		_ = s.SetConfig(config.Connection, uint32(c), config.Int32(config.NagleTime, r.Int32N(20000)))
		_, _ = s.Config(config.Connection, uint32(c), config.NagleTime)
		_ = s.UnsetConfig(config.Connection, uint32(c), config.NagleTime)
		_, _ = s.ConfigInherited(config.Connection, uint32(c), config.NagleTime)
	case 23:
		_ = s.SetConfig(config.Global, 0, config.Int32(config.SendRateMin, 100000+r.Int32N(1000000)))
	case 24:
		_ = s.SetConfig(config.ListenSocket, h.listen.Load(), config.Int64(config.ConnectionUserData, r.Int64()))
		_ = s.SetConfig(config.SocketsInterface, 0, config.Int32(config.RecvBufferMessages, 10+r.Int32N(1000)))
	case 25:
		s.InitAuthentication()
		_, _ = s.AuthenticationStatus()
		_, _ = s.Identity()
	case 26:
		_, _ = s.CertificateRequest()
		_ = s.SetCertificate([]byte("none"))
	case 27:
		if r.IntN(200) == 0 {
			_ = s.ResetIdentity(hammerIdentities[i])
		}
	case 28:
		ctx, cancel := context.WithTimeout(h.ctx, time.Millisecond)
		_ = s.Wait(ctx)
		cancel()
	case 29:
		ctx, cancel := context.WithTimeout(h.ctx, time.Millisecond)
		_ = s.Drain(ctx)
		cancel()
	case 30:
		h.peerToPeer(r, i, s)
	case 31:
		_ = s.Metrics()
	}
}

// peerToPeer connects the two, or one with itself, on some virtual ports.
func (h *hammer) peerToPeer(r *rand.Rand, i int, s *gns.Sockets) {
	symmetric := config.Int32(config.SymmetricConnect, r.Int32N(2))
	if r.IntN(4) == 0 {
		if l, err := s.CreateListenSocketP2P(r.IntN(4), symmetric); err == nil && r.IntN(2) == 0 {
			_ = s.CloseListenSocket(l)
		}
		return
	}
	if c, err := s.ConnectP2P(hammerIdentities[r.IntN(2)], r.IntN(4), symmetric); err == nil {
		h.keep(i, r.IntN(hammerConnections), c)
	}
}

// relisten replaces the listen socket now and then, and makes one if there is none.
func (h *hammer) relisten(r *rand.Rand) {
	old := h.listen.Load()
	if old != 0 && r.IntN(300) != 0 {
		if _, err := h.s[0].ListenSocketAddress(gns.ListenSocket(old)); err == nil {
			return
		}
	}
	l, err := h.s[0].CreateListenSocketIP(loopback4)
	if err != nil {
		return
	}
	if addr, err := h.s[0].ListenSocketAddress(l); err == nil && h.listen.CompareAndSwap(old, uint32(l)) {
		h.addr.Store(&addr)
		l = gns.ListenSocket(old)
	}
	if l != 0 {
		_ = h.s[0].CloseListenSocket(l)
	}
}
