package conn

import (
	"testing"

	"github.com/gogns/gns/reliability"
	"github.com/gogns/gns/snp"
	"github.com/stretchr/testify/require"
)

// streamOracle rebuilds one direction's messages from its decrypted payloads in the plainest way, as a
// check on the real receiver.
type streamOracle struct {
	decoder snp.Decoder
	lanes   map[int]*laneOracle
	acked   reliability.PacketNumber // highest packet number that the direction's acks mention
}

type laneOracle struct {
	stream     map[int64]byte
	unreliable map[int64]map[uint32]snp.UnreliableSegment
}

// delivery names a message. (The independent client of one golden session numbers reliable and
// unreliable messages apart.)
type delivery struct {
	lane     int
	number   int64
	reliable bool
}

// add takes the plain text of a packet. next is the number of the next packet of the other direction.
func (o *streamOracle) add(t testing.TB, number reliability.PacketNumber, payload []byte, next reliability.PacketNumber) {
	if o.lanes == nil {
		o.lanes = map[int]*laneOracle{}
	}
	frames, err := o.decoder.Decode(payload, number, next)
	require.NoError(t, err, "packet %d", number)
	for _, f := range frames {
		l := o.lanes[f.Lane]
		if l == nil {
			l = &laneOracle{map[int64]byte{}, map[int64]map[uint32]snp.UnreliableSegment{}}
			o.lanes[f.Lane] = l
		}
		switch f := f.Frame.(type) {
		case snp.Ack:
			o.acked = max(o.acked, f.Latest)
		case snp.ReliableSegment:
			for i, b := range f.Data {
				l.stream[f.Position+int64(i)] = b
			}
		case snp.UnreliableSegment:
			if l.unreliable[f.Number] == nil {
				l.unreliable[f.Number] = map[uint32]snp.UnreliableSegment{}
			}
			l.unreliable[f.Number][f.Offset] = f
		}
	}
}

// messages returns what must be delivered.
func (o *streamOracle) messages() map[delivery]string {
	all := map[delivery]string{}
	for lane, l := range o.lanes {
		l.reliableMessages(lane, all)
		for number, segments := range l.unreliable {
			var body []byte
			for {
				s, ok := segments[uint32(len(body))]
				if !ok {
					break
				}
				body = append(body, s.Data...)
				if s.End {
					all[delivery{lane, number, false}] = string(body)
					break
				}
			}
		}
	}
	return all
}

// reliableMessages parses the lane's stream, which must be complete.
func (l *laneOracle) reliableMessages(lane int, all map[delivery]string) {
	number := int64(0)
	for at := int64(1); ; {
		lead, ok := l.stream[at]
		if !ok {
			return
		}
		at++
		varint := func() (v int64) {
			for shift := 0; ; shift += 7 {
				b := l.stream[at]
				at++
				v |= int64(b&0x7f) << shift
				if b&0x80 == 0 {
					return v
				}
			}
		}
		gap, size := int64(1), int64(lead&0x1f)
		if lead&0x40 != 0 {
			gap = varint()
		}
		if lead&0x20 != 0 {
			size += varint() << 5
		}
		number += gap
		var body []byte
		for range size {
			body = append(body, l.stream[at])
			at++
		}
		all[delivery{lane, number, true}] = string(body)
	}
}
