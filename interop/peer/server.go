package peer

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"
)

const (
	// receiveRounds bounds how long one connection is read before the others get their turn.
	receiveRounds = 16
	// hexLimit is the size up to which events carry the contents of a message.
	hexLimit = 16
	// commandLimit is the size of the longest command line.
	commandLimit = 4 << 20
	// busyInterval is how often work that waits for room or for its time is looked at.
	busyInterval = time.Millisecond
)

// Serve runs a peer: it reads commands from in and writes events to out until the command "exit" or
// the end of the input.
func Serve(o Options, in io.Reader, out io.Writer) error {
	s := &server{
		start:      time.Now(),
		out:        bufio.NewWriter(out),
		conns:      map[uint32]*conn{},
		autoAccept: !o.Manual,
	}
	engine, err := newEngine(o)
	if err != nil {
		s.emit(Event{Kind: evFatal, Error: err.Error()})
		return errors.Join(err, s.out.Flush())
	}
	defer engine.Shutdown()
	s.engine = engine
	s.emit(Event{Kind: evReady, Identity: engine.Identity()})
	return s.run(readCommands(in))
}

// readCommands parses lines until the end of the input. What is not a command is passed on with the
// problem in Text and no Do.
func readCommands(in io.Reader) <-chan Command {
	commands := make(chan Command)
	go func() {
		defer close(commands)
		lines := bufio.NewScanner(in)
		lines.Buffer(nil, commandLimit)
		for lines.Scan() {
			if len(lines.Bytes()) == 0 {
				continue
			}
			var c Command
			if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
				c = Command{Text: fmt.Sprintf("%q is not a command: %v", lines.Text(), err)}
			}
			commands <- c
		}
	}()
	return commands
}

type server struct {
	engine     Engine
	start      time.Time
	out        *bufio.Writer
	conns      map[uint32]*conn
	autoAccept bool
	writeErr   error
	p2p        serverP2P
}

// conn is what the server remembers of a connection.
type conn struct {
	handle uint32
	mode   Mode
	outbox []outbox // work that waits for room in the send buffer or for its time, oldest first
	sink   sink
	check  *checker
	sent   map[int]int64 // by lane: messages of a Traffic
}

func (s *server) emit(e Event) {
	e.Time = time.Since(s.start).Microseconds()
	line, err := json.Marshal(e)
	if err == nil {
		_, err = s.out.Write(append(line, '\n'))
	}
	s.writeErr = errors.Join(s.writeErr, err)
}

// fail puts an error into an event.
func (e *Event) fail(err error) {
	if err == nil {
		return
	}
	e.Error = err.Error()
	var r Result
	if errors.As(err, &r) {
		e.Result = r
	}
}

// run is the loop of the peer. It ends when the input does, or when nobody reads the output.
func (s *server) run(commands <-chan Command) error {
	wake, relaxed := s.engine.Wake()
	interval := relaxed
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for s.writeErr == nil {
		s.engine.RunCallbacks(s.changed)
		busy := false
		s.receiveUsers()
		for _, c := range s.conns {
			s.receive(c)
			s.pump(c)
			busy = busy || len(c.outbox) > 0
		}
		wanted := relaxed
		if busy {
			wanted = min(relaxed, busyInterval)
		}
		if wanted != interval {
			interval = wanted
			tick.Reset(interval)
		}
		if err := s.out.Flush(); err != nil {
			return err
		}
		select {
		case c, ok := <-commands:
			if !ok || c.Do == "exit" {
				return nil
			}
			s.execute(c)
		case e := <-s.p2p.signals:
			s.emit(e)
		case <-wake:
		case <-tick.C:
		}
	}
	return s.writeErr
}

func (s *server) conn(handle uint32) *conn {
	c, ok := s.conns[handle]
	if !ok {
		c = &conn{handle: handle, mode: Report}
		s.conns[handle] = c
	}
	return c
}

