package sim

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/simnet"
	"github.com/gogns/gns/internal/traffic"
	"github.com/gogns/gns/internal/udpwire"
)

// start is when virtual time starts.
const start = mono.Time(24 * time.Hour)

// Indexes of the two sides.
const (
	client = iota
	server
)

var names = [2]string{"client", "server"}

// Limits beyond which a run is out of control.
const (
	maxProgress = 4_000_000
	maxSpins    = 100 // rounds at one instant in which nothing is sent, arrives or is read
)

const (
	closeReason = 1007
	closeDebug  = "enough"
)

// end is one side of the connection.
type end struct {
	plan     *endPlan
	host     *simnet.Host
	conn     *conn.Conn // nil: the server has not been asked yet
	send     *sender
	recv     *traffic.Judge
	inbox    []conn.Message // taken by the driver, not read by the application
	bytes    int            // of inbox
	readAt   mono.Time
	relaneAt mono.Time
	closeAt  mono.Time
	linger   bool
	closed   bool // by the application
	lingered bool // it closed a connected connection, and lingered
	left     bool // it closed although the connection had not ended
	sawEnd   conn.Event
}

// world is a run of a scenario.
type world struct {
	*scenario
	now       mono.Time
	net       *simnet.Network
	listener  *conn.Listener
	ends      [2]end
	acceptAt  mono.Time
	goodAt    mono.Time
	good      bool
	datagrams int // arrived
	progress  int // datagrams sent and arrived, messages read
	buf       []byte
	measured  int // how often the memory was measured
	measureAt mono.Time
}

type seeded struct{ *rand.ChaCha8 }

func newWorld(s *scenario) (*world, error) {
	w := &world{scenario: s, now: start, net: simnet.New(s.seed), acceptAt: mono.Never, goodAt: start.Add(s.good),
		buf: make([]byte, 0, udpwire.MaxDatagram), measureAt: start.Add(s.good / measurements)}
	addrs := [2]netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:40000"), netip.MustParseAddrPort("198.51.100.2:27015")}
	for i := range w.ends {
		e := &w.ends[i]
		e.plan = &s.ends[i]
		var err error
		if e.host, err = w.net.AddHost(addrs[i]); err != nil {
			return nil, err
		}
		e.send = newSender(s.seed*2+uint64(i), e.plan, w.now, s.good)
		e.closeAt, e.relaneAt = mono.Never, mono.Never
		if e.plan.relaneAt > 0 {
			e.relaneAt = start.Add(e.plan.relaneAt)
		}
	}
	for i := range w.ends {
		w.ends[i].recv = w.ends[1-i].send.Judge
		w.net.SetPath(w.ends[i].host, w.ends[1-i].host, s.paths[i])
	}
	for _, p := range s.partitions {
		for i, cut := range p.cuts {
			if cut {
				w.net.Cut(w.ends[i].host, w.ends[1-i].host, start.Add(p.start), start.Add(p.start+p.length))
			}
		}
	}
	switch s.ending {
	case cutShort, lingering:
		w.ends[s.closer].closeAt = start.Add(s.closeAt)
		w.ends[s.closer].linger = s.ending == lingering
	case rebound:
		if err := w.net.Rebind(w.ends[client].host, start.Add(s.rebindAt), netip.MustParseAddrPort("192.0.2.1:40001")); err != nil {
			return nil, err
		}
	}
	return w, w.open()
}

