package snp

import (
	"slices"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
)

// Config holds the limits of a session, named as Valve's configuration values. It may change while
// the session lives. A zero field means the default, except NagleTime.
type Config struct {
	SendBufferSize           int           // bytes that may be pending: unsent, or lost and to be sent again. Default 524288
	RecvBufferSize           int           // bytes per lane that may be ahead of a gap; four times as much memory for all lanes together. Default 1048576
	RecvBufferMessages       int           // for the host's queue; a session has none
	RecvMaxMessageSize       int           // a larger message closes the connection. Default 524288
	RecvMaxSegmentsPerPacket int           // a packet with more segments is refused. Default 1300, which no packet exceeds
	NagleTime                time.Duration // how long a message may wait for others to share its packet. Zero: not at all
	SendRateMin, SendRateMax int           // bytes of UDP payload per second. Default 262144
	MaxPlaintext             int           // MTU_PacketSize less 52 and the cipher's overhead. Default 1232
	PeerRecvBufferSize       int           // RecvBufferSize of the peer, which it does not tell. Default 1048576
}

// Defaults of Config, and bounds on the send rate.
const (
	DefaultSendBufferSize = 512 << 10
	DefaultRecvBufferSize = 1 << 20
	DefaultSegments       = 1300
	DefaultSendRate       = 256 << 10
	DefaultMaxPlaintext   = 1232

	// maxBufferSize is the upper limit of Valve's buffer sizes. Four times as much fits into 32 bits.
	maxBufferSize = 256 << 20

	minSendRate = 1 << 10
	maxSendRate = 1 << 30
)

// Complete returns c with defaults in place of zero fields, and everything within its limits.
func (c Config) Complete() Config {
	set := func(v *int, value int) {
		if *v <= 0 {
			*v = value
		}
	}
	set(&c.SendBufferSize, DefaultSendBufferSize)
	set(&c.RecvBufferSize, DefaultRecvBufferSize)
	set(&c.RecvMaxMessageSize, MaxMessageSize)
	set(&c.RecvMaxSegmentsPerPacket, DefaultSegments)
	set(&c.SendRateMin, DefaultSendRate)
	set(&c.SendRateMax, DefaultSendRate)
	set(&c.MaxPlaintext, DefaultMaxPlaintext)
	set(&c.PeerRecvBufferSize, DefaultRecvBufferSize)
	c.SendBufferSize = min(c.SendBufferSize, maxBufferSize)
	c.RecvBufferSize = min(c.RecvBufferSize, maxBufferSize)
	c.PeerRecvBufferSize = min(c.PeerRecvBufferSize, maxBufferSize)
	c.NagleTime = max(c.NagleTime, 0)
	return c
}

// Host is the connection above a session. Deliver is called from within Receive and Resume, Fate from
// within Receive, Advance and AppendPacket. The host must not call the session back from them, except
// that Deliver may call Send.
type Host interface {
	// Deliver takes a complete message and, by returning true, its ownership. By returning false the
	// host says that it has no room now: a reliable message stays in the session until Resume, an
	// unreliable one is lost.
	Deliver(m *Message) bool

	// Fate reports what became of a packet marked with Watch: acked, or lost (nacked, or nothing heard
	// for the retransmission timeout). A packet reported lost may be reported acked later.
	Fate(n reliability.PacketNumber, acked bool)
}

const (
	// maxLanes is how many lanes can be configured; a receiver accepts one more.
	maxLanes = 255

	// maxOutstanding is how many packets may be sent without an ack before data has to wait. A
	// receiver closes the connection at a jump of more than reliability.MaxJump packet numbers.
	maxOutstanding = 16000

	// maxProbing is how far packets that repeat unanswered data may go beyond that.
	maxProbing = 16300
)

// Session is one end of SNP. It is not safe for concurrent use.
type Session struct {
	host Host
	rtt  *reliability.RTT
	cfg  *Config // complete

	ping      int32 // from which the send rate was computed, -1 if unknown
	connected bool
	closed    bool
	trimmed   bool // memory has been given back since busy
	dueStale  bool // dueAt must be recomputed

	now        mono.Time // of the call in progress, for callbacks
	*workspace           // while a packet is built

	sent   reliability.Sent
	bucket reliability.TokenBucket

	// Sending.
	lanes  []*sendLane
	sched  scheduler
	bounds bounds // of data in flight

	pendingUnreliable int // bytes, all lanes
	pendingReliable   int
	unacked           int
	queued            int       // messages not sent completely
	seq               uint64    // counts Send
	flushed           uint64    // messages up to here do not wait for others
	busy              mono.Time // when the last message was sent or received
	dueAt             mono.Time

	recovery recoveryState
	repeats  repeats
	crowd    crowdState
	ahead    aheadState
	stop     stopWaitingState
	urge     urgeState

	// Receiving.
	recv   reliability.Received
	acks   ackState
	in     []*recvLane // by lane number, nil until used
	memory int         // bytes held by receiving lanes
	exempt *recvLane   // the lane that may exceed the memory limit
	held   int32       // messages that the host refused
	resume uint16      // lane at which Resume starts

	// Data beyond the end of a lane's stream may open a gap while there are fewer than maxGaps, data inside
	// a gap may split it while there are fewer than maxSplits.
	maxGaps, maxSplits int16

	pace paceState
}

// NewSession returns a session for the host. rtt is shared with the connection, which may add
// samples of its own.
func NewSession(h Host, rtt *reliability.RTT, cfg Config) *Session {
	cfg = cfg.Complete()
	return NewSessionWith(h, rtt, &cfg)
}

