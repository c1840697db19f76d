package arena

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
)

// ServerOptions are what NewServer takes; the zero value of each field has a default.
type ServerOptions struct {
	Listen     netip.AddrPort // default: port 27015 of every address
	TickRate   int            // per second; default 30
	MaxPlayers int            // default 64
	Seed       uint64         // of the world and its map
	MapSize    int            // bytes; default 256 KiB
	Logger     *slog.Logger   // default: silent
	Config     []config.Value // of the network, such as simulated conditions
}

const (
	maxText    = 200             // bytes of a name or of what is said
	maxMessage = 1000            // bytes of any message from a client
	farewell   = 5 * time.Second // for the last messages to be delivered
)

// Server is an arena. Everything that happens in it happens in the goroutine that calls Run.
type Server struct {
	opts    ServerOptions
	log     *slog.Logger
	sockets *gns.Sockets
	addr    netip.AddrPort
	group   gns.PollGroup
	world   *world
	level   []byte // the map
	nextID  uint16
	clients map[gns.Connection]*client
}

// client is one connection.
type client struct {
	conn   gns.Connection
	id     uint16
	name   string
	joined bool
}

// NewServer opens an arena. Run it, or Close it.
func NewServer(opts ServerOptions) (*Server, error) {
	if !opts.Listen.IsValid() {
		opts.Listen = netip.AddrPortFrom(netip.IPv6Unspecified(), 27015)
	}
	if opts.TickRate <= 0 {
		opts.TickRate = 30
	}
	if opts.MaxPlayers <= 0 {
		opts.MaxPlayers = 64
	}
	if opts.MapSize <= 0 {
		opts.MapSize = 256 << 10
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	sockets, err := gns.New(&gns.Options{
		Identity: gns.GenericString("arena"),
		Logger:   opts.Logger,
		Config: append([]config.Value{
			config.Int32(config.RecvMaxMessageSize, maxMessage), // nobody may send us more
			config.Int32(config.TimeoutConnected, 8000),
		}, opts.Config...),
	})
	if err != nil {
		return nil, err
	}
	s := &Server{
		opts: opts, log: opts.Logger, sockets: sockets, group: sockets.CreatePollGroup(),
		world: newWorld(opts.Seed), level: makeMap(opts.Seed, opts.MapSize), clients: make(map[gns.Connection]*client),
	}
	sockets.OnConnectionStatusChanged(s.statusChanged)
	listen, err := sockets.CreateListenSocketIP(opts.Listen)
	if err != nil {
		_ = sockets.Close()
		return nil, err
	}
	s.addr, err = sockets.ListenSocketAddress(listen)
	return s, err
}

// Addr returns the address that clients connect to.
func (s *Server) Addr() netip.AddrPort { return s.addr }

// Sockets returns the server's Sockets, for its metrics.
func (s *Server) Sockets() *gns.Sockets { return s.sockets }

// Close ends an arena at once. One that has been Run is closed already.
func (s *Server) Close() error { return s.sockets.Close() }

// Run runs the arena until ctx is done. Then it says farewell to everybody.
func (s *Server) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second / time.Duration(s.opts.TickRate))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.tick()
		case <-ctx.Done():
			return s.shutdown()
		}
	}
}

// tick is one turn of the loop: hear, think, tell.
func (s *Server) tick() {
	s.sockets.RunCallbacks()
	var messages [64]*gns.Message
	for {
		n, err := s.sockets.ReceiveMessagesOnPollGroup(s.group, messages[:])
		if n == 0 || err != nil {
			break
		}
		for _, m := range messages[:n] {
			s.receive(m)
			m.Release()
		}
	}
	for _, id := range s.world.step() {
		s.tellAll(event{EventScored, id}, "")
	}
	s.sendSnapshots()
}

// statusChanged is called from RunCallbacks.
func (s *Server) statusChanged(e gns.ConnectionStatusChanged) {
	switch e.Info.State {
	case gns.StateConnecting:
		if len(s.clients) >= s.opts.MaxPlayers {
			_ = s.sockets.CloseConnection(e.Conn, EndFull, "the arena is full", false)
			return
		}
		// The poll group comes first, so that no message can arrive outside of it.
		if err := s.sockets.SetConnectionPollGroup(e.Conn, s.group); err != nil {
			return // the client has gone again
		}
		if err := s.sockets.AcceptConnection(e.Conn); err != nil {
			_ = s.sockets.CloseConnection(e.Conn, 0, "", false)
			return
		}
		if err := s.sockets.ConfigureConnectionLanes(e.Conn, lanePriorities, nil); err != nil {
			s.log.Warn("lanes", "err", err)
		}
		s.nextID++
		s.clients[e.Conn] = &client{conn: e.Conn, id: s.nextID}
	case gns.StateClosedByPeer, gns.StateProblemDetectedLocally:
		s.log.Info("client gone", "conn", e.Info.Description, "reason", e.Info.EndReason, "debug", e.Info.EndDebug)
		s.drop(e.Conn, 0, "")
	}
}

