package gns

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/p2p"
	"github.com/gogns/gns/transport/udp"
)

// Options are what New takes. The zero value of every field is a sensible default.
type Options struct {
	// Identity is who this side says it is. Zero: anonymous; peers see this side as "ip:" and its
	// address.
	Identity Identity
	// Config are values at interface scope; global values (such as FakePacketLoss_Send) may be among
	// them. Nil: the defaults of package config.
	Config []config.Value
	// AppID is that of the game. A peer's certificate must list it, and those that peers make for themselves list
	// their own, so that it is the same on both sides. Valve's open-source library uses 0, unless told otherwise.
	AppID uint32
	// TrustedCAs are the public keys of the certificate authorities that may vouch for peers, several of them for
	// instance while one replaces the other. Whoever gives any wants to know who peers are: IP_AllowWithoutAuth
	// and IPLocalHost_AllowWithoutAuth are 0 then, unless Config says otherwise, which refuses all peers for whom no authority
	// vouches. It also means that this side must have a certificate if it says who it is; clients that want to
	// verify a server without showing a certificate themselves stay anonymous. TrustStore adds and removes
	// authorities later.
	TrustedCAs []ed25519.PublicKey
	// TrustStore is used instead of one made from TrustedCAs, so that several Sockets can share it. It too
	// makes IP_AllowWithoutAuth 0, even if it is empty yet.
	TrustStore *pki.Store
	// RequireAuth refuses everybody whose identity no trusted authority vouches for, and plain text, on every
	// connection and whatever the configuration says: AllowWithoutAuth and Unencrypted mean nothing then. (Ends of
	// a socket pair are not concerned.) It takes TrustedCAs or a TrustStore.
	RequireAuth bool
	// Certificate is what this side shows to peers, with its private key, as SetCertificate takes it. It gives its
	// identity to a Sockets without one.
	Certificate []byte
	// CertificateSource is where InitAuthentication gets a certificate. Listen and Dial, if they make the
	// Sockets, wait for it.
	CertificateSource CertificateSource
	// DevelopmentCertificate makes InitAuthentication succeed without a certificate authority, for
	// programs that wait for that before they start. NOTHING IS AUTHENTICATED: the certificates are
	// self-made and prove nothing, as they do without this option, and the status text says so. An EmbeddedCA
	// is as little work and authenticates.
	DevelopmentCertificate bool
	// UDP are the options of the sockets: the sizes of the system's buffers, and switches for what moves many
	// datagrams with one system call. The zero value is the fastest that works.
	UDP udp.Options
	// SharedSockets is how many UDP sockets the outgoing connections share. 0: each has one of its own, as in Valve's
	// library. Shared sockets are for programs with very many connections, such as those that put a server under load:
	// they take a fraction of the memory, ports, file descriptors and wake-ups.
	//
	// Connections to different servers share any socket. To one server of Valve's library, which tells its clients
	// apart by address and port alone, there can be no more connections than SharedSockets; further ones time out. A
	// server of this package has no such limit.
	SharedSockets int
	// ListenSockets is how many UDP sockets each listen socket has, among which the system distributes the
	// clients (SO_REUSEPORT; on Linux, elsewhere it is always one). 0 means 1. One is read and written by a processor at
	// a time, so a server that needs several of them needs as many sockets.
	ListenSockets int
	// WaitInThread makes Wait stop the thread instead of the goroutine. It is for goroutines that are locked to a thread
	// (runtime.LockOSThread), such as those of calls from C: to wake one of them otherwise takes the runtime another thread,
	// and in a ping-pong more time than everything else. Other goroutines take a thread each while they wait so. (On Linux;
	// elsewhere it changes nothing.)
	WaitInThread bool
	// Logger receives what is worth knowing. Nil: silent. Level Info has the life of listen sockets and
	// connections, Warn what the program should do better, Error a socket that cannot be read any more, and
	// Debug more about connections that are gone, sockets and configuration. Nothing is logged per packet.
	// docs/logging.md lists messages and attributes.
	Logger *slog.Logger
	// KeyLog receives one line per connection with its session keys, which lets tools decrypt a capture
	// of it, and anybody else who reads the lines. Nil: off.
	KeyLog io.Writer

	// ICE finds paths to peers that are connected to by identity: package transport/ice has it. Nil: there are no
	// P2P connections, and nothing that they need is part of the program.
	ICE p2p.ICE
	// Signaling is the service by which such peers find each other; packages below signaling have some. This side receives
	// signals through it from the first CreateListenSocketP2P or ConnectP2P on, until Close. Nil: the program carries signals itself, with
	// ConnectP2PCustomSignaling and ReceivedP2PCustomSignal.
	Signaling p2p.SignalingService

	env *environment // for tests; nil: the operating system's
}

