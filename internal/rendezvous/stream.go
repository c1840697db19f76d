package rendezvous

import (
	"slices"
	"time"

	pb "github.com/gogns/gns/proto"

	"github.com/gogns/gns/internal/mono"
	"google.golang.org/protobuf/proto"
)

// RetryInterval is how long a reliable message waits for its ack before it is sent again.
const RetryInterval = time.Second

// maxUnacked bounds the messages that wait for an ack. Who has more to say than that has candidates without end, of
// which the oldest are the best.
const maxUnacked = 128

// Outgoing is the sending half of the reliable stream. Messages are numbered from 1. Entries stay in order: a signal that
// repeats one carries all that follow it as well.
type Outgoing struct {
	entries []entry // not acked
	acked   uint32  // number of the last message that was acked; that of entries[0] is one more
	sent    int     // entries that were ever sent
}

// maxPut is about how many bytes of messages a signal has at most, so that it stays well below MaxSignal.
const maxPut = MaxSignal / 2

type entry struct {
	message *pb.CMsgSteamNetworkingP2PRendezvous_ReliableMessage
	retryAt mono.Time // when to send it again; zero until it has been sent
}

// Queue adds a message. It reports whether there was room.
func (o *Outgoing) Queue(ice *pb.CMsgICERendezvous) bool {
	if len(o.entries) >= maxUnacked {
		return false
	}
	o.entries = append(o.entries, entry{message: &pb.CMsgSteamNetworkingP2PRendezvous_ReliableMessage{Ice: ice}})
	return true
}

// Due returns when the oldest message that was sent is to be sent again, 0 if there are messages that were never sent, and
// Never if there is nothing to send.
func (o *Outgoing) Due() mono.Time {
	due := mono.Never
	for _, e := range o.entries {
		due = mono.Min(due, e.retryAt)
	}
	return due
}

// Put puts the messages into a signal that is due at now, or all that were not acked if all is set.
func (o *Outgoing) Put(now mono.Time, all bool, m *pb.CMsgSteamNetworkingP2PRendezvous) {
	i := 0
	if !all {
		i = slices.IndexFunc(o.entries, func(e entry) bool { return e.retryAt <= now })
	}
	if i < 0 || i >= len(o.entries) {
		return
	}
	m.FirstReliableMsg = proto.Uint32(o.acked + 1 + uint32(i))
	for j, size := i, 0; j < len(o.entries); j++ {
		if size += proto.Size(o.entries[j].message); j > i && size > maxPut {
			break // the rest is due, and comes with the next signal
		}
		o.entries[j].retryAt = now.Add(RetryInterval)
		o.sent = max(o.sent, j+1)
		m.ReliableMessages = append(m.ReliableMessages, o.entries[j].message)
	}
}

// Ack takes the number of the last message that the peer has received. It returns false for one that was never sent. That
// a message counts as unacked again does not happen.
func (o *Outgoing) Ack(n uint32) bool {
	k := n - o.acked
	if n < o.acked || int64(k) > int64(o.sent) {
		return n < o.acked // an older ack that was overtaken
	}
	o.acked = n
	o.entries = slices.Delete(o.entries, 0, int(k))
	o.sent -= int(k)
	return true
}

// Resend makes everything that was not acked be sent with the next signal, because the peer says with an ack that it
// did not take what came with a signal that it has answered.
func (o *Outgoing) Resend() {
	for i := range o.entries {
		o.entries[i].retryAt = 0
	}
}

// Acked returns the number of the last message that was acked.
func (o *Outgoing) Acked() uint32 { return o.acked }

// Unacked returns how many messages wait for an ack.
func (o *Outgoing) Unacked() int { return len(o.entries) }

// Clear drops everything.
func (o *Outgoing) Clear() { o.entries, o.sent = nil, 0 }

// Incoming is the receiving half of the reliable stream.
type Incoming struct {
	last uint32 // number of the last message received in order
}

// Last returns the number to acknowledge: that of the last message received in order.
func (in *Incoming) Last() uint32 { return in.last }

// Receive returns the messages of a signal that are new, in order. There are none if one is missing before them.
func (in *Incoming) Receive(s *Signal) []*pb.CMsgSteamNetworkingP2PRendezvous_ReliableMessage {
	first, list := s.GetFirstReliableMsg(), s.GetReliableMessages()
	if first == 0 || first > in.last+1 {
		return nil
	}
	known := int64(in.last) + 1 - int64(first)
	if known >= int64(len(list)) {
		return nil
	}
	list = list[known:]
	in.last += uint32(len(list))
	return list
}