// drop closes a connection and takes its player out of the world.
func (s *Server) drop(conn gns.Connection, reason gns.EndReason, text string) {
	_ = s.sockets.CloseConnection(conn, reason, text, true)
	c := s.clients[conn]
	if c == nil {
		return
	}
	delete(s.clients, conn)
	if c.joined {
		s.world.leave(c.id)
		s.tellAll(event{EventLeft, c.id}, "")
	}
}

// receive handles one message. Whoever sends nonsense has to go.
func (s *Server) receive(m *gns.Message) {
	c := s.clients[m.Conn]
	if c == nil {
		return // it was dropped after this message had arrived
	}
	k, body, err := open(m.Data)
	switch {
	case err != nil:
	case k == kindHello && !c.joined:
		s.join(c, string(body[:min(len(body), maxText)]))
		return
	case k == kindInput:
		var in input
		if _, err = decode(body, &in); err == nil {
			s.world.input(c.id, in) // which ignores those who have not joined
			return
		}
	case k == kindSay && c.joined:
		s.tellAll(event{EventSaid, c.id}, string(body[:min(len(body), maxText)]))
		return
	}
	s.log.Warn("bad message", "player", c.id, "kind", k, "err", err)
	s.drop(m.Conn, EndBadPlayer, "bad message")
}

// join lets a client into the world: it is told who it is and who is there, and gets the map.
func (s *Server) join(c *client, name string) {
	c.name, c.joined = name, true
	s.world.join(c.id)
	s.log.Info("player joined", "player", c.id, "name", name)
	s.tell(c, laneEvents, encode(kindWelcome,
		welcome{ID: c.id, TickRate: uint16(s.opts.TickRate), MapSize: uint32(len(s.level))}, nil))
	for _, other := range s.clients {
		if other.joined && other != c {
			s.tell(c, laneEvents, encode(kindEvent, event{EventJoined, other.id}, []byte(other.name)))
		}
	}
	s.tell(c, laneMap, encode(kindMap, nil, s.level))
	s.tellAll(event{EventJoined, c.id}, name)
}

// tellAll sends an event to everybody.
func (s *Server) tellAll(e event, text string) {
	data := encode(kindEvent, e, []byte(text))
	for _, c := range s.clients {
		if c.joined {
			s.tell(c, laneEvents, data)
		}
	}
}

// tell sends a reliable message. A client whose send buffer is full has not taken anything for seconds.
func (s *Server) tell(c *client, lane int, data []byte) {
	out := &gns.OutMessage{Conn: c.conn, Data: data, Flags: gns.SendReliable, Lane: lane}
	s.sockets.SendMessages([]*gns.OutMessage{out})
	if out.Err != nil {
		s.log.Warn("cannot send", "player", c.id, "err", out.Err)
		s.drop(c.conn, EndTooSlow, "cannot keep up")
	}
}

// sendSnapshots tells everybody where everybody is. What cannot go out soon is dropped: there will be a
// newer one.
func (s *Server) sendSnapshots() {
	data := s.world.snapshot()
	out := make([]*gns.OutMessage, 0, len(s.clients))
	for _, c := range s.clients {
		if c.joined {
			out = append(out, &gns.OutMessage{Conn: c.conn, Data: data, Flags: gns.SendUnreliableNoDelay, Lane: laneSnapshots})
		}
	}
	s.sockets.SendMessages(out)
}

// shutdown closes every connection, waits until everybody has got what was sent, and closes the server.
func (s *Server) shutdown() error {
	s.log.Info("shutting down", "clients", len(s.clients))
	for conn := range s.clients {
		_ = s.sockets.CloseConnection(conn, EndShutdown, "server is shutting down", true)
	}
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if err := s.sockets.Drain(ctx); err != nil {
		s.log.Warn("some clients did not answer", "err", err)
	}
	return s.sockets.Close()
}

// makeMap returns something that takes a while to send.
func makeMap(seed uint64, size int) []byte {
	r := newWorld(seed).rand
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(r.IntN(256))
	}
	return b
}
