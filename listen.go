package gns

import (
	"net/netip"
	"sync/atomic"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/transport/udp"
)

// listenSocket is where connections arrive.
type listenSocket struct {
	s      *Sockets
	handle ListenSocket
	eps    []*endpoint // one, unless Options.ListenSockets says otherwise; all have the same address
	config *config.Store
	epoch  uint64 // Sockets.epoch when it was made

	p2p  bool // it has a virtual port instead of endpoints
	port int

	owner *Messages // nil: the application's

	// acceptor, if not nil, takes the connections that arrive.
	acceptor *Listener

	waiting atomic.Int32 // connections that wait to be accepted
	refused atomic.Int32 // P2P connections that have ended before they were accepted, and are not gone yet
}

// maxWaiting is how many connections may wait to be accepted on a listen socket. Whoever comes then is
// not answered and asks again half a second later.
const maxWaiting = 4096

// CreateListenSocketIP listens on a UDP address. The unspecified IPv6 address listens on IPv4 too; port
// 0 takes a free port, which ListenSocketAddress tells. Options apply to every connection that arrives.
//
// Errors: ErrInvalidParam for a bad option; ErrLimitExceeded for more than 65536 listen sockets; the
// system's error if the address cannot be had.
func (s *Sockets) CreateListenSocketIP(local netip.AddrPort, opts ...config.Value) (ListenSocket, error) {
	l, err := s.listen(local, nil, opts)
	if err != nil {
		return 0, err
	}
	return l.handle, nil
}

func (s *Sockets) listen(local netip.AddrPort, acceptor *Listener, opts []config.Value) (*listenSocket, error) {
	store := config.NewStore(config.ListenSocket, s.iface)
	for _, v := range opts {
		if err := s.setOption(store, v); err != nil {
			return nil, err
		}
	}
	if store.Int32(config.SymmetricConnect) != 0 {
		return nil, ResultInvalidParam.errorf("SymmetricConnect is for P2P connections, not for an IP address")
	}
	if s.demandsAuth(store) && s.trust.IsEmpty() {
		return nil, ResultInvalidParam.errorf("IP_AllowWithoutAuth is 0, and without a trusted certificate authority nobody could connect")
	}
	_ = store.Lock(config.SymmetricConnect) // it exists at this scope
	epoch := s.currentEpoch()
	socks, err := s.env.listen(local, s.perListen)
	if err != nil {
		return nil, err
	}
	l := &listenSocket{s: s, config: store, acceptor: acceptor, epoch: epoch}
	for _, sock := range socks {
		ep := s.newEndpoint(sock)
		l.eps = append(l.eps, ep)
		ep.listen = l
		// Each has a challenge secret of its own: the system gives all datagrams of a client to the same socket.
		if ep.listener, err = conn.NewListener(s.env.random, l.admits); err != nil {
			break
		}
	}
	for i := 0; i < len(l.eps) && err == nil; i++ {
		err = s.register(l.eps[i], epoch, l.enter)
	}
	if err != nil {
		l.closeUnused(socks)
		return nil, err
	}
	l.noteListening("listening")
	l.noteSmallBuffers(socks[0])
	if s.demandsAuth(store) {
		s.noteUncertified()
	}
	return l, nil
}

// admits returns the configuration for a connection that is about to arrive, false if there are too many.
func (l *listenSocket) admits(remote netip.AddrPort) (conn.Config, bool) {
	if l.waiting.Load() >= maxWaiting {
		return conn.Config{}, false
	}
	return l.s.coreConfig(remote, l.config), true
}

// enter puts the listen socket into the table, with the first of its endpoints. Sockets.mu is held.
func (l *listenSocket) enter() error {
	if l.handle != 0 {
		return nil
	}
	l.handle = ListenSocket(l.s.listenHandles.take())
	if l.handle == 0 {
		return ResultLimitExceeded.errorf("there are %d listen sockets", len(l.s.listeners))
	}
	l.s.listeners[l.handle] = l
	return nil
}

// closeUnused closes what has been opened for a listen socket that failed.
func (l *listenSocket) closeUnused(socks []udp.Conn) {
	if l.handle != 0 {
		l.s.stopListening(l)
	}
	for _, sock := range socks {
		_ = sock.Close() // again, for those that are closed
	}
}

// addr returns the address that the listen socket is bound to. One with a virtual port has none.
func (l *listenSocket) addr() netip.AddrPort {
	if l.p2p {
		return netip.AddrPort{}
	}
	return l.eps[0].sock.LocalAddr()
}

// symmetric reports whether connections that both peers ask for become one.
func (l *listenSocket) symmetric() bool { return l.config.Int32(config.SymmetricConnect) != 0 }

func (s *Sockets) lookupListen(h ListenSocket) (*listenSocket, error) {
	s.mu.RLock()
	l := s.listeners[h]
	s.mu.RUnlock()
	if l == nil {
		return nil, ResultInvalidParam.errorf("no listen socket has handle %d", h)
	}
	return l, nil
}

// ListenSocketAddress returns the address that a listen socket is bound to.
//
// Errors: ErrInvalidParam if there is no such listen socket, or it has a virtual port and no address.
func (s *Sockets) ListenSocketAddress(h ListenSocket) (netip.AddrPort, error) {
	l, err := s.lookupListen(h)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if l.p2p {
		return netip.AddrPort{}, ResultInvalidParam.errorf("listen socket %d has virtual port %d, and no address", h, l.port)
	}
	return l.addr(), nil
}

// CloseListenSocket stops listening and closes every connection that arrived on the socket and is still
// open; peers are told, which Valve's library leaves out. Connections that linger are no exception, and
// their peers are told why they were closed. The address is free again on return.
//
// Errors: ErrInvalidParam if there is no such listen socket.
func (s *Sockets) CloseListenSocket(h ListenSocket) error {
	l, err := s.lookupListen(h)
	if err != nil {
		return err
	}
	s.stopListening(l)
	l.acceptor.shut()
	for _, c := range s.arrivedOn(l) {
		now := c.lock()
		reason, debug := conn.EndAppMin, "listen socket closed"
		if c.core.State() == conn.StateLinger { // closed before, and the peer does not know
			reason, debug = c.core.End()
		}
		c.core.Abort(now, reason, debug)
		c.pump(now)
		c.mu.Unlock()
	}
	return nil
}

// stopListening makes a listen socket refuse new connections and leaves those alone that it has.
func (s *Sockets) stopListening(l *listenSocket) {
	s.mu.Lock()
	open := s.listeners[l.handle] == l
	if open {
		delete(s.listeners, l.handle)
		if l.p2p {
			delete(s.p2p.ports, l.port)
		}
		s.listenHandles.free(uint32(l.handle))
	}
	s.mu.Unlock()
	for _, ep := range l.eps {
		ep.stopListening()
	}
	if open {
		l.noteListening("stopped listening")
	}
}
