package gns

import (
	"fmt"
	"sync"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/rendezvous"
	"github.com/gogns/gns/p2p"
)

// Signaling sends the signals of one connection to its peer (ISteamNetworkingConnectionSignaling). Whoever has a way of carrying
// small messages between peers can make P2P connections with it; Options.Signaling is for ways that are
// ready to be used.
type Signaling interface {
	// SendSignal sends a signal, as well as it can: lost ones are repeated. It does not wait, and does not keep the slice. Whoever
	// receives the signal gives it to ReceivedP2PCustomSignal. An error says that there is no use in trying again, and
	// ends the connection. No lock is held; calls for one connection follow each other.
	SendSignal(c Connection, info ConnectionInfo, signal []byte) error

	// Release is called once, when no more signals are going to be sent.
	Release()
}

// SignalingContext is told what becomes of a signal that begins a new connection (ISteamNetworkingSignalingRecvContext). Its methods are
// called from within ReceivedP2PCustomSignal.
type SignalingContext interface {
	// OnConnectRequest is called when a peer asks to be connected. It returns the way by which this side's signals get
	// back to the peer, nil to ignore the request. The connection waits to be accepted: that may happen
	// in OnConnectRequest, or later, as with any other. To refuse it so that the peer knows, close it and return nil.
	//
	// Status changes until it returns are not reported; afterwards one is, from StateNone to the state that the connection is in.
	OnConnectRequest(c Connection, peer Identity, localVirtualPort int) Signaling

	// SendRejectionSignal sends a signal that refuses a request to whoever made it. It is called for requests that are
	// no good, before OnConnectRequest or instead of it, and for connections that were closed there.
	SendRejectionSignal(peer Identity, signal []byte)
}

// ReceivedP2PCustomSignal takes a signal that has arrived, by whatever way, from the Signaling of a peer. ctx is needed only for signals
// that ask for a new connection; if it is nil, these are ignored.
//
// Errors: ErrInvalidParam for a signal that makes no sense, or is for a connection with somebody else, or for none that knows
// signals. It is no error if a signal is ignored, since they may arrive late, twice, and in any order.
func (s *Sockets) ReceivedP2PCustomSignal(signal []byte, ctx SignalingContext) error {
	sig, err := rendezvous.Parse(signal)
	if err != nil {
		return ResultInvalidParam.wrap(err)
	}
	return s.receiveSignal(sig, ctx, false)
}

// receiveSignal finds whom a signal is for. ours says that it came through this side's signaling service, so that there must be a
// listen socket for who wants a connection.
func (s *Sockets) receiveSignal(sig *rendezvous.Signal, ctx SignalingContext, ours bool) error {
	if sig.ToConnectionId != nil {
		c := s.conns.get(Connection(sig.GetToConnectionId()))
		switch {
		case c == nil:
			return nil // no answer either: that would tell who is there
		case c.link == nil:
			return ResultInvalidParam.errorf("signal is for connection %d, which has no signals", c.handle)
		}
		return c.link.receive(sig)
	}
	if c := s.asked(sig); c != nil {
		return c.link.receive(sig)
	}
	if sig.ConnectRequest == nil || ctx == nil {
		return nil
	}
	return s.receiveRequest(sig, ctx, ours)
}

// receive takes a signal for this connection.
func (l *link) receive(sig *rendezvous.Signal) error {
	now := l.c.lock()
	defer l.c.mu.Unlock()
	if id := l.core.Identity(); id.IsValid() && id != sig.From {
		return ResultInvalidParam.errorf("signal from %v is for connection %d, which is with %v", sig.From, l.c.handle, id)
	}
	l.core.ReceiveSignal(now, sig)
	l.c.pump(now)
	return nil
}

// signalingClient is a Sockets' use of its signaling service.
type signalingClient struct {
	s *Sockets

	mu      sync.Mutex // no other lock is taken while it is held, and nothing is waited for
	current *sharedClient
	closed  bool
}

// sharedClient is the client of one identity, which is closed when that is not this side's any more and the last connection has said
// what it had to say.
type sharedClient struct {
	p2p.SignalingClient
	owner *signalingClient
	self  Identity
	users int  // connections; guarded by owner.mu, as is left
	left  bool // nobody else will use it
}

// open returns the way of a connection to a peer. From then on signals for the identity arrive.
func (sc *signalingClient) open(self, to Identity) (Signaling, error) {
	service := sc.s.signaling
	if service == nil {
		return nil, ResultInvalidState.errorf("there is no signaling service: Options.Signaling is not set")
	}
	for {
		sc.leave(self)
		sc.mu.Lock()
		switch c := sc.current; {
		case sc.closed:
			sc.mu.Unlock()
			return nil, errSocketsClosed
		case c == nil:
			client, err := service.Open(self, signalReceiver{sc.s, self})
			if err != nil {
				sc.mu.Unlock()
				return nil, fmt.Errorf("%w: signaling service: %w", ErrFail, err)
			}
			sc.current = &sharedClient{SignalingClient: client, owner: sc, self: self}
		case c.self != self:
			sc.mu.Unlock()
			continue // somebody else was faster
		}
		c := sc.current
		c.users++
		sc.mu.Unlock()
		return &serviceSignaling{c, to}, nil
	}
}

