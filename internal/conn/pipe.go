package conn

import (
	"net/netip"
	"slices"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/linkstats"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/snp"
)

// PipeConfig is what one end of a pipe is made with.
type PipeConfig struct {
	LocalID  uint32
	Identity crypto.Identity // this side's
	Settings Settings        // of these, the limits on what may be received unread, and MaxMessageSize
	Seed     uint64
}

// PipeSendRate is what a pipe calls its send rate, in bytes per second; it has none.
const PipeSendRate = 100 << 20

// PipeEnd is one end of a connection within the process: it has no packets and no handshake, and a message
// that is sent at one end is at once in the queue of the other. It has the methods of a Conn.
//
// Both ends are one thing: calls to one may change the other, so the same lock must guard them, and after
// any call both must be asked for events and messages.
type PipeEnd struct {
	cfg     PipeConfig
	other   *PipeEnd
	tracker *linkstats.Tracker

	state     State
	enteredAt mono.Time
	isServer  bool
	appClosed bool
	endReason EndReason
	endDebug  string
	events    []Event

	lanes   []int64 // messages sent on each
	arrived []Message
	count   int  // messages that the application has not read
	bytes   int  // their size
	refused bool // the other end could not send for want of room here
}

// NewPipe returns both ends of a pipe, which are connected and have no event to tell of that.
func NewPipe(a, b PipeConfig, now mono.Time) (*PipeEnd, *PipeEnd) {
	one, two := newPipeEnd(a, now), newPipeEnd(b, now)
	one.other, two.other = two, one
	return one, two
}

func newPipeEnd(cfg PipeConfig, now mono.Time) *PipeEnd {
	p := &PipeEnd{
		cfg:       cfg,
		tracker:   linkstats.NewTracker(now, cfg.Seed),
		state:     StateConnected,
		enteredAt: now,
		lanes:     make([]int64, 1),
	}
	p.tracker.Connected(now)
	return p
}

// ID returns this end's connection ID.
func (p *PipeEnd) ID() uint32 { return p.cfg.LocalID }

// Remote is no address.
func (p *PipeEnd) Remote() netip.AddrPort { return netip.AddrPort{} }

// State returns the current state.
func (p *PipeEnd) State() State { return p.state }

// Identity returns the identity of the other end.
func (p *PipeEnd) Identity() crypto.Identity { return p.other.cfg.Identity }

// End returns why the connection ended.
func (p *PipeEnd) End() (EndReason, string) { return p.endReason, p.endDebug }

// Cipher is what packets would have: nothing leaves the process.
func (p *PipeEnd) Cipher() crypto.Cipher { return crypto.CipherNull }

// Authenticated is true: the other end is who the process says it is.
func (p *PipeEnd) Authenticated() bool { return true }

// PeerAuth is as certain as can be, without any certificate.
func (p *PipeEnd) PeerAuth() crypto.PeerAuth {
	return crypto.PeerAuth{Assurance: crypto.AssuranceProven}
}

// PingMilliseconds is 0.
func (p *PipeEnd) PingMilliseconds() int32 { return 0 }

// Configure sets new limits for what arrives from now on.
func (p *PipeEnd) Configure(_ mono.Time, s Settings) { p.cfg.Settings = s }

// Send puts a copy of data into the queue of the other end. If that has no room for it, because its
// application does not read, it fails with snp.ErrBufferFull, whether it was to be reliable or not.
//
// Errors: ErrNotConnected, snp.ErrTooBig, snp.ErrBadLane, snp.ErrBufferFull.
func (p *PipeEnd) Send(now mono.Time, lane int, data []byte, flags snp.SendFlags) (number int64, err error) {
	switch {
	case p.state == StateConnecting && flags&snp.SendNoDelay != 0:
		return 0, ErrNotYet
	case p.state != StateConnected && p.state != StateConnecting:
		return 0, ErrNotConnected
	}
	to := p.other
	limits := &to.cfg.Settings.SNP
	switch {
	case len(data) > limits.RecvMaxMessageSize:
		return 0, snp.ErrTooBig
	case lane < 0 || lane >= len(p.lanes):
		return 0, snp.ErrBadLane
	case to.count >= limits.RecvBufferMessages || to.bytes+len(data) > limits.RecvBufferSize:
		to.refused = true
		return 0, snp.ErrBufferFull
	}
	p.lanes[lane]++
	to.count++
	to.bytes += len(data)
	to.arrived = append(to.arrived, Message{
		Message: &snp.Message{
			Lane:     lane,
			Number:   p.lanes[lane],
			Reliable: flags&snp.SendReliable != 0,
			Data:     slices.Clone(data),
		},
		Received: now,
	})
	return p.lanes[lane], nil
}

// Flush has nothing to do.
//
// Errors: ErrNotYet, ErrNotConnected.
func (p *PipeEnd) Flush(mono.Time) error {
	switch p.state {
	case StateConnected:
		return nil
	case StateConnecting:
		return ErrNotYet
	}
	return ErrNotConnected
}

