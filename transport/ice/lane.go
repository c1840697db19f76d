package ice

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	pion "github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
)

// lane is a port as a round of checks sees it: pion's agent reads STUN messages from it and writes them to it. The
// port is still there when the lane is closed.
type lane struct {
	round *round
	port  *port

	in     chan packet
	closed chan struct{}
	once   sync.Once
}

type packet struct {
	data []byte
	from netip.AddrPort
}

// laneQueue is how many messages may wait for pion's agent. Those that do not fit are lost, as on the way.
const laneQueue = 64

func newLane(r *round, p *port) *lane {
	return &lane{round: r, port: p, in: make(chan packet, laneQueue), closed: make(chan struct{})}
}

// deliver hands a message over. It does not wait.
func (l *lane) deliver(b []byte, from netip.AddrPort) {
	select {
	case l.in <- packet{b, from}:
	default:
	}
}

// ReadFromAddrPort waits for a message.
func (l *lane) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case p := <-l.in:
		return copy(b, p.data), p.from, nil
	case <-l.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

// WriteToAddrPort sends a message, if it is time for it.
func (l *lane) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	msg := &stun.Message{Raw: b}
	if err := msg.Decode(); err != nil {
		return 0, err
	}
	if msg.Type.Class != stun.ClassRequest {
		l.port.send(b, to)
	} else if l.round.agent.mayCheck(l, to, msg) {
		l.port.send(l.prioritize(msg).Raw, to)
	}
	return len(b), nil
}

// prioritize returns a check that claims the priority that the port is told with, which matters as long as the peer does not know
// the port. pion's agent claims that of a reflexive candidate, even for a relay, which the peer would then prefer to what is
// reflexive indeed. For ports that were gathered after a restart see priority.
func (l *lane) prioritize(msg *stun.Message) *stun.Message {
	if l.port.batch == 0 && l.port.kind != kindRelay {
		return msg
	}
	setters := []stun.Setter{stun.NewTransactionIDSetter(msg.TransactionID), msg.Type}
	for _, attr := range msg.Attributes {
		switch attr.Type {
		case stun.AttrPriority:
			setters = append(setters, pion.PriorityAttr(l.port.priority))
		case stun.AttrMessageIntegrity, stun.AttrFingerprint:
		default:
			setters = append(setters, stun.RawAttribute{Type: attr.Type, Value: attr.Value})
		}
	}
	setters = append(setters, stun.NewShortTermIntegrity(l.round.peer.pwd), stun.Fingerprint)
	changed, err := stun.Build(setters...)
	if err != nil {
		return msg
	}
	return changed
}

// ReadFrom implements net.PacketConn.
func (l *lane) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := l.ReadFromAddrPort(b)
	return n, net.UDPAddrFromAddrPort(from), err
}

// WriteTo implements net.PacketConn.
func (l *lane) WriteTo(b []byte, to net.Addr) (int, error) {
	addr, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, os.ErrInvalid
	}
	ap := addr.AddrPort()
	return l.WriteToAddrPort(b, netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()))
}

// Close implements net.PacketConn. It ends reading.
func (l *lane) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// LocalAddr implements net.PacketConn.
func (l *lane) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(l.port.local) }

// SetDeadline implements net.PacketConn. Close follows whenever it is called.
func (l *lane) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.PacketConn.
func (l *lane) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.PacketConn.
func (l *lane) SetWriteDeadline(time.Time) error { return nil }
