package conn

import (
	"errors"
	"time"

	"github.com/gogns/gns/internal/linkstats"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/snp"
)

// Errors of Send and Flush.
var (
	// ErrNotConnected: the connection has ended; nothing more can be sent.
	ErrNotConnected = errors.New("conn: connection has ended")
	// ErrNotYet: the connection is not established yet, and the message was not to be queued.
	ErrNotYet = errors.New("conn: connection is not established yet")
)

// Send queues a message on a lane. Before the connection is established messages wait for it, unless
// flags has snp.SendNoDelay. The data is copied. number counts the lane's messages from 1.
//
// Errors: ErrNotYet, ErrNotConnected, and those of snp.Session.Send.
func (c *Conn) Send(now mono.Time, lane int, data []byte, flags snp.SendFlags) (number int64, err error) {
	switch c.state {
	case StateConnected:
	case StateConnecting, StateFindingRoute:
		if flags&snp.SendNoDelay != 0 {
			return 0, ErrNotYet
		}
	default:
		return 0, ErrNotConnected
	}
	return c.snp.Send(now, lane, data, flags)
}

// Flush sends what waits to share a packet with later messages.
//
// Errors: ErrNotYet (whatever waits then goes as soon as the connection is established),
// ErrNotConnected.
func (c *Conn) Flush(now mono.Time) error {
	switch c.state {
	case StateConnected:
		c.snp.Flush(now)
		return nil
	case StateConnecting, StateFindingRoute:
		c.snp.Flush(now)
		return ErrNotYet
	}
	return ErrNotConnected
}

// ConfigureLanes sets the number of lanes, with their priorities (lower goes first; nil: all equal) and
// weights (share among equal priorities; nil: all 1).
//
// Errors: ErrNotConnected, ErrPeerTooOld (which ends the connection), and those of
// snp.Session.ConfigureLanes.
func (c *Conn) ConfigureLanes(now mono.Time, priorities []int, weights []uint16) error {
	if !c.state.Active() || c.state == StateLinger {
		return ErrNotConnected
	}
	if err := c.snp.ConfigureLanes(priorities, weights); err != nil {
		return err
	}
	if c.peerVer != 0 && c.peerVer < versionLanes && c.snp.Lanes() > 1 {
		c.problemf(now, EndRemoteBadVersion, "peer speaks protocol version %d, lanes need %d", c.peerVer, versionLanes)
		return ErrPeerTooOld
	}
	return nil
}

// ErrPeerTooOld: the peer's protocol version does not know lanes.
var ErrPeerTooOld = errors.New("conn: peer's protocol version does not know lanes")

// PingMilliseconds returns the smoothed round-trip time, -1 while unknown.
func (c *Conn) PingMilliseconds() int32 { return c.pingMs() }

// Status is the momentary condition of a connection.
type Status struct {
	State                              State
	PingMs                             int32 // -1 unknown
	Local                              linkstats.Instantaneous
	QualityLocal, QualityRemote        float64 // 0…1, -1 unknown
	SendRate                           int     // bytes per second
	PendingUnreliable, PendingReliable int     // bytes not sent yet
	SentUnackedReliable                int     // bytes sent and not acknowledged
	QueueTime                          time.Duration
	MaxJitter                          time.Duration // since the last call, -1 unknown
	Lanes                              []LaneStatus
	Drops                              Drops
}

// LaneStatus is the send queue of one lane.
type LaneStatus struct {
	PendingUnreliable, PendingReliable int // bytes not sent yet
	SentUnackedReliable                int // bytes sent and not acknowledged
	QueueTime                          time.Duration
}

// Traffic returns the counts of packets since the connection was made, and of datagrams that were not
// acted upon.
func (c *Conn) Traffic() (linkstats.Counters, Drops) { return c.stats.tracker.Total(), c.dropped() }

// Pending returns how many bytes of messages wait to be sent, and how many reliable ones to be
// acknowledged.
func (c *Conn) Pending() (unreliable, reliable, unacked int) {
	if !c.state.Active() {
		return 0, 0, 0
	}
	return c.snp.Pending()
}

// Status returns the condition at now. It resets MaxJitter.
func (c *Conn) Status(now mono.Time) Status {
	st := c.status(now)
	c.stats.tracker.TakeMaxJitter()
	return st
}

func (c *Conn) status(now mono.Time) Status {
	st := Status{
		State:         c.state,
		PingMs:        c.pingMs(),
		Local:         c.stats.tracker.Instantaneous(),
		QualityRemote: -1,
		QueueTime:     -1,
		MaxJitter:     c.stats.tracker.MaxJitter(),
		Drops:         c.dropped(),
	}
	st.QualityLocal = st.Local.Quality()
	if r := c.stats.remoteInstant; r != nil {
		st.QualityRemote = r.what.Quality()
	}
	if c.state.Active() {
		st.SendRate = c.snp.SendRate()
		st.PendingUnreliable, st.PendingReliable, st.SentUnackedReliable = c.snp.Pending()
	}
	if !c.state.Active() {
		return st
	}
	st.Lanes = make([]LaneStatus, c.snp.Lanes())
	for i := range st.Lanes {
		l := &st.Lanes[i]
		l.PendingUnreliable, l.PendingReliable, l.SentUnackedReliable = c.snp.LanePending(i)
		l.QueueTime = -1
		if c.state == StateConnected {
			l.QueueTime = c.snp.LaneQueueTime(now, i)
		}
	}
	if c.state == StateConnected {
		st.QueueTime = c.snp.QueueTime(now)
	}
	return st
}

// Lifetime returns the connection's history, as told to the peer.
func (c *Conn) Lifetime(now mono.Time) linkstats.Lifetime { return c.stats.tracker.Lifetime(now) }

// Details are the condition of a connection with its history, and both as the peer last told of its own
// side. Nothing authenticates what the peer told.
type Details struct {
	Status
	// InState is how long the connection has been in its state.
	InState time.Duration
	// LocalAge is how long ago the interval of Status.Local was over, -1 if none was yet.
	LocalAge time.Duration
	// Lifetime is this side's history. ConnectedSeconds ends with the connection; once this side has
	// closed it, it is 0.
	Lifetime linkstats.Lifetime
	// Remote and RemoteLifetime are what the peer told, RemoteAge and RemoteLifetimeAge how long ago
	// that was, -1 if never.
	Remote            linkstats.Instantaneous
	RemoteAge         time.Duration
	RemoteLifetime    linkstats.Lifetime
	RemoteLifetimeAge time.Duration
}

// Details returns the condition at now. Unlike Status it does not reset MaxJitter.
func (c *Conn) Details(now mono.Time) Details {
	s := &c.stats
	d := Details{
		Status:   c.status(now),
		InState:  now.Sub(c.enteredAt),
		LocalAge: -1,
	}
	if at := s.tracker.MeasuredAt(); at.IsSet() {
		d.LocalAge = now.Sub(at)
	}
	d.Remote, d.RemoteAge = s.remoteInstant.get(now)
	d.RemoteLifetime, d.RemoteLifetimeAge = s.remoteLifetime.get(now)
	switch c.state {
	case StateClosedByPeer, StateProblemDetectedLocally:
		d.Lifetime = s.tracker.Lifetime(c.enteredAt)
	default:
		d.Lifetime = s.tracker.Lifetime(now)
	}
	if c.state == StateFinWait || c.state == StateDead {
		d.Lifetime.ConnectedSeconds = 0
	}
	return d
}
