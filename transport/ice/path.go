package ice

import (
	"net/netip"
	"time"

	"github.com/gogns/gns/p2p"
)

// path is a pair of addresses, one of each side. All but the first two fields are guarded by agent.mu.
type path struct {
	port   *port
	remote netip.AddrPort

	valid     time.Time // when the peer last answered a check
	rtt       time.Duration
	nominated time.Time // by the peer, when it had not answered a check yet

	asked      time.Time // when the peer last checked it
	unanswered time.Time // when the first check was sent that has no answer yet; zero: all are answered

	// When the next check may be sent, and how many were, in a round.
	next     time.Time
	checks   int
	checksIn int
}

type pathKey struct {
	port   *port
	remote netip.AddrPort
}

// pathTo returns the path between two addresses. a.mu is held.
func (a *agent) pathTo(p *port, remote netip.AddrPort) *path {
	key := pathKey{p, remote}
	found := a.paths[key]
	if found == nil {
		if len(a.paths) >= maxPaths {
			a.forgetPaths(func(old *path) bool { return old.valid.IsZero() })
		}
		if len(a.paths) >= maxPaths {
			a.forgetPaths(func(*path) bool { return true })
		}
		found = &path{port: p, remote: remote}
		a.paths[key] = found
	}
	return found
}

// maxPaths is as many as there can be between the candidates of both sides, and some for addresses that
// have not been told.
const maxPaths = (MaxSockets + MaxServers) * 2 * MaxRemote

// forgetPaths forgets those for which f is true, but not the current one. a.mu is held.
func (a *agent) forgetPaths(f func(*path) bool) {
	current := a.current.Load()
	for key, p := range a.paths {
		if p != current && f(p) {
			delete(a.paths, key)
		}
	}
}

// choose makes datagrams take a path. a.mu is held.
func (a *agent) choose(p *path) {
	p.nominated = time.Time{}
	if a.current.Load() != p && !p.port.closed.Load() {
		a.current.Store(p)
		a.chosen = time.Now()
	}
}

// rank says how good a path is, whatever its round-trip time. Less is better.
type rank uint8

const (
	rankDirect  rank = iota
	rankUnsure       // the peer has not told the address, so it may be at a relay
	rankRelayed      // a.relayed
)

// rank returns that of a path. a.mu is held.
func (a *agent) rank(p *path) rank {
	switch {
	case p.port.kind == kindRelay:
		return rankRelayed
	case a.remoteKind(p.remote) == kindPrflx:
		return a.rankOf(p.remote.Addr())
	case a.remoteKind(p.remote) == kindRelay:
		return rankRelayed
	}
	return rankDirect
}

// rankOf returns that of paths to an address of which the peer has not told the port: it may be that of a symmetric NAT of the peer, or
// of a relay about which a signal is on the way. a.mu is held.
func (a *agent) rankOf(ip netip.Addr) rank {
	found := rankUnsure
	for _, c := range a.remotes {
		switch {
		case c.addr.Addr() != ip:
		case c.kind == kindRelay:
			found = rankRelayed
		default:
			return rankDirect
		}
	}
	if a.round != nil {
		for p := range a.round.lanes {
			if p.kind == kindRelay && p.local.Addr() == ip {
				return rankRelayed // both use the same
			}
		}
	}
	return found
}

// relayed tells whether a path leads through a relay. a.mu is held.
func (a *agent) relayed(p *path) bool { return a.rank(p) == rankRelayed }

// best returns the best path of those that have answered since, or nil. a.mu is held.
func (a *agent) best(since time.Time) *path {
	var best *path
	for _, p := range a.paths {
		if !p.valid.After(since) || p.port.closed.Load() {
			continue
		}
		if best == nil || a.better(p, best) {
			best = p
		}
	}
	return best
}

func (a *agent) better(p, q *path) bool {
	if x, y := a.rank(p), a.rank(q); x != y {
		return x < y
	}
	return p.rtt < q.rtt
}

// remoteKind returns the type of an address of the peer: what it has told, or peer reflexive. a.mu is held.
func (a *agent) remoteKind(addr netip.AddrPort) kind {
	for _, c := range a.remotes {
		if c.addr == addr {
			return c.kind
		}
	}
	return kindPrflx
}

// route describes a path. a.mu is held.
func (a *agent) route(p *path) p2p.Route {
	remote := a.remoteKind(p.remote)
	r := p2p.Route{
		Kind:       p2p.RouteDirect,
		Local:      p.port.local,
		Remote:     p.remote,
		LocalType:  p.port.kind.String(),
		RemoteType: remote.String(),
	}
	switch {
	case a.relayed(p):
		r.Kind = p2p.RouteRelayed
	case remote == kindHost || remote == kindPrflx:
		for _, network := range a.networks {
			if isInternal(network.Addr()) && network.Contains(p.remote.Addr()) {
				r.Kind = p2p.RouteLocal
			}
		}
	}
	return r
}
