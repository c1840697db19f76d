package gns

import (
	"net/netip"
	"sync"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/transport/udp"
)

// endpoint is one UDP socket with the connections on it, and the goroutine that reads it. A socket of a
// listen socket serves many connections; a socket of an outgoing connection serves that one, unless they
// share sockets.
type endpoint struct {
	s    *Sockets
	sock *udp.Impaired

	tx     transmitter
	dialog dialog

	configured uint64 // generation of the global configuration that the socket was made with

	// Guarded by dialog.turn.
	batch udp.Batch
	reply []byte

	mu       sync.RWMutex // guards what follows; taken after a connection's lock, never before
	listener *conn.Listener
	listen   *listenSocket // nil: accepts no new connections
	peers    peerTable
	bad      map[netip.AddrPort]*config.Store // simulated conditions of single connections
	retired  bool                             // takes no more connections
	closed   bool
	reported reported // to Sockets.totals
}

// newEndpoint wraps a socket that is going to be read once it is registered.
func (s *Sockets) newEndpoint(sock udp.Conn) *endpoint {
	e := &endpoint{s: s}
	e.tx.e, e.dialog.e = e, e
	e.configured = s.global.Generation()
	conditions := fakeConditions(s.global)
	conditions.Seed = s.env.draw()
	e.sock = udp.Impair(sock, conditions)
	return e
}

// register enters an endpoint, which knows by now whom it serves, into the tables, together with what
// enter adds, and starts reading. It closes the endpoint and fails if enter does, or the Sockets has been
// closed, or its identity reset since the epoch in which the endpoint was begun.
func (s *Sockets) register(e *endpoint, epoch uint64, enter func() error) error {
	s.mu.Lock()
	err := s.current(epoch)
	if err == nil {
		err = enter()
	}
	if err != nil {
		s.mu.Unlock()
		_ = e.sock.Close()
		return err
	}
	s.endpoints[e] = struct{}{}
	s.noteOnly()
	s.active.Add(1)
	s.mu.Unlock()
	if e.configured != s.global.Generation() { // conditions may have changed since they were read
		e.configure()
	}
	e.noteSocket("UDP socket open")
	go e.read()
	return nil
}

// configure applies changed simulated network conditions.
func (e *endpoint) configure() {
	e.sock.Configure(fakeConditions(e.s.global))
	e.configurePeers()
}

// remove forgets a connection, and closes the socket when it has nobody left to serve.
func (e *endpoint) remove(c *connection) {
	e.mu.Lock()
	if e.peers.remove(c) {
		e.setPeerConditions(c.remote, nil)
	}
	if core, ok := c.core.(*conn.Conn); ok && e.listener != nil && c.listen != nil {
		e.listener.Forget(core)
	}
	idle := e.retire()
	e.mu.Unlock()
	if idle {
		e.close()
	}
}

// stopListening makes e accept no new connections; it lives on for those it has.
func (e *endpoint) stopListening() {
	e.mu.Lock()
	e.listen = nil
	idle := e.retire()
	e.mu.Unlock()
	if idle {
		e.close()
	}
}

// retire makes e take no more connections if there is nobody left to serve, and reports whether that is so.
// e.mu is held.
func (e *endpoint) retire() bool {
	if e.peers.count() == 0 && e.listen == nil {
		e.retired = true
	}
	return e.retired
}

func (e *endpoint) close() {
	e.mu.Lock()
	was := e.closed
	e.closed = true
	e.report()
	e.mu.Unlock()
	if was {
		return
	}
	_ = e.sock.Close()
	e.tx.close()
	e.noteSocket("UDP socket closed")
	e.s.mu.Lock()
	delete(e.s.endpoints, e)
	e.s.noteOnly()
	e.s.mu.Unlock()
}

// noteOnly notes whether there is one endpoint only. s.mu is held.
func (s *Sockets) noteOnly() {
	s.only.Store(nil)
	if len(s.endpoints) == 1 {
		for e := range s.endpoints {
			s.only.Store(e)
		}
	}
}

// read is the goroutine of an endpoint, which reads as long as nobody else wants to.
func (e *endpoint) read() {
	defer e.s.active.Done()
	d := &e.dialog
	d.turn.Lock()
	defer d.turn.Unlock()
	for {
		now, err := e.readOnce()
		if err != nil {
			e.mu.RLock()
			closed := e.closed
			e.mu.RUnlock()
			if !closed {
				e.noteSocketFailed(err)
			}
			return
		}
		if d.suits(now, len(e.batch.Datagrams)) {
			d.turn.Unlock()
			d.run()
		}
	}
}

