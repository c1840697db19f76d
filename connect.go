package gns

import (
	"net/netip"
	"unicode/utf8"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/mono"
)

// ConnectByIPAddress starts connecting to a server and returns at once; the connection is then in
// StateConnecting. Messages may be sent from the start: they wait until it is connected.
//
// Errors: ErrInvalidParam for an address without IP or port, or a bad option; ErrInvalidState if the
// configuration demands what cannot be had, such as IP_AllowWithoutAuth=0 without a certificate; the system's
// error if there is no socket to be had.
func (s *Sockets) ConnectByIPAddress(remote netip.AddrPort, opts ...config.Value) (Connection, error) {
	c, err := s.connect(remote, Identity{}, opts)
	if err != nil {
		return 0, err
	}
	return c.handle, nil
}

// connect starts connecting. expect, if valid, is the only identity that the peer may have.
func (s *Sockets) connect(remote netip.AddrPort, expect crypto.Identity, opts []config.Value) (*connection, error) {
	if !remote.IsValid() || remote.Addr().IsUnspecified() || remote.Port() == 0 {
		return nil, ResultInvalidParam.errorf("cannot connect to address %v", remote)
	}
	remote = netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())
	store := config.NewStore(config.Connection, s.iface)
	for _, v := range opts {
		if err := s.setOption(store, v); err != nil {
			return nil, err
		}
	}
	if store.Int32(config.SymmetricConnect) != 0 {
		return nil, ResultInvalidParam.errorf("SymmetricConnect is for P2P connections, not for an IP address")
	}
	epoch := s.currentEpoch()
	generation := store.Generation()
	cfg := s.coreConfig(remote, store)
	cfg.Expect = expect
	// Whoever knows an authority, and whom to expect, does not mean anybody who says so.
	cfg.Require = cfg.Require || expect.IsValid() && s.trusts()
	core, err := conn.NewClient(cfg, s.now())
	if err != nil {
		return nil, ResultInvalidState.wrap(err)
	}
	c := s.newConnection(core, nil, nil, store, generation)
	c.epoch = epoch
	now := c.lock()
	defer c.mu.Unlock()
	if err := s.findSocket(c); err != nil {
		return nil, err
	}
	c.pump(now)
	return c, nil
}

// AcceptConnection completes an incoming connection, which is then connected.
//
// Errors: ErrInvalidParam for a bad handle or a connection that this side is making; ErrInvalidState if there is nothing
// to accept any more: it was accepted before, or the peer has given up; ErrDuplicateRequest instead if it was accepted and
// is symmetric, for ConnectP2P to the same peer does that; ErrHandshakeFailed if there is no cipher in common, which also ends the
// connection.
func (s *Sockets) AcceptConnection(h Connection) error {
	return s.with(h, func(c *connection, now mono.Time) error {
		if state := c.core.State(); state != conn.StateConnecting && state.Active() && c.config.Int32(config.SymmetricConnect) != 0 {
			return ResultDuplicateRequest.errorf("symmetric connection has been accepted already")
		}
		c.configure(now) // the application may have changed what it accepts
		return resultOf(c.core.Accept(now))
	})
}

// CloseConnection ends a connection, or gives up one that has ended; the handle is invalid afterwards.
// Every connection must be closed so, even one whose peer has closed it.
//
// reason is 1000…1999 for an ordinary end, 2000…2999 for an exceptional one, and 0 for EndAppGeneric;
// the peer gets it with debug, of which 127 bytes are kept. If the connection had ended already, its
// reason stays.
//
// With linger, a connected connection stays alive unseen until the peer has acknowledged the reliable
// messages. Without, messages on their way may be lost.
//
// Errors: ErrInvalidParam for a bad handle.
func (s *Sockets) CloseConnection(h Connection, reason EndReason, debug string, linger bool) error {
	return s.with(h, func(c *connection, now mono.Time) error {
		return resultOf(c.core.Close(now, conn.EndReason(reason), debug, linger))
	})
}

// with runs f on a connection under its lock, and carries out what follows from it.
func (s *Sockets) with(h Connection, f func(*connection, mono.Time) error) error {
	c, err := s.lookup(h)
	if err != nil {
		return err
	}
	return c.do(f)
}

func (c *connection) do(f func(*connection, mono.Time) error) error {
	now := c.lock()
	defer c.mu.Unlock()
	if err := c.usable(); err != nil {
		return err
	}
	err := f(c, now)
	c.pump(now)
	return err
}

// ConnectionInfo describes a connection (GetConnectionInfo).
//
// Errors: ErrInvalidParam for a bad handle.
func (s *Sockets) ConnectionInfo(h Connection) (ConnectionInfo, error) {
	c, err := s.lookup(h)
	if err != nil {
		return ConnectionInfo{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.usable(); err != nil {
		return ConnectionInfo{}, err
	}
	return c.currentInfo(), nil
}

func (c *connection) currentInfo() ConnectionInfo {
	reason, debug := c.core.End()
	return c.info(conn.Event{New: c.core.State(), Reason: reason, Debug: debug})
}

// SetConnectionName names a connection in its description. Up to 31 bytes are kept, of whole characters.
//
// Errors: ErrInvalidParam for a bad handle.
func (s *Sockets) SetConnectionName(h Connection, name string) error {
	return s.with(h, func(c *connection, _ mono.Time) error {
		c.name = nil
		if name = truncateName(name); name != "" {
			c.name = &name
		}
		return nil
	})
}

// truncateName cuts a name to what Valve's library has room for.
func truncateName(name string) string {
	const room = 31
	if len(name) <= room {
		return name
	}
	n := room
	for n > 0 && !utf8.RuneStart(name[n]) {
		n--
	}
	return name[:n]
}

// ConnectionName returns what SetConnectionName has set.
//
// Errors: ErrInvalidParam for a bad handle.
func (s *Sockets) ConnectionName(h Connection) (string, error) {
	info := ""
	err := s.with(h, func(c *connection, _ mono.Time) error {
		if c.name != nil {
			info = *c.name
		}
		return nil
	})
	return info, err
}

// SetConnectionUserData attaches a number to a connection; messages and callbacks carry it, messages that
// wait to be received too, but not callbacks that wait for RunCallbacks. A connection begins with the
// number that the configuration value ConnectionUserData has for it then, -1 if it was not set.
//
// Errors: ErrInvalidParam for a bad handle.
func (s *Sockets) SetConnectionUserData(h Connection, data int64) error {
	return s.with(h, func(c *connection, _ mono.Time) error {
		_ = c.config.Set(config.Int64(config.ConnectionUserData, data)) // it is never locked
		c.setUserData(data)
		return nil
	})
}

// setUserData changes the user data, in messages that have not been read too. c.mu is held.
func (c *connection) setUserData(data int64) {
	c.userData = data
	c.lockInbox()
	for m := c.inbox.first; m != nil; m = m.links[inConnection].next {
		m.UserData = data
	}
	c.unlockInbox()
}

// ConnectionUserData returns the number attached to a connection, -1 if none was.
//
// Errors: ErrInvalidParam for a bad handle.
func (s *Sockets) ConnectionUserData(h Connection) (int64, error) {
	data := int64(-1)
	err := s.with(h, func(c *connection, _ mono.Time) error {
		data = c.userData
		return nil
	})
	return data, err
}
