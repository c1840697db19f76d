package gns

import (
	"errors"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/rendezvous"
)

// p2pCall is what the ways of making a P2P connection have in common.
type p2pCall struct {
	via    Signaling // nil: by the callback or the service
	remote Identity
	port   int // remote virtual port
	opts   []config.Value
	owner  *Messages // nil: the application's
}

// outgoing is an outgoing P2P connection that is being made.
type outgoing struct {
	p2pCall
	key       peerPorts
	store     *config.Store
	epoch     uint64
	symmetric bool
}

// connectP2P makes an outgoing connection, or returns one that is the same. It takes ownership of call.via, also if it fails.
func (s *Sockets) connectP2P(call p2pCall) (*connection, error) {
	made := false
	defer func() {
		if !made && call.via != nil {
			call.via.Release()
		}
	}()
	o, self, err := s.planP2P(call)
	if err != nil {
		return nil, err
	}
	if call.via == nil && call.remote == self {
		return s.connectSelf(call.port, o.store)
	}
	for {
		c, known := s.match(o.key, o.symmetric)
		if c != nil {
			return c, s.joinIncoming(c)
		}
		if call.via == nil {
			if call.via, err = s.signalingFor(self, call.remote, o.key.local, call.port); err != nil {
				return nil, err
			}
			o.via = call.via
		}
		c, err := s.beginP2P(o, known)
		if errors.Is(err, errRaced) {
			continue
		}
		made = c != nil
		return c, err
	}
}

// planP2P checks what a program asks for.
func (s *Sockets) planP2P(call p2pCall) (o outgoing, self Identity, err error) {
	if !call.remote.IsValid() && (call.via == nil || !call.remote.IsZero()) {
		return o, self, ResultInvalidParam.errorf("identity of the peer: %v", call.remote.Err())
	}
	o = outgoing{p2pCall: call, epoch: s.currentEpoch()}
	if o.store, err = s.storeWith(config.Connection, call.opts); err != nil {
		return o, self, err
	}
	o.key = peerPorts{call.remote, -1, call.port}
	if own, inherited, err := o.store.Get(config.LocalVirtualPort); err == nil && !inherited { // what all connections have in common cannot be a port
		o.key.local = int(own.Int32())
	}
	switch {
	case o.key.local == -1:
		o.key.local = call.port
	case o.key.local < 0 || o.key.local > maxVirtualPort && (call.owner == nil || o.key.local != messagesVirtualPort):
		return o, self, ResultInvalidParam.errorf("LocalVirtualPort is %d, at most %d is possible", o.key.local, maxVirtualPort)
	}
	if self, err = s.p2pSelf(); err != nil {
		return o, self, err
	}
	o.symmetric = o.store.Int32(config.SymmetricConnect) != 0 || s.listensSymmetrically(o.key.local)
	switch {
	case !o.symmetric:
	case call.remote.IsZero() || call.remote.IsLocalhost():
		return o, self, ResultInvalidParam.errorf("SymmetricConnect needs the identity of the peer")
	case self.IsLocalhost():
		return o, self, errNeedsIdentity
	}
	return o, self, nil
}

// beginP2P makes the connection, unless there is one that could be the same and is not known; that is errRaced. If it returns one that has
// ended, with an error, that sees to its signaling.
func (s *Sockets) beginP2P(o outgoing, known []*connection) (*connection, error) {
	tell, stun, _, err := s.iceConfig(o.store)
	if err != nil {
		return nil, err
	}
	generation := o.store.Generation()
	cfg := s.p2pConfig(o.store)
	cfg.Expect = o.remote
	cfg.Require = cfg.Require || o.remote.IsValid() && s.trusts() // as for an address
	password, err := rendezvous.NewPassword(s.env.random)
	if err != nil {
		return nil, ResultFail.wrap(err)
	}
	core, err := conn.NewP2PClient(cfg, p2pCore(o.key, password, tell, len(stun) > 0), s.now())
	if err != nil {
		return nil, ResultInvalidState.wrap(err)
	}
	l := s.newLink(core, nil, o.store, generation, password)
	l.signaling, l.symmetric, l.owner, l.key = o.via, o.symmetric, o.owner, o.key
	c := l.c
	c.epoch = o.epoch
	now := c.lock()
	defer c.mu.Unlock()
	err = s.register(c.ep, o.epoch, func() error {
		if s.p2p.byPorts.raced(o.key, known, o.symmetric) {
			return errRaced
		}
		s.p2p.byPorts.add(o.key, c)
		return c.enter()
	})
	if err != nil {
		return nil, err
	}
	if l.owner != nil && !l.owner.attach(c, now) {
		l.core.Abort(now, conn.EndAppMin, "there is another session")
		c.pump(now)
		return c, ResultDuplicateRequest.errorf("there is a session already")
	}
	c.pump(now)
	return c, nil
}

// joinIncoming accepts the connection of a peer that this side wanted to connect to.
func (s *Sockets) joinIncoming(c *connection) error {
	now := c.lock()
	defer c.mu.Unlock()
	if c.core.State() != conn.StateConnecting || !c.core.IsServer() {
		return ResultDuplicateRequest.errorf("there is a connection already: %s", c.describe())
	}
	c.configure(now)
	err := resultOf(c.core.Accept(now))
	c.pump(now)
	return err
}