// open makes the listener and the client's connection.
func (w *world) open() (err error) {
	key := func(side byte) seeded {
		return seeded{rand.NewChaCha8([32]byte{side, byte(w.seed), byte(w.seed >> 8), byte(w.seed >> 16), byte(w.seed >> 24)})}
	}
	serverRand := key(server)
	w.listener, err = conn.NewListener(serverRand, func(netip.AddrPort) (conn.Config, bool) {
		return conn.Config{LocalID: 0x22220002, Identity: crypto.Localhost(), Settings: w.ends[server].plan.settings,
			Rand: serverRand, Seed: w.seed}, w.ends[server].conn == nil
	})
	if err != nil {
		return err
	}
	c := &w.ends[client]
	c.conn, err = conn.NewClient(conn.Config{LocalID: 0x11110001, Identity: crypto.Localhost(), Remote: w.ends[server].host.Addr(w.now),
		Settings: c.plan.settings, Rand: key(client), Seed: w.seed}, w.now)
	if err != nil {
		return err
	}
	return c.conn.ConfigureLanes(w.now, c.plan.priorities, c.plan.weights)
}

// deadline returns when something is to be done.
func (w *world) deadline() mono.Time {
	t := min(w.net.Deadline(), w.acceptAt, w.measureAt)
	if !w.good {
		t = min(t, w.goodAt)
	}
	for i := range w.ends {
		e := &w.ends[i]
		if e.conn == nil {
			continue
		}
		t = min(t, e.conn.Deadline())
		if e.conn.State() == conn.StateConnected || e.conn.State() == conn.StateConnecting {
			t = min(t, e.send.deadline(), e.relaneAt)
		}
		if !e.closed {
			t = min(t, e.closeAt)
		}
		if len(e.inbox) > 0 {
			t = min(t, e.readAt)
		}
	}
	return t
}

// run lets time pass until cond holds, which is asked at every instant at which anything happens, or
// until the limit; then it returns false.
func (w *world) run(limit mono.Time, cond func() bool) (bool, error) {
	for spins := 0; ; spins++ {
		before := w.progress
		if err := w.act(); err != nil {
			return false, err
		}
		if cond() {
			return true, nil
		}
		next := w.deadline()
		if next > limit {
			w.now = max(w.now, limit)
			return false, nil
		}
		if next > w.now || w.progress > before {
			w.now, spins = max(w.now, next), 0
		}
		if spins > maxSpins {
			return false, fmt.Errorf("a deadline stays due although nothing is left to do")
		}
		if w.progress > maxProgress {
			return false, fmt.Errorf("datagrams or messages without end")
		}
	}
}

// act does what is to be done now.
func (w *world) act() error {
	for i := range w.ends {
		if c := w.ends[i].conn; c != nil {
			c.Advance(w.now)
		}
	}
	for d, ok := w.net.Next(w.now); ok; d, ok = w.net.Next(w.now) {
		if err := w.arrive(d); err != nil {
			return err
		}
	}
	if !w.good && w.now >= w.goodAt {
		w.good = true
		for i := range w.ends {
			w.net.SetPath(w.ends[i].host, w.ends[1-i].host, w.paths[i].Calm())
		}
	}
	if w.now >= w.acceptAt {
		w.acceptAt = mono.Never
		// The client may have given up, or the application closed.
		if c := w.ends[server].conn; c.State() == conn.StateConnecting {
			if err := c.Accept(w.now); err != nil {
				return fmt.Errorf("accept: %w", err)
			}
		}
	}
	for i := range w.ends {
		if e := &w.ends[i]; e.conn != nil {
			w.settle(e)
			if err := w.application(e); err != nil {
				return fmt.Errorf("%s: %w", names[i], err)
			}
			w.settle(e)
		}
	}
	return w.measureMemory()
}

// arrive hands a datagram to whom it concerns.
func (w *world) arrive(d simnet.Datagram) error {
	w.datagrams++
	w.progress++
	c, s := &w.ends[client], &w.ends[server]
	switch {
	case d.To == c.host:
		c.conn.Receive(w.now, d.Data)
		w.settle(c)
		return nil
	case s.conn != nil && s.conn.State() != conn.StateDead && s.conn.Remote() == d.From:
		s.conn.Receive(w.now, d.Data)
		w.settle(s)
		return nil
	}
	var accepted *conn.Conn
	reply, request, _ := w.listener.Receive(w.now, d.From, d.Data, nil)
	if request != nil {
		request.Verify(w.now)
		reply, accepted, _ = w.listener.Admit(request, reply)
	}
	if len(reply) > 0 {
		w.net.Send(w.now, s.host, d.From, reply)
	}
	if accepted == nil {
		return nil
	}
	s.conn = accepted
	w.acceptAt = w.now.Add(w.acceptWait)
	if err := accepted.ConfigureLanes(w.now, s.plan.priorities, s.plan.weights); err != nil {
		return fmt.Errorf("configuring the server's lanes: %w", err)
	}
	w.settle(s)
	return nil
}