// changed handles a state change.
func (s *server) changed(handle uint32, old State, info Info) {
	s.emit(Event{Kind: evState, Conn: handle, Old: old, Info: &info})
	switch {
	case info.State == None:
		delete(s.conns, handle)
		return
	case info.State == Connecting && info.Listen != 0 && s.autoAccept:
		if err := s.engine.Accept(handle); err != nil {
			e := Event{Kind: evAccept, Conn: handle}
			e.fail(err)
			s.emit(e)
		}
	}
	s.conn(handle)
}

// execute runs a command and answers it.
func (s *server) execute(c Command) {
	reply := Event{Kind: evReply, ID: c.ID}
	reply.fail(s.do(c, &reply))
	s.emit(reply)
}

func (s *server) do(c Command, reply *Event) (err error) {
	if known, err := s.p2pCommand(c, reply); known {
		return err
	}
	switch c.Do {
	case "listen": // Addr, Options
		addr, err := netip.ParseAddrPort(c.Addr)
		if err != nil {
			return err
		}
		if reply.Listen, err = s.engine.Listen(addr, c.Options); err != nil {
			return err
		}
		bound, err := s.engine.ListenAddr(reply.Listen)
		reply.Addr = bound.String()
		return err
	case "close-listen": // Listen
		return s.engine.CloseListen(c.Listen)
	case "connect": // Addr, Options
		addr, err := netip.ParseAddrPort(c.Addr)
		if err != nil {
			return err
		}
		reply.Conn, err = s.engine.Connect(addr, c.Options)
		return err
	case "auto-accept": // On
		s.autoAccept = c.On
		return nil
	case "accept": // Conn
		return s.engine.Accept(c.Conn)
	case "close": // Conn, Reason, Text, Linger
		err := s.engine.Close(c.Conn, c.Reason, c.Text, c.Linger)
		if err == nil {
			delete(s.conns, c.Conn)
		}
		return err
	case "send": // Conn, Lane, Flags and either Hex or Seed, Size
		data, err := c.data()
		if err != nil {
			return err
		}
		reply.Number, err = s.engine.Send(c.Conn, c.Lane, data, c.Flags)
		return err
	case "batch": // Conn, Batch
		if c.Batch == nil || c.Batch.Count > 0 && len(c.Batch.Sizes) == 0 {
			return errors.New("a batch needs sizes")
		}
		return s.enqueue(c.Conn, &batchJob{batch: *c.Batch})
	case "source": // Conn, Lane, Flags, Chunk and either Path or Seed, Size
		job, err := newSourceJob(c)
		if err != nil {
			return err
		}
		return s.enqueue(c.Conn, job)
	case "traffic": // Conn, Load
		if c.Load == nil {
			return errors.New("no load")
		}
		if err := c.Load.valid(); err != nil {
			return err
		}
		sent := s.conn(c.Conn).traffic()
		return s.enqueue(c.Conn, &trafficJob{load: *c.Load, sent: sent}, drainJob{})
	case "expect": // Conn, Sent
		target := s.conn(c.Conn)
		if target.check == nil {
			return errors.New("messages are not checked")
		}
		target.check.expect, target.check.reported = c.Sent, false
		s.checked(target)
		return nil
	case "tally": // Conn
		target := s.conn(c.Conn)
		if target.check == nil {
			return errors.New("messages are not checked")
		}
		reply.Tally, reply.Text = target.check.tally(), target.check.missing()
		return nil
	case "flush": // Conn
		return s.engine.Flush(c.Conn)
	case "lanes": // Conn, Priorities, Weights
		return s.engine.ConfigureLanes(c.Conn, c.Priorities, c.Weights)
	case "config": // Listen, or Conn, or 0 for the process, Text "Name=value"
		if c.Listen != 0 {
			return s.engine.SetListenConfig(c.Listen, c.Text)
		}
		return s.engine.SetConfig(c.Conn, c.Text)
	case "get-config": // Conn or 0 for the process, Text "Name"
		reply.Text, err = s.engine.Config(c.Conn, c.Text)
		return err
	case "mode": // Conn, Mode; for Sink also Size (bytes to expect) and Path, for Check also Traffic
		return s.setMode(c)
	case "info": // Conn
		info, err := s.engine.Info(c.Conn)
		reply.Info = &info
		return err
	case "status": // Conn, Lanes
		status, err := s.engine.Status(c.Conn, c.Lanes)
		reply.Status = &status
		return err
	case "detailed": // Conn
		reply.Text, err = s.engine.DetailedStatus(c.Conn)
		return err
	case "totals": // Conn
		totals, err := s.engine.Totals(c.Conn)
		reply.Totals = &totals
		return err
	case "identity":
		reply.Identity = s.engine.Identity()
		return nil
	case "request-certificate":
		request, err := s.engine.CertificateRequest()
		reply.Text = hex.EncodeToString(request)
		return err
	case "set-certificate": // Hex
		signed, err := hex.DecodeString(c.Hex)
		if err != nil {
			return err
		}
		return s.engine.SetCertificate(signed)
	case "init-authentication":
		reply.Number = int64(s.engine.InitAuthentication())
		return nil
	case "authentication-status":
		status := s.engine.AuthStatus()
		reply.Number, reply.Text = int64(status.Availability), status.Text
		return nil
	case "":
		return errors.New(c.Text)
	default:
		return fmt.Errorf("there is no command %q", c.Do)
	}
}

