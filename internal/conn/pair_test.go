package conn

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/udpwire"
	"github.com/gogns/gns/snp"
	"github.com/stretchr/testify/require"
)

// testStart is when virtual time starts.
const testStart = mono.Time(24 * time.Hour)

var (
	clientAddr = netip.MustParseAddrPort("192.0.2.1:40000")
	serverAddr = netip.MustParseAddrPort("192.0.2.2:27015")
)

// defaultSettings are the defaults of package config.
func defaultSettings() Settings {
	return Settings{
		TimeoutInitial:              10 * time.Second,
		TimeoutConnected:            10 * time.Second,
		IPAllowWithoutAuth:          2,
		IPLocalHostAllowWithoutAuth: 2,
		MTU:                         1300,
		SendTimeSincePrevious:       -1,
		SNP: snp.Config{
			SendBufferSize: 524288, RecvBufferSize: 1048576, RecvBufferMessages: 1000, RecvMaxMessageSize: 524288,
			RecvMaxSegmentsPerPacket: 1300, NagleTime: 5 * time.Millisecond, SendRateMin: 262144, SendRateMax: 262144,
		},
	}
}

// seededReader is a source of keys that gives the same ones each time.
type seededReader struct{ *rand.ChaCha8 }

func newSeededReader(seed byte) seededReader {
	return seededReader{rand.NewChaCha8([32]byte{seed})}
}

// packet is a datagram on its way.
type packet struct {
	at       mono.Time
	toServer bool
	data     []byte
}

// pair is a client and a listener joined by a network in virtual time. Time jumps from one thing that
// happens to the next.
type pair struct {
	t        testing.TB
	now      mono.Time
	latency  time.Duration
	client   *Conn
	server   *Conn // nil until a connection request has arrived
	listener *Listener
	wire     []packet

	clientSettings, serverSettings Settings
	autoAccept                     bool
	// filter sees every datagram; false drops it. It may change data.
	filter func(p *packet) bool
	// trace has one line for every datagram, for failures and for checks of what was sent when.
	trace                        []traced
	clientEvents, serverEvents   []Event
	clientMsgs, serverMsgs       []Message
	holdClientMsgs, holdServerMs bool // do not read messages: the application is stuck
}

type traced struct {
	at       mono.Time
	toServer bool
	kind     udpwire.Kind
	size     int
	stats    []byte
	lost     bool
}

type pairOption func(*pair)

func newPair(t testing.TB, opts ...pairOption) *pair {
	p := &pair{t: t, now: testStart, latency: 10 * time.Millisecond, autoAccept: true,
		clientSettings: defaultSettings(), serverSettings: defaultSettings()}
	for _, o := range opts {
		o(p)
	}
	serverRand := newSeededReader(2)
	l, err := NewListener(serverRand, func(remote netip.AddrPort) (Config, bool) {
		return Config{LocalID: 0x22220002, Identity: crypto.Localhost(), Settings: p.serverSettings, Rand: serverRand, Seed: 2}, true
	})
	require.NoError(t, err)
	p.listener = l
	p.client, err = NewClient(Config{LocalID: 0x11110001, Identity: crypto.Localhost(), Remote: serverAddr,
		Settings: p.clientSettings, Rand: newSeededReader(1), Seed: 1}, p.now)
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			for _, line := range p.trace {
				t.Log(line)
			}
		}
	})
	return p
}

func (l traced) String() string {
	arrow, lost := "client -> server", ""
	if !l.toServer {
		arrow = "server -> client"
	}
	if l.lost {
		lost = " LOST"
	}
	return fmt.Sprintf("%10.6f %s %v %d bytes %x%s", l.at.Sub(testStart).Seconds(), arrow, l.kind, l.size, l.stats, lost)
}

// newConnectedPair returns a pair that has shaken hands.
func newConnectedPair(t testing.TB, opts ...pairOption) *pair {
	p := newPair(t, opts...)
	p.run(time.Second)
	require.Equal(t, StateConnected, p.client.State())
	require.Equal(t, StateConnected, p.server.State())
	p.trace = nil
	p.clientEvents, p.serverEvents = nil, nil
	return p
}

