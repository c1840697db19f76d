// Package conn is one GameNetworkingSockets connection as a pure state machine: handshake, states,
// timers, data packets, keepalive, statistics, closing. It opens no socket, starts no goroutine and
// asks nobody for the time.
//
// Rule of use, for a driver that owns a Conn and calls it from one goroutine at a time:
//
//   - Feed every datagram from the peer to Receive, and every API call to its method.
//   - After any call: send what AppendPacket yields until it yields nothing; take what NextEvent and
//     NextMessage yield; then arm a timer for Deadline and call Advance when it passes.
//   - Spurious calls of Advance are harmless.
//
// What a datagram says is believed as far as it can be: data packets are authenticated by their
// cipher; handshake and closing messages only by the two connection IDs, which an attacker off the
// path does not know.
package conn

import (
	"io"
	"net/netip"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/shared"
	"github.com/gogns/gns/internal/udpwire"
	"github.com/gogns/gns/reliability"
	"github.com/gogns/gns/snp"
)

// Protocol versions of the wire format.
const (
	ProtocolVersion    = 13
	minProtocolVersion = 8
	versionLanes       = 11 // first version that understands select-lane frames
	versionTimeField   = 12 // first version that parses the time-since-previous field
)

// Config is what a connection is created with.
type Config struct {
	// LocalID is this side's connection ID, chosen by the driver: both halves non-zero, unique.
	LocalID uint32
	// Identity is this side's identity; crypto.Localhost() for an anonymous peer.
	Identity crypto.Identity
	// AppID is written into self-made certificates and must equal the peer's.
	AppID uint32
	// Remote is the peer's address. It stands in for the identity of an anonymous peer.
	Remote netip.AddrPort
	// Cert is a certificate signed by an authority, nil if there is none.
	Cert *crypto.LocalCert
	// Unsigned is a certificate of this side's own making, for where one is good enough; nil makes one for this
	// connection.
	Unsigned *crypto.LocalCert
	// Verifier judges the peer's certificate; nil trusts no authority.
	Verifier crypto.CertVerifier
	// WallClock is the time of creation in Unix seconds, for the expiry of certificates. Time goes on from there
	// as it does for the connection.
	WallClock int64
	// Expect, if valid, is the only peer identity that is acceptable.
	Expect crypto.Identity
	// Require insists on a peer that a trusted authority has certified, and on encryption, whatever the
	// settings say.
	Require bool
	// Replay, if not nil, keeps recorded handshakes of certified peers from making connections.
	Replay *crypto.ReplayGuard
	// Keys, if not nil, makes it faster to check the signatures of peers that come again.
	Keys *crypto.KeyCache
	// Settings are the values that may change later, through Configure.
	Settings Settings
	// Rand is the source of keys and nonces.
	Rand io.Reader
	// Seed makes sampled statistics reproducible.
	Seed uint64
	// KeyLog, if not nil, receives one line with the session keys when they are known.
	KeyLog io.Writer

	shared *sharedSettings // nil: this connection has its settings to itself
}

// Settings are the configuration values of one connection, as Valve's ESteamNetworkingConfigValue
// defines them.
type Settings struct {
	TimeoutInitial   time.Duration
	TimeoutConnected time.Duration

	// IPAllowWithoutAuth and IPLocalHostAllowWithoutAuth: 0 refuse, 1 warn, 2 allow peers without a
	// trusted certificate. For a loopback peer the larger of the two counts.
	IPAllowWithoutAuth          int32
	IPLocalHostAllowWithoutAuth int32
	// Unencrypted: 0 never, 1 allow, 2 prefer, 3 require a plain-text connection.
	Unencrypted int32

	// MTU is the largest UDP payload sent, in bytes, 200…1300.
	MTU int
	// SendTimeSincePrevious of 1 adds the time since the previous packet to every data packet.
	SendTimeSincePrevious int32

	// SNP limits; MaxPlaintext is derived from MTU and need not be set.
	SNP snp.Config
}

