package simnet

import (
	"fmt"
	"net/netip"

	"github.com/gogns/gns/internal/impair"
	"github.com/gogns/gns/internal/mono"
)

// Limits of what is under way on the whole network; more is dropped as QueueFull.
const (
	maxUnderWay      = 1 << 20
	maxBytesUnderWay = 1 << 30
)

// Datagram is a datagram that arrives.
type Datagram struct {
	At   mono.Time // when it arrived
	From netip.AddrPort
	To   *Host
	Data []byte // valid, and the receiver's to change, until the next call of Next
}

// Network is a simulated network. It is not safe for concurrent use.
type Network struct {
	seed  uint64
	hosts uint64
	addrs map[netip.AddrPort]*Host // every address that a host has, had or will have
	paths map[[2]*Host]*path
	queue *impair.Queue[flight]
	free  [][]byte
	last  []byte // Data of the last Datagram, to be reused
	trace trace
	sends uint64
}

// flight is a datagram under way.
type flight struct {
	from, to netip.AddrPort
	data     []byte
}

// New returns a network without hosts, all of whose randomness comes from seed.
func New(seed uint64) *Network {
	return &Network{
		seed:  seed,
		addrs: make(map[netip.AddrPort]*Host),
		paths: make(map[[2]*Host]*path),
		queue: impair.NewQueue[flight](maxUnderWay, maxBytesUnderWay),
		trace: newTrace(),
	}
}

// AddHost adds a host with an address that no other host has. The paths to and from it are perfect.
func (n *Network) AddHost(addr netip.AddrPort) (*Host, error) {
	h := &Host{id: n.hosts}
	h.site = h
	if err := n.bind(h, 0, addr); err != nil {
		return nil, err
	}
	n.hosts++
	return h, nil
}

// AddBeside adds a host at the same place as another, as a second socket of a machine is: it has an
// address of its own and shares the paths.
func (n *Network) AddBeside(neighbor *Host, addr netip.AddrPort) (*Host, error) {
	h := &Host{id: neighbor.site.id, site: neighbor.site}
	if err := n.bind(h, 0, addr); err != nil {
		return nil, err
	}
	return h, nil
}

// Remove takes a host's addresses away, so that what arrives for them vanishes and other hosts can have
// them.
func (n *Network) Remove(h *Host) {
	for _, b := range h.bindings {
		if n.addrs[b.addr] == h {
			delete(n.addrs, b.addr)
		}
	}
}

// Rebind changes the address of a host from an instant on, as a NAT does that has forgotten its mapping:
// the host's datagrams come from the new address, and what arrives for the old one vanishes. The
// changes of a host must be given in the order of time.
func (n *Network) Rebind(h *Host, at mono.Time, addr netip.AddrPort) error {
	if last := h.bindings[len(h.bindings)-1].from; at <= last {
		return fmt.Errorf("simnet: rebinding at %d is not after the previous one at %d", at, last)
	}
	return n.bind(h, at, addr)
}

func (n *Network) bind(h *Host, at mono.Time, addr netip.AddrPort) error {
	if owner := n.addrs[addr]; owner != nil && owner != h {
		return fmt.Errorf("simnet: address %v belongs to another host", addr)
	}
	n.addrs[addr] = h
	h.bindings = append(h.bindings, binding{at, addr})
	return nil
}

// SetPath sets the conditions from one host to another, that direction only, for what is sent from now
// on. They hold for all hosts beside these two.
func (n *Network) SetPath(from, to *Host, p Path) { n.path(from, to).set(p) }

// Cut stops what is sent from one host to another, that direction only, from an instant until before
// another. What is under way arrives.
func (n *Network) Cut(from, to *Host, start, end mono.Time) {
	p := n.path(from, to)
	p.cuts = append(p.cuts, cut{start, end})
}

// Partition is Cut in both directions.
func (n *Network) Partition(a, b *Host, start, end mono.Time) {
	n.Cut(a, b, start, end)
	n.Cut(b, a, start, end)
}

func (n *Network) path(from, to *Host) *path {
	from, to = from.site, to.site
	key := [2]*Host{from, to}
	p := n.paths[key]
	if p == nil {
		// impair spreads neighboring seeds; the multiplier keeps networks with neighboring seeds apart.
		p = newPath(n.seed*0x9e3779b97f4a7c15 + from.id<<32 + to.id)
		n.paths[key] = p
	}
	return p
}

// Send sends a datagram, which is copied.
func (n *Network) Send(now mono.Time, from *Host, to netip.AddrPort, data []byte) {
	n.sends++
	e := Entry{At: now, From: from.Addr(now), To: to, Size: len(data), Fate: Unreachable}
	receiver := n.addrs[to]
	if receiver == nil {
		n.trace.add(e, data)
		return
	}
	at, fate := n.path(from, receiver).carry(now, len(data))
	e.Fate = fate
	for i, due := range at {
		f := flight{e.From, to, append(n.buffer(), data...)}
		if !n.queue.Push(due, len(data), f) {
			e.Fate = QueueFull
			break
		}
		e.Due[i] = due
	}
	n.trace.add(e, data)
}

// Next returns the next datagram that has arrived at now. Datagrams come in the order of their arrival.
func (n *Network) Next(now mono.Time) (Datagram, bool) {
	if n.last != nil {
		n.free = append(n.free, n.last)
		n.last = nil
	}
	for {
		f, due, ok := n.queue.Pop(now)
		if !ok {
			return Datagram{}, false
		}
		host := n.addrs[f.to]
		if host == nil || host.Addr(due) != f.to {
			n.trace.add(Entry{At: due, From: f.from, To: f.to, Size: len(f.data), Fate: Unreachable}, f.data)
			n.free = append(n.free, f.data)
			continue
		}
		n.last = f.data
		return Datagram{At: due, From: f.from, To: host, Data: f.data}, true
	}
}

// Deadline returns when the next datagram arrives, mono.Never if none is under way.
func (n *Network) Deadline() mono.Time { return n.queue.NextDeadline() }

// Sends returns how many datagrams have been sent.
func (n *Network) Sends() uint64 { return n.sends }

// UnderWay returns how many datagrams, copies included, have not arrived yet.
func (n *Network) UnderWay() int { return n.queue.Len() }

func (n *Network) buffer() []byte {
	if last := len(n.free) - 1; last >= 0 {
		b := n.free[last]
		n.free = n.free[:last]
		return b[:0]
	}
	return nil
}
