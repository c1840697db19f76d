package snp

import (
	"time"

	"github.com/gogns/gns/internal/mono"
)

const (
	// maxUrges is how often the peer is urged on because of a gap.
	maxUrges = 5

	// urgeAgain is how long after the first time it is urged on for the second, in case the report got lost.
	urgeAgain = 6 * time.Millisecond

	// urgeSlack is how much longer than a round trip a repair may take before the peer is urged on again.
	urgeSlack = 10 * time.Millisecond

	// provokeLoss of a thousand packets lost make it worth provoking packets from a peer that seems not to
	// repeat its data, as judged by bare.
	provokeLoss = 15
	bareEnough  = 64
)

// urgeState makes the sender of a sparse flow repair its losses at once. Valve's sender notes what is reported
// missing, but acts on it only with its next packet, which it may have no reason to send before the
// retransmission timer expires. A request for an answer at once, made outside SNP, is a reason. So it comes with the
// report of a gap that leaves a hole in a lane's stream; again soon after, as reports get lost too; and again for
// as long as the repair fails to come.
//
// But a gap shows only when the next packet comes, which is the next message if nothing else makes the peer
// send. So if it does not repeat its data, and the path loses packets, the packets that leave anyway after
// a message of it ask for an answer as well, which comes before the next message.
//
// A sender like this package's, which repeats its data, leaves hardly any holes and is left alone.
type urgeState struct {
	at      mono.Time // the peer is to be urged on, Never if there is no reason to
	times   uint8     // how often it was since there is one
	bare    uint8     // of 255, how sure it is that the peer sends its data once
	provoke bool      // the next packet asks for an answer
}

// Urgent reports whether the packet that AppendPacket would build now should ask the peer, outside SNP, for an
// answer at once.
func (s *Session) Urgent(now mono.Time) bool { return s.urge.at <= now || s.urge.provoke }

// urgeOn decides about urging the peer on, when a packet has been received. opened tells that it has shown a gap,
// before is when the packet below the gap came.
func (s *Session) urgeOn(now, before mono.Time, opened bool, r *reader) {
	u := &s.urge
	u.learn(opened, r)
	active := u.at != mono.Never
	if !opened && !active {
		return
	}
	missing := r.hole || active && s.incomplete()
	// A packet without data says nothing about what was in the one before it.
	unknown := opened && !r.reliable && u.bare >= bareEnough
	if opened && (missing || unknown) {
		// In a flow that is not sparse the next packet is not far.
		if active || !s.pace.limited() && before.IsSet() && now.Sub(before) >= aloneAfter {
			if !active {
				u.times = 0
			}
			u.at = min(u.at, s.recv.NackDeadline())
		}
		return
	}
	if !missing && (r.news || u.times > 0) {
		u.at = mono.Never
		if r.news {
			s.repeats.late = now.Add(lateFor) // what this leads to is late already
		}
	}
}

// learn finds out whether the peer repeats its data.
func (u *urgeState) learn(opened bool, r *reader) {
	switch {
	case r.again:
		u.bare /= 2
	case opened && r.hole:
		u.bare += (255 - u.bare) / 2
	case opened && r.news:
		u.bare -= u.bare / 16 // what was lost has been repeated, or was only an ack
	}
}

// incomplete reports whether something is missing in a lane's stream.
func (s *Session) incomplete() bool {
	for _, l := range s.in {
		if l != nil && l.incomplete() {
			return true
		}
	}
	return false
}

// urged notes that a packet is built, which asks for an answer if it has to.
func (s *Session) urged(now mono.Time) {
	u := &s.urge
	u.provoke = false
	if u.at > now {
		return
	}
	u.times++
	switch {
	case u.times == 1:
		u.at = now.Add(urgeAgain)
	case u.times < maxUrges:
		srtt, rttvar, _ := s.rtt.Smoothed()
		u.at = now.Add(srtt + 4*rttvar + urgeSlack)
	default:
		u.at = mono.Never
	}
}