// Sockets is one user of the protocol: an identity with its listen sockets and connections (Valve's
// ISteamNetworkingSockets). Any number of them can live in one process and share nothing.
//
// All methods are safe for concurrent use. None waits for a peer.
type Sockets struct {
	appID       uint32
	development bool
	trust       *pki.Store
	replay      *crypto.ReplayGuard
	keys        *crypto.KeyCache
	trusting    bool // somebody was to be trusted from the start
	requireAuth bool
	source      CertificateSource
	log         *slog.Logger
	keyLog      io.Writer
	env         *environment
	udp         udp.Options
	sharing     sharedSockets
	perListen   int // sockets of each listen socket
	ice         p2p.ICE
	signaling   p2p.SignalingService
	signals     signalingClient
	start       time.Time

	self self

	global *config.Store
	iface  *config.Store

	mu        sync.RWMutex // guards the tables below; nothing else but totals is locked while it is held
	closed    bool
	epoch     uint64    // how often the identity was reset
	conns     connTable // read without the lock
	listeners map[ListenSocket]*listenSocket
	groups    map[PollGroup]*pollGroup
	endpoints map[*endpoint]struct{}
	p2p       p2pTable
	messages  Messages
	only      atomic.Pointer[endpoint] // nil: there are none or several; written under mu

	listenHandles, groupHandles handleSource

	alarms     alarms
	handshakes handshakes
	callbacks  callbackQueue
	totals     totals
	active     sync.WaitGroup // goroutines of this Sockets

	signalsUnsent sync.WaitGroup // of those, which send signals
	keyLogMu      sync.Mutex
}

// clockOrigin is where the internal clock starts, far enough from zero that subtracting any timeout
// from an instant stays positive.
const clockOrigin = 30 * 24 * time.Hour

// New returns a Sockets. Nil options are the defaults.
//
// It fails if Identity is invalid, a configuration value is unknown or of the wrong type, Certificate is one
// that SetCertificate refuses, or RequireAuth is set and nobody is trusted.
func New(opts *Options) (*Sockets, error) {
	if opts == nil {
		opts = &Options{}
	}
	s := &Sockets{
		appID:     opts.AppID,
		log:       opts.Logger,
		keyLog:    opts.KeyLog,
		env:       opts.env,
		udp:       opts.UDP,
		sharing:   sharedSockets{most: opts.SharedSockets},
		perListen: max(opts.ListenSockets, 1),
		start:     time.Now(),
		global:    config.NewStore(config.Global, nil),
		listeners: make(map[ListenSocket]*listenSocket),
		groups:    make(map[PollGroup]*pollGroup),

		groupHandles: handleSource{tag: pollGroupTag},

		endpoints: make(map[*endpoint]struct{}),

		p2p:       newP2PTable(),
		ice:       opts.ICE,
		signaling: opts.Signaling,
	}
	s.callbacks.inThread = opts.WaitInThread && canPark
	s.handshakes.s, s.signals.s, s.messages.s = s, s, s
	if s.env == nil {
		s.env = system(opts.UDP)
	}
	s.alarms = newAlarms(s)
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if s.self.identity, err = checkIdentity(opts.Identity); err != nil {
		return nil, err
	}
	s.development, s.source = opts.DevelopmentCertificate, opts.CertificateSource
	s.resetAuthStatus()
	s.iface = config.NewStore(config.SocketsInterface, s.global)
	if err := s.setTrust(opts); err != nil {
		return nil, err
	}
	for _, v := range opts.Config {
		if err := s.setOption(s.iface, v); err != nil {
			return nil, err
		}
	}
	if opts.Certificate != nil {
		if err := s.SetCertificate(opts.Certificate); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// setOption applies an option at the scope of store. Global-only values among the options of a whole
// Sockets go to global scope; on listen sockets and connections they are an error.
func (s *Sockets) setOption(store *config.Store, v config.Value) error {
	if store == s.iface {
		if info, ok := v.ID().Info(); ok && info.Scope == config.Global {
			store = s.global
		}
	}
	if err := setValue(store, v); err != nil {
		return fmt.Errorf("%w: option %v: %w", ErrInvalidParam, v, err)
	}
	return nil
}

// Close ends every connection at once (peers see an AppException close with the text "shutdown"),
// closes every listen socket, drops queued callbacks, and returns when all goroutines are gone. To
// deliver what is queued, close connections with linger first. Closing again does nothing.
func (s *Sockets) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		s.active.Wait()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.self.mu.Lock()
	s.self.stopFetch()
	s.setAuthStatus(AvailabilityUnknown, closedText)
	s.self.mu.Unlock()

	s.abortAll(func(*connection) bool { return true }, conn.EndAppExceptionMax, "shutdown")
	s.mu.Lock()
	listeners := make([]*listenSocket, 0, len(s.listeners))
	for _, l := range s.listeners {
		listeners = append(listeners, l)
	}
	endpoints := make([]*endpoint, 0, len(s.endpoints))
	for e := range s.endpoints {
		endpoints = append(endpoints, e)
	}
	clear(s.listeners)
	clear(s.groups)
	s.stopMessages()
	s.mu.Unlock()
	s.messages.close()
	for _, l := range listeners {
		l.acceptor.shut()
		l.noteListening("stopped listening")
	}
	for _, e := range endpoints {
		e.close()
	}
	s.signalsUnsent.Wait()
	s.signals.close()
	s.active.Wait()
	s.self.mu.Lock()
	s.self.forget()
	s.self.mu.Unlock()
	s.callbacks.close()
	return nil
}

// goOn starts a goroutine, for which Close waits, unless everything is being closed.
func (s *Sockets) goOn(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.active.Add(1)
	go func() {
		defer s.active.Done()
		f()
	}()
	return true
}

// abortAll ends the connections that match at once.
func (s *Sockets) abortAll(match func(*connection) bool, reason conn.EndReason, debug string) {
	for _, c := range s.connections(match) {
		now := c.lock()
		c.core.Abort(now, reason, debug)
		c.pump(now)
		c.mu.Unlock()
	}
}

// connections returns the connections that match, which may look at nothing that a lock guards.
func (s *Sockets) connections(match func(*connection) bool) []*connection {
	s.mu.RLock()
	defer s.mu.RUnlock()
	conns := make([]*connection, 0, s.conns.live)
	for c := range s.conns.all() {
		if match(c) {
			conns = append(conns, c)
		}
	}
	return conns
}

// now reads the clock. Only the driver does; everything below gets the time as a parameter.
func (s *Sockets) now() mono.Time { return mono.Time(clockOrigin + time.Since(s.start)) }

// timeOf converts an instant of the internal clock.
func (s *Sockets) timeOf(t mono.Time) time.Time {
	return s.start.Add(time.Duration(t) - clockOrigin)
}

// currentEpoch returns the number that register wants to see again.
func (s *Sockets) currentEpoch() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.epoch
}

