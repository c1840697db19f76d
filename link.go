package gns

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/rendezvous"
	"github.com/gogns/gns/p2p"
)

// link is what a P2P connection has beside other connections: a way for signals, and an ICE agent in place of a socket. The lock of the
// connection guards it.
type link struct {
	c         *connection
	core      *conn.Conn
	sock      *iceSocket
	password  string // of the agent
	symmetric bool
	key       peerPorts // in p2pTable.byPorts

	signaling Signaling // nil: not known yet, or not any more
	outbox    [][]byte  // signals to be sent
	sending   bool      // a goroutine sends them
	muted     bool      // status changes are not reported yet
	refused   bool      // counted in listenSocket.refused
	hopeless  bool      // there is no agent to be had
	suspected mono.Time // when the agent was last told that something is wrong
	route     p2p.Route

	unreachable mono.Time // since when the peer is said not to be there; zero: it is not

	// Of connections that belong to the messages interface, which applications do not see.
	owner    *Messages // nil: the application's; it does not change
	session  *session  // nil: none yet, or not any more
	idleAt   mono.Time // when the session is idle; Never without one
	doubted  mono.Time // since when it is suspect though its peer asks for another; Never if it is not
	replaced bool      // by another that the peer has asked for
	inherits bool      // messages of an earlier connection were unread when it began
}

// maxOutbox is how many signals wait to be sent. The core knows what it has to say, so it is asked when there is room.
const maxOutbox = 2

// goneAfter is how long a peer must be said not to be there to be believed so. One who has just come may not be known everywhere yet.
const goneAfter = 900 * time.Millisecond

// suspectInterval is the distance at which the agent is told that the peer is not heard.
const suspectInterval = time.Second

// newLink wraps the core of a P2P connection. Nothing is registered yet.
func (s *Sockets) newLink(core *conn.Conn, listen *listenSocket, store *config.Store, generation uint64, password string) *link {
	sock := newICESocket(s)
	ep := s.newEndpoint(sock)
	c := s.newConnection(core, ep, listen, store, generation)
	c.link = &link{c: c, core: core, sock: sock, password: password, idleAt: mono.Never, doubted: mono.Never}
	if listen != nil {
		c.link.owner = listen.owner
	}
	ep.peers.add(c)
	return c.link
}

// pump does what follows any call of the core. c.mu is held.
func (l *link) pump(now mono.Time) {
	if l == nil {
		return
	}
	if l.sock.agent == nil && !l.hopeless && l.wantsAgent() {
		if err := l.openAgent(); err != nil {
			l.hopeless = true
			l.core.Fail(now, conn.EndReason(endLocalNoICE), "%v", err)
		}
	}
	for {
		step, ok := l.core.NextICE()
		if !ok {
			break
		}
		l.tell(step)
	}
	if l.core.PathSuspect() && now.Sub(l.suspected) >= suspectInterval && l.sock.agent != nil {
		l.suspected = now
		l.sock.agent.Suspect()
	}
	l.sendSignals(now)
}

// endLocalNoICE is Valve's internal reason for ICE being disabled on this side, which becomes the connection's.
const endLocalNoICE = 3998

// wantsAgent reports whether it is time for an agent: a client gathers candidates from the start, a server when it has
// accepted, so that nobody can make it open sockets who is not wanted.
func (l *link) wantsAgent() bool {
	switch l.core.State() {
	case conn.StateConnecting:
		return !l.core.IsServer()
	case conn.StateFindingRoute:
		return true
	}
	return false
}

// openAgent makes the agent and lets it look for candidates.
func (l *link) openAgent() error {
	cfg, err := l.agentConfig()
	if err != nil {
		return err
	}
	agent, err := l.c.s.ice.NewAgent(cfg)
	if err != nil {
		return ResultFail.wrap(err)
	}
	if !l.sock.use(agent) {
		s := l.c.s
		s.active.Add(1)
		go func() {
			defer s.active.Done()
			_ = agent.Close()
		}()
		return errSocketsClosed
	}
	agent.Gather()
	return nil
}

// agentConfig reads the configuration of the connection.
func (l *link) agentConfig() (p2p.AgentConfig, error) {
	c := l.c
	cfg := p2p.AgentConfig{
		Ufrag:         rendezvous.Ufrag(uint32(c.handle)),
		Pwd:           l.password,
		OnCandidate:   l.gathered,
		OnGathered:    l.gatheredAll,
		OnCredentials: l.restarted,
		OnRoute:       l.routed,
		Receive:       l.sock.arrived,
		Logger:        c.s.log.With("conn", uint32(c.handle)),
	}
	var err error
	cfg.Tell, cfg.STUN, cfg.TURN, err = c.s.iceConfig(c.config)
	if lists := turnLists(c.config); cfg.TURN != nil && lists.mistaken() {
		c.noteTURNLists(lists)
	}
	return cfg, err
}

// tell tells the agent what the peer has to say.
func (l *link) tell(step conn.ICEStep) {
	agent := l.sock.agent
	switch {
	case agent == nil:
	case step.Candidate == "":
		if err := agent.Start(step.Controlling, step.Ufrag, step.Password); err != nil {
			l.c.noteICE(err)
		}
	default:
		if err := agent.AddCandidate(step.Candidate); err != nil {
			l.c.noteICE(err)
		}
	}
}

