package peer

import (
	"encoding/hex"
	"errors"
	"fmt"
)

// Requests are what can happen to a connection request that comes as a signal.
const (
	RequestAsk    = "ask"    // the application is asked, and accepts later; what happens unless something else is said
	RequestAccept = "accept" // it is accepted before the rest of the signal is looked at
	RequestIgnore = "ignore" // the peer gets no answer
	RequestReject = "reject" // it gets a rejection, with reason RejectReason
)

// RejectReason is the end reason of rejections.
const RejectReason = 1234

// P2PEngine is what an Engine has that reaches peers by identity.
type P2PEngine interface {
	// OnSignal sets the function that gets the signals that are sent. It is called on any goroutine, and must not call the
	// engine.
	OnSignal(func(to string, signal []byte, rejection bool)) error
	// Signal takes a signal; false if it is unacceptable. request is one of the Request constants.
	Signal(from string, signal []byte, request string) bool

	ListenP2P(virtualPort int, options []string) (listen uint32, err error)
	// ConnectP2P connects with the default signaling service, or with a signaling object of the application's own.
	ConnectP2P(remote string, virtualPort int, custom bool, options []string) (conn uint32, err error)
	// ConnectAnybody connects with a signaling object to whoever answers there.
	ConnectAnybody(there string, virtualPort int) (conn uint32, err error)
}

// SessionEngine is what a P2PEngine has that sends messages to users.
type SessionEngine interface {
	// OnSession sets the functions that RunCallbacks calls.
	OnSession(requested func(peer string), failed func(Info)) error
	SendToUser(to string, channel int, data []byte, flags int) error
	ReceiveOnChannel(channel int) ([]UserMessage, error)
	AcceptSession(peer string) (bool, error)
	CloseSession(peer string) (bool, error)
	CloseChannel(peer string, channel int) (bool, error)
	SessionInfo(peer string) (Info, error)
}

// UserMessage is a message of a user as an engine delivers it.
type UserMessage struct {
	From    string
	Channel int
	Received
}

var (
	errNoP2P      = errors.New("the implementation does not reach peers by identity")
	errNoSessions = errors.New("the implementation does not send messages to users")
)

// signalQueue is how many signals may wait to be reported.
const signalQueue = 1024

// serverP2P is what the server remembers of peers by identity.
type serverP2P struct {
	engine   P2PEngine
	sessions SessionEngine
	signals  chan Event
	request  string
	channels []int
}

// startP2P begins to report signals and what happens to sessions.
func (s *server) startP2P() error {
	engine, ok := s.engine.(P2PEngine)
	if !ok {
		return errNoP2P
	}
	s.p2p = serverP2P{engine: engine, signals: make(chan Event, signalQueue), request: RequestAsk}
	err := engine.OnSignal(func(to string, signal []byte, rejection bool) {
		e := Event{Kind: evSignal, Identity: to, Text: hex.EncodeToString(signal)}
		if rejection {
			e.Number = 1
		}
		select {
		case s.p2p.signals <- e:
		default: // signals may be lost
		}
	})
	if err != nil {
		return err
	}
	sessions, ok := s.engine.(SessionEngine)
	if !ok {
		return nil
	}
	s.p2p.sessions = sessions
	return sessions.OnSession(
		func(peer string) { s.emit(Event{Kind: evSession, Identity: peer}) },
		func(info Info) { s.emit(Event{Kind: evSessionEnd, Identity: info.Identity, Info: &info}) })
}

// p2pCommand runs a command about peers by identity; false if it is none.
func (s *server) p2pCommand(c Command, reply *Event) (known bool, err error) {
	if c.Do == "p2p" {
		return true, s.startP2P()
	}
	engine := s.p2p.engine
	if engine == nil {
		return false, nil
	}
	switch c.Do {
	case "listen-p2p": // Port, Options
		reply.Listen, err = engine.ListenP2P(c.Port, c.Options)
	case "connect-p2p": // Identity, Port, Options, On: with a signaling object
		reply.Conn, err = engine.ConnectP2P(c.Identity, c.Port, c.On, c.Options)
	case "connect-anybody": // Identity, Port
		reply.Conn, err = engine.ConnectAnybody(c.Identity, c.Port)
	case "signal": // Identity, Hex
		data, err := hex.DecodeString(c.Hex)
		if err != nil {
			return true, err
		}
		if engine.Signal(c.Identity, data, s.p2p.request) {
			reply.Number = 1
		}
	case "on-request": // Text
		s.p2p.request = c.Text
	default:
		return s.sessionCommand(c, reply)
	}
	return true, err
}

// sessionCommand runs a command about messages to users; false if it is none.
func (s *server) sessionCommand(c Command, reply *Event) (known bool, err error) {
	engine := s.p2p.sessions
	yes := func(ok bool, err error) error {
		if ok {
			reply.Number = 1
		}
		return err
	}
	switch c.Do {
	case "channels", "send-user", "accept-session", "close-session", "close-channel", "session-info":
		if engine == nil {
			return true, errNoSessions
		}
	}
	switch c.Do {
	case "channels": // Channels
		s.p2p.channels = c.Channels
	case "send-user": // Identity, Channel, Flags and either Hex or Seed, Size
		data, err := c.data()
		if err != nil {
			return true, err
		}
		return true, engine.SendToUser(c.Identity, c.Channel, data, c.Flags)
	case "accept-session": // Identity
		err = yes(engine.AcceptSession(c.Identity))
	case "close-session": // Identity
		err = yes(engine.CloseSession(c.Identity))
	case "close-channel": // Identity, Channel
		err = yes(engine.CloseChannel(c.Identity, c.Channel))
	case "session-info": // Identity
		info, err := engine.SessionInfo(c.Identity)
		reply.Info = &info
		return true, err
	default:
		return false, nil
	}
	return true, err
}

// data is the content of a message: Hex, or if Size is given, Content.
func (c *Command) data() ([]byte, error) {
	if c.Size > 0 {
		return Content(c.Seed, int(c.Size)), nil
	}
	return hex.DecodeString(c.Hex)
}

// receiveUsers takes what has arrived on the channels that are looked at.
func (s *server) receiveUsers() {
	for _, channel := range s.p2p.channels {
		messages, err := s.p2p.sessions.ReceiveOnChannel(channel)
		if err != nil {
			s.emit(Event{Kind: evUser, Error: fmt.Sprintf("channel %d: %v", channel, err)})
			continue
		}
		for _, m := range messages {
			report := m.report()
			s.emit(Event{Kind: evUser, Identity: m.From, Number: int64(m.Channel), Message: &report})
		}
	}
}

// report is a message as events have it.
func (m *Received) report() Message {
	report := Message{Lane: m.Lane, Number: m.Number, Flags: m.Flags, Size: len(m.Data), Sum: Sum(m.Data)}
	if len(m.Data) <= hexLimit {
		report.Hex = hex.EncodeToString(m.Data)
	}
	return report
}