// sharedSettings keep the settings of the connections of a Listener, which are the same most of the time, once.
type sharedSettings struct {
	settings shared.Value[Settings]
	snp      shared.Value[snp.Config]
}

// lastingConfig is what a connection keeps of its Config. Only the fields named here are there for as long as the
// connection; all others are nobody's business after the handshake, when there is no Config any more.
type lastingConfig struct {
	*Config
	LocalID uint32
	Require bool
	Remote  netip.AddrPort
	shared  *sharedSettings
}

// Event is a change of state.
type Event struct {
	Old, New State
	Reason   EndReason
	Debug    string
}

// Conn is one connection. It is not safe for concurrent use. A server has many, most of which have little to do: what
// few of them need, or none for long, is elsewhere.
type Conn struct {
	cfg          lastingConfig
	set          *Settings // not to be written to
	*handshaking           // nil once nothing of it is needed any more, as is handshake

	enteredAt mono.Time // when state was entered

	identity  crypto.Identity // the peer's
	endDebug  string
	lost      *Loss
	handshake *crypto.Handshake
	auth      crypto.PeerAuth
	keys      crypto.Keys
	remoteID  uint32
	endReason EndReason
	peerVer   uint32
	state     State
	cipher    crypto.Cipher
	ask       snp.AckRequest // what the last packet should have asked for: the next one will
	isServer  bool
	appClosed bool
	authentic bool // as Valve's library shows it
	proven    bool // a packet under the connection's keys has arrived
	paired    bool // both ends are here, and who they are is known without certificates

	seal *crypto.Sealer // made from keys when needed, as is open
	open *crypto.Opener

	fin   finState
	alive aliveState
	stats statsState
	out   outbox

	window reliability.Window
	rtt    reliability.RTT
	snp    *snp.Session

	p2p *p2pState // nil for a connection to an address

	events   []Event
	messages messageQueue
	strays   *strays // nil: there were none
}

// handshaking is what a connection has until it is established at both ends, and the peer knows.
type handshaking struct {
	created    mono.Time
	peerStated uint32 // protocol version the peer stated outside its signed info
	client     clientState
	server     serverState
}

func newConn(cfg Config, now mono.Time) *Conn {
	c := &Conn{handshaking: &handshaking{created: now}, enteredAt: now}
	c.cfg = lastingConfig{Config: &cfg, LocalID: cfg.LocalID, Require: cfg.Require, Remote: cfg.Remote, shared: cfg.shared}
	c.stats.init(now, cfg.Seed)
	c.applySettings(cfg.Settings)
	c.snp = snp.NewSessionWith((*host)(c), &c.rtt, c.snpConfig())
	return c
}

// Configure applies changed settings. Values that only matter before a certain point (ciphers,
// authentication policy) have no effect after it.
func (c *Conn) Configure(now mono.Time, s Settings) {
	c.applySettings(s)
	if c.state.Active() {
		c.snp.ConfigureWith(now, c.snpConfig())
	}
}

func (c *Conn) applySettings(s Settings) {
	if s.MTU <= 0 || s.MTU > udpwire.MaxDatagram {
		s.MTU = udpwire.MaxDatagram
	}
	s.MTU = max(s.MTU, minMTU)
	if h := c.cfg.shared; h != nil {
		c.set = h.settings.Of(s)
	} else {
		c.set = &s
	}
}

// Sizes of packets.
const (
	minMTU = 200
	// packetReserve is what Valve keeps free of every packet for headers and inline statistics, the
	// cipher's tag not included. Plaintext payloads are at most MTU - packetReserve - tag.
	packetReserve = 52
)

// maxPlaintext is the largest SNP payload of a packet without large inline statistics.
func (c *Conn) maxPlaintext() int {
	overhead := crypto.CipherAES256GCM.Overhead() // until another is negotiated
	if c.cipher != crypto.CipherInvalid {
		overhead = c.cipher.Overhead()
	}
	return c.set.MTU - packetReserve - overhead
}

