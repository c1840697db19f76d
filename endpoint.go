package gns

import (
	"net/netip"
	"sync"

	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/udpwire"
	"github.com/gogns/gns/transport/udp"
)

// recvBufferSize is the size of a buffer for one incoming datagram: somewhat more than any peer sends,
// so that longer ones are recognized as such.
const recvBufferSize = udpwire.MaxDatagram + 1024

// recvBatch is how many datagrams are taken from a socket at a time.
const recvBatch = 32

// endpoint is one UDP socket with the connections on it, and the goroutine that reads it. A socket of a
// listen socket serves many connections, told apart by the peer's address; a socket of an outgoing
// connection serves that one.
type endpoint struct {
	s    *Sockets
	sock *udp.Impaired

	mu       sync.RWMutex // guards what follows; taken after a connection's lock, never before
	listener *conn.Listener
	listen   *listenSocket // nil: accepts no new connections
	peers    map[netip.AddrPort]*connection
	closed   bool
}

// newEndpoint wraps a socket and starts reading it. The caller has added what it needs to serve.
func (s *Sockets) newEndpoint(sock *udp.Socket) (*endpoint, error) {
	e := &endpoint{s: s, peers: make(map[netip.AddrPort]*connection)}
	e.sock = udp.Impair(sock, fakeConditions(s.global))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = e.sock.Close()
		return nil, errSocketsClosed
	}
	s.endpoints[e] = struct{}{}
	return e, nil
}

func (e *endpoint) start() {
	e.s.active.Add(1)
	go e.read()
}

// configure applies changed simulated network conditions.
func (e *endpoint) configure() { e.sock.Configure(fakeConditions(e.s.global)) }

// add makes e serve a connection.
func (e *endpoint) add(c *connection) {
	e.mu.Lock()
	e.peers[c.remote] = c
	e.mu.Unlock()
}

// remove forgets a connection, and closes the socket when it has nobody left to serve.
func (e *endpoint) remove(c *connection) {
	e.mu.Lock()
	if e.peers[c.remote] == c {
		delete(e.peers, c.remote)
	}
	if e.listener != nil && c.listen != nil {
		e.listener.Forget(c.core)
	}
	idle := len(e.peers) == 0 && e.listen == nil
	e.mu.Unlock()
	if idle {
		e.close()
	}
}

// stopListening makes e accept no new connections; it lives on for those it has.
func (e *endpoint) stopListening() {
	e.mu.Lock()
	e.listen = nil
	idle := len(e.peers) == 0
	e.mu.Unlock()
	if idle {
		e.close()
	}
}

func (e *endpoint) close() {
	e.mu.Lock()
	was := e.closed
	e.closed = true
	e.mu.Unlock()
	if was {
		return
	}
	_ = e.sock.Close()
	e.s.mu.Lock()
	delete(e.s.endpoints, e)
	e.s.mu.Unlock()
}

// read is the goroutine of an endpoint: it feeds datagrams to their connections, and sends what comes
// of it once per run of datagrams for the same connection.
func (e *endpoint) read() {
	defer e.s.active.Done()
	batch := make([]udp.Datagram, recvBatch)
	store := make([]byte, recvBatch*recvBufferSize)
	reply := make([]byte, 0, udpwire.MaxDatagram)
	for {
		for i := range batch {
			batch[i].Data = store[i*recvBufferSize : (i+1)*recvBufferSize : (i+1)*recvBufferSize]
		}
		n, err := e.sock.ReadBatch(batch)
		if err != nil {
			e.mu.RLock()
			closed := e.closed
			e.mu.RUnlock()
			if !closed {
				e.s.log.Error("reading UDP socket failed", "addr", e.sock.LocalAddr(), "err", err)
			}
			return
		}
		now := e.s.now()
		var locked *connection
		for _, d := range batch[:n] {
			c := e.peer(d.Addr)
			if c == nil {
				c = e.unknown(now, d, reply)
				if c == nil {
					continue
				}
				d.Data = nil // consumed; only the new connection's events are left to deliver
			}
			if c != locked {
				if locked != nil {
					locked.pump(now)
					locked.mu.Unlock()
				}
				c.mu.Lock()
				locked = c
			}
			if d.Data != nil {
				c.core.Receive(now, d.Data)
			}
		}
		if locked != nil {
			locked.pump(now)
			locked.mu.Unlock()
		}
	}
}

func (e *endpoint) peer(addr netip.AddrPort) *connection {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.peers[addr]
}

// unknown handles a datagram from an address without a connection and returns the connection that it
// made, if any.
func (e *endpoint) unknown(now mono.Time, d udp.Datagram, reply []byte) *connection {
	e.mu.Lock()
	if e.listener == nil || e.listen == nil {
		e.mu.Unlock()
		return nil
	}
	reply, core := e.listener.Receive(now, d.Addr, d.Data, reply[:0])
	listen := e.listen
	e.mu.Unlock()
	if len(reply) > 0 {
		_, _ = e.sock.WriteBatch([]udp.Datagram{{Addr: d.Addr, Data: reply}})
	}
	if core == nil {
		return nil
	}
	return e.s.addIncoming(e, listen, core)
}
