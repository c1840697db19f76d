package gns

import (
	"net/netip"
	"sync"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/transport/udp"
)

// pipeLimit is what the limits of a pipe begin with, in bytes or messages.
const pipeLimit = 0x10000000

// CreateSocketPair returns two connections that are connected to each other, without callbacks for that.
// identity1 is who the first one sees as its peer, identity2 whom the second one sees; zero is
// Localhost. Both must be closed.
//
// With networkLoopback they talk over UDP sockets of the loopback interface, as any two connections do,
// with encryption and simulated network conditions. Without, they are a pipe: a message sent on one is at
// once available on the other, whatever its flags, and nothing limits that but RecvBufferSize,
// RecvBufferMessages and RecvMaxMessageSize of the receiver, which begin at 256 Mi. What those do not
// admit is refused with ErrLimitExceeded (Valve's library loses it); SendBufferSize means nothing.
//
// Errors: ErrInvalidParam for an invalid identity; ErrInvalidState after Close; the system's error if
// there is no socket to be had.
func (s *Sockets) CreateSocketPair(networkLoopback bool, identity1, identity2 Identity) (Connection, Connection, error) {
	var ids [2]Identity
	for i, id := range [...]Identity{identity1, identity2} {
		var err error
		if ids[i], err = checkIdentity(id); err != nil {
			return 0, 0, err
		}
	}
	create := s.newPipe
	if networkLoopback {
		create = s.newLoopbackPair
	}
	one, two, err := create(ids)
	if err != nil {
		return 0, 0, err
	}
	return one.handle, two.handle, nil
}

// newPipe makes a pipe whose ends see the given identities.
func (s *Sockets) newPipe(sees [2]Identity) (one, two *connection, err error) {
	epoch := s.currentEpoch()
	var stores [2]*config.Store
	for i := range stores {
		stores[i] = config.NewStore(config.Connection, s.iface)
	}
	cfg, generations := s.pipeConfigs(stores, sees)
	a, b := conn.NewPipe(cfg[0], cfg[1], s.now())
	one = s.newConnection(a, nil, nil, stores[0], generations[0])
	two = s.newConnection(b, nil, nil, stores[1], generations[1])
	one.begunConnected(epoch)
	two.begunConnected(epoch)
	return one, two, s.enterPipe(one, two, epoch)
}

// pipeConfigs takes the limits of connections over a network from the configurations of the ends of a pipe, and returns what the ends, which see the
// given identities, are made with.
func (s *Sockets) pipeConfigs(stores [2]*config.Store, sees [2]Identity) (cfg [2]conn.PipeConfig, generations [2]uint64) {
	for i := range cfg {
		for _, id := range [...]config.ID{
			config.SendRateMin, config.SendRateMax, config.RecvBufferSize, config.RecvBufferMessages, config.RecvMaxMessageSize,
		} {
			if _, inherited, _ := stores[i].Get(id); inherited { // otherwise the application has said what it wants
				_ = stores[i].Set(config.Int32(id, pipeLimit)) // it is within the limits of each
			}
		}
		_ = stores[i].Set(config.Int32(config.Unencrypted, 3))
		generations[i] = stores[i].Generation()
		cfg[i] = conn.PipeConfig{
			LocalID:  s.newConnectionID(),
			Identity: sees[1-i],
			Settings: settingsOf(stores[i]),
			Seed:     s.env.draw(),
		}
	}
	for cfg[1].LocalID == cfg[0].LocalID {
		cfg[1].LocalID = s.newConnectionID()
	}
	return cfg, generations
}

// enterPipe makes two connections the ends of one and enters them into the table.
func (s *Sockets) enterPipe(one, two *connection, epoch uint64) error {
	lock := new(sync.Mutex)
	for _, c := range [...]*connection{one, two} {
		c.mu, c.epoch = lock, epoch
	}
	one.partner, two.partner = two, one
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.current(epoch); err != nil {
		return err
	}
	s.conns.put(one)
	s.conns.put(two)
	return nil
}

// newLoopbackPair makes a pair that talks over UDP, and whose ends see the given identities.
func (s *Sockets) newLoopbackPair(sees [2]Identity) (one, two *connection, err error) {
	epoch := s.currentEpoch()
	var socks [2]udp.Conn
	for i := range socks {
		opened, err := s.env.listen(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0), 1)
		if err != nil {
			if i > 0 {
				_ = socks[0].Close()
			}
			return nil, nil, err
		}
		socks[i] = opened[0]
	}
	var cfg [2]conn.Config
	var stores [2]*config.Store
	var generations [2]uint64
	for i := range cfg {
		stores[i] = config.NewStore(config.Connection, s.iface)
		generations[i] = stores[i].Generation()
		cfg[i] = s.coreConfig(socks[1-i].LocalAddr(), stores[i])
		cfg[i].Identity = sees[1-i]
	}
	for cfg[1].LocalID == cfg[0].LocalID {
		cfg[1].LocalID = s.newConnectionID()
	}
	now := s.now()
	a, b, err := conn.NewPair(cfg[0], cfg[1], now)
	if err != nil {
		_, _ = socks[0].Close(), socks[1].Close()
		return nil, nil, resultOf(err)
	}
	conns := [2]*connection{}
	for i, core := range [...]*conn.Conn{a, b} {
		core.Configure(now, cfg[i].Settings) // the handshake had settings of its own
		ep := s.newEndpoint(socks[i])
		c := s.newConnection(core, ep, nil, stores[i], generations[i])
		c.begunConnected(epoch)
		ep.peers.add(c)
		conns[i] = c
	}
	for i, c := range conns {
		if err = s.register(c.ep, epoch, c.enter); err != nil {
			if i == 0 {
				_ = socks[1].Close()
			}
			return nil, nil, err // the first end, if it was registered, goes the way of all others
		}
	}
	for _, c := range conns {
		now := c.lock()
		c.pump(now)
		c.mu.Unlock()
	}
	return conns[0], conns[1], nil
}

// begunConnected notes that a new connection is connected from the start.
func (c *connection) begunConnected(epoch uint64) {
	c.epoch = epoch
	c.state = StateConnected
	c.established = true
	lockSettings(c.config)
}
