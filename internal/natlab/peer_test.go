//go:build linux

package natlab

import (
	"bufio"
	"encoding/json"
	"net/netip"
	"os"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/p2p"
)

// The peer connects, or waits for a connection; once there is one it sends messages all the time, checks those that it gets, and prints an
// event for everything that happens. It understands these lines:
//
//	report    prints a report
//	finish    sends the last message
//	close     closes the connection

type peerArgs struct {
	Identity string
	Remote   string `json:",omitempty"` // whom to connect to; empty: listens
	Signal   netip.AddrPort
	STUN     []netip.AddrPort
	TURN     []netip.AddrPort
	// Tell is P2P_Transport_ICE_Enable.
	Tell p2p.Candidates
	// LoseSignals is how many of a hundred signals that this side sends are lost, by dice of that seed.
	LoseSignals int
	Seed        uint64
	// Patience is after which time without a connection the attempt ends.
	Patience time.Duration
}

// event is what a peer prints.
type event struct {
	What          string         // listening, state, route, report or complete
	After         time.Duration  // since the connection began, on this side
	State         string         `json:",omitempty"`
	Reason        int            `json:",omitempty"`
	Debug         string         `json:",omitempty"`
	Route         string         `json:",omitempty"` // kind
	Local, Remote netip.AddrPort // of the route
	Report        *report        `json:",omitempty"`
}

// report is about messages so far.
type report struct {
	Reliable, Unreliable         int // arrived
	SentReliable, SentUnreliable int
	Duplicates                   int           // unreliable messages that came again
	Wrong                        string        // what must not have happened
	Complete                     bool          // everything has arrived
	Pause                        time.Duration // the longest without any message, since the last report
	Silence                      time.Duration // since the last message
}

const (
	tick     = 5 * time.Millisecond  // of the loop of a peer
	interval = 20 * time.Millisecond // between messages of each kind
)

func runPeer(encoded []byte) error {
	var args peerArgs
	if err := json.Unmarshal(encoded, &args); err != nil {
		return err
	}
	p := &peer{args: args, out: json.NewEncoder(os.Stdout), began: time.Now()}
	if err := p.open(); err != nil {
		return err
	}
	defer p.sockets.Close()
	commands := make(chan string)
	go func() {
		defer close(commands)
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			commands <- lines.Text()
		}
	}()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case command, more := <-commands:
			if !more {
				return nil
			}
			p.obey(command)
		case <-ticker.C:
		}
		p.lookAtSignaling()
		p.sockets.RunCallbacks()
		if p.connected {
			p.receive()
			p.send(time.Now())
			p.lookAtRoute()
		}
	}
}

type peer struct {
	args    peerArgs
	out     *json.Encoder
	sockets *gns.Sockets

	signals *signals

	listening                    bool // the signaling server knows this side
	connection                   gns.Connection
	connected                    bool
	began                        time.Time // the connection
	next                         time.Time // when messages are due
	finishing, sentLast          bool
	sentReliable, sentUnreliable int
	tally                        *tally
	reported                     bool
	route                        event // as told last
}

func (p *peer) tell(e event) {
	e.After = time.Since(p.began)
	_ = p.out.Encode(e) // nobody is there to listen then
}

// changed follows the connection, of which there is one.
func (p *peer) changed(c gns.ConnectionStatusChanged) {
	switch c.Info.State {
	case gns.StateConnecting:
		p.connection = c.Conn
		if p.args.Remote == "" {
			p.began = time.Now()
			if err := p.sockets.AcceptConnection(c.Conn); err != nil {
				p.tell(event{What: "error", Debug: err.Error()})
			}
		}
	case gns.StateConnected:
		p.connected = true
		p.next = time.Now()
		p.tally = newTally(p.next)
	case gns.StateClosedByPeer, gns.StateProblemDetectedLocally:
		if p.connected {
			p.receive() // what has arrived before
		}
		p.connected = false
	}
	p.tell(event{What: "state", State: c.Info.State.String(), Reason: int(c.Info.EndReason), Debug: c.Info.EndDebug})
}

func (p *peer) obey(command string) {
	switch command {
	case "report":
		p.tell(event{What: "report", Report: p.report()})
	case "finish":
		p.finishing = true
	case "close":
		if err := p.sockets.CloseConnection(p.connection, endedByTest, "", false); err != nil {
			p.tell(event{What: "error", Debug: err.Error()})
		}
		p.connected = false
		p.tell(event{What: "state", State: "Closed"})
	}
}

// endedByTest is the reason with which connections are closed.
const endedByTest gns.EndReason = 1234

func (p *peer) report() *report {
	r := &report{SentReliable: p.sentReliable, SentUnreliable: p.sentUnreliable}
	if c := p.tally; c != nil {
		now := time.Now()
		r.Reliable, r.Unreliable, r.Duplicates = c.reliable, len(c.unreliable), c.duplicates
		r.Wrong, r.Complete = c.wrong, c.complete
		r.Silence, r.Pause = c.silence(now), c.pause(now)
	}
	return r
}

// send sends what is due. What a full buffer does not take is due later.
func (p *peer) send(now time.Time) {
	if p.sentLast || now.Before(p.next) {
		return
	}
	p.next = p.next.Add(interval)
	if p.finishing {
		p.sentLast = p.sendOne(lastMessage, p.sentReliable, gns.SendReliable)
		return
	}
	if p.sendOne(reliableMessage, p.sentReliable, gns.SendReliable) {
		p.sentReliable++
	}
	if p.sendOne(unreliableMessage, p.sentUnreliable, gns.SendUnreliable) {
		p.sentUnreliable++
	}
}

func (p *peer) sendOne(kind messageKind, counter int, flags gns.SendFlags) bool {
	_, err := p.sockets.SendMessageToConnection(p.connection, newMessage(kind, counter), flags)
	return err == nil
}

func (p *peer) receive() {
	for buf := make([]*gns.Message, 64); ; {
		n, err := p.sockets.ReceiveMessagesOnConnection(p.connection, buf)
		if err != nil || n == 0 {
			break
		}
		for _, m := range buf[:n] {
			p.tally.receive(time.Now(), m.Data)
			m.Release()
		}
	}
	if p.tally.complete && p.sentLast && !p.reported {
		p.reported = true
		p.tell(event{What: "complete", Report: p.report()})
	}
}