func (c *Conn) snpConfig() *snp.Config {
	s := c.set.SNP
	s.MaxPlaintext = c.maxPlaintext()
	s = s.Complete()
	if h := c.cfg.shared; h != nil {
		return h.snp.Of(s)
	}
	return &s
}

// ID returns this side's connection ID.
func (c *Conn) ID() uint32 { return c.cfg.LocalID }

// RemoteID returns the peer's connection ID, 0 while unknown.
func (c *Conn) RemoteID() uint32 { return c.remoteID }

// State returns the current state.
func (c *Conn) State() State { return c.state }

// IsServer reports whether the peer initiated the connection.
func (c *Conn) IsServer() bool { return c.isServer }

// Identity returns the peer's identity; the zero Identity while unknown.
func (c *Conn) Identity() crypto.Identity { return c.identity }

// Remote returns the peer's address.
func (c *Conn) Remote() netip.AddrPort { return c.cfg.Remote }

// End returns why the connection ended, or zero values.
func (c *Conn) End() (EndReason, string) { return c.endReason, c.endDebug }

// Cipher returns the negotiated cipher, 0 before negotiation.
func (c *Conn) Cipher() crypto.Cipher { return c.cipher }

// Authenticated reports whether a trusted authority vouches for the peer's identity, as Valve's library
// sees it; see PeerAuth.
func (c *Conn) Authenticated() bool { return c.authentic }

// PeerAuth returns how far the peer's identity is verified, and by what.
func (c *Conn) PeerAuth() crypto.PeerAuth {
	if c.paired {
		return crypto.PeerAuth{Assurance: crypto.AssuranceProven}
	}
	auth := c.auth
	if auth.Assurance == crypto.AssuranceCertified && c.proven {
		auth.Assurance = crypto.AssuranceProven
	}
	return auth
}

// NextEvent returns the next state change that has not been taken yet.
func (c *Conn) NextEvent() (Event, bool) {
	if len(c.events) == 0 {
		return Event{}, false
	}
	e := c.events[0]
	c.events = c.events[1:]
	if len(c.events) == 0 {
		c.events = nil
	}
	return e, true
}

func (c *Conn) setState(now mono.Time, s State) {
	if s == c.state {
		return
	}
	old := c.state
	c.state = s
	c.enteredAt = now
	c.events = append(c.events, Event{Old: old, New: s, Reason: c.endReason, Debug: c.endDebug})
	switch s {
	case StateConnected:
		c.alive.reset()
		c.alive.lastReceived = now
		c.stats.connected(now)
		c.snp.Connected(now)
		c.rest()
		if !c.isServer { // it has nothing to repeat
			c.establishedAtPeer()
		}
	case StateFinWait, StateClosedByPeer, StateProblemDetectedLocally, StateDead:
		c.alive.reset()
		if old.Active() {
			c.noteLoss()
		}
		if s == StateClosedByPeer || s == StateProblemDetectedLocally {
			_ = c.snp.Resume(now) // what was acked and refused for want of room can still be read; if it is malformed, up to there
		}
		c.snp.Close()
		if c.handshake != nil {
			c.handshake.Forget()
		}
		c.forgetKeys()
		if s != StateClosedByPeer && old != StateClosedByPeer && (old.Active() || s == StateFinWait) {
			c.signalEnd()
		}
	}
	if s.API() == StateNone {
		c.messages.clear()
	}
}

// Advance fires every timer that is due at now.
func (c *Conn) Advance(now mono.Time) {
	switch c.state {
	case StateConnecting:
		if now >= c.initialDeadline() {
			c.timedOutInitially(now)
			return
		}
		if !c.isServer && c.p2p == nil {
			c.advanceClient(now)
		}
	case StateFindingRoute:
		c.advanceRoute(now)
	case StateConnected, StateLinger:
		c.messages.now = now
		c.snp.Advance(now)
		c.advanceAlive(now)
		if c.state.connectedOnWire() {
			c.advanceStats(now)
		}
		c.checkLinger(now)
		c.rest()
	case StateFinWait:
		c.advanceFin(now)
	}
}