// settle takes everything that a core has to give.
func (w *world) settle(e *end) {
	for {
		b, ok := e.conn.AppendPacket(w.now, w.buf[:0])
		if !ok {
			break
		}
		w.progress++
		w.net.Send(w.now, e.host, e.conn.Remote(), b)
	}
	for {
		event, ok := e.conn.NextEvent()
		if !ok {
			break
		}
		switch event.New {
		case conn.StateClosedByPeer, conn.StateProblemDetectedLocally:
			e.sawEnd = event
			if !e.closed {
				e.closeAt = w.now.Add(e.plan.leaveAfter)
			}
		case conn.StateDead:
			if e == &w.ends[server] {
				w.listener.Forget(e.conn)
			}
		}
	}
	before := len(e.inbox)
	e.inbox = e.conn.NextMessages(e.inbox)
	for _, m := range e.inbox[before:] {
		e.bytes += len(m.Data)
	}
}

// application does what one side's application wants to do now.
func (w *world) application(e *end) error {
	limits := &e.plan.settings.SNP
	if e.conn.State() == conn.StateConnected && (len(e.inbox) > limits.RecvBufferMessages || e.bytes > limits.RecvBufferSize) {
		return fmt.Errorf("%d messages with %d bytes wait to be read", len(e.inbox), e.bytes)
	}
	if err := w.read(e); err != nil {
		return err
	}
	if w.now >= e.closeAt && !e.closed {
		return w.close(e, e.linger)
	}
	switch e.conn.State() {
	case conn.StateConnecting, conn.StateConnected:
	default:
		return nil
	}
	if w.now >= e.relaneAt {
		e.relaneAt = mono.Never
		e.plan.drawLanes(e.send.dice, len(e.plan.priorities))
		if err := e.conn.ConfigureLanes(w.now, e.plan.priorities, e.plan.weights); err != nil {
			return err
		}
	}
	return e.send.send(w.now, e.conn)
}

// read reads as the application's habits allow: everything once the network is good or the connection
// has ended.
func (w *world) read(e *end) error {
	count := len(e.inbox)
	if e.plan.readEvery > 0 && !w.good && e.conn.State() == conn.StateConnected {
		if w.now < e.readAt {
			return nil
		}
		count = min(count, e.plan.readCount)
		e.readAt = w.now.Add(e.plan.readEvery)
	}
	if count == 0 {
		return nil
	}
	bytes := 0
	w.progress += count
	for _, m := range e.inbox[:count] {
		bytes += len(m.Data)
		if err := judge(e.recv, m); err != nil {
			return err
		}
		m.Release()
	}
	e.inbox = append(e.inbox[:0], e.inbox[count:]...)
	e.bytes -= bytes
	e.conn.Consumed(w.now, count, bytes)
	return nil
}

// close closes one side. What came before is read first.
func (w *world) close(e *end, linger bool) error {
	e.closed = true
	e.closeAt = mono.Never
	if err := w.readAll(e); err != nil {
		return err
	}
	e.lingered = linger && e.conn.State() == conn.StateConnected
	e.left = e.sawEnd.New == 0
	return e.conn.Close(w.now, closeReason, closeDebug, linger)
}

func (w *world) readAll(e *end) error {
	for _, m := range e.inbox {
		if err := judge(e.recv, m); err != nil {
			return err
		}
		m.Release()
	}
	e.inbox, e.bytes = nil, 0
	return nil
}
