package valve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
	"unsafe"

	"github.com/gogns/gns/bench/peer"
	"github.com/gogns/gns/internal/measure"
	"github.com/gogns/gns/interop/lossproxy/clock"
	"github.com/gogns/gns/interop/valve"
)

// result is an EResult.
type result int32

const (
	resultOK      result = 1
	resultLimit   result = 25
	resultIgnored result = 41
)

// refused reports whether a message may be sent later.
func (r result) refused() bool { return r == resultLimit || r == resultIgnored }

// message is SteamNetworkingMessage_t on 64-bit Unix.
type message struct {
	data     unsafe.Pointer
	size     int32
	conn     uint32
	_        [136]byte // m_identityPeer
	userData int64     // of the connection
	_        [4]int64  // m_usecTimeReceived, m_nMessageNumber, m_pfnFreeData, m_pfnRelease
	_        int32     // m_nChannel
	flags    int32
	_        int64 // m_nUserData
	lane     uint16
	_        uint16
}

// bytes are the content, where the library keeps it.
func (m *message) bytes() []byte { return unsafe.Slice((*byte)(m.data), m.size) }

// batchSize is how many messages are received at a time.
const batchSize = 256

// Engine is Valve's library. Only one can be made in a process.
type Engine struct {
	*calls
	o     *peer.Options
	lib   *valve.Library
	group valve.PollGroup
	batch []*message
	conns []valve.Connection // by user data; outgoing ones, or accepted ones

	accepted  func(c valve.Connection) // incoming connection
	connected func(c valve.Connection) // outgoing connection is established
	ended     []valve.Connection       // by the peer or by a problem, to be closed
	live      int                      // incoming connections that have not ended
	failed    error                    // a problem

	out     []*message // to be sent
	results []int64
}

// start loads and configures the library.
func (e *Engine) start(o *peer.Options) (err error) {
	e.o = o
	if e.lib, err = valve.Open(""); err != nil {
		return err
	}
	if err := e.lib.Init(""); err != nil {
		return err
	}
	if e.calls, err = open(e.lib.Path()); err != nil {
		return err
	}
	if err := e.lib.OnStatusChanged(e.statusChanged); err != nil {
		return err
	}
	sendBuffer := 512 << 10
	if o.Size > 1<<10 {
		sendBuffer = 2 << 20
	}
	settings := append([]string{
		fmt.Sprint("SendRateMin=", o.Rate), fmt.Sprint("SendRateMax=", o.Rate), fmt.Sprint("SendBufferSize=", sendBuffer),
		"RecvBufferSize=67108864", "RecvBufferMessages=1048576",
	}, o.Config...)
	for _, text := range settings {
		s, err := e.lib.ParseSetting(text)
		if err == nil {
			err = e.lib.SetConfig(valve.ScopeGlobal, 0, s)
		}
		if err != nil {
			return err
		}
	}
	e.group = e.lib.CreatePollGroup()
	e.batch = make([]*message, batchSize)
	e.results = make([]int64, max(batchSize, o.Batch))
	return nil
}

// statusChanged runs inside RunCallbacks.
func (e *Engine) statusChanged(c valve.StatusChange) {
	switch c.Info.State {
	case valve.StateConnecting:
		if c.Info.Listen != 0 {
			e.accepted(c.Conn)
		}
	case valve.StateConnected:
		if c.Info.Listen == 0 {
			e.connected(c.Conn)
		}
	case valve.StateClosedByPeer, valve.StateProblemDetectedLocally:
		e.ended = append(e.ended, c.Conn)
		if c.Info.State == valve.StateProblemDetectedLocally || c.Info.EndReason/1000 != 1 {
			e.failed = fmt.Errorf("connection ended with reason %d: %s", c.Info.EndReason, c.Info.EndDebug)
		}
	}
}

// add enters a connection.
func (e *Engine) add(c valve.Connection) error {
	err := errors.Join(e.lib.SetConnectionPollGroup(c, e.group), e.lib.SetConnectionUserData(c, int64(len(e.conns))))
	e.conns = append(e.conns, c)
	return err
}