// Deadline returns when Advance or AppendPacket has something to do next, provided that nothing else
// happens before.
func (c *Conn) Deadline() mono.Time {
	if c.out.any() || len(c.events) > 0 {
		return 1
	}
	d := mono.Never
	if c.p2p != nil && !c.p2p.held {
		d = c.signalDeadline()
	}
	switch c.state {
	case StateConnecting:
		d = mono.Min(d, c.initialDeadline())
		if !c.isServer && c.p2p == nil {
			d = mono.Min(d, c.client.retryAt)
		}
	case StateFindingRoute:
		d = mono.Min(d, mono.Min(c.initialDeadline(), c.probeDeadline()))
	case StateConnected, StateLinger:
		d = mono.Min(d, mono.Min(c.snp.Deadline(), c.snp.TrimDeadline()))
		d = mono.Min(d, mono.Min(c.aliveDeadline(), c.statsDeadline()))
		d = mono.Min(d, c.probeDeadline())
	case StateFinWait:
		d = mono.Min(d, c.finDeadline())
	}
	return d
}

func (c *Conn) initialDeadline() mono.Time { return c.enteredAt.Add(c.set.TimeoutInitial) }

func (c *Conn) timedOutInitially(now mono.Time) {
	text := "timed out attempting to connect"
	if c.isServer {
		text = "timed out waiting for the application to accept"
	}
	c.problem(now, EndMiscTimeout, text)
}

// Receive takes a datagram from the peer's address. It decrypts in place, so datagram is garbage
// afterwards.
func (c *Conn) Receive(now mono.Time, datagram []byte) {
	if c.state == StateDead {
		return
	}
	c.stats.tracker.Received(len(datagram))
	kind := udpwire.KindOf(datagram)
	if c.p2p != nil && kind < udpwire.KindConnectionClosed {
		kind = udpwire.KindInvalid // the handshake happens by signals
	}
	switch kind {
	case udpwire.KindData:
		c.receiveData(now, datagram)
	case udpwire.KindChallengeRequest:
		c.receiveChallengeRequest(now, datagram)
	case udpwire.KindChallengeReply:
		c.receiveChallengeReply(now, datagram)
	case udpwire.KindConnectRequest:
		c.receiveConnectRequest(now, datagram)
	case udpwire.KindConnectOK:
		c.receiveConnectOK(now, datagram)
	case udpwire.KindConnectionClosed:
		c.receiveConnectionClosed(now, datagram)
	case udpwire.KindNoConnection:
		c.receiveNoConnection(now, datagram)
	default:
		if len(datagram) < udpwire.MinDatagram {
			c.drop().Short++
		} else {
			c.drop().UnknownKind++
		}
	}
	c.checkLinger(now)
}

// loopback reports whether the peer is on this host.
func (c *Conn) loopback() bool { return c.cfg.Remote.Addr().Unmap().IsLoopback() }

// wallClock returns the time in Unix seconds.
func (c *Conn) wallClock(now mono.Time) int64 {
	return c.cfg.WallClock + int64(now.Sub(c.created)/time.Second)
}

// unencrypted is the effective value of Unencrypted.
func (c *Conn) unencrypted() int32 {
	if c.cfg.Require {
		return 0
	}
	return c.set.Unencrypted
}

// allowWithoutAuth is the effective policy towards peers that cannot prove their identity.
func (c *Conn) allowWithoutAuth() int32 {
	allow := c.set.IPAllowWithoutAuth
	if c.loopback() {
		allow = max(allow, c.set.IPLocalHostAllowWithoutAuth)
	}
	return allow
}