func (s *server) enqueue(handle uint32, jobs ...outbox) error {
	if _, err := s.engine.Info(handle); err != nil {
		return err
	}
	c := s.conn(handle)
	c.outbox = append(c.outbox, jobs...)
	return nil
}

// traffic returns how many messages of a Traffic each lane has had, to be counted on.
func (c *conn) traffic() map[int]int64 {
	if c.sent == nil {
		c.sent = map[int]int64{}
	}
	return c.sent
}

// checked says so if everything has arrived that is expected, or if something is wrong.
func (s *server) checked(c *conn) {
	if done := c.check.result(); done != nil {
		done.Conn = c.handle
		s.emit(*done)
	}
}

func (s *server) setMode(c Command) error {
	if _, err := s.engine.Info(c.Conn); err != nil {
		return err
	}
	target := s.conn(c.Conn)
	switch c.Mode {
	case Report, Echo, Pause:
	case Sink:
		var err error
		if target.sink, err = newSink(c.Size, c.Path); err != nil {
			return err
		}
	case Check:
		if c.Traffic == nil {
			return errors.New("no traffic to compare with")
		}
		if err := c.Traffic.valid(); err != nil {
			return err
		}
		target.check = newChecker(*c.Traffic)
	default:
		return fmt.Errorf("there is no mode %q", c.Mode)
	}
	target.mode = c.Mode
	return nil
}

// receive takes what has arrived on a connection.
func (s *server) receive(c *conn) {
	for range receiveRounds {
		if c.mode == Pause {
			return
		}
		messages, err := s.engine.Receive(c.handle)
		if err != nil || len(messages) == 0 {
			return // a closed handle has nothing; its state change says why
		}
		for _, m := range messages {
			s.arrived(c, m)
		}
	}
}

func (s *server) arrived(c *conn, m Received) {
	switch c.mode {
	case Echo:
		c.outbox = append(c.outbox, &echoJob{message: m})
	case Sink:
		if done := c.sink.add(m); done != nil {
			done.Conn = c.handle
			s.emit(*done)
		}
	case Check:
		c.check.add(m, time.Now())
		s.checked(c)
	default:
		report := m.report()
		s.emit(Event{Kind: evMessage, Conn: c.handle, Message: &report})
	}
}

// pump hands over what waits in the outbox until the send buffer is full.
func (s *server) pump(c *conn) {
	for len(c.outbox) > 0 {
		done, finished := c.outbox[0].pump(s.engine, c.handle)
		if !finished {
			return
		}
		if done != nil {
			done.Conn = c.handle
			s.emit(*done)
		}
		c.outbox[0] = nil
		c.outbox = c.outbox[1:]
	}
}

// envChild marks a child process and carries its options as JSON.
const envChild = "GNS_INTEROP_PEER"

// RunIfChild makes the process a peer if it was started as one, and exits when the peer is done. In
// the test process it returns at once.
func RunIfChild() {
	text := os.Getenv(envChild)
	if text == "" {
		return
	}
	var o Options
	err := json.Unmarshal([]byte(text), &o)
	if err == nil {
		err = Serve(o, os.Stdin, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
