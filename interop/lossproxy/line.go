package lossproxy

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/interop/lossproxy/clock"
)

// lineLength is how many packets can be under way in one direction: 64 MiB of full packets.
const lineLength = 1 << 15

// usualDatagram is the capacity of the buffers that are kept for reuse.
const usualDatagram = 2048

// line is the way through the proxy in one direction. All packets take equally long, so they leave in
// the order in which they came.
type line struct {
	packets chan packet
	buffers sync.Pool // of *[usualDatagram]byte

	enteredPackets, enteredBytes atomic.Int64
	lostPackets, lostBytes       atomic.Int64
	overflowPackets              atomic.Int64
	deliveredPackets, refused    atomic.Int64
	deliveredBytes               atomic.Int64
	latePackets, lateSum         atomic.Int64
}

type packet struct {
	session *session
	due     mono.Time
	data    []byte
	buffer  *[usualDatagram]byte // that data lies in, or nil
}

func (l *line) init() {
	l.packets = make(chan packet, lineLength)
	l.buffers.New = func() any { return new([usualDatagram]byte) }
}

// enter counts a packet and, unless it is lost, sends it on its way.
func (l *line) enter(s *session, data []byte, due mono.Time, lost bool) {
	l.enteredPackets.Add(1)
	l.enteredBytes.Add(int64(len(data)))
	if lost {
		l.lostPackets.Add(1)
		l.lostBytes.Add(int64(len(data)))
		return
	}
	p := packet{session: s, due: due}
	if len(data) <= usualDatagram {
		p.buffer = l.buffers.Get().(*[usualDatagram]byte)
		p.data = append(p.buffer[:0], data...)
	} else {
		p.data = append(p.data, data...)
	}
	select {
	case l.packets <- p:
	default:
		l.overflowPackets.Add(1)
	}
}

// run sends packets when they are due, until the channel is closed.
func (l *line) run(send func(s *session, data []byte) error) {
	for p := range l.packets {
		clock.SleepUntil(p.due)
		if err := send(p.session, p.data); err != nil {
			l.refused.Add(1)
		} else {
			l.deliveredPackets.Add(1)
			l.deliveredBytes.Add(int64(len(p.data)))
			l.noteLateness(clock.Now().Sub(p.due))
		}
		if p.buffer != nil {
			l.buffers.Put(p.buffer)
		}
	}
}

func (l *line) noteLateness(d time.Duration) {
	l.lateSum.Add(int64(d))
	if d > LateAfter {
		l.latePackets.Add(1)
	}
}
