package gns

import (
	"net/netip"
	"strings"
	"time"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/transport/udp"
)

// fakeConditions are the simulated network conditions that the FakePacket… and FakeRateLimit… values
// stand for. Like Valve's they act on every socket, but only on those of one Sockets.
func fakeConditions(s *config.Store) udp.Conditions {
	return udp.Conditions{
		Send: fakeDirection(s, fakeIDs{
			loss: config.FakePacketLossSend, lag: config.FakePacketLagSend, reorder: config.FakePacketReorderSend,
			dup: config.FakePacketDupSend, jitterAvg: config.FakePacketJitterSendAvg, jitterMax: config.FakePacketJitterSendMax,
			jitterPct: config.FakePacketJitterSendPct, rate: config.FakeRateLimitSendRate, burst: config.FakeRateLimitSendBurst,
		}),
		Recv: fakeDirection(s, fakeIDs{
			loss: config.FakePacketLossRecv, lag: config.FakePacketLagRecv, reorder: config.FakePacketReorderRecv,
			dup: config.FakePacketDupRecv, jitterAvg: config.FakePacketJitterRecvAvg, jitterMax: config.FakePacketJitterRecvMax,
			jitterPct: config.FakePacketJitterRecvPct, rate: config.FakeRateLimitRecvRate, burst: config.FakeRateLimitRecvBurst,
		}),
	}
}

// SetConnectionConditions gives one connection simulated network conditions of its own: values are
// FakePacket… and FakeRateLimit… ones, which Valve's library knows only for the whole process. They hold
// for this connection in place of those at global scope; what is not among them is as it is there. Without
// values the connection has nothing of its own any more. A rate limit among them is the connection's own.
//
// They act on the packets of an established connection and of its handshake alike, as long as its peer
// keeps its address.
//
// Errors: ErrInvalidParam for a bad handle, or a value that is not one of these.
func (s *Sockets) SetConnectionConditions(h Connection, values ...config.Value) error {
	return s.with(h, func(c *connection, _ mono.Time) error { return c.setConditions(values) })
}

// SetConditions gives the connection simulated network conditions of its own; see
// Sockets.SetConnectionConditions.
func (c *Conn) SetConditions(values ...config.Value) error {
	return c.c.endedOr(c.c.do(func(c *connection, _ mono.Time) error { return c.setConditions(values) }))
}

// setConditions changes the simulated conditions of one connection. c.mu is held.
func (c *connection) setConditions(values []config.Value) error {
	var store *config.Store
	if c.ep == nil {
		return ResultInvalidState.errorf("connection %d is a pipe, which has no network", c.handle)
	}
	if len(values) > 0 {
		store = config.NewStore(config.Global, c.s.global)
	}
	for _, v := range values {
		if info, ok := v.ID().Info(); !ok || !strings.HasPrefix(info.Name, "Fake") {
			return ResultInvalidParam.errorf("%v is no simulated network condition", v)
		}
		if err := store.Set(v); err != nil {
			return ResultInvalidParam.wrap(err)
		}
	}
	c.ep.mu.Lock()
	defer c.ep.mu.Unlock()
	c.ep.setPeerConditions(c.remote, store)
	return nil
}

// setPeerConditions sets where the simulated conditions for one address come from; nil is the common
// ones. e.mu is held.
func (e *endpoint) setPeerConditions(addr netip.AddrPort, store *config.Store) {
	switch {
	case store != nil:
		if e.bad == nil {
			e.bad = make(map[netip.AddrPort]*config.Store)
		}
		e.bad[addr] = store
		e.sock.ConfigurePeer(addr, fakeConditions(store))
	case e.bad[addr] != nil:
		delete(e.bad, addr)
		e.sock.ForgetPeer(addr)
	}
}

// configurePeers applies what has changed to connections that have conditions of their own.
func (e *endpoint) configurePeers() {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for addr, store := range e.bad {
		e.sock.ConfigurePeer(addr, fakeConditions(store))
	}
}

// fakeIDs are the values of one direction.
type fakeIDs struct {
	loss, lag, reorder, dup, jitterAvg, jitterMax, jitterPct, rate, burst config.ID
}

func fakeDirection(s *config.Store, id fakeIDs) udp.Settings {
	percent := func(id config.ID) float64 { return float64(s.Float(id)) / 100 }
	whole := func(id config.ID) time.Duration { return time.Duration(s.Int32(id)) * time.Millisecond }
	fraction := func(id config.ID) time.Duration {
		return time.Duration(float64(s.Float(id)) * float64(time.Millisecond))
	}
	return udp.Settings{
		Loss:         percent(id.loss),
		Lag:          whole(id.lag),
		Reorder:      percent(id.reorder),
		ReorderDelay: whole(config.FakePacketReorderTime),
		Duplicate:    percent(id.dup),
		DuplicateMax: whole(config.FakePacketDupTimeMax),
		JitterAvg:    fraction(id.jitterAvg),
		JitterMax:    fraction(id.jitterMax),
		JitterOdds:   percent(id.jitterPct),
		Rate:         int(s.Int32(id.rate)),
		Burst:        int(s.Int32(id.burst)),
	}
}
