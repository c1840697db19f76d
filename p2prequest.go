package gns

import (
	"errors"
	"net/netip"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/rendezvous"
	"github.com/gogns/gns/p2p"
)

// errDuplicateRequest: the request has made a connection already.
var errDuplicateRequest = errors.New("gns: request was repeated")

// receiveRequest handles a peer that asks for a new connection.
func (s *Sockets) receiveRequest(sig *rendezvous.Signal, ctx SignalingContext, ours bool) error {
	req := sig.ConnectRequest
	if req.Cert == nil || req.Crypt == nil {
		return ResultInvalidParam.errorf("request of %v has no certificate or crypt info", sig.From)
	}
	key := requestPorts(sig)
	who := s.p2pSelf
	if ours || key.local == messagesVirtualPort {
		who = s.p2pName
	}
	if _, err := who(); err != nil {
		return err
	}
	// Nobody finds the way back through the service to a peer without a name, and sessions are told apart by it.
	anonymous := sig.From.IsLocalhost()
	if anonymous && (ours || key.local == messagesVirtualPort) {
		return ResultInvalidParam.errorf("request of a peer without an identity")
	}
	epoch := s.currentEpoch()
	if err := s.stale(epoch); err != nil {
		return err
	}
	listen := s.listenerFor(key.local, !ours)
	if listen == nil {
		s.rejectSignal(sig.From, sig.GetFromConnectionId(), ctx, conn.EndMiscGeneric, "nobody listens on the virtual port")
		return nil
	}
	c, known := s.match(key, listen.symmetric() && !anonymous)
	if c != nil && !c.link.yields(sig) {
		return s.resolve(c, sig)
	}
	if listen.waiting.Load()+listen.refused.Load() >= maxWaiting {
		return nil // it asks again
	}
	l, err := s.newIncoming(listen, key, known, epoch, sig)
	switch {
	case errors.Is(err, errRaced):
		return s.receiveRequest(sig, ctx, ours)
	case errors.Is(err, errDuplicateRequest):
		return l.receive(sig)
	case err != nil && s.stale(epoch) != nil:
		return err
	case err != nil:
		reason := conn.EndMiscGeneric
		var failed *crypto.HandshakeError
		if errors.As(err, &failed) {
			reason = conn.EndReason(failed.Reason)
		}
		s.rejectSignal(sig.From, sig.GetFromConnectionId(), ctx, reason, err.Error())
		return nil
	}
	s.offer(l, ctx)
	return nil
}

// requestPorts returns the virtual ports of a request, as this side sees them.
func requestPorts(sig *rendezvous.Signal) peerPorts {
	req, key := sig.ConnectRequest, peerPorts{remote: sig.From, local: -1}
	if req.ToVirtualPort != nil {
		key.local = int(req.GetToVirtualPort())
	}
	if key.port = key.local; req.FromVirtualPort != nil {
		key.port = int(req.GetFromVirtualPort())
	}
	return key
}