// look takes what is new, and returns how many messages there were.
func (e *Engine) look(take func(m *message)) (total int) {
	e.RunCallbacks()
	ended := e.ended
	e.ended = nil
	for {
		n := e.Receive(uint32(e.group), e.batch)
		for _, m := range e.batch[:max(n, 0)] {
			take(m)
			e.Release(m)
		}
		total += max(n, 0)
		if n < len(e.batch) {
			break
		}
	}
	for _, c := range ended { // not before their messages have been received
		_ = e.lib.CloseConnection(c, 0, "", false)
		e.live--
	}
	return total
}

// queue makes a message that flush will send.
func (e *Engine) queue(c valve.Connection, size, lane, flags int) (data []byte) {
	m := e.Allocate(size)
	m.conn, m.lane, m.flags = uint32(c), uint16(lane), int32(flags)
	e.out = append(e.out, m)
	return m.bytes()
}

// flush sends what was queued. It returns how many messages in front were taken, and why the next one was
// not.
func (e *Engine) flush() (n int, err result) {
	if len(e.out) == 0 {
		return 0, resultOK
	}
	e.SendMessages(e.out, e.results)
	results := e.results[:len(e.out)]
	e.out = e.out[:0]
	for i, r := range results {
		if r <= 0 {
			return i, result(-r)
		}
	}
	return len(results), resultOK
}

// pause waits until it is time to look again, but not beyond t.
func (e *Engine) pause(t time.Time) {
	clock.SleepUntil(clock.Now().Add(min(e.o.Poll, max(0, time.Until(t)))))
}

// far is an instant that is never reached.
func far() time.Time { return time.Now().Add(time.Hour) }

// Serve is a server.
func (e *Engine) Serve(ctx context.Context, o *peer.Options, r *peer.Result, listening func(netip.AddrPort)) error {
	if err := e.start(o); err != nil {
		return err
	}
	defer e.lib.Kill()
	v := peer.NewReceiver(o.Workload, r)
	var problem error
	e.accepted = func(c valve.Connection) {
		if err := errors.Join(e.add(c), e.lib.AcceptConnection(c)); err != nil {
			problem = err
		}
		v.Add()
		e.live++
	}
	addr, err := e.listen(o.Serve)
	if err != nil {
		return err
	}
	r.RSSBase = measure.ResidentKiB()
	listening(addr)
	take := func(m *message) {
		reliable := m.flags&valve.SendReliable != 0
		if v.Take(int(m.userData), m.bytes(), reliable) {
			copy(e.queue(valve.Connection(m.conn), int(m.size), int(m.lane), int(m.flags)|valve.SendNoNagle), m.bytes())
		}
	}
	for !v.Over(e.live) && problem == nil && ctx.Err() == nil {
		n := e.look(take)
		e.flushEchoes(r)
		if n < batchSize {
			e.pause(far())
		}
	}
	v.Report()
	return errors.Join(problem, ctx.Err())
}

// flushEchoes sends what was queued; what is refused is lost.
func (e *Engine) flushEchoes(r *peer.Result) {
	for len(e.out) > 0 {
		batch := e.out[:min(len(e.out), batchSize)]
		e.SendMessages(batch, e.results)
		for _, result := range e.results[:len(batch)] {
			if result <= 0 {
				r.Refused++
			}
		}
		e.out = e.out[len(batch):]
	}
	e.out = e.out[:0]
}

// listen takes a port that is free a moment before: the library refuses port 0.
func (e *Engine) listen(addr netip.AddrPort) (netip.AddrPort, error) {
	if addr.Port() == 0 {
		s, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
		if err != nil {
			return addr, err
		}
		addr = netip.AddrPortFrom(addr.Addr(), s.LocalAddr().(*net.UDPAddr).AddrPort().Port())
		if err := s.Close(); err != nil {
			return addr, err
		}
	}
	_, err := e.lib.CreateListenSocketIP(addr)
	return addr, err
}
