package gns

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/gogns/gns/config"
	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/p2p"
	"github.com/gogns/gns/transport/udp"
)

// What is logged, at which level and with which attributes: docs/logging.md has the table, and a test holds
// this file to.

// noteState tells everybody who keeps record that the connection's state has changed. c.mu is held.
func (c *connection) noteState(old State, e conn.Event) {
	c.s.totals.noteState(old, c.state, EndReason(e.Reason), c.listen != nil)

	level, text := slog.LevelInfo, "connection state changed"
	if old == StateConnecting && c.listen != nil && c.state == StateProblemDetectedLocally && EndReason(e.Reason) == EndMiscTimeout {
		level, text = slog.LevelWarn, "connection was not accepted in time"
	}
	if !c.s.logs(level) {
		return
	}
	attrs := []slog.Attr{slog.String("conn", c.describe()), slog.Any("from", old), slog.Any("to", c.state)}
	if e.Reason != 0 {
		attrs = append(attrs, slog.Any("reason", EndReason(e.Reason)), slog.String("debug", e.Debug))
	}
	c.s.log.LogAttrs(context.Background(), level, text, attrs...)
}

// noteGone tells everybody who keeps record that the connection is gone for good. c.mu is held.
func (c *connection) noteGone(n *Counters) {
	if !c.s.logs(slog.LevelDebug) {
		return
	}
	c.s.log.LogAttrs(context.Background(), slog.LevelDebug, "connection gone",
		slog.String("conn", c.describe()),
		slog.Uint64("packets_sent", n.PacketsSent), slog.Uint64("packets_received", n.PacketsReceived),
		slog.Uint64("bytes_sent", n.BytesSent), slog.Uint64("bytes_received", n.BytesReceived),
		slog.Uint64("messages_sent", n.MessagesSent), slog.Uint64("messages_received", n.MessagesReceived),
		slog.Uint64("packets_missed", n.PacketsMissed), slog.Uint64("packets_dropped", n.dropped()))
}

// noteListening tells that a listen socket is open, or no longer.
func (l *listenSocket) noteListening(text string) {
	l.s.log.LogAttrs(context.Background(), slog.LevelInfo, text,
		slog.Uint64("listen_socket", uint64(l.handle)), slog.Any("addr", l.addr()))
}

// noteSocket tells that a UDP socket is open, or no longer.
func (e *endpoint) noteSocket(text string) {
	if !e.s.logs(slog.LevelDebug) || !e.sock.LocalAddr().IsValid() { // an ICE agent has several
		return
	}
	e.s.log.LogAttrs(context.Background(), slog.LevelDebug, text, slog.Any("addr", e.sock.LocalAddr()))
}

// noteSmallBuffers tells that the system buffers less for a listen socket than was asked for.
func (l *listenSocket) noteSmallBuffers(sock udp.Conn) {
	s, ok := sock.(*udp.Socket)
	if !ok {
		return
	}
	want := l.s.udp.ReadBuffer
	if want == 0 {
		want = udp.DefaultSocketBuffer
	}
	if read, _ := s.BufferSizes(); read > 0 && read < want {
		l.s.log.LogAttrs(context.Background(), slog.LevelInfo, "UDP receive buffer is small",
			slog.Any("addr", sock.LocalAddr()), slog.Int("bytes", read), slog.Int("wanted", want))
	}
}

// noteSocketFailed tells that a UDP socket cannot be read any more.
func (e *endpoint) noteSocketFailed(err error) {
	e.s.log.LogAttrs(context.Background(), slog.LevelError, "reading UDP socket failed",
		slog.Any("addr", e.sock.LocalAddr()), slog.Any("err", err))
}

// noteNotAccepted tells that a connection that was to be accepted could not be.
func (c *connection) noteNotAccepted(err error) {
	c.mu.Lock()
	name := c.describe()
	c.mu.Unlock()
	c.s.log.LogAttrs(context.Background(), slog.LevelWarn, "cannot accept connection",
		slog.String("conn", name), slog.Any("err", err))
}

// noteRefused tells that a client was not let in.
func (e *endpoint) noteRefused(from netip.AddrPort, err error) {
	e.s.log.LogAttrs(context.Background(), slog.LevelDebug, "connection refused", slog.Any("from", from), slog.Any("err", err))
}

// noteCertificate tells that the certificate could not be had or renewed.
func (s *Sockets) noteCertificate(text string) {
	s.log.LogAttrs(context.Background(), slog.LevelWarn, "no certificate from the source", slog.String("status", text))
}

// noteUncertified tells that peers must be authenticated and this side cannot be, for now.
func (s *Sockets) noteUncertified() {
	s.self.mu.Lock()
	usable, status := s.self.usable(time.Now()), s.self.text
	s.self.mu.Unlock()
	if !usable {
		s.log.LogAttrs(context.Background(), slog.LevelWarn, "listening without a certificate", slog.String("status", status))
	}
}

// noteDevelopment tells that connections are authenticated only as far as nobody looks.
func (s *Sockets) noteDevelopment() {
	s.log.LogAttrs(context.Background(), slog.LevelWarn, "development mode: nothing is authenticated")
}

// noteConfig tells that a configuration value was set.
func (s *Sockets) noteConfig(scope config.Scope, object uint32, v config.Value) {
	if !s.logs(slog.LevelDebug) {
		return
	}
	s.log.LogAttrs(context.Background(), slog.LevelDebug, "configuration changed",
		slog.Any("scope", scope), slog.Uint64("object", uint64(object)), slog.String("value", v.String()))
}

func (s *Sockets) logs(level slog.Level) bool { return s.log.Enabled(context.Background(), level) }

// noteRoute tells which path the datagrams of a P2P connection take. c.mu is held.
func (c *connection) noteRoute(r p2p.Route) {
	c.s.log.LogAttrs(context.Background(), slog.LevelInfo, "path to the peer",
		slog.String("conn", c.describe()), slog.String("kind", r.Kind.String()),
		slog.Any("local", r.Local), slog.String("local_type", r.LocalType),
		slog.Any("remote", r.Remote), slog.String("remote_type", r.RemoteType))
}

// noteTURNLists tells of users and passwords that nobody gets.
func (c *connection) noteTURNLists(lists turnConfig) {
	c.s.log.LogAttrs(context.Background(), slog.LevelWarn, "TURN servers are asked without users and passwords, whose lists have other lengths",
		slog.String("conn", c.describe()),
		slog.Int("servers", len(lists.servers)), slog.Int("users", len(lists.users)), slog.Int("passwords", len(lists.passwords)))
}

// noteICE tells what an ICE agent refuses. c.mu is held.
func (c *connection) noteICE(err error) {
	c.s.log.LogAttrs(context.Background(), slog.LevelWarn, "ICE refuses what the peer says", slog.String("conn", c.describe()), slog.Any("err", err))
}

// noteSignalRefused tells of a signal that nothing came of.
func (s *Sockets) noteSignalRefused(from Identity, err error) {
	s.log.LogAttrs(context.Background(), slog.LevelDebug, "signal refused", slog.String("from", from.String()), slog.Any("err", err))
}
