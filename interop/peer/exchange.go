package peer

import (
	"encoding/hex"
	"fmt"
	"sync"
	"testing"
)

// Signal is a signal from one peer to another.
type Signal struct {
	From, To  string // identities in text form
	Data      []byte
	Rejection bool // according to the sender's implementation
}

// Exchange is a signaling service: it carries signals between the peers of a test, which decides what becomes of each.
type Exchange struct {
	mu     sync.Mutex
	news   chan struct{} // closed and replaced with each signal
	peers  map[string]*process
	filter func(Signal) []Signal
	sent   []Signal
}

// NewExchange makes an Exchange between peers, which have identities of their own.
func NewExchange(t testing.TB, peers ...*Peer) *Exchange {
	t.Helper()
	x := &Exchange{news: make(chan struct{}), peers: map[string]*process{}}
	for _, p := range peers {
		x.peers[p.identity] = p.process
		p.process.onSignal(func(s Signal) {
			s.From = p.identity
			x.carry(s)
		})
		p.call(t, Command{Do: "p2p"})
	}
	return x
}

// Filter sets what becomes of signals from now on: f returns what is delivered in place of each. Without a
// filter, all are delivered as they are. f is called by several goroutines, one at a time.
func (x *Exchange) Filter(f func(Signal) []Signal) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.filter = f
}

// carry delivers a signal that a peer has sent.
func (x *Exchange) carry(s Signal) {
	x.mu.Lock()
	x.sent = append(x.sent, s)
	close(x.news)
	x.news = make(chan struct{})
	deliver := []Signal{s}
	if x.filter != nil {
		deliver = x.filter(s)
	}
	x.mu.Unlock()
	for _, s := range deliver {
		x.Deliver(s)
	}
}

// Deliver gives a signal to whom it is for, if that is a peer of the exchange. It does not wait.
func (x *Exchange) Deliver(s Signal) {
	if to := x.peers[s.To]; to != nil {
		to.tell(Command{Do: "signal", Identity: s.From, Hex: hex.EncodeToString(s.Data)})
	}
}

// Sent returns the signals so far, delivered or not.
func (x *Exchange) Sent() []Signal {
	x.mu.Lock()
	defer x.mu.Unlock()
	return append([]Signal(nil), x.sent...)
}

// Lose is a filter that delivers nothing.
func Lose(Signal) []Signal { return nil }

// ListenP2P listens on a virtual port.
func (p *Peer) ListenP2P(virtualPort int, options ...string) *Listener {
	p.t.Helper()
	reply := p.call(p.t, Command{Do: "listen-p2p", Port: virtualPort, Options: options})
	return &Listener{peer: p, handle: reply.Listen}
}

// ConnectP2P begins to connect to a peer through the default signaling service.
func (p *Peer) ConnectP2P(remote string, virtualPort int, options ...string) *Conn {
	p.t.Helper()
	c, err := p.TryConnectP2P(remote, virtualPort, false, options...)
	if err != nil {
		p.t.Fatalf("%s: connecting to %s: %v", p.options.Name, remote, err)
	}
	return c
}

// TryConnectP2P is ConnectP2P that may be refused at once, and that may use a signaling object.
func (p *Peer) TryConnectP2P(remote string, virtualPort int, custom bool, options ...string) (*Conn, error) {
	p.t.Helper()
	reply := p.do(p.t, Command{Do: "connect-p2p", Identity: remote, Port: virtualPort, On: custom, Options: options})
	return &Conn{p: p.process, t: p.t, handle: reply.Conn}, reply.err()
}

// ConnectToAnybody connects through a signaling object to whoever answers there, which is the peer with that
// identity.
func (p *Peer) ConnectToAnybody(identity string, virtualPort int) *Conn {
	p.t.Helper()
	reply := p.call(p.t, Command{Do: "connect-anybody", Identity: identity, Port: virtualPort})
	return &Conn{p: p.process, t: p.t, handle: reply.Conn}
}

// OnRequest says what happens to connection requests that come from now on: one of the Request constants.
func (p *Peer) OnRequest(request string) {
	p.t.Helper()
	p.call(p.t, Command{Do: "on-request", Text: request})
}

// Unclaimed returns the handles of incoming connections that the test has not taken.
func (p *Peer) Unclaimed() []uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	var handles []uint32
	for _, waiting := range p.incoming {
		handles = append(handles, waiting...)
	}
	return handles
}

// tell sends a command whose answer nobody waits for. A peer that is gone does not hear it.
func (p *process) tell(c Command) {
	line := mustJSON(c)
	p.transcript.add(">", string(line))
	p.write.Lock()
	defer p.write.Unlock()
	_, _ = p.stdin.Write(append(line, '\n'))
}

func (s Signal) String() string {
	return fmt.Sprintf("%s to %s, %d bytes", s.From, s.To, len(s.Data))
}