// listen makes sure that signals for an identity arrive.
func (sc *signalingClient) listen(self Identity) error {
	via, err := sc.open(self, Identity{})
	if err == nil {
		via.Release()
	}
	return err
}

// answer returns the way to who has sent a signal to an identity, nil if this side is somebody else by now.
func (sc *signalingClient) answer(self, to Identity) Signaling {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	c := sc.current
	if c == nil || c.self != self {
		return nil
	}
	c.users++
	return &serviceSignaling{c, to}
}

// leave gives up receiving for any other than an identity.
func (sc *signalingClient) leave(self Identity) {
	sc.mu.Lock()
	c := sc.current
	if c == nil || c.self == self {
		sc.mu.Unlock()
		return
	}
	sc.current, c.left = nil, true
	idle := c.users == 0
	sc.mu.Unlock()
	if idle {
		_ = c.Close()
	}
}

// close ends receiving for good.
func (sc *signalingClient) close() {
	sc.mu.Lock()
	c := sc.current
	sc.current, sc.closed = nil, true
	sc.mu.Unlock()
	if c != nil {
		_ = c.Close()
	}
}

// signalReceiver receives what the signaling service has for an identity.
type signalReceiver struct {
	s    *Sockets
	self Identity
}

// Signal implements p2p.SignalHandler.
func (r signalReceiver) Signal(from Identity, signal []byte) {
	sig, err := rendezvous.Parse(signal)
	if err == nil && from.IsValid() && from != sig.From {
		err = fmt.Errorf("signal that %v has sent is in the name of %v", from, sig.From)
	}
	if self, _ := r.s.Identity(); err == nil && self != r.self {
		err = fmt.Errorf("signal is for %v, who is not here any more", r.self)
	}
	if err == nil {
		err = r.s.receiveSignal(sig, serviceContext(r), true)
	}
	if err != nil {
		r.s.noteSignalRefused(from, err)
	}
}

// Unreachable implements p2p.SignalHandler. Connections for which somebody else is still expected to come wait.
func (r signalReceiver) Unreachable(to Identity, why error) {
	for _, c := range r.s.connections(func(c *connection) bool { return c.link != nil && !c.link.symmetric }) {
		now := c.lock()
		if c.link.isUnreachable(now, to) {
			text := fmt.Sprintf("%v is not reachable by signals", to)
			if why != nil {
				text += ": " + why.Error()
			}
			c.link.core.Fail(now, conn.EndMiscRendezvous, "%s", text)
			c.pump(now)
		}
		c.mu.Unlock()
	}
}

// isUnreachable reports whether the peer is the one who is said not to be there, has never been heard, and has been said so for a while. c.mu is held.
func (l *link) isUnreachable(now mono.Time, who Identity) bool {
	if via, ok := l.signaling.(*serviceSignaling); !ok || via.to != who || l.core.RemoteID() != 0 {
		return false
	}
	if !l.unreachable.IsSet() {
		l.unreachable = now
	}
	return now.Sub(l.unreachable) >= goneAfter
}

// serviceContext accepts what comes through the signaling service for a listen socket.
type serviceContext signalReceiver

func (x serviceContext) OnConnectRequest(_ Connection, peer Identity, _ int) Signaling {
	return x.s.signals.answer(x.self, peer)
}

func (x serviceContext) SendRejectionSignal(peer Identity, signal []byte) {
	if via := x.s.signals.answer(x.self, peer); via != nil {
		_ = via.SendSignal(0, ConnectionInfo{}, signal)
		via.Release()
	}
}

// serviceSignaling is Signaling through a service.
type serviceSignaling struct {
	client *sharedClient
	to     Identity
}

func (v *serviceSignaling) SendSignal(_ Connection, _ ConnectionInfo, signal []byte) error {
	return v.client.SendSignal(v.to, signal)
}

func (v *serviceSignaling) Release() {
	c := v.client
	c.owner.mu.Lock()
	c.users--
	last := c.left && c.users == 0
	c.owner.mu.Unlock()
	if last {
		// Whoever releases may be the handler of a signal, for which Close waits.
		c.owner.s.active.Add(1)
		go func() {
			defer c.owner.s.active.Done()
			_ = c.Close()
		}()
	}
}

// signalingFor returns the way to a peer: that which the program provides by CallbackCreateConnectionSignaling, or the service.
func (s *Sockets) signalingFor(self, remote Identity, localPort, remotePort int) (Signaling, error) {
	if f, _ := s.global.Func(config.CallbackCreateConnectionSignaling).(CreateConnectionSignaling); f != nil {
		via := f(self, remote, localPort, remotePort)
		if via == nil {
			return nil, ResultFail.errorf("there is no signaling to %v", remote)
		}
		return via, nil
	}
	if self.IsLocalhost() {
		return nil, errNeedsIdentity
	}
	return s.signals.open(self, remote)
}

// CreateConnectionSignaling is what the configuration value Callback_CreateConnectionSignaling has to be: it returns the way to a peer for
// ConnectP2P, nil if there is none. It is called without locks.
type CreateConnectionSignaling = func(self, remote Identity, localVirtualPort, remoteVirtualPort int) Signaling
