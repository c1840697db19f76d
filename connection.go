package gns

import (
	"fmt"
	"net/netip"
	"sync"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/mono"
)

// connection drives one core: it owns its lock, its timer and its place in the tables, and carries
// datagrams, messages and events between the core, the socket and the application.
type connection struct {
	s      *Sockets
	remote netip.AddrPort
	ep     *endpoint     // nil for an end of a pipe
	listen *listenSocket // nil for outgoing connections
	config *config.Store
	epoch  uint64 // Sockets.epoch when it was made
	handle Connection

	state State       // as the application sees it
	mu    *sync.Mutex // guards state and everything below, and the core; the ends of a pipe share one

	core       core
	link       *link       // nil for other than P2P connections
	partner    *connection // the other end of a pipe
	generation uint64      // of config, when it was last applied
	alarm      alarm
	armed      mono.Time // what the alarm is set to; Never if it is not
	clock      mono.Time // latest time that the core was told
	inbox      inbox     // guarded by the group's lock instead while there is a group
	tally      tally
	group      *pollGroup    // nil: in none
	changed    broadcast     // state changed, or messages arrived
	room       broadcast     // the send buffer may have more room
	done       chan struct{} // of Done; nil until somebody asks
	stream     *netConn      // of Conn.NetConn
	userData   int64
	name       *string // nil: none

	inLine      bool // of the endpoint's transmitter, whose lock guards this
	byPeer      bool // the peer ended the connection
	dead        bool
	established bool // it has been connected
	settled     bool // nothing is left to do for the peer
}

// newConnection wraps a core. Its lock is free, nothing has been sent yet.
//
// generation is that of the configuration before the core's settings were read from it.
func (s *Sockets) newConnection(core core, ep *endpoint, listen *listenSocket, store *config.Store, generation uint64) *connection {
	return &connection{
		s:          s,
		mu:         new(sync.Mutex),
		handle:     Connection(core.ID()),
		remote:     core.Remote(),
		ep:         ep,
		listen:     listen,
		config:     store,
		core:       core,
		generation: generation,
		armed:      mono.Never,
		userData:   store.Int64(config.ConnectionUserData),
	}
}

// hidden reports whether the connection belongs to the messages interface, so that the application does not see it.
func (c *connection) hidden() bool { return c.link != nil && c.link.owner != nil }

// enter puts the connection into the table. Sockets.mu is held.
func (c *connection) enter() error {
	c.s.conns.put(c)
	return nil
}

// lock takes the connection's lock and returns the time, which never goes back from one holder of the
// lock to the next.
func (c *connection) lock() mono.Time {
	c.mu.Lock()
	return c.tick(c.s.now())
}

// tick returns now, or the latest time that the core was told if that is later. c.mu is held.
func (c *connection) tick(now mono.Time) mono.Time {
	c.clock = max(c.clock, now)
	return c.clock
}

// pump does what follows any call of the core: it takes messages and events, sends what is due, or has it
// sent, and arms the alarm. c.mu is held.
func (c *connection) pump(now mono.Time) {
	partner := c.partner // it may cease to be one
	c.pumpCore(now, true)
	if partner != nil {
		partner.pumpCore(partner.tick(now), true)
	}
}

// pumpLater is pump that leaves sending to the next run of the endpoint's transmitter.
func (c *connection) pumpLater(now mono.Time) {
	if c.ep == nil || c.s.env.inOrder {
		c.pump(now)
		return
	}
	c.pumpCore(now, false)
}

func (c *connection) pumpCore(now mono.Time, send bool) {
	switch {
	case c.ep == nil:
		c.takeIn(now)
		c.sent(now)
	case c.core.State() == conn.StateDead: // last words: there will be no socket any more
		c.link.pump(now)
		c.sendAll(now)
		c.takeIn(now)
	default:
		c.link.pump(now)
		c.takeIn(now)
		switch {
		case send:
			c.ep.tx.send(c, now)
		case c.core.Deadline() > now: // as after most datagrams that arrive
			c.sent(now)
		default:
			c.ep.tx.later(c)
		}
	}
}

// takeIn takes messages and events from the core. c.mu is held.
func (c *connection) takeIn(now mono.Time) {
	if c.hidden() {
		c.link.takeIn(now)
	} else if arrived := c.core.TakeMessages(); len(arrived) > 0 {
		c.lockInbox()
		for _, m := range arrived {
			c.tally.received(len(m.Data))
			c.deliver(c.newMessage(m))
		}
		c.unlockInbox()
		c.s.callbacks.arrived(len(arrived))
		c.changed.broadcast()
		clear(arrived)
	}
	for {
		e, ok := c.core.NextEvent()
		if !ok {
			break
		}
		c.stateChanged(e)
		if c.abandoned() || c.hidden() && (c.state == StateClosedByPeer || c.state == StateProblemDetectedLocally) {
			_ = c.core.Close(now, conn.EndAppMin, "", false) // it is not closed yet, or it would not be here
		}
	}
	c.noteSettled()
}

// noteSettled wakes whoever waits for nothing being left to do for the peer. c.mu is held.
func (c *connection) noteSettled() {
	if !c.settled && c.core.Settled() {
		c.settled = true
		c.changed.broadcast()
	}
}

// abandoned reports whether the connection ended while it waited in a Listener to be accepted, so that
// nobody knows of it who could close it. It is then taken out of the Listener.
func (c *connection) abandoned() bool {
	if c.established || c.listen == nil || c.listen.acceptor == nil {
		return false
	}
	ended := c.state == StateClosedByPeer || c.state == StateProblemDetectedLocally
	return ended && c.listen.acceptor.forget(c)
}

