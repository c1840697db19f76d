package conn

import (
	"fmt"
	"slices"
	"testing"
	"time"

	pb "github.com/gogns/gns/proto"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/rendezvous"
	"github.com/gogns/gns/snp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// FuzzRendezvous makes bytes what happens to two peers and to what they send each other. Whatever that is, states follow each
// other as they may, nobody talks more than he has reason to, what is kept is bounded, reliable messages arrive once
// and in order; and left alone at last, on a path without loss, both are connected to each other or
// both have ended.
func FuzzRendezvous(f *testing.F) {
	f.Add([]byte{0x03, 2, 0, 1, 20, 11, 0, 1, 5, 8, 0, 1, 100})
	f.Add([]byte{0x07, 2, 0, 2, 1, 1, 30, 1, 30, 11, 1, 8, 1})
	f.Add([]byte{0x04, 2, 0, 0, 25, 2, 1, 4, 0, 1, 40, 7, 0})
	f.Add([]byte{0x03, 2, 0, 0, 20, 6, 0, 4, 9, 3, 0, 1, 50, 13, 0, 9, 10, 0, 14, 1, 1, 200, 15, 0})
	f.Add([]byte{0x02, 2, 1, 1, 10, 16, 0, 2, 16, 1, 1, 12, 0, 5, 0, 3, 0, 3, 0, 1, 255, 8, 3})
	f.Fuzz(func(t *testing.T, script []byte) { newRendezvousFuzz(t, script).run() })
}

type rendezvousFuzz struct {
	*p2pWorld
	script   []byte
	began    mono.Time
	reasons  [2]int // for a peer to say something, other than that time passes
	sent     map[*Conn]int
	expected map[*Conn]map[string]int // the next message of each sender, by receiver
}

// tale is the story of a failure, which is not told otherwise.
type tale struct{ f *rendezvousFuzz }

func (t tale) String() string { return t.f.story() }

func newRendezvousFuzz(t *testing.T, script []byte) *rendezvousFuzz {
	f := &rendezvousFuzz{p2pWorld: newP2PWorld(t), script: script, sent: map[*Conn]int{}, expected: map[*Conn]map[string]int{}}
	f.began = f.now
	how := f.next()
	for i, p := range f.peers {
		p.accept = how>>i&1 != 0
		p.symmetric = how>>2&1 != 0
		p.id += uint32(how>>(3+2*i)&3)<<16 + uint32(how>>(3+2*i)&3) // both parities, either the higher one
	}
	return f
}

func (f *rendezvousFuzz) next() byte {
	if len(f.script) == 0 {
		return 0
	}
	b := f.script[0]
	f.script = f.script[1:]
	return b
}

func (f *rendezvousFuzz) run() {
	for steps := 0; len(f.script) > 0 && steps < 200; steps++ {
		f.step()
		f.check()
	}
	f.noPath, f.lostPath = false, false
	f.pass(60 * time.Second)
	f.check()
	a, b := f.peers[0].c, f.peers[1].c
	for _, p := range f.peers {
		if p.c == nil {
			continue
		}
		state := p.c.State()
		require.NotEqual(f.t, StateConnecting, state, "%v", tale{f})
		require.NotEqual(f.t, StateFindingRoute, state, "%v", tale{f})
		require.NotEqual(f.t, StateLinger, state, "%v", tale{f})
		if state == StateConnected {
			require.True(f.t, a != nil && b != nil && a.State() == b.State() && a.RemoteID() == b.ID() && b.RemoteID() == a.ID(),
				"who is connected is so to somebody\n%v", tale{f})
			require.NotEqual(f.t, a.IsServer(), b.IsServer())
		}
	}
}

// step does what the next bytes say.
func (f *rendezvousFuzz) step() {
	op, arg := f.next()%17, f.next()
	i := int(arg & 1)
	p := f.peers[i]
	switch op {
	case 0:
		f.pass(time.Duration(arg) * time.Millisecond)
	case 1:
		f.pass(time.Duration(arg) * 40 * time.Millisecond)
	case 2:
		if p.c == nil || !p.c.State().Active() {
			p.id += 2
			p.starts, p.events = 0, nil
			f.reasons[i]++
			p.connect()
			f.own(p)
		}
	case 3, 4, 5, 6:
		f.mail(op, int(arg))
	case 7:
		if p.c != nil && p.c.IsServer() && p.c.State() == StateConnecting {
			require.NoError(f.t, p.c.Accept(f.now))
			f.reasons[i]++
			p.own(p.c)
		}
	case 8:
		if p.c != nil {
			f.reasons[i] += 10 // it is repeated
			_ = p.c.Close(f.now, EndReason(1000+int(arg)), "fuzz", arg&2 != 0)
		}
	case 9, 10, 11, 12, 15:
		f.local(op, i, arg)
	case 13:
		f.forgePacket(p, arg)
	case 14:
		f.noPath, f.lostPath = arg&1 != 0, arg&2 != 0
	case 16:
		f.forgeSignal(p, arg)
	}
	f.pumpAll()
}

// local is what a peer's application or agent does.
func (f *rendezvousFuzz) local(op byte, i int, arg byte) {
	p := f.peers[i]
	if p.c == nil {
		return
	}
	f.reasons[i]++
	switch op {
	case 9:
		p.c.LocalCandidate(f.now, fmt.Sprintf("candidate:%s-%d", p.name, arg), arg&2 != 0, arg&4 != 0)
	case 10:
		p.c.LocalPassword(f.now, fmt.Sprintf("%s's password %d of %d", p.name, arg, f.now))
	case 11:
		if _, err := p.c.Send(f.now, 0, fmt.Appendf(nil, "%d %d", p.c.ID(), f.sent[p.c]), snp.SendReliable); err == nil {
			f.sent[p.c]++
		}
	case 12:
		p.c.RouteFound(f.now)
	case 15:
		p.c.Probe(f.now)
	}
}

// mail delivers, loses, repeats or changes something that is on its way.
func (f *rendezvousFuzz) mail(op byte, arg int) {
	if len(f.flying) == 0 {
		return
	}
	k := arg % len(f.flying)
	letter := f.flying[k]
	switch op {
	case 3:
		f.flying = slices.Delete(f.flying, k, k+1)
		f.arrive(letter)
	case 4:
		f.flying = slices.Delete(f.flying, k, k+1)
	case 5:
		if len(f.flying) < 1000 {
			letter.at = letter.at.Add(time.Duration(f.next()) * 20 * time.Millisecond)
			f.flying = append(f.flying, letter)
		}
	case 6:
		letter.signal, letter.packet = slices.Clone(letter.signal), slices.Clone(letter.packet)
		b := letter.signal
		if b == nil {
			b = letter.packet
		}
		b[(int(f.next())<<8|int(f.next()))%len(b)] ^= f.next()
		f.flying[k] = letter
	}
}

// forgePacket gives a peer a packet of somebody who may know the connection IDs.
func (f *rendezvousFuzz) forgePacket(p *p2pPeer, arg byte) {
	if p.c == nil {
		return
	}
	kinds := []byte{0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x80, 0x81}
	b := []byte{kinds[arg>>1&7]}
	if arg&0x10 != 0 {
		b = append(b, byte(p.c.ID()), byte(p.c.ID()>>8), byte(p.c.ID()>>16), byte(p.c.ID()>>24))
	}
	for range f.next() % 40 {
		b = append(b, f.next())
	}
	p.c.Receive(f.now, b)
}

// forgeSignal gives a peer a signal of somebody who may know the connection IDs.
func (f *rendezvousFuzz) forgeSignal(p *p2pPeer, arg byte) {
	m := &pb.CMsgSteamNetworkingP2PRendezvous{FromIdentity: proto.String(p.other.identity.String()), FromConnectionId: proto.Uint32(0x70007)}
	if p.c != nil && arg&2 != 0 {
		m.ToConnectionId = proto.Uint32(p.c.ID())
	}
	if p.c != nil && p.c.RemoteID() != 0 && arg&4 != 0 {
		m.FromConnectionId = proto.Uint32(p.c.RemoteID())
	}
	what := f.next()
	if what&1 != 0 {
		m.AckReliableMsg = proto.Uint32(uint32(f.next() % 4))
	}
	if what&2 != 0 {
		m.FirstReliableMsg = proto.Uint32(uint32(f.next() % 4))
		for range f.next() % 8 {
			m.ReliableMessages = append(m.ReliableMessages, &pb.CMsgSteamNetworkingP2PRendezvous_ReliableMessage{Ice: &pb.CMsgICERendezvous{
				AddCandidate: &pb.CMsgICECandidate{Candidate: proto.String("candidate:forged")},
			}})
		}
	}
	if what&4 != 0 {
		m.ConnectRequest = &pb.CMsgSteamNetworkingP2PRendezvous_ConnectRequest{}
	}
	if what&8 != 0 {
		m.ConnectOk = &pb.CMsgSteamNetworkingP2PRendezvous_ConnectOK{}
	}
	if what&0x30 == 0x30 {
		m.ConnectionClosed = &pb.CMsgSteamNetworkingP2PRendezvous_ConnectionClosed{ReasonCode: proto.Uint32([]uint32{9999, 1234}[what>>6&1])}
	}
	b, err := rendezvous.Append(nil, m)
	require.NoError(f.t, err)
	f.arrive(flying{to: p, signal: b})
}

// arrive is what a driver does with a signal or packet.
func (f *rendezvousFuzz) arrive(letter flying) {
	p := letter.to
	if letter.signal == nil {
		if p.c != nil {
			p.c.Receive(f.now, slices.Clone(letter.packet))
			p.pump()
		}
		return
	}
	s, err := rendezvous.Parse(letter.signal)
	if err != nil {
		return
	}
	f.reasons[slices.Index(f.peers[:], p)]++
	switch {
	case s.ToConnectionId != nil:
		if p.c != nil && p.c.ID() == s.GetToConnectionId() {
			p.c.ReceiveSignal(f.now, s)
		}
	case p.c != nil && p.c.RemoteID() == s.GetFromConnectionId():
		p.c.ReceiveSignal(f.now, s)
	case s.ConnectRequest == nil || s.ConnectRequest.Cert == nil || s.ConnectRequest.Crypt == nil:
	case p.c != nil && p.c.State().Active():
		if p.symmetric && s.From == p.other.identity && p.c.State() == StateConnecting && !p.c.IsServer() {
			if rendezvous.BecomesServer(p.c.ID(), s.GetFromConnectionId(), p.c.Certificate(), s.ConnectRequest.GetCert().GetCert()) {
				_ = p.c.BecomeServer(f.now, s)
			}
		} else {
			p.c.Probe(f.now)
		}
	default:
		p.id += 2
		cfg, p2p := p.config(p.id)
		c, err := NewP2PServer(cfg, p2p, f.now, s)
		if err != nil {
			return
		}
		p.c, p.events, p.starts = c, nil, 0
		f.own(p)
		if p.accept && c.Accept(f.now) == nil {
			p.own(c)
		}
	}
	p.pump()
}

// own makes the messages of a new connection be expected.
func (f *rendezvousFuzz) own(p *p2pPeer) {
	p.messages = nil
	f.expected[p.c] = map[string]int{}
}

// pass lets time pass. A connection whose deadline does not move makes its driver spin.
func (f *rendezvousFuzz) pass(d time.Duration) {
	end := f.now.Add(d)
	for idle := 0; ; {
		next := end
		for _, l := range f.flying {
			next = mono.Min(next, l.at)
		}
		for _, p := range f.peers {
			if p.c != nil {
				next = mono.Min(next, p.c.Deadline())
			}
		}
		if next > f.now {
			idle = 0
		} else if idle++; idle > 2000 {
			require.Fail(f.t, "spins", "deadlines of %v\n%v", next.Sub(f.now), tale{f})
		}
		f.now = max(f.now, next)
		k := slices.IndexFunc(f.flying, func(l flying) bool { return l.at <= f.now })
		if k >= 0 {
			l := f.flying[k]
			f.flying = slices.Delete(f.flying, k, k+1)
			f.arrive(l)
		}
		f.pumpAll()
		if k < 0 && f.now >= end {
			return
		}
	}
}

func (f *rendezvousFuzz) pumpAll() {
	for _, p := range f.peers {
		if p.c == nil {
			continue
		}
		if p.c.State() == StateFindingRoute && p.other.c != nil && p.path() && !p.c.p2p.routed {
			p.c.RouteFound(f.now)
		}
		p.c.Advance(f.now)
		p.pump()
		require.Greater(f.t, p.c.Deadline(), mono.Time(1), "all is said\n%v", tale{f})
	}
	if len(f.flying) > 2000 {
		f.flying = f.flying[:2000]
	}
}

// mayFollow are the states that may follow one.
var mayFollow = map[State][]State{
	StateNone:                   {StateConnecting},
	StateConnecting:             {StateFindingRoute, StateClosedByPeer, StateProblemDetectedLocally, StateFinWait},
	StateFindingRoute:           {StateConnected, StateClosedByPeer, StateProblemDetectedLocally, StateFinWait},
	StateConnected:              {StateLinger, StateClosedByPeer, StateProblemDetectedLocally, StateFinWait},
	StateLinger:                 {StateFinWait},
	StateClosedByPeer:           {StateFinWait},
	StateProblemDetectedLocally: {StateFinWait},
	StateFinWait:                {StateDead},
}

func (f *rendezvousFuzz) check() {
	for i, p := range f.peers {
		for _, e := range p.events {
			require.Contains(f.t, mayFollow[e.Old], e.New, "%v", tale{f})
		}
		if limit := f.reasons[i] + int(f.now.Sub(f.began)/signalSpacing) + 20; len(p.signals) > limit {
			require.Fail(f.t, "talks too much", "%s has sent %d signals in %v, for %d reasons\n%v", p.name, len(p.signals), f.now.Sub(f.began), f.reasons[i], tale{f})
		}
		if p.c == nil {
			continue
		}
		require.LessOrEqual(f.t, len(p.c.p2p.steps), maxICESteps+1)
		require.LessOrEqual(f.t, p.c.p2p.out.Unacked(), 128)
		for _, text := range p.messages {
			var from string
			var n int
			_, err := fmt.Sscan(text, &from, &n)
			require.NoError(f.t, err)
			require.Equal(f.t, f.expected[p.c][from], n, "messages of %s to %s\n%v", from, p.name, tale{f})
			f.expected[p.c][from]++
		}
		p.messages = nil
	}
	a, b := f.peers[0].c, f.peers[1].c
	if a != nil && b != nil && a.State() == StateConnected && b.State() == StateConnected && a.RemoteID() == b.ID() && b.RemoteID() == a.ID() {
		require.NotEqual(f.t, a.IsServer(), b.IsServer(), "%v", tale{f})
	}
}

// TestRendezvousByChance is FuzzRendezvous with scripts made by chance.
func TestRendezvousByChance(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		rendezvousByChance(t, seed)
	}
}

func rendezvousByChance(t *testing.T, seed uint64) {
	dice := newDice(seed)
	script := make([]byte, 1+dice.IntN(150))
	for i := range script {
		script[i] = byte(dice.IntN(256))
	}
	// They know of each other, or little would happen.
	newRendezvousFuzz(t, slices.Insert(script, 1, 2, byte(dice.IntN(2)))).run()
}
