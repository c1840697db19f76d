package gns

import (
	"context"
	"errors"
	"fmt"

	"github.com/gogns/gns/config"
)

// ErrNotSupported is what calls return that cannot be carried out at all, whatever the arguments: P2P connections without
// Options.ICE. errors.Is(err, errors.ErrUnsupported) is true for it.
var ErrNotSupported = fmt.Errorf("%w: %w", ErrFail, errors.ErrUnsupported)

// Virtual ports.
const (
	// maxVirtualPort is the highest virtual port that programs can use.
	maxVirtualPort = 0xffff
	// messagesVirtualPort is that of the messages interface (k_nVirtualPort_Messages).
	messagesVirtualPort = 0x7fffffff
)

// CreateListenSocketP2P accepts connections of peers that are found through signals, under a virtual port of 0 to 65535. From then on
// this side can be reached by its identity through Options.Signaling, if that is set; signals that arrive
// otherwise are given to ReceivedP2PCustomSignal. Options apply to every connection that arrives.
//
// With SymmetricConnect among the options, connections of this side and of a peer to each other become one.
//
// Errors: ErrInvalidParam for a virtual port out of range or a bad option; ErrInvalidState if the virtual port is taken, or this side
// has no identity though Options.Signaling or SymmetricConnect needs one; ErrNotSupported without Options.ICE; ErrLimitExceeded for more than 65536 listen sockets.
func (s *Sockets) CreateListenSocketP2P(virtualPort int, opts ...config.Value) (ListenSocket, error) {
	if err := checkVirtualPort(virtualPort); err != nil {
		return 0, err
	}
	l, err := s.listenP2P(virtualPort, nil, opts)
	if err != nil {
		return 0, err
	}
	return l.handle, nil
}

// ConnectP2P starts connecting to a peer by identity and returns at once; the connection is then in StateConnecting, and later in
// StateFindingRoute. Signals go by the configuration value Callback_CreateConnectionSignaling, a CreateConnectionSignaling at
// global scope, if it is set, by Options.Signaling otherwise. A peer with this side's own identity is this Sockets itself: if it
// listens on the virtual port, the connection stays within the process.
//
// With SymmetricConnect among the options, and a listen socket on the virtual port that has it too, this and a
// connection that the peer makes to this side become one. If the peer's is there already, waiting to be accepted, it is
// accepted and returned.
//
// Errors: ErrInvalidParam for an invalid identity, a virtual port out of range or a bad option; ErrInvalidState if this side has no
// identity though Options.Signaling or SymmetricConnect needs one, or nothing to send signals with, or P2P_Transport_ICE_Enable is 0; ErrDuplicateRequest for a symmetric connection that exists
// already; ErrNotSupported without Options.ICE.
func (s *Sockets) ConnectP2P(remote Identity, remoteVirtualPort int, opts ...config.Value) (Connection, error) {
	if err := checkVirtualPort(remoteVirtualPort); err != nil {
		return 0, err
	}
	return s.connectedP2P(s.connectP2P(p2pCall{remote: remote, port: remoteVirtualPort, opts: opts}))
}

// ConnectP2PCustomSignaling is ConnectP2P with a way to send signals of the program's own, which it takes ownership of, also if it
// fails. remote may be the zero Identity, or the anonymous one, if it is not known who answers, unless SymmetricConnect is set. A peer
// with this side's own identity is looked for outside like any other. Neither side needs an identity.
//
// Errors: as of ConnectP2P.
func (s *Sockets) ConnectP2PCustomSignaling(via Signaling, remote Identity, remoteVirtualPort int, opts ...config.Value) (Connection, error) {
	if via == nil {
		return 0, ResultInvalidParam.errorf("there is no Signaling")
	}
	if remote.IsLocalhost() { // nobody in particular
		remote = Identity{}
	}
	return s.connectedP2P(s.connectP2P(p2pCall{via: via, remote: remote, port: remoteVirtualPort, opts: opts}))
}

func (s *Sockets) connectedP2P(c *connection, err error) (Connection, error) {
	if err != nil {
		return 0, err
	}
	return c.handle, nil
}

