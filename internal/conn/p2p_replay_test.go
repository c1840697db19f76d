package conn

import (
	"testing"
	"time"

	pb "github.com/gogns/gns/proto"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/rendezvous"
	"github.com/gogns/gns/internal/udpwire"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// TestReplayP2PSessions plays either side of every recorded session with our core and gives it what the other side sent. Our
// signals are those that were recorded, apart from keys; the connection gets as far as the recorded one,
// every packet decrypts, every message arrives, and the end is the recorded one.
//
// The recorded certificates' private keys are not known, so that our side has a handshake of its own, and takes over
// the keys of the recording when it is finished.
func TestReplayP2PSessions(t *testing.T) {
	for _, s := range p2pRecordings(t) {
		for _, ids := range s.ids(t) {
			t.Run(s.Name+"/as client", func(t *testing.T) { t.Parallel(); newP2PReplay(t, s, ids, false).run() })
			t.Run(s.Name+"/as server", func(t *testing.T) { t.Parallel(); newP2PReplay(t, s, ids, true).run() })
		}
	}
}

// p2pReplay is our side of a recorded session.
type p2pReplay struct {
	t        *testing.T
	s        *p2pRecording
	ids      [2]uint32 // of client and server
	me, peer uint32
	asServer bool
	now      mono.Time
	c        *Conn
	incoming *p2pPackets
	queued   int                // reliable messages of ours
	held     *rendezvous.Signal // of the peer, on its way until our side has asked as well

	states     []State
	signals    []*rendezvous.Signal // sent
	candidates []string             // of the peer
	password   string
	messages   []Message
	closed     *pb.CMsgSteamSockets_UDP_ConnectionClosed // by the peer
	compared   int
}

func newP2PReplay(t *testing.T, s *p2pRecording, ids [2]uint32, asServer bool) *p2pReplay {
	r := &p2pReplay{t: t, s: s, ids: ids, asServer: asServer, me: ids[0], peer: ids[1], now: testStart}
	reader := crypto.RoleClient
	if asServer {
		r.me, r.peer, reader = ids[1], ids[0], crypto.RoleServer
	}
	r.incoming = newP2PPackets(t, s.keys(ids[0], ids[1]), reader)
	return r
}

func (r *p2pReplay) run() {
	t := r.t
	for _, m := range r.s.moments(t) {
		r.pass(testStart.Add(time.Duration(m.at * float64(time.Second))))
		switch {
		case m.packet != nil && m.packet.to == r.me:
			r.receivePacket(m.packet)
		case m.packet != nil && m.packet.to == r.peer:
			r.sentPacket(m.packet)
		case m.signal == nil:
		case m.signal.GetFromConnectionId() == r.peer:
			r.receiveSignal(m.signal)
		case m.signal.GetFromConnectionId() == r.me:
			r.sentSignal(m.signal)
		}
		r.pump()
	}
	require.NotZero(t, r.compared)
	require.NotNil(t, r.c)
	d := r.c.dropped()
	require.Zero(t, d.Total(), "%+v", d)
	got := map[delivery]string{}
	for _, m := range r.messages {
		got[delivery{m.Lane, m.Number, m.Reliable}] = string(m.Data)
	}
	require.Equal(t, r.incoming.oracle.messages(), got)

	require.Equal(t, StateConnecting, r.states[0])
	if r.incoming.count > 0 {
		require.Equal(t, []State{StateConnecting, StateFindingRoute, StateConnected}, r.states[:3])
		require.NotEmpty(t, got)
		require.Equal(t, r.lastPassword(), r.password)
	}
	if r.closed != nil {
		reason, text := r.c.End()
		require.Equal(t, StateClosedByPeer, r.states[len(r.states)-1])
		require.EqualValues(t, r.closed.GetReasonCode(), reason)
		require.Equal(t, r.closed.GetDebug(), text)
	}
}

// lastPassword is the last one that the peer has told.
func (r *p2pReplay) lastPassword() (pwd string) {
	for i := range r.s.Signals {
		sig := r.s.signal(r.t, i)
		for _, m := range sig.ReliableMessages {
			if p := m.GetIce().GetAuth().GetPwdFrag(); p != "" && sig.GetFromConnectionId() == r.peer {
				pwd = p
			}
		}
	}
	return pwd
}

// pass lets time pass.
func (r *p2pReplay) pass(until mono.Time) {
	for r.c != nil && r.c.Deadline() < until {
		r.now = max(r.now, r.c.Deadline())
		r.c.Advance(r.now)
		r.pump()
	}
	r.now = max(r.now, until)
}

func (r *p2pReplay) config(own *rendezvous.Signal, ports [2]uint32) (Config, P2PConfig) {
	cfg := pairConfig(r.me, own.From)
	cfg.Settings.TimeoutInitial, cfg.Settings.TimeoutConnected = 10*time.Second, 10*time.Second
	if r.s.Name == "no_route_timeout" && !r.asServer { // which was the first to give up
		cfg.Settings.TimeoutInitial = 2500 * time.Millisecond
	}
	cfg.Settings.IPAllowWithoutAuth = 2
	if r.s.Keys == nil && len(r.s.packets) > 0 {
		cfg.Settings.Unencrypted = 3
	}
	expect, err := crypto.ParseIdentity(own.GetToIdentity())
	require.NoError(r.t, err)
	cfg.Expect = expect
	return cfg, P2PConfig{LocalPort: ports[0], RemotePort: ports[1], Password: own.ReliableMessages[0].GetIce().GetAuth().GetPwdFrag()}
}

// first returns the first signal that the recorded side sent from now on.
func (r *p2pReplay) first() *rendezvous.Signal {
	for i := range r.s.Signals {
		sig := r.s.signal(r.t, i)
		if sig.GetFromConnectionId() == r.me && r.now <= testStart.Add(time.Duration(r.s.Signals[i].T*float64(time.Second))) {
			return sig
		}
	}
	require.Fail(r.t, "there is none")
	return nil
}

// receiveSignal takes a signal of the recorded peer.
func (r *p2pReplay) receiveSignal(s *rendezvous.Signal) {
	t := r.t
	switch {
	case s.ConnectRequest == nil:
		require.Equal(t, r.me, s.GetToConnectionId())
		if m := s.ConnectionClosed; m != nil && m.GetReasonCode() != rendezvous.NoConnection {
			r.closed = &pb.CMsgSteamSockets_UDP_ConnectionClosed{ReasonCode: m.ReasonCode, Debug: m.Debug}
		}
		r.c.ReceiveSignal(r.now, s)
	case !r.asServer:
		require.False(t, rendezvous.BecomesServer(r.me, r.peer, r.c.Certificate(), s.ConnectRequest.GetCert().GetCert()))
	case r.c == nil && r.s.isSymmetric():
		r.held = s
	case r.c == nil:
		own := r.first()
		cfg, p := r.config(own, [2]uint32{s.ConnectRequest.GetToVirtualPort(), s.ConnectRequest.GetFromVirtualPort()})
		c, err := NewP2PServer(cfg, p, r.now, s)
		require.NoError(t, err)
		r.c, r.queued = c, 1
		require.NoError(t, c.Accept(r.now))
		r.queue(own)
	case !r.c.IsServer():
		require.True(t, rendezvous.BecomesServer(r.me, r.peer, r.c.Certificate(), s.ConnectRequest.GetCert().GetCert()))
		require.NoError(t, r.c.BecomeServer(r.now, s))
	default:
		r.c.ReceiveSignal(r.now, s)
	}
}

// queue gives the core what a recorded signal of its side has that is new.
func (r *p2pReplay) queue(s *rendezvous.Signal) {
	for i, m := range s.ReliableMessages {
		if int(s.GetFirstReliableMsg())+i <= r.queued {
			continue
		}
		r.queued++
		if pwd := m.GetIce().GetAuth().GetPwdFrag(); pwd != "" {
			r.c.LocalPassword(r.now, pwd)
		} else {
			r.c.LocalCandidate(r.now, m.GetIce().GetAddCandidate().GetCandidate(), true, false)
		}
	}
}

// sentSignal notes what the recorded side did, so that ours does the same.
func (r *p2pReplay) sentSignal(s *rendezvous.Signal) {
	t := r.t
	if s.ConnectRequest != nil && r.c == nil {
		cfg, p := r.config(s, [2]uint32{s.ConnectRequest.GetFromVirtualPort(), s.ConnectRequest.GetToVirtualPort()})
		c, err := NewP2PClient(cfg, p, r.now)
		require.NoError(t, err)
		r.c, r.queued = c, 1
	}
	r.queue(s)
	if m := s.ConnectionClosed; m != nil && m.GetReasonCode() < 3000 && r.c.State().Active() {
		require.NoError(t, r.c.Close(r.now, EndReason(m.GetReasonCode()), m.GetDebug(), false))
	}
	r.pump()
	r.pass(r.now.Add(11 * time.Millisecond)) // what waits for company
	r.compare(s)
	if held := r.held; held != nil {
		r.held = nil
		r.receiveSignal(held)
	}
}

// compare finds the recorded signal among those that our side has sent. What the keys decide is its own.
func (r *p2pReplay) compare(want *rendezvous.Signal) {
	first := r.compared == 0
	handshake := want.ConnectRequest != nil || want.ConnectOk != nil && !r.s.isSymmetric()
	if !(first && handshake) && want.ConnectionClosed == nil {
		return // when others are sent is a matter of time
	}
	for _, sent := range r.signals {
		got := proto.Clone(sent.CMsgSteamNetworkingP2PRendezvous).(*pb.CMsgSteamNetworkingP2PRendezvous)
		if m, w := got.ConnectRequest, want.ConnectRequest; m != nil && w != nil {
			m.Cert, m.Crypt = w.Cert, w.Crypt
		}
		if m, w := got.ConnectOk, want.ConnectOk; m != nil && w != nil {
			m.Cert, m.Crypt = w.Cert, w.Crypt
		}
		if m, w := got.ConnectionClosed, want.ConnectionClosed; m != nil && w != nil && m.GetReasonCode() > 3000 {
			m.Debug = w.Debug // words differ
		}
		if proto.Equal(want.CMsgSteamNetworkingP2PRendezvous, got) {
			r.compared++
			return
		}
	}
	require.Fail(r.t, "our side has not sent this", "%v\nbut %v", want, r.signals)
}

func (s *p2pRecording) isSymmetric() bool { return s.Name == "symmetric_connect_both_sides" }

// receivePacket takes a packet of the recorded peer.
func (r *p2pReplay) receivePacket(p *p2pRecorded) {
	t := r.t
	b := decodeHex(t, p.Hex)
	switch p.Decoded.Type {
	case "Data":
		if r.c.State() == StateFindingRoute {
			r.c.RouteFound(r.now)
			r.pump()
		}
		r.incoming.open(t, p)
		for r.c.State().Active() && r.c.snp.NextNumber() <= r.incoming.oracle.acked { // so that the ack makes sense
			r.c.appendData(r.now, nil, 0, false, false)
		}
	case "ConnectionClosed":
		r.closed = new(pb.CMsgSteamSockets_UDP_ConnectionClosed)
		require.NoError(t, udpwire.ParseMessage(b, udpwire.KindConnectionClosed, r.closed))
	}
	r.c.Receive(r.now, b)
}

// sentPacket notes what the recorded side has sent.
func (r *p2pReplay) sentPacket(p *p2pRecorded) {
	if p.Decoded.Type == "ConnectionClosed" && r.c.State().Active() {
		var m pb.CMsgSteamSockets_UDP_ConnectionClosed
		require.NoError(r.t, udpwire.ParseMessage(decodeHex(r.t, p.Hex), udpwire.KindConnectionClosed, &m))
		require.NoError(r.t, r.c.Close(r.now, EndReason(m.GetReasonCode()), m.GetDebug(), false))
	}
}

// pump does what a driver does after any call, and sends into the void.
func (r *p2pReplay) pump() {
	c := r.c
	if c == nil {
		return
	}
	for {
		e, ok := c.NextEvent()
		if !ok {
			break
		}
		r.states = append(r.states, e.New)
		if e.New == StateFindingRoute { // the recorded keys, before the first packet
			require.Equal(r.t, r.incoming.cipher(r.s), c.cipher)
			c.keys, c.seal, c.open = r.s.keys(r.ids[0], r.ids[1]), nil, nil
			if c.cipher == crypto.CipherAES256GCM && r.s.Keys == nil {
				c.keys.Cipher = c.cipher
			}
		}
	}
	for {
		step, ok := c.NextICE()
		if !ok {
			break
		}
		if step.Candidate != "" {
			r.candidates = append(r.candidates, step.Candidate)
			continue
		}
		require.Equal(r.t, rendezvous.Ufrag(r.peer), step.Ufrag)
		require.Equal(r.t, r.asServer, step.Controlling)
		r.password = step.Password
	}
	for {
		b, ok := c.AppendSignal(r.now, nil)
		if !ok {
			break
		}
		s, err := rendezvous.Parse(b)
		require.NoError(r.t, err)
		r.signals = append(r.signals, s)
	}
	for {
		if _, ok := c.AppendPacket(r.now, nil); !ok {
			break
		}
	}
	n := len(r.messages)
	r.messages = c.NextMessages(r.messages)
	for _, m := range r.messages[n:] {
		c.Consumed(r.now, 1, len(m.Data))
	}
}

// cipher is that of the recording; where there are no packets it is what both sides like best.
func (*p2pPackets) cipher(s *p2pRecording) crypto.Cipher {
	if s.Keys == nil && len(s.packets) > 0 {
		return crypto.CipherNull
	}
	return crypto.CipherAES256GCM
}

// A client whose peer is not there says the same as the recorded one, as often.
func TestReplayPeerAbsent(t *testing.T) {
	t.Parallel()
	for _, s := range p2pRecordings(t) {
		if s.Name != "peer_absent_timeout" {
			continue
		}
		own := s.signal(t, 0)
		r := newP2PReplay(t, s, [2]uint32{own.GetFromConnectionId(), 0}, false)
		cfg, p := r.config(own, [2]uint32{0, 0})
		cfg.Settings.TimeoutInitial = 2500 * time.Millisecond
		c, err := NewP2PClient(cfg, p, r.now)
		require.NoError(t, err)
		r.c, r.queued = c, 1
		r.queue(own)
		r.pump()
		r.pass(testStart.Add(4 * time.Second))
		require.Equal(t, []State{StateConnecting, StateProblemDetectedLocally}, r.states)
		require.Len(t, r.signals, len(s.Signals))
		for i, got := range r.signals {
			want := s.signal(t, i)
			require.Equal(t, want.ConnectRequest != nil, got.ConnectRequest != nil)
			require.Equal(t, want.ConnectionClosed.GetReasonCode(), got.ConnectionClosed.GetReasonCode())
			require.True(t, got.GetIceEnabled())
			require.Nil(t, got.ToConnectionId)
			require.Equal(t, want.FirstReliableMsg, got.FirstReliableMsg)
			require.Len(t, got.ReliableMessages, len(want.ReliableMessages))
			require.Equal(t, want.AckReliableMsg, got.AckReliableMsg)
		}
		return
	}
	require.Fail(t, "it is not there")
}
