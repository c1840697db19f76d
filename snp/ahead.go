package snp

import (
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/reliability"
)

const (
	// ahead marks packets with data beyond the window that is safe with every receiver.
	ahead = crowded << 1

	// windowBuffers bounds the window, in send buffers: what is in flight takes memory at this side.
	windowBuffers = 64

	// A peer that was found to refuse what is beyond is tried again after so long, and twice as long each time,
	// but for one that puts up with it for aheadForgiven.
	aheadPause    = 200 * time.Millisecond
	maxAheadPause = 30 * time.Second
	aheadForgiven = 10 * time.Second

	// minGrowth is the least time between two steps of the window where the round trip is shorter.
	minGrowth = 10 * time.Millisecond
)

// aheadState finds out how far ahead of a gap in a lane's stream the peer takes data. Its RecvBufferSize, which it
// does not tell, is the limit as long as there is a gap; where there is none it hardly ever holds anything. So
// without losses there is no limit at all, and on a fast path with losses what its owner has configured
// makes the difference. The window doubles while it is in the way and half of what it allows has been delivered (to
// a peer that does not read it must not grow), unless packets beyond the safe one get lost more often than others.
type aheadState struct {
	trial
	changed   mono.Time // when the window was changed
	delivered int64     // bytes since then
	until     mono.Time // the peer was found to refuse: no attempt before
	pause     time.Duration
	inTheWay  bool // the window has kept a lane from sending since it was changed
}

// safeWindow is the window that is safe with every receiver that has its RecvBufferSize.
func (s *Session) safeWindow() int64 { return int64(s.cfg.PeerRecvBufferSize / 8 * 7) }

// aheadFlag returns the flag of the packet being built.
func (s *Session) aheadFlag() reliability.Flags {
	if s.bounds.window == s.safeWindow() {
		return 0
	}
	for i := range s.plan.groups {
		if l := s.lanes[s.plan.groups[i].lane]; l.sent > l.oldest+s.safeWindow() {
			return ahead
		}
	}
	return 0
}

// adaptWindow adapts the window after an ack.
func (s *Session) adaptWindow(now mono.Time) {
	a := &s.ahead
	if a.refused() && s.bounds.window > s.safeWindow() {
		s.bounds.window = max(s.bounds.window/4, s.safeWindow())
		if a.pause == 0 || now.Sub(a.until) > aheadForgiven {
			a.pause = aheadPause
		} else {
			a.pause = min(2*a.pause, maxAheadPause)
		}
		a.until, a.delivered = now.Add(a.pause), 0
		return
	}
	srtt, _, _ := s.rtt.Smoothed()
	if !a.inTheWay || now < a.until || now.Sub(a.changed) < max(srtt, minGrowth) || 2*a.delivered < s.bounds.window ||
		s.bounds.window >= windowBuffers*int64(s.cfg.SendBufferSize) {
		return
	}
	if s.bounds.window == s.safeWindow() {
		a.tried = tally{}
	}
	s.bounds.window *= 2
	a.changed, a.delivered, a.inTheWay = now, 0, false
	for _, l := range s.lanes {
		s.wake(now, l)
	}
}

// sendable reports whether a lane has something that may be sent now, and notes if the window is in the way.
func (s *Session) sendable(l *sendLane) bool {
	if l.sendable(s.bounds) {
		return true
	}
	if l.queue.len() > 0 && l.sent >= l.oldest+s.bounds.window {
		s.ahead.inTheWay = true
	}
	return false
}
