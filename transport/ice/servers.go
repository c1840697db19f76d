package ice

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/stun/v4"

	"github.com/gogns/gns/p2p"
)

// askServers asks STUN servers from the ports, and, if relays is set, TURN servers for addresses, and then says that it is done.
func (a *agent) askServers(ports []*port, addrs []address, relays bool) {
	var all sync.WaitGroup
	batch := a.gathering - 1
	if a.cfg.Tell&p2p.CandidatePublic != 0 {
		for _, server := range limit(a.cfg.STUN) {
			all.Go(func() { a.askSTUN(batch, server, ports) })
		}
	}
	if relays && a.cfg.Tell&p2p.CandidateRelay != 0 {
		for _, server := range limit(a.cfg.TURN) {
			all.Go(func() { a.askTURN(batch, server, addrs) })
		}
	}
	a.asking++
	a.spawn(func() {
		all.Wait()
		a.report(finding{done: true})
	})
}

func limit[T any](servers []T) []T { return servers[:min(len(servers), MaxServers)] }

// report hands a finding to run.
func (a *agent) report(f finding) {
	a.mu.Lock()
	if a.ctx.Err() == nil || f.port == nil {
		a.work.found = append(a.work.found, f)
		f.port = nil
	}
	a.mu.Unlock()
	if f.port != nil && !f.mapped.IsValid() {
		f.port.close() // nobody will
	}
	a.wake()
}

// lookup returns the addresses of a server that is host:port, with a scheme in front or not.
func (a *agent) lookup(ctx context.Context, scheme, server string) ([]netip.AddrPort, error) {
	server = strings.TrimPrefix(strings.TrimSpace(server), scheme+":")
	host, service, err := net.SplitHostPort(server)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil || port == 0 {
		return nil, errors.New("unreadable port")
	}
	ips := []netip.Addr{}
	if ip, err := netip.ParseAddr(host); err == nil {
		ips = append(ips, ip)
	} else if ips, err = a.factory.net.resolve(ctx, host); err != nil {
		return nil, err
	}
	var found []netip.AddrPort
	for _, ip := range ips {
		found = append(found, netip.AddrPortFrom(ip.Unmap(), uint16(port)))
	}
	return found, nil
}

// serverTimeout is how long servers have for everything.
const serverTimeout = 6 * time.Second

// askSTUN asks a server, from each port, what the port's address looks like from outside.
func (a *agent) askSTUN(batch int, server string, ports []*port) {
	ctx, cancel := context.WithTimeout(a.ctx, serverTimeout)
	defer cancel()
	addrs, err := a.lookup(ctx, "stun", server)
	if err != nil {
		a.cfg.Logger.Warn("ice: STUN server", "server", server, "err", err)
		return
	}
	var all sync.WaitGroup
	for _, p := range ports {
		for _, addr := range addrs {
			if addr.Addr().Is4() == p.local.Addr().Is4() {
				all.Go(func() {
					if mapped, ok := a.query(ctx, p, addr); ok {
						a.report(finding{batch: batch, port: p, mapped: mapped})
					}
				})
				break
			}
		}
	}
	all.Wait()
}

// query is a question to a STUN server. The answer goes to a channel with one slot.
type query struct {
	server netip.AddrPort
	result chan netip.AddrPort
}

// answer takes a response and returns whether it is one.
func (q query) answer(msg *stun.Message) bool {
	var mapped stun.XORMappedAddress
	if mapped.GetFrom(msg) != nil {
		return false
	}
	ip, ok := netip.AddrFromSlice(mapped.IP)
	if !ok || mapped.Port <= 0 || mapped.Port > 1<<16-1 {
		return false
	}
	q.result <- netip.AddrPortFrom(ip.Unmap(), uint16(mapped.Port))
	return true
}

// query asks a server, again and again, until it answers.
func (a *agent) query(ctx context.Context, p *port, server netip.AddrPort) (netip.AddrPort, bool) {
	msg, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.Fingerprint)
	if err != nil {
		return netip.AddrPort{}, false
	}
	id := transaction(msg.TransactionID)
	q := query{server, make(chan netip.AddrPort, 1)}
	a.mu.Lock()
	p.queries[id] = q
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		delete(p.queries, id)
		a.mu.Unlock()
	}()
	for wait := 200 * time.Millisecond; ; wait *= 2 {
		p.send(msg.Raw, server)
		timer := time.NewTimer(wait)
		select {
		case mapped := <-q.result:
			timer.Stop()
			return mapped, true
		case <-ctx.Done():
			timer.Stop()
			return netip.AddrPort{}, false
		case <-timer.C:
		}
	}
}
