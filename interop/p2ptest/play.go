package p2ptest

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/signaling/trivial"
	"github.com/gogns/gns/transport/ice"
)

const (
	// tick is how often a peer sends, receives and looks at what has happened, as test_p2p does.
	tick = 50 * time.Millisecond
	// usualTicks is how many of them a connection lasts unless something else is said.
	usualTicks = 40
	// cleanup is how long a peer stays after its last connection, so that what it has sent arrives and its peer hears of the
	// end. Valve's program has a second, which on a busy machine is not always enough.
	cleanup = 3 * time.Second
)

// player is a peer of ours that follows the rules of test_p2p.
type player struct {
	side   Side
	remote gns.Identity
	s      *gns.Sockets
	listen gns.ListenSocket
	conn   gns.Connection // 0: none at the moment
	talk   *conversation  // of conn, once it is Connected
	done   int            // connections that are over
	err    error          // that ends everything
}

// play is a peer of ours from its beginning to its end.
func play(side Side) error {
	self, err := gns.ParseIdentity(side.Identity)
	if err != nil {
		return err
	}
	remote, err := gns.ParseIdentity(side.Remote)
	if err != nil {
		return err
	}
	s, err := gns.New(&gns.Options{
		Identity:  self,
		Config:    side.config(),
		Logger:    slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Signaling: unreliable{trivial.New(SignalingAddress), side.SignalLoss, side.SignalTwice},
		ICE:       told{ice.New(side.iceOptions())},
	})
	if err != nil {
		return err
	}
	p := &player{side: side, remote: remote, s: s}
	s.OnConnectionStatusChanged(p.changed)
	return errors.Join(p.run(), s.Close())
}

func (s *Side) config() []config.Value {
	values := []config.Value{
		config.String(config.P2PSTUNServerList, strings.Join(s.STUN, ",")),
		config.String(config.P2PTURNServerList, strings.Join(s.TURN, ",")),
		config.String(config.P2PTURNUserList, s.User),
		config.String(config.P2PTURNPassList, s.Password),
	}
	if s.ICEEnable != 0 {
		values = append(values, config.Int32(config.P2PTransportICEEnable, int32(s.ICEEnable)))
	}
	if s.InitialTimeout != 0 {
		values = append(values, config.Int32(config.TimeoutInitial, int32(s.InitialTimeout.Milliseconds())))
	}
	return values
}

// iceOptions confine a peer on the simulated network, which is on the loopback interface, to its adapters.
func (s *Side) iceOptions() ice.Options {
	if len(s.Adapters) == 0 {
		return ice.Options{}
	}
	mine := map[netip.Addr]bool{}
	for _, a := range s.Adapters {
		mine[netip.MustParseAddr(a.Address)] = !a.Disabled
	}
	return ice.Options{IncludeLoopback: true, Address: func(ip netip.Addr) bool { return mine[ip] }}
}

// run ends when all connections are over.
func (p *player) run() error {
	var err error
	if p.side.Role != Client {
		if p.listen, err = p.s.CreateListenSocketP2P(0, p.options()...); err != nil {
			return err
		}
	}
	if p.side.Role != Server {
		if err = p.connect(); err != nil {
			return err
		}
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for p.err == nil && p.done < max(p.side.Repeat, 1) {
		<-ticker.C
		p.s.RunCallbacks()
		if p.err == nil && p.talk != nil {
			p.err = p.exchange()
		}
	}
	if p.err != nil {
		return p.err
	}
	time.Sleep(cleanup)
	return nil
}

func (p *player) options() []config.Value {
	if p.side.Role == Meeting {
		return []config.Value{config.Int32(config.SymmetricConnect, 1)}
	}
	return nil
}

func (p *player) connect() (err error) {
	p.conn, err = p.s.ConnectP2P(p.remote, 0, p.options()...)
	return err
}

// exchange is a tick of a conversation.
func (p *player) exchange() error {
	if p.side.ExpectFailure {
		return errors.New("a connection came about, which should not")
	}
	if err := p.talk.tick(); err != nil {
		return err
	}
	ticks := p.side.Ticks
	if ticks == 0 {
		ticks = usualTicks
	}
	if p.side.Role == Server || p.talk.ticks < ticks {
		return nil
	}
	p.printRoute()
	fmt.Printf("closing after %d ticks, %d reliable and %d unreliable messages\n", p.talk.ticks, p.talk.sent[1], p.talk.sent[0])
	if err := p.s.CloseConnection(p.conn, gns.EndAppGeneric, "Test completed OK", true); err != nil {
		return err
	}
	p.conn, p.talk = 0, nil
	if p.done++; p.done < p.side.Repeat {
		return p.connect()
	}
	return nil
}

// changed is what happens to connections.
func (p *player) changed(c gns.ConnectionStatusChanged) {
	fmt.Printf("[%s] %v, was %v, reason %d %q\n", c.Info.Description, c.Info.State, c.Old, c.Info.EndReason, c.Info.EndDebug)
	switch c.Info.State {
	case gns.StateConnecting:
		if p.listen == 0 || c.Info.ListenSocket != p.listen || c.Conn == p.conn { // ConnectP2P has found the request, and accepted it
			return
		}
		if p.conn != 0 { // the request has overtaken the end of the one before
			_ = p.s.CloseConnection(p.conn, 0, "", false)
			p.done++
		}
		p.conn, p.talk = c.Conn, nil
		if err := p.s.AcceptConnection(c.Conn); err != nil {
			p.err = fmt.Errorf("accepting: %w", err)
		}
	case gns.StateConnected:
		if c.Conn != p.conn {
			p.err = fmt.Errorf("connection %d is Connected, not %d", c.Conn, p.conn)
			return
		}
		p.talk = newConversation(p.s, c.Conn, rand.New(rand.NewPCG(rand.Uint64(), 0)))
	case gns.StateClosedByPeer, gns.StateProblemDetectedLocally:
		p.ended(c)
	}
}

// ended is the end of a connection that this side has not closed.
func (p *player) ended(c gns.ConnectionStatusChanged) {
	if c.Conn == p.conn {
		byPeer := c.Info.State == gns.StateClosedByPeer && c.Info.EndReason == gns.EndAppGeneric
		switch {
		case byPeer == p.side.ExpectFailure:
			p.err = fmt.Errorf("wrong end: %v, reason %d, %q", c.Info.State, c.Info.EndReason, c.Info.EndDebug)
		case byPeer && p.side.Role != Client:
			p.printRoute()
			if p.talk != nil { // what came before the end
				p.err = p.talk.receive()
			}
		}
		p.conn, p.talk = 0, nil
		p.done++
	}
	_ = p.s.CloseConnection(c.Conn, 0, "", false)
}

// printRoute prints what Valve's program prints.
func (p *player) printRoute() {
	info, err := p.s.ConnectionInfo(p.conn)
	if err != nil {
		p.err = err
		return
	}
	kind := "udp"
	switch {
	case info.Flags&gns.InfoRelayed != 0:
		kind = "relay"
	case info.Flags&gns.InfoFast != 0:
		kind = "local"
	}
	fmt.Printf("TEST ROUTE: addr=%v type=%s\n", info.Addr, kind)
}