// readOnce feeds datagrams to their connections, and sends what comes of it once per run of datagrams for
// the same connection. e.dialog.turn is held.
func (e *endpoint) readOnce() (now mono.Time, err error) {
	if err := e.sock.ReadBatch(&e.batch); err != nil {
		return 0, err
	}
	return e.deal(), nil
}

// deal does so with those that have been read.
func (e *endpoint) deal() (now mono.Time) {
	now = e.s.now()
	e.dialog.waited = e.dialog.waiters.Load() > 0
	var run *connection // locked; the latest datagrams were for it
	var at mono.Time    // its idea of now
	release := func() {
		if run != nil {
			run.pumpLater(at)
			run.mu.Unlock()
			run = nil
		}
	}
	for _, d := range e.batch.Datagrams {
		c := e.peer(d)
		if c == nil {
			release()
			e.unknown(now, d)
			continue
		}
		if c != run {
			release()
			c.mu.Lock()
			run, at = c, c.tick(now)
		}
		c.core.Receive(at, d.Data)
	}
	release()
	e.tx.run()
	return now
}

// peer returns the connection that a datagram is for, nil if there is none.
func (e *endpoint) peer(d udp.Datagram) *connection {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.peers.find(d.Addr, d.Data)
}

// unknown handles a datagram that is for no connection, as far as its sender was looked for.
func (e *endpoint) unknown(now mono.Time, d udp.Datagram) {
	e.mu.Lock()
	if c := e.peers.find(d.Addr, d.Data); c != nil { // it has been admitted since; the listener would refuse the same request again
		e.mu.Unlock()
		c.mu.Lock()
		at := c.tick(now)
		c.core.Receive(at, d.Data)
		c.pumpLater(at)
		c.mu.Unlock()
		return
	}
	l := e.listen
	if l == nil {
		e.mu.Unlock()
		return
	}
	generation := l.config.Generation()
	reply, request, err := e.listener.Receive(now, d.Addr, d.Data, e.reply[:0])
	e.reply = reply
	e.mu.Unlock()
	e.answer(d.Addr, reply, err)
	if request == nil {
		return
	}
	if !e.s.handshakes.add(func() { e.admit(l, d.Addr, request, generation) }) {
		e.mu.Lock()
		e.listener.Drop(request)
		e.mu.Unlock()
	}
}

// answer sends a client the listener's reply, if there is one.
func (e *endpoint) answer(to netip.AddrPort, reply []byte, err error) {
	if err != nil {
		e.noteRefused(to, err)
	}
	if len(reply) > 0 {
		_, _ = e.sock.WriteBatch([]udp.Datagram{{Addr: to, Data: reply}})
	}
}

// admit looks at what a client presents and, if it is good, makes it a connection that waits to be accepted.
func (e *endpoint) admit(l *listenSocket, from netip.AddrPort, request *conn.Request, generation uint64) {
	request.Verify(e.s.now())
	e.mu.Lock()
	if e.listen != l { // nobody listens any more
		e.listener.Drop(request)
		e.mu.Unlock()
		return
	}
	reply, core, err := e.listener.Admit(request, nil)
	var c *connection
	if core != nil {
		c = e.addIncoming(l, core, generation)
	}
	e.mu.Unlock()
	e.answer(from, reply, err)
	if c == nil {
		return
	}
	if l.acceptor != nil && !l.acceptor.enqueue(c) {
		_ = c.close(EndAppGeneric, listenerClosedText, false)
		return
	}
	at := c.lock()
	c.pumpLater(at)
	c.mu.Unlock()
	e.tx.run()
}

// addIncoming enters a connection that the listener made into the tables. It returns nil if the Sockets
// is being closed. e.mu is held, so that whoever stops listening either prevents the connection or
// finds it.
func (e *endpoint) addIncoming(l *listenSocket, core *conn.Conn, generation uint64) *connection {
	s := e.s
	c := s.newConnection(core, e, l, config.NewStore(config.Connection, l.config), generation)
	c.epoch = l.epoch
	s.mu.Lock()
	closed := s.current(l.epoch) != nil
	if !closed {
		s.conns.put(c)
	}
	s.mu.Unlock()
	if closed {
		e.listener.Forget(core)
		return nil
	}
	l.waiting.Add(1)
	e.peers.add(c)
	return c
}