// NewSessionWith is NewSession with a Config that is complete already. The session keeps it, so that sessions
// can share one; it must not change any more.
func NewSessionWith(h Host, rtt *reliability.RTT, cfg *Config) *Session {
	s := &Session{host: h, rtt: rtt, ping: -1, trimmed: true, maxGaps: maxGaps, maxSplits: maxGaps}
	s.bounds.holes = minHoles
	s.lanes = []*sendLane{newSendLane(0)}
	s.sched.reset(1)
	s.dueAt = mono.Never
	s.stop.at, s.urge.at = mono.Never, mono.Never
	s.repeats = newRepeats()
	s.recovery.spurious.Set(0) // it is not for the first few losses to say
	s.applyConfig(cfg)
	s.bucket.Reset(0, s.SendRate())
	s.Begin(10)
	return s
}

// Configure changes the limits. What is queued already stays queued.
func (s *Session) Configure(now mono.Time, cfg Config) {
	cfg = cfg.Complete()
	s.ConfigureWith(now, &cfg)
}

// ConfigureWith is Configure with a Config as NewSessionWith takes it.
func (s *Session) ConfigureWith(now mono.Time, cfg *Config) {
	s.applyConfig(cfg)
	if s.connected {
		s.bucket.SetRate(now, s.SendRate())
	}
	s.dueStale = true
	for _, l := range s.lanes {
		s.wake(now, l)
	}
}

func (s *Session) applyConfig(cfg *Config) {
	s.cfg = cfg
	s.bounds.window = max(s.bounds.window, s.safeWindow())
}

// Begin sets the packet numbering when the peer's protocol version is known. From version 10 on the
// handshake counts as packet 1 in both directions.
func (s *Session) Begin(peerVersion uint32) {
	first := reliability.PacketNumber(1)
	if peerVersion >= 10 {
		first = 2
	}
	s.sent.Begin(first)
	s.recv.Begin(first - 1)
}

// Connected lets data flow. The send rate is settled now, from the ping as Valve's library does it:
// 4380 bytes per round trip, within SendRateMin and SendRateMax.
func (s *Session) Connected(now mono.Time) {
	if ms, ok := s.rtt.Ping(); ok {
		s.ping = ms
	}
	s.connected = true
	s.bucket.Reset(now, s.SendRate())
}

// SendRate returns the rate at which packets leave, in bytes of UDP payload per second.
func (s *Session) SendRate() int {
	const initialWindow = 4380
	roundTrip := 200 * time.Millisecond
	if s.ping >= 0 {
		roundTrip = max(time.Duration(s.ping)*time.Millisecond, 500*time.Microsecond)
	}
	rate := int(initialWindow * int64(time.Second) / int64(roundTrip))
	low := min(max(s.cfg.SendRateMin, minSendRate), maxSendRate)
	high := max(min(max(s.cfg.SendRateMax, minSendRate), maxSendRate), low)
	return min(max(rate, low), high)
}

// ConfigureLanes sets the number of lanes, 1 to 255 and never fewer than now, with a priority (lower
// is sent first) and a weight within the priority for each. Either slice may be nil for priority 0 or
// weight 1 throughout. The peer needs protocol version 11 for more than one lane; that is for the
// caller to check.
func (s *Session) ConfigureLanes(priorities []int, weights []uint16) error {
	n := max(len(priorities), len(weights))
	if n < len(s.lanes) || n > maxLanes ||
		priorities != nil && len(priorities) != n || weights != nil && len(weights) != n ||
		slices.Contains(weights, 0) {
		return ErrBadLanes
	}
	classes := slices.Clone(priorities)
	slices.Sort(classes)
	classes = slices.Compact(classes)
	active := slices.Clone(s.sched.heap)
	s.sched.reset(max(len(classes), 1))
	for i := range n {
		if i == len(s.lanes) {
			s.lanes = append(s.lanes, newSendLane(i))
		}
		l := s.lanes[i]
		l.class, l.weight = 0, 1
		if priorities != nil {
			l.class, _ = slices.BinarySearch(classes, priorities[i])
		}
		if weights != nil {
			l.weight = uint32(weights[i])
		}
	}
	for _, l := range active {
		s.sched.activate(l)
	}
	return nil
}

// Lanes returns the number of lanes that can be sent on.
func (s *Session) Lanes() int { return len(s.lanes) }

// NextNumber returns the number of the packet that AppendPacket builds next.
func (s *Session) NextNumber() reliability.PacketNumber { return s.sent.Next() }

// Charge takes the size of a packet that was sent, the whole UDP payload, from the send rate.
func (s *Session) Charge(wireBytes int) { s.bucket.Charge(wireBytes) }

// Close drops everything queued, in flight and half received, and returns all memory. The session
// sends and receives nothing any more.
func (s *Session) Close() {
	s.closed, s.connected = true, false
	s.sched.reset(len(s.sched.clocks))
	for _, l := range s.lanes {
		l.clear()
	}
	for _, l := range s.in {
		if l != nil {
			l.clear()
		}
	}
	s.in, s.exempt = nil, nil
	s.memory, s.held = 0, 0
	s.pendingUnreliable, s.pendingReliable, s.unacked, s.queued = 0, 0, 0, 0
	s.sent = reliability.Sent{}
	s.recv = reliability.Received{}
	s.repeats = repeats{at: mono.Never}
	s.urge = urgeState{at: mono.Never}
}
