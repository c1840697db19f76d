package ice

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pion/stun/v4"
)

const (
	stunHeader = 20
	stunCookie = 0x2112A442
)

// isSTUN tells STUN messages from datagrams of the peer as Valve's library does.
func isSTUN(b []byte) bool {
	return len(b) >= stunHeader && b[0] < 0x40 &&
		binary.BigEndian.Uint32(b[4:]) == stunCookie &&
		int(binary.BigEndian.Uint16(b[2:]))+stunHeader == len(b)
}

// receive takes a datagram that has arrived at a port. It is called from the goroutine that reads the port.
func (a *agent) receive(p *port, from netip.AddrPort, b []byte) {
	if isSTUN(b) {
		a.receiveSTUN(p, from, b)
		return
	}
	// Whoever is not known to be the peer has no business here: everybody can send, but only the peer passes a check.
	if known := a.known.Load(); known != nil {
		if _, ok := (*known)[from]; ok {
			a.cfg.Receive(b)
			return
		}
	}
	a.dropped.Add(1)
}

// receiveSTUN takes a message that is in b. Others than checks of the peer, answers to ours, and answers of STUN servers
// are dropped. Errors among them: a peer has no reason to send any, and one that would change the role must not.
func (a *agent) receiveSTUN(p *port, from netip.AddrPort, b []byte) {
	msg := &stun.Message{Raw: slices.Clone(b)}
	if msg.Decode() != nil || msg.Type.Method != stun.MethodBinding {
		a.dropped.Add(1)
		return
	}
	ok := false
	switch msg.Type.Class {
	case stun.ClassRequest:
		ok = a.receiveCheck(p, from, msg)
	case stun.ClassSuccessResponse:
		ok = a.receiveAnswer(p, from, msg)
	}
	if !ok {
		a.dropped.Add(1)
	}
}

// early is a check that came before the credentials of the peer were known.
type early struct {
	port *port
	from netip.AddrPort
	msg  *stun.Message
}

const maxEarly = 32

// receiveCheck takes a Binding request and returns whether it was the peer's.
func (a *agent) receiveCheck(p *port, from netip.AddrPort, msg *stun.Message) bool {
	username, err := msg.Get(stun.AttrUsername)
	if err != nil || !strings.HasPrefix(string(username), a.cfg.Ufrag+":") ||
		stun.NewShortTermIntegrity(a.cfg.Pwd).Check(msg) != nil {
		return false
	}
	a.mu.Lock()
	if !a.started {
		if len(a.early) < maxEarly {
			a.early = append(a.early, early{p, from, msg})
		}
		a.mu.Unlock()
		return true
	}
	// The peer has the other role for good; see p2p.Agent.
	sameRole := stun.AttrICEControlled
	if a.controlling {
		sameRole = stun.AttrICEControlling
	}
	if string(username) != a.cfg.Ufrag+":"+a.peer.ufrag || msg.Contains(sameRole) {
		a.mu.Unlock()
		return false
	}
	a.know(from)
	way := a.pathTo(p, from)
	way.next = time.Time{} // a check in return need not wait
	a.notice(way)
	if !a.controlling && msg.Contains(stun.AttrUseCandidate) {
		if way.valid.IsZero() {
			way.nominated = time.Now()
		} else {
			a.choose(way)
		}
	}
	var to *lane
	if a.round != nil {
		to = a.round.lanes[p]
	}
	a.mu.Unlock()
	a.wake()
	if to != nil {
		to.deliver(msg.Raw, from)
	}
	return true
}

// know remembers an address from which something came that only the peer can send. a.mu is held.
func (a *agent) know(from netip.AddrPort) {
	old := a.known.Load()
	if old != nil {
		if _, ok := (*old)[from]; ok {
			return
		}
	}
	all := map[netip.AddrPort]struct{}{from: {}}
	if old != nil && len(*old) < maxKnown {
		for addr := range *old {
			all[addr] = struct{}{}
		}
	}
	if current := a.current.Load(); current != nil {
		all[current.remote] = struct{}{}
	}
	a.known.Store(&all)
	if a.remoteKind(from) == kindPrflx {
		if a.reflexive = append(a.reflexive, from); len(a.reflexive) > maxReflexive {
			a.reflexive = slices.Delete(a.reflexive, 0, 1)
		}
	}
}

// notice sees to it that the controlling side checks all paths when the peer does, as it may have lost the one in use. Otherwise
// the peer would have nothing but the path that it has chosen itself, of which we know nothing. a.mu is held.
func (a *agent) notice(way *path) {
	now := time.Now()
	current := a.current.Load()
	if a.controlling && current != nil && way != current && now.Sub(a.chosen) > settleTime && now.Sub(way.asked) > settleTime {
		a.work.moved = true
	}
	way.asked = now
}

const (
	maxKnown     = 4 * MaxRemote
	maxReflexive = MaxRemote / 4
)

// check is a Binding request to the peer.
type check struct {
	lane      *lane
	path      *path
	sent      time.Time
	nominates bool
}

const (
	checkTimeout = 5 * time.Second
	maxChecks    = 4096
)

// receiveAnswer takes a success response and returns whether it answers a request.
func (a *agent) receiveAnswer(p *port, from netip.AddrPort, msg *stun.Message) bool {
	id := transaction(msg.TransactionID)
	a.mu.Lock()
	defer a.mu.Unlock()
	if q, ok := p.queries[id]; ok && q.server == from {
		delete(p.queries, id)
		return q.answer(msg)
	}
	c, ok := a.checks[id]
	if !ok || c.path.port != p || c.path.remote != from ||
		stun.NewShortTermIntegrity(c.lane.round.peer.pwd).Check(msg) != nil {
		return false
	}
	delete(a.checks, id)
	now := time.Now()
	way := c.path
	way.valid, way.rtt, way.unanswered = now, now.Sub(c.sent), time.Time{}
	a.know(from)
	if c.nominates || now.Sub(way.nominated) < checkTimeout {
		a.choose(way)
	}
	a.wake()
	c.lane.deliver(msg.Raw, from)
	return true
}
