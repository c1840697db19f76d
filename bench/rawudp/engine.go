// Package rawudp measures bare UDP through package net, one call per message, without encryption: what
// the ways of the Go runtime and of the kernel cost by themselves.
package rawudp

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/gogns/gns/bench/peer"
	"github.com/gogns/gns/internal/measure"
	"github.com/gogns/gns/interop/lossproxy/clock"
)

// Engine is UDP. It can unreliable messages, ping-pong and fan-out; "connections" of a fan-out are
// numbers in front of messages that go through one socket.
type Engine struct{}

// socketBuffer is what the kernel is asked for.
const socketBuffer = 4 << 20

// header is the number of the connection, in front of each message.
const header = 4

// quiet is how long a server without messages waits after the end, for those that overtook it.
const quiet = 100 * time.Millisecond

func can(w peer.Workload) bool {
	return w == peer.Unreliable || w == peer.PingPong || w == peer.Fanout
}

func prepare(s *net.UDPConn) error {
	return errors.Join(s.SetReadBuffer(socketBuffer), s.SetWriteBuffer(socketBuffer))
}

// Serve is a server.
func (Engine) Serve(ctx context.Context, o *peer.Options, r *peer.Result, listening func(netip.AddrPort)) error {
	if !can(o.Workload) {
		return peer.ErrCannot
	}
	s, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(o.Serve))
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	if err := prepare(s); err != nil {
		return err
	}
	local := s.LocalAddr().(*net.UDPAddr).AddrPort()
	listening(netip.AddrPortFrom(local.Addr().Unmap(), local.Port()))
	v := peer.NewReceiver(o.Workload, r)
	conns := 0
	buffer := make([]byte, 65536)
	for {
		n, from, err := s.ReadFromUDPAddrPort(buffer)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			v.Report()
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return err
		case n < header:
			continue
		}
		if measure.IsEnd(buffer[header:n]) {
			_, _ = s.WriteToUDPAddrPort(buffer[:n], from) // the client repeats it until it hears that
			if v.Ended {
				continue
			}
		}
		conn := int(binary.LittleEndian.Uint32(buffer))
		for ; conns <= conn; conns++ {
			v.Add()
		}
		if ended := v.Ended; v.Take(conn, buffer[header:n], false) {
			_, _ = s.WriteToUDPAddrPort(buffer[:n], from) // may be lost like any other
		} else if v.Ended && !ended {
			if err := s.SetReadDeadline(time.Now().Add(quiet)); err != nil {
				return err
			}
		}
	}
}

// client is a client's socket.
type client struct{ *net.UDPConn }

// Connect is a client.
func (Engine) Connect(ctx context.Context, o *peer.Options, r *peer.Result) error {
	if !can(o.Workload) {
		return peer.ErrCannot
	}
	s, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(o.Connect))
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	if err := prepare(s); err != nil {
		return err
	}
	c := client{s}
	r.Conns = o.Conns
	switch o.Workload {
	case peer.PingPong:
		err = c.pingPong(o, r)
	case peer.Fanout:
		err = c.fanout(o, r)
	default:
		err = c.stream(o, r)
	}
	return errors.Join(err, ctx.Err())
}

// How often and how long the end of a run is told to a server, which may find no room for it while it is busy with what was sent before.
const (
	endTries = 1200
	endWait  = 50 * time.Millisecond
)

// end tells the server that the run is over, until it says that it knows. Nobody else reads meanwhile.
func (c client) end(count int64) error {
	last := append(make([]byte, header), measure.EndMessage(uint64(count))...)
	answer := make([]byte, 65536)
	for range endTries {
		if _, err := c.Write(last); err != nil {
			return nil // the server has gone, which it does when it knows
		}
		if err := c.SetReadDeadline(time.Now().Add(endWait)); err != nil {
			return err
		}
		for {
			n, err := c.Read(answer)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			if err != nil || n >= header && measure.IsEnd(answer[header:n]) {
				return nil
			}
		}
	}
	return errors.New("the server does not confirm the end of the run")
}

// stream sends as fast as possible.
func (c client) stream(o *peer.Options, r *peer.Result) error {
	var sp measure.Span
	sp.Begin()
	data := make([]byte, header+o.Size)
	for end := time.Now().Add(o.Duration); time.Now().Before(end); r.Messages++ {
		measure.Fill(data[header:], uint64(r.Messages))
		if _, err := c.Write(data); err != nil {
			return err
		}
	}
	sp.Finish()
	r.Wall, r.CPUTime = sp.Report()
	r.Bytes = r.Messages * int64(o.Size)
	clock.SleepUntil(clock.Now().Add(quiet)) // until there is room for the last message
	return c.end(r.Messages)
}

func (c client) pingPong(o *peer.Options, r *peer.Result) error {
	data := make([]byte, header+o.Size)
	answer := make([]byte, header+o.Size)
	p := peer.NewPingPonger(r)
	for p.Next(o, data[header:]) {
		if _, err := c.Write(data); err != nil {
			return err
		}
		n, err := c.Read(answer)
		if err != nil {
			return err
		}
		p.Take(answer[min(header, n):n])
	}
	p.Report()
	return c.end(r.Messages)
}

func (c client) fanout(o *peer.Options, r *peer.Result) error {
	s := peer.NewSpread(o, r)
	received := make(chan error, 1)
	go func() {
		answer := make([]byte, 65536)
		for {
			n, err := c.Read(answer)
			if err != nil {
				received <- err
				return
			}
			if n >= header {
				s.Take(int(binary.LittleEndian.Uint32(answer)), answer[header:n], false)
			}
		}
	}()
	data := make([]byte, header+o.Size)
	for next, more := s.Due(); more; next, more = s.Due() {
		clock.SleepUntil(clock.Now().Add(time.Until(next)))
		conn := s.Next(data[header:])
		binary.LittleEndian.PutUint32(data, uint32(conn))
		if _, err := c.Write(data); err != nil {
			return err
		}
	}
	for late := time.Now().Add(peer.Straggle); !s.Complete() && time.Now().Before(late); {
		time.Sleep(time.Millisecond)
	}
	s.Report()
	_ = c.SetReadDeadline(time.Now())
	<-received
	return c.end(r.Messages)
}