// run lets d of virtual time pass.
func (p *pair) run(d time.Duration) {
	end := p.now.Add(d)
	for idle := 0; ; idle++ {
		before := p.now
		p.settle()
		next := p.client.Deadline()
		if p.server != nil {
			next = mono.Min(next, p.server.Deadline())
		}
		if len(p.wire) > 0 {
			next = mono.Min(next, p.wire[0].at)
		}
		if next > end {
			p.now = end
			return
		}
		require.LessOrEqual(p.t, len(p.trace), 1_000_000, "packets without end")
		p.now = max(p.now, next)
		if p.now > before || len(p.wire) > 0 && p.wire[0].at <= p.now {
			idle = 0
		}
		require.Less(p.t, idle, 1000, "a deadline stays due although nothing is left to do")
		p.client.Advance(p.now)
		if p.server != nil {
			p.server.Advance(p.now)
		}
		for len(p.wire) > 0 && p.wire[0].at <= p.now {
			pkt := p.wire[0]
			p.wire = p.wire[1:]
			p.arrive(pkt)
		}
	}
}

// runUntil lets time pass until cond holds, at most limit.
func (p *pair) runUntil(limit time.Duration, cond func() bool) {
	p.t.Helper()
	end := p.now.Add(limit)
	for !cond() {
		require.Less(p.t, p.now, end, "condition did not come true in %v", limit)
		p.run(time.Millisecond)
	}
}

func (p *pair) arrive(pkt packet) {
	switch {
	case !pkt.toServer:
		p.client.Receive(p.now, pkt.data)
	case p.server != nil && p.server.State() != StateDead:
		p.server.Receive(p.now, pkt.data)
	default:
		reply, c, _ := receiveAll(p.listener, p.now, clientAddr, pkt.data)
		if len(reply) > 0 {
			p.send(false, reply)
		}
		if c != nil {
			p.server = c
			if p.autoAccept {
				require.NoError(p.t, c.Accept(p.now))
			}
		}
	}
}

// settle takes everything that the cores have to give.
func (p *pair) settle() {
	p.drain(p.client, true, &p.clientEvents, &p.clientMsgs, p.holdClientMsgs)
	if p.server != nil {
		p.drain(p.server, false, &p.serverEvents, &p.serverMsgs, p.holdServerMs)
	}
}

func (p *pair) drain(c *Conn, toServer bool, events *[]Event, msgs *[]Message, hold bool) {
	for {
		b, ok := c.AppendPacket(p.now, make([]byte, 0, udpwire.MaxDatagram))
		if !ok {
			break
		}
		require.LessOrEqual(p.t, len(b), udpwire.MaxDatagram)
		p.send(toServer, b)
	}
	for {
		e, ok := c.NextEvent()
		if !ok {
			break
		}
		*events = append(*events, e)
	}
	n := len(*msgs)
	*msgs = c.NextMessages(*msgs)
	if !hold {
		bytes := 0
		for _, m := range (*msgs)[n:] {
			bytes += len(m.Data)
		}
		if len(*msgs) > n {
			c.Consumed(p.now, len(*msgs)-n, bytes)
		}
	}
}

func (p *pair) send(toServer bool, data []byte) {
	pkt := packet{at: p.now.Add(p.latency), toServer: toServer, data: data}
	line := traced{at: p.now, toServer: toServer, kind: udpwire.KindOf(data), size: len(data)}
	if line.kind == udpwire.KindData {
		var h udpwire.DataHeader
		_, ok := udpwire.ParseDataHeader(data, &h)
		require.True(p.t, ok)
		line.stats = append([]byte(nil), h.Stats...)
	}
	line.lost = p.filter != nil && !p.filter(&pkt)
	p.trace = append(p.trace, line)
	if !line.lost {
		p.wire = append(p.wire, pkt)
	}
}

// count returns how many datagrams of a kind one side has sent, lost ones included.
func (p *pair) count(toServer bool, kind udpwire.Kind) int {
	n := 0
	for _, l := range p.trace {
		if l.toServer == toServer && l.kind == kind {
			n++
		}
	}
	return n
}

// only returns the trace of one direction and kind.
func (p *pair) only(toServer bool, kind udpwire.Kind) []traced {
	var out []traced
	for _, l := range p.trace {
		if l.toServer == toServer && l.kind == kind {
			out = append(out, l)
		}
	}
	return out
}

// blackhole drops everything from now on.
func (p *pair) blackhole() { p.filter = func(*packet) bool { return false } }
