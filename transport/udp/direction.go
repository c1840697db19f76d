package udp

import (
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/gogns/gns/internal/impair"
	"github.com/gogns/gns/internal/mono"
)

const (
	// maxDelayed bounds the memory of the datagrams under way in one direction.
	maxDelayed = 64 << 20

	// maxFree bounds how many buffers are kept for reuse in one direction.
	maxFree = 1024

	// dueBatch is how many delayed datagrams are sent with one call, or received.
	dueBatch = 32
)

// direction is the simulated network in one direction.
type direction struct {
	engaged atomic.Bool // the rest must be consulted: there are conditions, or datagrams under way

	mu         sync.Mutex
	seed       uint64
	link       *impair.Link
	peers      map[netip.AddrPort]*impair.Link // instead of link, for datagrams to or from these addresses
	links      uint64                          // made so far
	queue      *impair.Queue[delayed]
	overflowed uint64
	free       [][]byte    // buffers with a capacity of BufferSize
	times      []mono.Time // scratch
	batch      []Datagram  // scratch
}

// delayed is a datagram under way.
type delayed struct {
	addr netip.AddrPort
	data []byte
}

func (d *direction) init(seed uint64) {
	d.seed = seed
	d.link = impair.NewLink(Settings{}, seed)
	d.queue = impair.NewQueue[delayed](maxDelayed/BufferSize, maxDelayed)
}

func (d *direction) configure(s Settings) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.link.SetSettings(s)
	if s.Active() {
		d.engaged.Store(true)
	}
}

// configurePeer sets the conditions for one address.
func (d *direction) configurePeer(addr netip.AddrPort, s Settings) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if link := d.peers[addr]; link != nil {
		link.SetSettings(s)
		return
	}
	if d.peers == nil {
		d.peers = make(map[netip.AddrPort]*impair.Link)
	}
	d.links++
	d.peers[addr] = impair.NewLink(s, d.seed+d.links<<32)
	d.engaged.Store(true)
}

// forgetPeer makes the common conditions hold for an address again.
func (d *direction) forgetPeer(addr netip.AddrPort) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.peers, addr)
}

func (d *direction) stats() DirectionStats {
	d.mu.Lock()
	defer d.mu.Unlock()
	return DirectionStats{Stats: d.link.Stats(), Overflowed: d.overflowed, UnderWay: d.queue.Len()}
}

// disengageIfIdle returns to the direct path once nothing is left to simulate. d.mu is held, and conn
// has the user's deadline or is about to get it.
func (d *direction) disengageIfIdle() {
	if d.queue.Len() == 0 && len(d.peers) == 0 && !d.link.Settings().Active() {
		d.engaged.Store(false)
	}
}

// admit takes copies of datagrams that enter the network at now. d.mu is held.
func (d *direction) admit(now mono.Time, b []Datagram) {
	for i := range b {
		link := d.link
		if l := d.peers[b[i].Addr]; l != nil {
			link = l
		}
		d.times = link.Apply(now, len(b[i].Data), d.times[:0])
		for _, at := range d.times {
			data := append(d.buffer(len(b[i].Data)), b[i].Data...)
			if !d.queue.Push(at, cap(data), delayed{b[i].Addr, data}) {
				d.overflowed++
				d.release(data)
			}
		}
	}
}

// due removes datagrams whose delay is over, some at a time. Give them to recycle. d.mu is held.
func (d *direction) due(now mono.Time) []Datagram {
	d.batch = d.batch[:0]
	for len(d.batch) < dueBatch {
		p, _, ok := d.queue.Pop(now)
		if !ok {
			break
		}
		d.batch = append(d.batch, Datagram{Addr: p.addr, Data: p.data})
	}
	return d.batch
}

// recycle takes back the buffers of datagrams that due has returned. d.mu is held.
func (d *direction) recycle(b []Datagram) {
	for i := range b {
		d.release(b[i].Data)
		b[i] = Datagram{}
	}
}

// receive copies datagrams whose delay is over into b, some at a time. d.mu is held.
func (d *direction) receive(now mono.Time, b *Batch) {
	for len(b.Datagrams) < dueBatch {
		p, _, ok := d.queue.Pop(now)
		if !ok {
			return
		}
		b.Append(p.addr, p.data)
		d.release(p.data)
	}
}

// buffer returns an empty buffer with room for n bytes.
func (d *direction) buffer(n int) []byte {
	if n > BufferSize {
		return make([]byte, 0, n)
	}
	if last := len(d.free) - 1; last >= 0 {
		buf := d.free[last]
		d.free = d.free[:last]
		return buf
	}
	return make([]byte, 0, BufferSize)
}

func (d *direction) release(buf []byte) {
	if cap(buf) == BufferSize && len(d.free) < maxFree {
		d.free = append(d.free, buf[:0])
	}
}
