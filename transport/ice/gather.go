package ice

import (
	"net/netip"
	"slices"
	"time"

	"github.com/gogns/gns/p2p"
)

// finding is what servers have told, or that all have been asked.
type finding struct {
	batch  int
	port   *port // that a server was asked from, or a new one at a relay
	mapped netip.AddrPort
	done   bool
}

// gatherAll opens sockets on all addresses of this machine, asks all servers, and tells the candidates.
func (a *agent) gatherAll() {
	addrs, err := a.factory.addresses()
	if err != nil {
		a.cfg.Logger.Warn("ice: addresses of this machine", "err", err)
	}
	a.gathering++
	a.askServers(a.open(addrs, nil), addrs, true)
}

// open opens sockets on the addresses of this machine that are not in skip, and tells them.
func (a *agent) open(addrs []address, skip []netip.Addr) []*port {
	a.setNetworks(addrs)
	if a.relayOnly() {
		return nil
	}
	var fresh []*port
	for i, addr := range addrs {
		if slices.Contains(skip, addr.prefix.Addr()) {
			continue
		}
		p, err := a.bind(addr)
		if err != nil {
			a.cfg.Logger.Debug("ice: socket", "addr", addr.prefix.Addr(), "err", err)
			continue
		}
		p.batch = a.gathering - 1
		p.priority = priority(kindHost, p.batch, i)
		fresh = append(fresh, p)
		a.addPort(p)
		if kind := hostKind(p.local.Addr()); a.cfg.Tell&kind != 0 {
			a.cfg.OnCandidate(formatCandidate(kindHost, p.local, p.local.Addr(), p.priority), kind)
		}
	}
	return fresh
}

func (a *agent) setNetworks(addrs []address) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.networks = nil
	for _, addr := range addrs {
		a.networks = append(a.networks, addr.prefix.Masked())
	}
}

// addPort makes a port take part.
func (a *agent) addPort(p *port) {
	a.ports = append(a.ports, p)
	if a.round != nil {
		a.round.addPort(p)
	}
}

// take tells what servers have told.
func (a *agent) take(found []finding) {
	for _, f := range found {
		switch {
		case f.done:
			if a.asking--; a.asking == 0 {
				a.cfg.OnGathered()
			}
		case f.mapped.IsValid():
			// One that is the socket's own address is told already, if at all.
			if f.mapped != f.port.local {
				a.cfg.OnCandidate(formatCandidate(kindSrflx, f.mapped, f.port.local.Addr(),
					priority(kindSrflx, f.batch, slices.Index(a.ports, f.port)+1)), p2p.CandidatePublic)
			}
		default:
			f.port.priority = priority(kindRelay, f.batch, len(a.ports))
			a.addPort(f.port)
			a.cfg.OnCandidate(formatCandidate(kindRelay, f.port.local, f.port.local.Addr(), f.port.priority), p2p.CandidateRelay)
		}
	}
}

// interfacesChanged closes the sockets of addresses that are gone and opens some on those that have come.
func (a *agent) interfacesChanged() {
	addrs, err := a.factory.addresses()
	if err != nil {
		return
	}
	var have, stay []netip.Addr
	for _, addr := range addrs {
		have = append(have, addr.prefix.Addr())
	}
	for _, p := range a.ports {
		if p.kind == kindHost && !slices.Contains(have, p.local.Addr()) {
			a.cfg.Logger.Debug("ice: address gone", "addr", p.local)
			p.close()
		}
	}
	a.dropClosed()
	if way := a.current.Load(); way != nil && way.port.closed.Load() {
		a.gatherAll()
		a.Suspect()
		return
	}
	relays := false
	for _, p := range a.ports {
		stay = append(stay, p.local.Addr())
		relays = relays || p.kind == kindRelay
	}
	a.askServers(a.open(addrs, stay), addrs, !relays)
	if way := a.current.Load(); way != nil && way.port.kind == kindRelay {
		a.Suspect() // the relay may be reached from elsewhere now, and not know us
	}
	a.mu.Lock()
	controlling := a.controlling
	a.mu.Unlock()
	if controlling {
		a.upgradeAt(time.Now().Add(relayWait)) // if not, the peer looks when it has got the new candidates
	}
}

// closeOldPorts closes what was gathered before the last time, but for the port in use.
func (a *agent) closeOldPorts() {
	way := a.current.Load()
	for _, p := range a.ports {
		if p.batch < a.gathering-2 && (way == nil || way.port != p) {
			p.close()
		}
	}
	a.dropClosed()
}

// dropClosed forgets the ports that are closed.
func (a *agent) dropClosed() {
	a.ports = slices.DeleteFunc(a.ports, func(p *port) bool { return p.closed.Load() })
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forgetPaths(func(p *path) bool { return p.port.closed.Load() })
	if a.round != nil {
		for p := range a.round.lanes {
			if p.closed.Load() {
				delete(a.round.lanes, p)
			}
		}
	}
}