// listenerFor returns the listen socket of a virtual port. If there is none and it is for the program to decide, it is one without a handle.
func (s *Sockets) listenerFor(port int, programDecides bool) *listenSocket {
	if port == messagesVirtualPort {
		if s.wantsMessages() {
			_, _ = s.messagesListener() // if there is none, everything is being closed
		}
		programDecides = false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.p2p.ports[port]; l != nil || !programDecides {
		return l
	}
	if s.p2p.anyPort == nil {
		s.p2p.anyPort = &listenSocket{s: s, config: config.NewStore(config.ListenSocket, s.iface), p2p: true}
	}
	s.p2p.anyPort.epoch = s.epoch
	return s.p2p.anyPort
}

// rejectSignal refuses a request.
func (s *Sockets) rejectSignal(peer Identity, id uint32, ctx SignalingContext, reason conn.EndReason, text string) {
	s.noteSignalRefused(peer, errors.New(text))
	self, _ := s.Identity()
	m := rendezvous.Rejection(peer, id, self, s.newConnectionID(), uint32(reason), text)
	if signal, err := rendezvous.Append(nil, m); err == nil {
		ctx.SendRejectionSignal(peer, signal)
	}
}

// resolve handles a request for which there is a connection already, in symmetric connect mode.
func (s *Sockets) resolve(c *connection, sig *rendezvous.Signal) error {
	l := c.link
	now := c.lock()
	defer c.mu.Unlock()
	if c.core.State() == conn.StateConnecting && !c.core.IsServer() {
		own, theirs := l.core.Certificate(), sig.ConnectRequest.GetCert().GetCert()
		if !rendezvous.BecomesServer(uint32(c.handle), sig.GetFromConnectionId(), own, theirs) {
			return nil // the peer comes to the same result and becomes the server
		}
		c.configure(now)
		err := l.core.BecomeServer(now, sig)
		if c.core.IsServer() {
			s.mu.Lock()
			s.p2p.byAsker[asker{sig.From, sig.GetFromConnectionId()}] = c
			s.mu.Unlock()
		}
		c.pump(now)
		return resultOf(err)
	}
	// The peer does not know the connection any more: it has closed it, which Valve's library does without a word, or was started anew. It is
	// asked, and asks again until it is found to be gone.
	l.core.Probe(now)
	c.pump(now)
	return nil
}

// newIncoming makes the connection that a request asks for. Nobody knows of it yet. If there is one it returns that and
// errDuplicateRequest.
func (s *Sockets) newIncoming(listen *listenSocket, key peerPorts, known []*connection, epoch uint64, sig *rendezvous.Signal) (*link, error) {
	store := config.NewStore(config.Connection, listen.config)
	generation := store.Generation()
	tell, stun, _, err := s.iceConfig(store)
	if err != nil {
		return nil, err
	}
	password, err := rendezvous.NewPassword(s.env.random)
	if err != nil {
		return nil, err
	}
	core, err := conn.NewP2PServer(s.p2pConfig(store), p2pCore(key, password, tell, len(stun) > 0), s.now(), sig)
	if c := s.asked(sig); c != nil { // somebody else was faster
		return c.link, errDuplicateRequest
	}
	if err != nil {
		return nil, err
	}
	l := s.newLink(core, listen, store, generation, password)
	l.muted, l.key = true, key
	l.symmetric = listen.symmetric() && !sig.From.IsLocalhost() // who is nobody cannot be told from others
	c := l.c
	c.epoch = epoch
	asked := asker{sig.From, sig.GetFromConnectionId()}
	err = s.register(c.ep, epoch, func() error {
		if other := s.p2p.byAsker[asked]; other != nil {
			l = other.link
			return errDuplicateRequest
		}
		if listen != s.p2p.anyPort && s.p2p.ports[listen.port] != listen {
			return ResultInvalidState.errorf("nobody listens on the virtual port any more")
		}
		if s.p2p.byPorts.raced(key, known, l.symmetric) {
			return errRaced
		}
		s.p2p.byAsker[asked] = c
		s.p2p.byPorts.add(key, c)
		listen.waiting.Add(1)
		return c.enter()
	})
	return l, err
}

// offer lets the program decide about a new connection.
func (s *Sockets) offer(l *link, ctx SignalingContext) {
	c := l.c
	local, _ := l.core.Ports()
	via := ctx.OnConnectRequest(c.handle, l.core.Identity(), int(int32(local)))
	if c.hidden() && via != nil {
		c.link.owner.giveWay(c)
	}
	now := c.lock()
	if via != nil && c.hidden() && !l.owner.attach(c, now) {
		defer via.Release() // when no lock is held
		via = nil
	}
	if via == nil {
		reason, text := l.core.End()
		closed := c.core.State().API() == conn.StateNone
		id, peer := l.core.RemoteID(), l.core.Identity()
		l.core.Abort(now, conn.EndAppMin, "ignored")
		c.pump(now)
		c.mu.Unlock()
		if closed {
			s.rejectSignal(peer, id, ctx, reason, text)
		}
		return
	}
	if c.dead { // everything was closed in the meantime
		c.mu.Unlock()
		via.Release()
		return
	}
	l.signaling = via
	if c.hidden() {
		l.owner.announce(c)
	}
	c.pump(now)
	l.muted = false
	if state := c.state; state != StateNone {
		c.connectionStatusChanged(StateNone, conn.Event{New: conn.State(state)})
	}
	c.mu.Unlock()
	if a := c.listen.acceptor; a != nil && !a.enqueue(c) {
		_ = c.close(EndAppGeneric, listenerClosedText, false)
	}
}

// p2pConfig is coreConfig for a P2P connection.
func (s *Sockets) p2pConfig(store *config.Store) conn.Config {
	cfg := s.coreConfig(netip.AddrPort{}, store)
	for cfg.LocalID>>24 == stunCookie { // packets to this side would be taken for STUN
		cfg.LocalID = s.newConnectionID()
	}
	return cfg
}

// stunCookie is the first byte of what a STUN message has where a data packet has the highest byte of the receiver's connection ID.
const stunCookie = 0x21

// p2pCore is what the core of a P2P connection is made with.
func p2pCore(key peerPorts, password string, tell p2p.Candidates, stun bool) conn.P2PConfig {
	return conn.P2PConfig{
		LocalPort:   uint32(key.local),
		RemotePort:  uint32(key.port),
		Password:    password,
		AwaitHost:   tell&(p2p.CandidatePrivate|p2p.CandidatePublic) != 0,
		AwaitPublic: tell&p2p.CandidatePublic != 0 && stun,
	}
}

// connectSelf connects to a listen socket of this Sockets, without leaving the process.
func (s *Sockets) connectSelf(port int, store *config.Store) (*connection, error) {
	s.mu.RLock()
	listen := s.p2p.ports[port]
	s.mu.RUnlock()
	if listen == nil {
		return nil, ResultInvalidState.errorf("the peer is this side, which does not listen on virtual port %d", port)
	}
	epoch := s.currentEpoch()
	stores := [2]*config.Store{store, config.NewStore(config.Connection, listen.config)}
	cfg, generations := s.pipeConfigs(stores, [2]Identity{listen.self(), listen.self()})
	a, b := conn.NewConnectingPipe(cfg[0], cfg[1], s.now())
	client := s.newConnection(a, nil, nil, stores[0], generations[0])
	server := s.newConnection(b, nil, listen, stores[1], generations[1])
	listen.waiting.Add(1)
	if err := s.enterPipe(client, server, epoch); err != nil {
		return nil, err
	}
	now := server.lock()
	server.pump(now) // which tells of the server first, and of the client with it
	server.mu.Unlock()
	if a := listen.acceptor; a != nil && !a.enqueue(server) {
		_ = server.close(EndAppGeneric, listenerClosedText, false)
	}
	return client, nil
}

// self returns the identity of the side that listens.
func (l *listenSocket) self() Identity {
	id, _ := l.s.Identity()
	return id
}
