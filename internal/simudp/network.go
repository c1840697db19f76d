package simudp

import (
	"net/netip"
	"sync"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/simnet"
)

// origin is when the clock of a simulated network starts.
const origin = 24 * time.Hour

// Network is a simulated network. It is safe for concurrent use.
type Network struct {
	zero time.Time // instant of mono.Time(origin)

	mu      sync.Mutex
	net     *simnet.Network
	sockets map[*simnet.Host]*Socket
	timer   *time.Timer
	armed   mono.Time // what the timer is set to; Never if it is not
	next    *arrival  // taken from net, and to be delivered after the present instant
	seed    uint64
	noise   time.Duration
}

// arrival is a datagram that has arrived.
type arrival struct {
	to   *simnet.Host
	from netip.AddrPort
	data []byte
}

// New returns a network without machines, all of whose randomness comes from seed. The machines are at
// most as many as fit into memory; a network is garbage when its sockets are closed.
func New(seed uint64) *Network {
	return &Network{
		zero:    time.Now(),
		net:     simnet.New(seed),
		sockets: make(map[*simnet.Host]*Socket),
		armed:   mono.Never,
		seed:    seed,
	}
}

// SetNoise lets every socket take a random time below limit to send a datagram; those for the same
// receiver leave in order. Otherwise things that have nothing to do with each other may well happen at the
// same instant, such as two timers that two sides set when they heard of each other, and their order is
// up to the scheduler. A microsecond keeps them apart.
func (n *Network) SetNoise(limit time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.noise = limit
}

func (n *Network) now() mono.Time { return mono.Time(origin + time.Since(n.zero)) }

// at is the instant a time from now.
func (n *Network) at(d time.Duration) mono.Time { return n.now().Add(d) }

// SetPath sets the conditions from one machine to another, that direction only, for what is sent from now
// on. Until then they are perfect.
func (n *Network) SetPath(from, to *Machine, p simnet.Path) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.net.SetPath(from.site, to.site, p)
}

// Cut stops what is sent from one machine to another, that direction only, a time from now for a while.
// What is under way arrives.
func (n *Network) Cut(from, to *Machine, after, length time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.net.Cut(from.site, to.site, n.at(after), n.at(after+length))
}

// Partition is Cut in both directions.
func (n *Network) Partition(a, b *Machine, after, length time.Duration) {
	n.Cut(a, b, after, length)
	n.Cut(b, a, after, length)
}

// Trace returns the latest datagrams; see simnet.Network.Trace. Its clock starts at 24 hours.
func (n *Network) Trace() []simnet.Entry {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.net.Trace()
}

// Digest returns a checksum of everything that was sent; see simnet.Network.Digest.
func (n *Network) Digest() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.net.Digest()
}

// Count returns how many datagrams had a fate; see simnet.Network.Count.
func (n *Network) Count(f simnet.Fate) uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.net.Count(f)
}

// Sends returns how many datagrams have been sent.
func (n *Network) Sends() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.net.Sends()
}

// UnderWay returns how many datagrams have not arrived yet.
func (n *Network) UnderWay() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	count := n.net.UnderWay()
	if n.next != nil {
		count++
	}
	return count
}

// Open returns how many sockets are open.
func (n *Network) Open() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.sockets)
}

// deliver is called when the timer expires: it hands over what has arrived for one socket.
func (n *Network) deliver() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.armed = mono.Never
	now := n.now()
	var receiver *simnet.Host
	var together []arrival
	for {
		if n.next == nil {
			d, ok := n.net.Next(now)
			if !ok {
				break
			}
			n.next = &arrival{d.To, d.From, append([]byte(nil), d.Data...)}
		}
		if receiver == nil {
			receiver = n.next.to
		}
		if n.next.to != receiver {
			break // its turn comes later
		}
		together = append(together, *n.next)
		n.next = nil
	}
	if s := n.sockets[receiver]; s != nil {
		s.arrive(together)
	}
	n.arm(now)
}

// arm sets the timer to the next arrival. n.mu is held.
func (n *Network) arm(now mono.Time) {
	next := n.net.Deadline()
	if n.next != nil {
		next = now
	}
	if next == mono.Never {
		return
	}
	next = max(next, now+1) // the present instant may have had its arrival
	if n.armed <= next {
		return
	}
	n.armed = next
	wait := next.Sub(now)
	if n.timer == nil {
		n.timer = time.AfterFunc(wait, n.deliver)
		return
	}
	n.timer.Reset(wait)
}