// DialP2P connects to a peer by identity and returns when messages can flow; see ConnectP2P. It takes WithSignaling, WithICE and
// WithIdentity, or WithSockets.
//
// It fails when ctx is done, or with a *CloseError when the peer refused, did not answer within TimeoutInitial, or no path to
// it was found.
func DialP2P(ctx context.Context, remote Identity, virtualPort int, opts ...Option) (*Conn, error) {
	s, o, values, err := collect(opts)
	if err != nil {
		return nil, err
	}
	if o.sockets == nil && s.source != nil {
		err = s.Authenticate(ctx)
	}
	var c *connection
	if err == nil {
		err = checkVirtualPort(virtualPort)
	}
	if err == nil {
		c, err = s.connectP2P(p2pCall{remote: remote, port: virtualPort, opts: values})
	}
	if err == nil {
		if err = c.waitConnected(ctx); err != nil {
			_ = c.close(EndAppGeneric, "gave up connecting", false)
		}
	}
	if err != nil {
		if o.sockets == nil {
			_ = s.Close()
		}
		return nil, fmt.Errorf("gns: dial %v: %w", remote, err)
	}
	return &Conn{c: c}, nil
}

// ListenP2P listens for peers that connect by identity; see CreateListenSocketP2P. It takes WithSignaling, WithICE and
// WithIdentity, or WithSockets.
func ListenP2P(virtualPort int, opts ...Option) (*Listener, error) {
	s, o, values, err := collect(opts)
	if err != nil {
		return nil, err
	}
	if o.sockets == nil && s.source != nil {
		s.firstCertificate()
	}
	l := &Listener{s: s, accept: o.accept}
	if err = checkVirtualPort(virtualPort); err == nil {
		l.l, err = s.listenP2P(virtualPort, l, values)
	}
	if err != nil {
		if o.sockets == nil {
			_ = s.Close()
		}
		return nil, fmt.Errorf("gns: listen on virtual port %d: %w", virtualPort, err)
	}
	return l, nil
}

func checkVirtualPort(port int) error {
	if port < 0 || port > maxVirtualPort {
		return ResultInvalidParam.errorf("virtual port %d is not in 0...%d", port, maxVirtualPort)
	}
	return nil
}

// p2pSelf returns who this side is, which may be nobody in particular where signals find their way all the same.
func (s *Sockets) p2pSelf() (Identity, error) {
	self, _ := s.Identity()
	switch {
	case s.ice == nil:
		return self, fmt.Errorf("%w: P2P connections need Options.ICE", ErrNotSupported)
	case !self.IsValid():
		return self, errNeedsIdentity
	}
	return self, nil
}

// p2pName is p2pSelf where peers must know who this side is: to be found, or to be told from others.
func (s *Sockets) p2pName() (Identity, error) {
	self, err := s.p2pSelf()
	if err == nil && self.IsLocalhost() {
		err = errNeedsIdentity
	}
	return self, err
}

var errNeedsIdentity = ResultInvalidState.errorf("P2P connections need an identity, unless their signals do not")

// listenP2P makes a listen socket for a virtual port.
func (s *Sockets) listenP2P(port int, acceptor *Listener, opts []config.Value) (*listenSocket, error) {
	own := config.NewStore(config.ListenSocket, s.iface)
	_ = own.Set(config.Int32(config.LocalVirtualPort, int32(port))) // both exist at this scope, and the port has been checked
	_ = own.Lock(config.LocalVirtualPort)
	store, err := s.withOptions(own, opts)
	if err != nil {
		return nil, err
	}
	epoch := s.currentEpoch()
	who := s.p2pSelf
	if s.signaling != nil || store.Int32(config.SymmetricConnect) != 0 {
		who = s.p2pName
	}
	self, err := who()
	if err != nil {
		return nil, err
	}
	_ = store.Lock(config.SymmetricConnect) // it exists at this scope
	l := &listenSocket{s: s, config: store, acceptor: acceptor, epoch: epoch, p2p: true, port: port}
	s.mu.Lock()
	if err = s.current(epoch); err == nil {
		if s.p2p.ports[port] != nil {
			err = ResultInvalidState.errorf("virtual port %d is taken", port)
		} else if err = l.enter(); err == nil {
			s.p2p.ports[port] = l
		}
	}
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if s.signaling != nil {
		if err := s.signals.listen(self); err != nil {
			s.stopListening(l)
			return nil, err
		}
	}
	l.noteListening("listening")
	return l, nil
}

// storeWith makes the configuration of an object with options.
func (s *Sockets) storeWith(scope config.Scope, opts []config.Value) (*config.Store, error) {
	return s.withOptions(config.NewStore(scope, s.iface), opts)
}

// withOptions sets options in the configuration of an object.
func (s *Sockets) withOptions(store *config.Store, opts []config.Value) (*config.Store, error) {
	for _, v := range opts {
		if err := s.setOption(store, v); err != nil {
			return nil, err
		}
	}
	return store, nil
}