// ConfigureLanes sets the number of lanes. Priorities and weights mean nothing where nothing waits.
//
// Errors: ErrNotConnected, snp.ErrBadLanes.
func (p *PipeEnd) ConfigureLanes(_ mono.Time, priorities []int, weights []uint16) error {
	if !p.state.Active() {
		return ErrNotConnected
	}
	n := max(len(priorities), len(weights))
	if n < len(p.lanes) || n > 255 || slices.Contains(weights, 0) ||
		(priorities != nil && len(priorities) != n) || (weights != nil && len(weights) != n) {
		return snp.ErrBadLanes
	}
	p.lanes = append(p.lanes, make([]int64, n-len(p.lanes))...)
	return nil
}

// Close ends the connection. There is nothing to linger for.
//
// Errors: ErrClosed.
func (p *PipeEnd) Close(now mono.Time, reason EndReason, debug string, _ bool) error {
	if p.appClosed {
		return ErrClosed
	}
	reason, debug = appReason(reason, debug)
	p.Abort(now, reason, debug)
	return nil
}

// Abort is Close with a reason that need not be the application's.
func (p *PipeEnd) Abort(now mono.Time, reason EndReason, debug string) {
	if p.state == StateDead {
		return
	}
	p.appClosed = true
	if p.state.Active() {
		debug = truncateDebug(debug)
		p.endReason, p.endDebug = reason, debug
		if o := p.other; o.state.Active() {
			o.endReason, o.endDebug = reason, debug
			o.setState(now, StateClosedByPeer)
		}
	}
	p.arrived = nil
	p.setState(now, StateDead)
}

func (p *PipeEnd) setState(now mono.Time, s State) {
	old := p.state
	p.state, p.enteredAt = s, now
	p.events = append(p.events, Event{Old: old, New: s, Reason: p.endReason, Debug: p.endDebug})
}

// NextEvent returns the oldest change of state that was not returned yet.
func (p *PipeEnd) NextEvent() (Event, bool) {
	if len(p.events) == 0 {
		return Event{}, false
	}
	e := p.events[0]
	p.events = p.events[1:]
	return e, true
}

// NextMessages appends the messages that arrived since the last call to dst.
func (p *PipeEnd) NextMessages(dst []Message) []Message {
	q := p.TakeMessages()
	dst = append(dst, q...)
	clear(q)
	return dst
}

// TakeMessages returns the messages that arrived since the last call; see Conn.TakeMessages. There are none before the connection
// is accepted.
func (p *PipeEnd) TakeMessages() []Message {
	if p.state == StateConnecting {
		return nil
	}
	arrived := p.arrived
	p.arrived = arrived[:0]
	return arrived
}

// Consumed tells that the application has taken messages. It reports whether the other end was waiting
// for that.
func (p *PipeEnd) Consumed(_ mono.Time, count, bytes int) bool {
	p.count -= count
	p.bytes -= bytes
	was := p.refused
	p.refused = false
	return was
}

// Settled reports whether the connection is over.
func (p *PipeEnd) Settled() bool { return p.state == StateDead }

// Lost is nil: what was sent has arrived.
func (p *PipeEnd) Lost() *Loss { return nil }

// Receive has no use for datagrams.
func (p *PipeEnd) Receive(mono.Time, []byte) {}

// AppendPacket has none.
func (p *PipeEnd) AppendPacket(mono.Time, []byte) ([]byte, bool) { return nil, false }

// Traffic is none.
func (p *PipeEnd) Traffic() (linkstats.Counters, Drops) { return linkstats.Counters{}, Drops{} }

// Pending is nothing.
func (p *PipeEnd) Pending() (unreliable, reliable, unacked int) { return 0, 0, 0 }

// Status returns the condition at now.
func (p *PipeEnd) Status(mono.Time) Status {
	st := Status{
		State:         p.state,
		QualityLocal:  -1,
		QualityRemote: -1,
		QueueTime:     -1,
		MaxJitter:     -1,
	}
	if p.state == StateConnected {
		st.SendRate = PipeSendRate
		st.QueueTime = 0
	}
	if p.state.Active() {
		st.Lanes = make([]LaneStatus, len(p.lanes))
		for i := range st.Lanes {
			st.Lanes[i].QueueTime = st.QueueTime
		}
	}
	return st
}

// Details returns the condition at now.
func (p *PipeEnd) Details(now mono.Time) Details {
	d := Details{
		Status:            p.Status(now),
		InState:           now.Sub(p.enteredAt),
		LocalAge:          -1,
		Lifetime:          p.tracker.Lifetime(now),
		RemoteAge:         -1,
		RemoteLifetimeAge: -1,
	}
	if p.state != StateConnected {
		d.Lifetime = p.tracker.Lifetime(p.enteredAt)
	}
	return d
}
