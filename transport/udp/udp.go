package udp

import (
	"net/netip"
	"time"
)

const (
	// MaxPayload is the largest UDP payload that a peer ever sends: Valve's
	// k_cbSteamNetworkingSocketsMaxUDPMsgLen.
	MaxPayload = 1300

	// BufferSize bounds the datagrams that are received: those of so many bytes and more are dropped. It
	// exceeds MaxPayload as that of Valve's library does, because longer padded messages are valid.
	BufferSize = MaxPayload + 1024

	// DefaultSocketBuffer is how many bytes of datagrams the system is asked to buffer, each way.
	DefaultSocketBuffer = 4 << 20
)

// Datagram is one UDP payload and its peer.
type Datagram struct {
	// Addr is where a received datagram came from, and where one to send goes. Received IPv4
	// addresses are plain IPv4, also on sockets that carry IPv6 too; link-local IPv6 addresses have a
	// zone.
	Addr netip.AddrPort

	// Data is the payload.
	Data []byte
}

// Conn sends and receives datagrams in batches. Methods may be called from any number of goroutines at
// the same time.
type Conn interface {
	// ReadBatch waits for at least one datagram, and puts into b what is there without more waiting, or
	// some of it. What was in b before is gone. Datagrams of BufferSize bytes and more are dropped and counted
	// instead.
	//
	// The error is net.ErrClosed after Close and os.ErrDeadlineExceeded after the deadline (compare
	// with errors.Is). Nothing else ends reading.
	ReadBatch(b *Batch) error

	// WriteBatch sends the datagrams of b in order and returns how many the system accepted. One that it
	// refuses (no route, wrong address family, full buffers) is lost, as it might be on the way, and
	// the others are sent all the same; the error is that of the first one refused. The error
	// is net.ErrClosed after Close.
	WriteBatch(b []Datagram) (n int, err error)

	// SetReadDeadline sets the instant after which ReadBatch fails instead of waiting, also for calls
	// that wait already. The zero Time is no deadline.
	SetReadDeadline(t time.Time) error

	// LocalAddr returns the address and port to which the socket is bound.
	LocalAddr() netip.AddrPort

	// Close closes the socket and ends all calls that wait. The port is free on return.
	Close() error
}

// Options configures a socket. The zero Options is what an application normally wants.
type Options struct {
	// ReadBuffer and WriteBuffer are how many bytes of datagrams the system is asked to buffer; 0
	// means DefaultSocketBuffer, and negative leaves the system's default. Buffers are never made
	// smaller than that default. Systems cap the sizes: see Socket.BufferSizes.
	ReadBuffer, WriteBuffer int

	// V6Only makes Listen on the unspecified IPv6 address refuse IPv4.
	V6Only bool

	// SingleCalls makes one system call for each datagram, also where one call could move many (at
	// present on Linux), as a way around a system in which that does not work.
	SingleCalls bool

	// NoSegmentation and NoCoalescing turn off that datagrams of one size to one peer pass through the system
	// as one (UDP_SEGMENT, "GSO"), and that the system hands over those from one peer as one (UDP_GRO). Both are
	// used where the system has them, and SingleCalls turns off both.
	NoSegmentation, NoCoalescing bool

	// NoModeration turns off that a socket to which many peers send a little each is read once in a while, half a
	// millisecond to a whole one, instead of at each datagram (at present on Linux), which takes a third of the
	// processor time. Sockets with few or quiet peers are not concerned. SingleCalls turns it off too.
	NoModeration bool
}

// unmap returns addr with an IPv4-mapped IPv6 address replaced by the IPv4 address.
func unmap(addr netip.AddrPort) netip.AddrPort {
	if addr.Addr().Is4In6() {
		return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	}
	return addr
}