// arm sets the alarm to the core's deadline. One that would fire too early is left alone, since firing is
// harmless and setting costs more.
func (c *connection) arm(now mono.Time) {
	if c.dead {
		return
	}
	d := c.core.Deadline()
	if c.link != nil {
		d = mono.Min(d, c.link.idleAt)
	}
	if d == mono.Never || (c.armed <= d && c.armed > now) {
		return
	}
	c.armed = d
	c.shard().set(c, d, now)
}

// fire is called when the alarm goes off.
func (c *connection) fire(now mono.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now = c.tick(now)
	if c.dead {
		return
	}
	c.armed = mono.Never
	c.configure(now)
	c.core.Advance(now)
	c.link.checkIdle(now)
	c.pumpLater(now)
}

// configure applies settings that have changed since they were last applied.
func (c *connection) configure(now mono.Time) {
	if g := c.config.Generation(); g != c.generation {
		c.generation = g
		c.core.Configure(now, c.s.settings(c.config))
		if data := c.config.Int64(config.ConnectionUserData); data != c.userData {
			c.setUserData(data)
		}
	}
}

// stateChanged carries out an event of the core: callbacks, tables, waiting goroutines.
func (c *connection) stateChanged(e conn.Event) {
	old := c.state
	c.state = State(e.New.API())
	if c.state != old {
		if c.link == nil || !c.link.muted {
			c.connectionStatusChanged(old, e)
		}
		if c.hidden() {
			c.link.sessionChanged(old, e)
		}
		c.noteState(old, e)
		if c.state == StateNone {
			c.discardMessages()
			c.leaveGroup()
		}
		if old == StateConnecting && c.listen != nil {
			c.listen.waiting.Add(-1)
			if c.link != nil && !e.New.Active() {
				c.link.refused = true
				c.listen.refused.Add(1)
			}
		}
		if old == StateConnecting || c.listen == nil {
			lockSettings(c.config)
		}
	}
	if e.New == conn.StateConnected {
		c.established = true
	}
	if e.New == conn.StateClosedByPeer {
		c.byPeer = true
	}
	if c.done != nil && e.Old.Active() && !e.New.Active() {
		close(c.done)
	}
	if e.New == conn.StateDead {
		c.die()
	}
	c.changed.broadcast()
}

// die removes the connection from everywhere. c.mu is held.
func (c *connection) die() {
	if c.dead {
		return
	}
	c.dead = true
	counted := c.counters()
	c.noteGone(&counted)
	c.shard().cancel(c)
	c.s.mu.Lock()
	c.s.conns.remove(c)
	if c.link != nil {
		c.s.p2p.remove(c)
	}
	c.s.totals.gone(&counted) // while nobody sees the connection neither here nor there
	c.s.mu.Unlock()
	if c.link != nil {
		c.link.die()
	}
	if c.ep != nil {
		c.ep.remove(c)
	}
	if c.partner != nil {
		c.partner.partner, c.partner = nil, nil
	}
}

// usable returns an error if the application has closed the handle, or the connection is gone.
func (c *connection) usable() error {
	if c.dead || c.core.State().API() == conn.StateNone {
		return ResultInvalidParam.errorf("connection %d is closed", c.handle)
	}
	return nil
}

// info describes the connection at the moment of an event.
func (c *connection) info(e conn.Event) ConnectionInfo {
	info := ConnectionInfo{
		Identity:    c.core.Identity(),
		UserData:    c.userData,
		Addr:        c.remoteAddr(),
		State:       State(e.New.API()),
		EndReason:   EndReason(e.Reason),
		EndDebug:    e.Debug,
		Description: c.describe(),
		Flags:       c.flags(),
		Auth:        c.peerAuth(),
	}
	if c.listen != nil {
		info.ListenSocket = c.listen.handle
	}
	if c.link != nil {
		info.Route = c.link.route
	}
	return info
}

// fastPing is the ping up to which a peer on the local network counts as fast.
const fastPing = 5

// remoteAddr returns where the peer is, invalid if that is not known. c.mu is held.
func (c *connection) remoteAddr() netip.AddrPort {
	if c.link != nil {
		return c.link.remote()
	}
	return c.remote
}

func (c *connection) flags() InfoFlags {
	var f InfoFlags
	if c.ep == nil {
		return InfoLoopbackBuffers | InfoFast
	}
	if c.link != nil {
		f = routeFlags(c.link.route)
	}
	if !c.core.Authenticated() {
		f |= InfoUnauthenticated
	}
	if c.core.Cipher() != crypto.CipherAES256GCM {
		f |= InfoUnencrypted
	}
	addr := c.remoteAddr().Addr().Unmap()
	if addr.IsLoopback() || ((addr.IsPrivate() || addr.IsLinkLocalUnicast()) && c.core.PingMilliseconds() <= fastPing) {
		f |= InfoFast
	}
	return f
}

// describe names the connection for people, in Valve's form.
func (c *connection) describe() string {
	if c.ep == nil {
		return c.named("pipe")
	}
	if c.link != nil {
		return c.named(c.link.describe())
	}
	peer := c.remote.String()
	switch id := c.core.Identity(); {
	case !id.IsValid():
		peer = "invalid@" + peer
	case id.Type() != crypto.IdentityIPAddress:
		peer = id.String() + "@" + peer
	}
	return c.named("UDP " + peer)
}

// named adds to a kind of connection which one it is.
func (c *connection) named(kind string) string {
	if c.name != nil {
		return fmt.Sprintf("#%d %s '%s'", c.handle, kind, *c.name)
	}
	return fmt.Sprintf("#%d %s", c.handle, kind)
}
