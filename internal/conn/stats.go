package conn

import (
	"time"

	pb "github.com/gogns/gns/proto"

	"github.com/gogns/gns/internal/linkstats"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
	"google.golang.org/protobuf/proto"
)

// When statistics are told to the peer, counted from when it last acknowledged them: ready ones ride
// on any packet, overdue ones get a packet of their own.
const (
	instantReady   = 20 * time.Second
	instantForced  = 30 * time.Second
	lifetimeReady  = 120 * time.Second
	lifetimeForced = 140 * time.Second

	// instantMinPace and lifetimeMinPackets are what must have happened for statistics to be worth
	// telling: more than a packet every three seconds, more than a hundred packets.
	instantMinPace     = 3 * time.Second
	lifetimeMinPackets = 100
)

// statsState is the connection's statistics and their exchange with the peer.
type statsState struct {
	tracker linkstats.Tracker

	instantAt, lifetimeAt       mono.Time // last acknowledged or found not worth telling
	instantCount, lifetimeCount statsMark
	outstanding                 reliability.PacketNumber       // packet that carries statistics, 0 if none is in flight
	sentInstant, sentLifetime   bool                           // what it carries
	remoteInstant               *told[linkstats.Instantaneous] // nil: none received, as is
	remoteLifetime              *told[linkstats.Lifetime]
}

// told is what the peer has told, and when.
type told[T any] struct {
	what T
	at   mono.Time
}

// get returns what was told and how long ago that was, -1 if it never was.
func (t *told[T]) get(now mono.Time) (what T, age time.Duration) {
	if t == nil {
		return what, -1
	}
	return t.what, now.Sub(t.at)
}

// statsMark is where the packet counters stood.
type statsMark struct{ sent, received uint32 } // counting on from 0 after the last number

func (s *statsState) init(now mono.Time, seed uint64) { s.tracker = *linkstats.NewTracker(now, seed) }

func (s *statsState) mark() statsMark {
	t := s.tracker.Total()
	return statsMark{uint32(t.SentPackets), uint32(t.RecvSequenced)}
}

func (s *statsState) connected(now mono.Time) {
	s.tracker.Connected(now)
	s.instantAt, s.lifetimeAt = now, now
	s.instantCount, s.lifetimeCount = s.mark(), s.mark()
}

func (c *Conn) advanceStats(now mono.Time) {
	s := &c.stats
	s.tracker.Advance(now, c.pingMs(), c.alive.timeouts)
	m := s.mark()
	if elapsed := now.Sub(s.instantAt); elapsed >= instantReady {
		few := uint32(elapsed / instantMinPace)
		if m.received-s.instantCount.received <= few && m.sent-s.instantCount.sent <= few {
			s.instantAt, s.instantCount = now, m
		}
	}
	if now.Sub(s.lifetimeAt) >= lifetimeReady &&
		m.received-s.lifetimeCount.received <= lifetimeMinPackets && m.sent-s.lifetimeCount.sent <= lifetimeMinPackets {
		s.lifetimeAt = now
	}
}

// statsReady returns which statistics may ride on a packet sent at now, and whether they are overdue.
func (c *Conn) statsReady(now mono.Time) (instant, lifetime, forced bool) {
	s := &c.stats
	if s.outstanding != 0 {
		return false, false, false
	}
	i, l := now.Sub(s.instantAt), now.Sub(s.lifetimeAt)
	return i >= instantReady, l >= lifetimeReady, i >= instantForced || l >= lifetimeForced
}

func (c *Conn) statsDeadline() mono.Time {
	s := &c.stats
	d := s.tracker.NextInterval()
	if s.outstanding == 0 {
		d = mono.Min(d, mono.Min(s.instantAt.Add(instantForced), s.lifetimeAt.Add(lifetimeForced)))
	}
	return d
}

// statsFate learns what became of the packet that carried statistics.
func (c *Conn) statsFate(now mono.Time, n reliability.PacketNumber, acked bool) {
	s := &c.stats
	if n != s.outstanding {
		return
	}
	s.outstanding = 0
	if !acked {
		return
	}
	if s.sentInstant {
		s.instantAt, s.instantCount = now, s.mark()
	}
	if s.sentLifetime {
		s.lifetimeAt, s.lifetimeCount = now, s.mark()
	}
}

// appendBlob appends a serialized CMsgSteamSockets_UDP_Stats with the given content. Request flags
// that statistics imply are left out if they are all there is to say.
func (c *Conn) appendBlob(now mono.Time, dst []byte, flags uint32, instant, lifetime bool) []byte {
	var m pb.CMsgSteamSockets_UDP_Stats
	if instant || lifetime {
		m.Stats = &pb.CMsgSteamDatagramConnectionQuality{}
		if instant {
			i := c.stats.tracker.Instantaneous()
			i.PingMs = c.pingMs()
			m.Stats.Instantaneous = i.ToWire()
		}
		if lifetime {
			l := c.stats.tracker.Lifetime(now)
			m.Stats.Lifetime = l.ToWire()
		}
		if flags&^flagAckRequest == 0 {
			flags = 0
		}
	}
	if flags != 0 {
		m.Flags = proto.Uint32(flags)
	}
	out, err := proto.MarshalOptions{}.MarshalAppend(dst, &m)
	if err != nil {
		return dst
	}
	return out
}

// receiveBlob acts on inline statistics. They are not authenticated, so they can do no more than make
// this side acknowledge what it has received, and fill in what the peer reports of itself.
func (c *Conn) receiveBlob(now mono.Time, m *pb.CMsgSteamSockets_UDP_Stats) {
	if q := m.Stats; q != nil {
		if q.Instantaneous != nil {
			c.stats.remoteInstant = &told[linkstats.Instantaneous]{linkstats.InstantaneousFromWire(q.Instantaneous), now}
		}
		if q.Lifetime != nil {
			c.stats.remoteLifetime = &told[linkstats.Lifetime]{linkstats.LifetimeFromWire(q.Lifetime), now}
		}
	}
	if m.GetFlags()&flagAckRequest == 0 && m.Stats == nil {
		return
	}
	delay := delayedAck
	if m.GetFlags()&flagAckRequestImmediate != 0 {
		delay = 0
	}
	c.snp.RequestAck(now, delay)
}

func (c *Conn) pingMs() int32 {
	if ms, ok := c.rtt.Ping(); ok {
		return ms
	}
	return -1
}
