// Package quic measures quic-go: reliable messages with their length in front, on a stream per connection
// and through a buffered writer; unreliable ones as datagrams.
package quic

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/gogns/gns/bench/peer"
	"github.com/gogns/gns/internal/measure"
)

// Engine is quic-go.
type Engine struct{}

// protocol is what both sides say that they talk.
const protocol = "gns-bench"

// bufferSize is that of the buffered reader and writer of a stream.
const bufferSize = 32 << 10

// maxMessage is more than any workload sends.
const maxMessage = 1 << 20

func settings() *quic.Config {
	return &quic.Config{
		EnableDatagrams:            true,
		MaxIdleTimeout:             30 * time.Second,
		MaxIncomingStreams:         16,
		MaxStreamReceiveWindow:     64 << 20,
		MaxConnectionReceiveWindow: 64 << 20,
	}
}

// socket opens a UDP socket with buffers as large as quic-go asks for.
func socket(addr netip.AddrPort) (*quic.Transport, error) {
	s, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, err
	}
	return &quic.Transport{Conn: s}, nil
}

// certificate makes what a server has to show.
func certificate() (tls.Certificate, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, err
}

// channel sends and receives messages of one connection.
type channel struct {
	conn   *quic.Conn
	stream *quic.Stream
	in     *bufio.Reader
	out    *bufio.Writer
	buffer []byte
}

func newChannel(c *quic.Conn, s *quic.Stream) *channel {
	return &channel{conn: c, stream: s, in: bufio.NewReaderSize(s, bufferSize), out: bufio.NewWriterSize(s, bufferSize)}
}

// write queues a message on the stream.
func (c *channel) write(data []byte) error {
	var size [4]byte
	binary.LittleEndian.PutUint32(size[:], uint32(len(data)))
	if _, err := c.out.Write(size[:]); err != nil {
		return err
	}
	_, err := c.out.Write(data)
	return err
}

// send sends a message on the stream at once.
func (c *channel) send(data []byte) error { return errors.Join(c.write(data), c.out.Flush()) }

// errSize means that the peer does not talk like us.
var errSize = errors.New("quic: message of an impossible size")

// read returns the next message of the stream, which the next call overwrites.
func (c *channel) read() ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(c.in, size[:]); err != nil {
		return nil, err
	}
	n := int(binary.LittleEndian.Uint32(size[:]))
	if n > maxMessage {
		return nil, errSize
	}
	if n > len(c.buffer) {
		c.buffer = make([]byte, n)
	}
	_, err := io.ReadFull(c.in, c.buffer[:n])
	return c.buffer[:n], err
}

// server is a server with its judge.
type server struct {
	o  *peer.Options
	mu sync.Mutex
	*peer.Receiver
	live    int
	changed chan struct{}
}

// Serve is a server.
func (Engine) Serve(ctx context.Context, o *peer.Options, r *peer.Result, listening func(netip.AddrPort)) error {
	cert, err := certificate()
	if err != nil {
		return err
	}
	t, err := socket(o.Serve)
	if err != nil {
		return err
	}
	defer func() { _ = t.Conn.Close() }()
	defer func() { _ = t.Close() }()
	l, err := t.Listen(&tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{protocol}}, settings())
	if err != nil {
		return err
	}
	addr := l.Addr().(*net.UDPAddr).AddrPort()
	listening(netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port()))
	s := &server{o: o, Receiver: peer.NewReceiver(o.Workload, r), changed: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		for {
			c, err := l.Accept(ctx)
			if err != nil {
				return
			}
			s.mu.Lock()
			conn := s.Add()
			s.live++
			s.mu.Unlock()
			go s.serve(ctx, c, conn)
		}
	}()
	tick := time.NewTicker(peer.Grace / 4)
	defer tick.Stop()
	for over := false; !over; {
		select {
		case <-s.changed:
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		s.mu.Lock()
		over = s.Over(s.live)
		s.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Report()
	return nil
}

// serve receives the messages of a connection.
func (s *server) serve(ctx context.Context, c *quic.Conn, conn int) {
	defer func() {
		s.mu.Lock()
		s.live--
		s.mu.Unlock()
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}()
	if s.o.Workload == peer.Unreliable || s.o.Workload == peer.Fanout && !s.o.Reliable {
		go func() {
			for {
				data, err := c.ReceiveDatagram(ctx)
				if err != nil {
					return
				}
				s.mu.Lock()
				echo := s.Take(conn, data, false)
				s.mu.Unlock()
				if echo {
					_ = c.SendDatagram(data) // may be lost
				}
			}
		}()
	}
	stream, err := c.AcceptStream(ctx)
	if err != nil {
		return
	}
	ch := newChannel(c, stream)
	for {
		data, err := ch.read()
		if err != nil {
			break
		}
		s.mu.Lock()
		echo, ended := s.Take(conn, data, true), measure.IsEnd(data)
		s.mu.Unlock()
		if echo || ended { // that the run has ended is confirmed
			if ch.send(data) != nil {
				break
			}
		}
	}
	<-c.Context().Done()
}
