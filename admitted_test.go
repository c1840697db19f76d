package gns

import (
	"crypto/rand"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/udpwire"
	"github.com/gogns/gns/snp"
	"github.com/gogns/gns/transport/udp"
	"github.com/stretchr/testify/require"
)

// sentOnly is a socket at which nothing arrives.
type sentOnly struct {
	closed chan struct{}
	mu     sync.Mutex
	sent   [][]byte
}

func (s *sentOnly) ReadBatch(b *udp.Batch) error {
	b.Release()
	<-s.closed
	return net.ErrClosed
}

func (s *sentOnly) WriteBatch(b []udp.Datagram) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range b {
		s.sent = append(s.sent, append([]byte(nil), d.Data...))
	}
	return len(b), nil
}

// take returns what has been sent since the last call.
func (s *sentOnly) take() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := s.sent
	s.sent = nil
	return sent
}

func (s *sentOnly) SetReadDeadline(time.Time) error { return nil }
func (s *sentOnly) LocalAddr() netip.AddrPort       { return netip.MustParseAddrPort("192.0.2.1:27015") }
func (s *sentOnly) Close() error                    { close(s.closed); return nil }

// A client asks again while its request is being looked at, and is admitted just when the repeated request has been found to be
// for no connection. It is not told that there is one already.
func TestRequestThatIsRepeatedWhileItsClientIsAdmitted(t *testing.T) {
	t.Parallel()
	sock := &sentOnly{closed: make(chan struct{})}
	s, err := NewOver(sock, rand.Reader, Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	_, err = s.CreateListenSocketIP(netip.AddrPort{})
	require.NoError(t, err)
	var e *endpoint
	for e = range s.endpoints {
	}

	from := netip.MustParseAddrPort("192.0.2.2:40000")
	unsigned, err := crypto.NewUnsignedCert(rand.Reader, crypto.Localhost(), 0)
	require.NoError(t, err)
	client, err := conn.NewClient(conn.Config{
		LocalID: 0x10001, Identity: crypto.Localhost(), Remote: sock.LocalAddr(), Unsigned: unsigned,
		Settings: conn.Settings{
			TimeoutInitial: time.Minute, TimeoutConnected: time.Minute, IPAllowWithoutAuth: 2, IPLocalHostAllowWithoutAuth: 2,
			SNP: snp.Config{RecvBufferMessages: 1000, RecvBufferSize: 1 << 20},
		},
		Rand: rand.Reader,
	}, s.now())
	require.NoError(t, err)
	next := func(kind udpwire.Kind) udp.Datagram {
		packet, ok := client.AppendPacket(s.now(), nil)
		require.True(t, ok)
		require.Equal(t, kind, udpwire.KindOf(packet))
		return udp.Datagram{Addr: from, Data: packet}
	}
	e.unknown(s.now(), next(udpwire.KindChallengeRequest))
	for _, reply := range sock.take() {
		client.Receive(s.now(), reply)
	}
	request := next(udpwire.KindConnectRequest)
	e.unknown(s.now(), request)
	require.NotNil(t, e.peer(request), "it has been admitted")
	e.unknown(s.now(), request)
	for _, reply := range sock.take() {
		require.NotEqual(t, udpwire.KindConnectionClosed, udpwire.KindOf(reply))
	}
	require.Zero(t, s.Metrics().DroppedRefused)
	require.Equal(t, 1, s.Metrics().Connecting)
}