// with runs f under the lock of the connection, if that is not gone, with all that follows.
func (l *link) with(f func(now mono.Time)) {
	now := l.c.lock()
	defer l.c.mu.Unlock()
	if !l.c.dead {
		f(now)
		l.c.pump(now)
	}
}

func (l *link) gathered(candidate string, kind p2p.Candidates) {
	l.with(func(now mono.Time) {
		host := strings.Contains(candidate, " typ host")
		l.core.LocalCandidate(now, candidate, host, !host && kind == p2p.CandidatePublic)
	})
}

func (l *link) gatheredAll() { l.with(func(mono.Time) { l.core.Gathered() }) }

func (l *link) restarted(pwd string) {
	l.with(func(now mono.Time) {
		l.password = pwd
		l.core.LocalPassword(now, pwd)
	})
}

func (l *link) routed(r p2p.Route) {
	l.with(func(now mono.Time) {
		l.route = r
		l.c.noteRoute(r)
		l.core.RouteFound(now)
	})
}

// remote returns the address of the peer, invalid while unknown and behind a relay.
func (l *link) remote() netip.AddrPort {
	if l.route.Kind == p2p.RouteRelayed {
		return netip.AddrPort{}
	}
	return l.route.Remote
}

// describe names the connection for people, in Valve's form.
func (l *link) describe() string {
	text := "P2P"
	if l.route.Kind != p2p.RouteNone {
		text = "P2P ICE"
	}
	if id := l.core.Identity(); id.IsValid() && !id.IsLocalhost() {
		text += " " + id.String()
	}
	local, remote := l.core.Ports()
	switch {
	case local == messagesVirtualPort && local == remote:
		return text + " msg vport"
	case l.symmetric && local != remote:
		return fmt.Sprintf("%s loc vport %d rem vport %d", text, local, remote)
	case l.core.IsServer():
		return fmt.Sprintf("%s vport %d", text, local)
	}
	return fmt.Sprintf("%s vport %d", text, remote)
}

// routeFlags returns what a path means for the flags of a connection.
func routeFlags(r p2p.Route) InfoFlags {
	switch r.Kind {
	case p2p.RouteRelayed:
		return InfoRelayed
	case p2p.RouteLocal:
		return InfoFast
	}
	return 0
}

// routeText describes a path for people.
func routeText(r p2p.Route) string {
	switch r.Kind {
	case p2p.RouteNone:
		return "no path yet"
	case p2p.RouteRelayed:
		return fmt.Sprintf("relayed: %v (%s) to %v (%s)", r.Local, r.LocalType, r.Remote, r.RemoteType)
	}
	return fmt.Sprintf("%s: %v (%s) to %v (%s)", r.Kind, r.Local, r.LocalType, r.Remote, r.RemoteType)
}

// sendSignals has sent what the core has to say to the peer. c.mu is held.
func (l *link) sendSignals(now mono.Time) {
	if l.signaling == nil {
		l.core.HoldSignals(true)
		return
	}
	for len(l.outbox) < maxOutbox {
		signal, ok := l.core.AppendSignal(now, nil)
		if !ok {
			break
		}
		l.outbox = append(l.outbox, signal)
	}
	l.core.HoldSignals(len(l.outbox) >= maxOutbox)
	if len(l.outbox) > 0 && !l.sending {
		l.sending = true
		s := l.c.s
		s.active.Add(1) // who holds the lock of a connection that is not dead is active
		s.signalsUnsent.Add(1)
		go func() {
			defer s.active.Done()
			defer s.signalsUnsent.Done()
			l.deliver()
		}()
	}
}

// deliver sends signals until there are no more. It holds no lock while it does, so that SendSignal may do what it likes.
func (l *link) deliver() {
	c := l.c
	c.mu.Lock()
	for len(l.outbox) > 0 {
		signal, via, info := l.outbox[0], l.signaling, c.currentInfo()
		l.outbox = l.outbox[1:]
		c.mu.Unlock()
		err := via.SendSignal(c.handle, info, signal)
		now := c.lock()
		if err != nil && !c.dead {
			l.core.Fail(now, conn.EndMiscInternalError, "cannot send signals: %v", err)
			c.pump(now)
		}
		if !c.dead {
			l.sendSignals(now)
			c.arm(now)
		}
	}
	l.sending = false
	released := l.released()
	c.mu.Unlock()
	if released != nil {
		released.Release()
	}
}

// released returns the signaling if it is not needed any more, for the caller to release without locks. c.mu is held.
func (l *link) released() Signaling {
	if !l.c.dead || l.sending {
		return nil
	}
	via := l.signaling
	l.signaling = nil
	return via
}

// die lets go of the signaling. c.mu is held.
func (l *link) die() {
	if l.refused {
		l.c.listen.refused.Add(-1)
	}
	if via := l.released(); via != nil {
		s := l.c.s
		s.active.Add(1)
		go func() {
			defer s.active.Done()
			via.Release()
		}()
	}
}