// current returns an error if what was begun in the given epoch is too late. s.mu is held.
func (s *Sockets) current(epoch uint64) error {
	switch {
	case s.closed:
		return errSocketsClosed
	case s.epoch != epoch:
		return ResultInvalidState.errorf("identity was reset")
	}
	return nil
}

// lookup returns the connection with the handle as long as the application may use it.
func (s *Sockets) lookup(h Connection) (*connection, error) {
	c := s.conns.get(h)
	if c == nil || c.hidden() {
		return nil, ResultInvalidParam.errorf("no connection has handle %d", h)
	}
	return c, nil
}

// newConnectionID draws a connection ID that nothing here uses: random, because knowing it is what
// proves to a peer that a closing message is ours, and with both halves non-zero, as peers require.
func (s *Sockets) newConnectionID() uint32 {
	for {
		id := uint32(s.env.draw())
		if id&0xffff == 0 || id>>16 == 0 {
			continue
		}
		if s.conns.get(Connection(id)) == nil {
			return id
		}
	}
}

// coreConfig is what every new connection of this Sockets is made from.
func (s *Sockets) coreConfig(remote netip.AddrPort, store *config.Store) conn.Config {
	identity, cert, unsigned := s.credentials()
	return conn.Config{
		LocalID:   s.newConnectionID(),
		Identity:  identity,
		Cert:      cert,
		Unsigned:  unsigned,
		AppID:     s.appID,
		Verifier:  s.trust,
		Require:   s.requireAuth,
		Replay:    s.replay,
		Keys:      s.keys,
		WallClock: time.Now().Unix(),
		Remote:    remote,
		Settings:  s.settings(store),
		Rand:      s.env.random,
		Seed:      s.env.draw(),
		KeyLog:    s.keyLogWriter(),
	}
}

func (s *Sockets) keyLogWriter() io.Writer {
	if s.keyLog == nil {
		return nil
	}
	return lockedWriter{&s.keyLogMu, s.keyLog}
}

// lockedWriter lets connections share a writer.
type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// Drain waits until no connection that this side has closed waits for its peer any more: its reliable
// messages are delivered, if it was closed with linger, and the peer has confirmed the close, or has not
// answered for five seconds. Close, called without that, ends such connections at once; a peer to
// which the one packet that says so is lost takes them for alive until it times out.
//
// It returns the context's error when that is done first.
func (s *Sockets) Drain(ctx context.Context) error {
	for {
		conns := s.connections(func(*connection) bool { return true })
		var changed <-chan struct{}
		for _, c := range conns {
			c.mu.Lock()
			if c.core.State().API() == conn.StateNone && !c.core.Settled() {
				changed = c.changed.wait()
			}
			c.mu.Unlock()
		}
		if changed == nil {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
