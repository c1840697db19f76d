package ice

import (
	"net/netip"
	"time"

	pion "github.com/pion/ice/v4"
	"github.com/pion/transport/v5"
)

// round is one set of checks of all paths: an agent of pion's, which begins from nothing while the ports and the path in use
// stay. Its lanes are guarded by agent.mu.
type round struct {
	agent  *agent
	number int
	peer   credentials
	began  time.Time
	ends   time.Time // when the last pair has failed
	lanes  map[*port]*lane
	pion   *pion.Agent
}

// credentials are what the peer is addressed with.
type credentials struct{ ufrag, pwd string }

const (
	// fastTurns and slowTurns are how often pion's agent takes a turn; see pause for how often a path is checked. Turns cost,
	// so a round has fast ones unless the one before has found nothing.
	fastTurns = 50 * time.Millisecond
	slowTurns = 200 * time.Millisecond
	// turns is after how many a pair has failed.
	turns = 60
	// reflexiveWait and relayWait are how long paths with such candidates, if they answer, wait for better ones.
	reflexiveWait = 100 * time.Millisecond
	relayWait     = 500 * time.Millisecond
)

// newRound begins a round. It is called by run alone.
func (a *agent) newRound(interval time.Duration) error {
	relay := relayWait
	if a.relayOnly() {
		relay = 0
	}
	p, err := pion.NewAgentWithOptions(
		pion.WithNet(noNetwork{}),
		pion.WithNetworkTypes([]pion.NetworkType{pion.NetworkTypeUDP4, pion.NetworkTypeUDP6}),
		pion.WithMulticastDNSMode(pion.MulticastDNSModeDisabled),
		pion.WithLocalCredentials(a.cfg.Ufrag, a.cfg.Pwd),
		pion.WithLoggerFactory(loggers{a.cfg.Logger}),
		pion.WithCheckInterval(interval),
		pion.WithMaxBindingRequests(turns),
		pion.WithKeepaliveInterval(0),
		pion.WithDisconnectedTimeout(0), // a round never ends by itself
		pion.WithFailedTimeout(0),
		pion.WithHostAcceptanceMinWait(0),
		pion.WithSrflxAcceptanceMinWait(reflexiveWait),
		pion.WithPrflxAcceptanceMinWait(reflexiveWait),
		pion.WithRelayAcceptanceMinWait(relay),
	)
	if err != nil {
		return err
	}
	a.mu.Lock()
	old := a.round
	a.rounds++
	r := &round{agent: a, number: a.rounds, peer: a.peer, lanes: make(map[*port]*lane), pion: p}
	r.began = time.Now()
	r.ends = r.began.Add(turns * interval)
	a.round = r
	controlling := a.controlling
	remotes := a.remotes
	for _, addr := range a.reflexive {
		if a.remoteKind(addr) == kindPrflx {
			remotes = append(remotes[:len(remotes):len(remotes)], remoteCandidate{addr, kindPrflx})
		}
	}
	a.mu.Unlock()
	if old != nil {
		_ = old.pion.GracefulClose()
	}
	for _, port := range a.ports {
		r.addPort(port)
	}
	for _, c := range remotes {
		r.addRemote(c)
	}
	if controlling {
		_, err = p.StartDial(r.peer.ufrag, r.peer.pwd)
	} else {
		_, err = p.StartAccept(r.peer.ufrag, r.peer.pwd)
	}
	return err
}

// addPort makes a port take part. Sockets alone matter: the address that a STUN server sees is the socket's own
// as far as checks are concerned.
func (r *round) addPort(p *port) {
	l := newLane(r, p)
	var c pion.Candidate
	var err error
	if p.kind == kindRelay {
		c, err = pion.NewCandidateRelay(&pion.CandidateRelayConfig{
			Network: "udp", Address: p.local.Addr().String(), Port: int(p.local.Port()),
			Component: pion.ComponentRTP, RelayProtocol: "udp",
			RelAddr: "0.0.0.0", RelPort: 9,
		})
	} else {
		c, err = pion.NewCandidateHost(&pion.CandidateHostConfig{
			Network: "udp", Address: p.local.Addr().String(), Port: int(p.local.Port()),
			Component: pion.ComponentRTP, Priority: p.priority,
		})
	}
	if err != nil {
		r.agent.cfg.Logger.Debug("ice: local candidate", "addr", p.local, "err", err)
		return
	}
	r.agent.mu.Lock()
	r.lanes[p] = l
	r.agent.mu.Unlock()
	if err := r.pion.AddVirtualCandidate(c, l); err != nil {
		r.agent.cfg.Logger.Debug("ice: local candidate", "addr", p.local, "err", err)
	}
}

// addRemote makes an address of the peer take part.
func (r *round) addRemote(c remoteCandidate) {
	var candidate pion.Candidate
	var err error
	ip, port := c.addr.Addr().String(), int(c.addr.Port())
	switch c.kind {
	case kindHost:
		candidate, err = pion.NewCandidateHost(&pion.CandidateHostConfig{
			Network: "udp", Address: ip, Port: port, Component: pion.ComponentRTP})
	case kindSrflx:
		candidate, err = pion.NewCandidateServerReflexive(&pion.CandidateServerReflexiveConfig{
			Network: "udp", Address: ip, Port: port, Component: pion.ComponentRTP, RelAddr: unspecified(c.addr), RelPort: 9})
	case kindPrflx:
		candidate, err = pion.NewCandidatePeerReflexive(&pion.CandidatePeerReflexiveConfig{
			Network: "udp", Address: ip, Port: port, Component: pion.ComponentRTP, RelAddr: unspecified(c.addr), RelPort: 9})
	case kindRelay:
		candidate, err = pion.NewCandidateRelay(&pion.CandidateRelayConfig{
			Network: "udp", Address: ip, Port: port, Component: pion.ComponentRTP, RelAddr: unspecified(c.addr), RelPort: 9})
	}
	if err == nil {
		err = r.pion.AddRemoteCandidate(candidate)
	}
	if err != nil {
		r.agent.cfg.Logger.Debug("ice: remote candidate", "addr", c.addr, "err", err)
	}
}

// unspecified is the related address of those who do not tell.
func unspecified(addr netip.AddrPort) string {
	if addr.Addr().Is4() {
		return "0.0.0.0"
	}
	return "::"
}

// noNetwork keeps pion's agent from looking at the machine: it gets all it needs from us.
type noNetwork struct{ transport.Net }

func (noNetwork) Interfaces() ([]*transport.Interface, error) { return nil, nil }
