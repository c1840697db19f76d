package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/config"
	"github.com/gogns/gns/p2p"
)

// hub joins standard input and output to the connections, of which there may be none, one or many.
type hub struct {
	p   *program
	o   *options
	out *output

	routes    *routes // nil without -p2p
	served    chan struct{}
	following sync.WaitGroup // until served is closed

	ended chan *session // sessions that receive no more
	over  chan struct{} // closed when nobody listens to ended any more

	received, sent counter // of all sessions

	mu       sync.Mutex
	sessions []*session // the oldest first
	changed  chan struct{}
}

func (p *program) newHub(o *options, n *network, out *output) *hub {
	return &hub{
		p: p, o: o, out: out, routes: n.routes, served: make(chan struct{}),
		ended: make(chan *session), over: make(chan struct{}), changed: make(chan struct{}),
	}
}

// join takes in a new connection.
func (h *hub) join(conn *gns.Conn) error {
	s, err := newSession(h, conn)
	if err != nil {
		_ = conn.CloseWithReason(gns.EndAppExceptionGeneric, "cannot configure lanes", false)
		return fmt.Errorf("%s: %w", h.o.peerName(conn.Info()), err)
	}
	info := conn.Info()
	route, rerouted := h.routes.of(conn)
	word := "connected to"
	if h.o.listen {
		word = "connection from"
	}
	h.p.console.printf("%s %s%s", word, h.o.peerName(info), h.o.note(info, routeText(route)))
	h.out.connected(info, conn.Handle())
	if route.Kind != p2p.RouteNone {
		h.out.route(conn.Handle(), route)
	}
	h.mu.Lock()
	h.sessions = append(h.sessions, s)
	close(h.changed)
	h.changed = make(chan struct{})
	h.mu.Unlock()
	s.start()
	if rerouted != nil {
		h.following.Go(func() { h.followRoute(s, route, rerouted) })
	}
	return nil
}

// peerName is what the peer is called in the diagnostics: its address, or with -p2p, where that may change and may not
// be known, its identity.
func (o *options) peerName(info gns.ConnectionInfo) string {
	if o.p2p {
		return info.Identity.String()
	}
	return info.Addr.String()
}

// note returns what is to be said about a new connection beside the peer's name: who the peer is, as far as the name
// does not say that, or what path leads to it; and, if anybody could vouch for it, whether somebody does.
func (o *options) note(info gns.ConnectionInfo, route string) string {
	note := route
	if id := info.Identity.String(); !o.p2p && info.Identity.IsValid() && id != "ip:"+info.Addr.String() {
		note = id
	}
	switch {
	case o.ca == "":
	case info.Auth.Assurance >= gns.AssuranceCertified:
		note += ", verified"
	default:
		note += ", NOT VERIFIED: " + info.Auth.Problem
	}
	if note = strings.TrimPrefix(note, ", "); note == "" {
		return ""
	}
	return " (" + note + ")"
}

// current returns the sessions, the oldest first, and a channel that is closed when there is another.
func (h *hub) current() ([]*session, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.sessions), h.changed
}

// leave takes out a session that has ended, frees its connection and reports its end. It returns the
// exit status that the end amounts to.
func (h *hub) leave(s *session) int {
	h.mu.Lock()
	h.sessions = slices.DeleteFunc(h.sessions, func(x *session) bool { return x == s })
	h.mu.Unlock()
	if end := closeError(s.err); end != nil {
		return h.report(s, end)
	}
	// The connection lives on, but what arrives cannot be passed on.
	_ = s.conn.CloseWithReason(gns.EndAppExceptionGeneric, "receiver failed", false)
	if end := closeError(s.conn.Err()); end != nil {
		h.out.closed(s.conn.Info(), s.conn.Handle(), end)
	}
	return h.p.fail("%v", s.err)
}

// report tells how a connection ended, frees it, and returns the exit status that this amounts to.
func (h *hub) report(s *session, end *gns.CloseError) int {
	info := s.conn.Info()
	h.out.closed(info, s.conn.Handle(), end)
	_ = s.conn.CloseWithReason(0, "", false) // an error means that it is free already
	switch {
	case end.ByPeer:
		h.p.console.printf("%s closed the connection: %s", h.o.peerName(info), reasonText(end))
	case !isAppReason(end.Reason):
		h.p.console.printf("snpcat: connection to %s lost: %s", h.o.peerName(info), reasonText(end))
	}
	if end.Reason.IsAppNormal() {
		return exitOK
	}
	return exitFailed
}

// reasonText is a reason as people read it: name, number and the closing side's words.
func reasonText(end *gns.CloseError) string {
	s := fmt.Sprintf("%v (%d)", end.Reason, end.Reason)
	if name := end.Reason.String(); name[len(name)-1] == ')' {
		s = name // has the number in it
	}
	if end.Debug != "" {
		s += ": " + end.Debug
	}
	return s
}

// serve runs until the connections have ended, or input has, or somebody interrupts, and returns the
// exit status. accept supplies further connections; nil if there will be none.
func (h *hub) serve(accept *acceptor) int {
	stopStats := func() {}
	if h.o.stats {
		stopStats = h.showStats()
	}
	status := h.loop(accept)
	close(h.served)
	h.following.Wait()
	stopStats()
	return status
}

func (h *hub) loop(accept *acceptor) int {
	var accepted <-chan *gns.Conn
	var acceptFailed <-chan error
	if accept != nil {
		defer accept.close()
		accepted, acceptFailed = accept.conns, accept.failed
	}
	feeding, stopFeeding := until(h.p.killed, h.p.interrupted, 0)
	defer stopFeeding()
	var fed chan error
	if !h.o.echo {
		fed = make(chan error, 1)
		go func() { fed <- h.feed(feeding) }()
	}
	var waited <-chan time.Time
	status := exitOK
	finish := func(how closing) int {
		stopFeeding()
		if accept != nil {
			accept.close()
		}
		return max(status, h.closeAll(how))
	}
	normal := func(text string) closing { return closing{gns.EndAppGeneric, text, h.o.linger != 0} }
	for {
		select {
		case conn := <-accepted:
			if err := h.join(conn); err != nil {
				st := h.p.fail("%v", err)
				if !h.o.many() {
					return st
				}
			}
		case err := <-acceptFailed:
			status = h.p.fail("%v", err)
			return finish(normal("listener failed"))
		case s := <-h.ended:
			st := h.leave(s)
			if !h.o.keep || isOutputError(s.err) {
				status = max(status, st)
			}
			if isOutputError(s.err) {
				return finish(closing{gns.EndAppExceptionGeneric, "receiver failed", false})
			}
			if left, _ := h.current(); len(left) == 0 && !h.o.keep {
				return status
			}
		case err := <-fed:
			fed = nil
			switch {
			case errors.Is(err, errNoInput):
			case err != nil:
				status = h.p.fail("%v", err)
				return finish(closing{gns.EndAppExceptionGeneric, "sender failed", true})
			default:
				waited = time.After(h.o.wait)
			}
		case <-waited:
			return finish(normal("end of input"))
		case <-h.p.interrupted.Done():
			return finish(normal("interrupted"))
		}
	}
}

func isOutputError(err error) bool {
	var e *outputError
	return errors.As(err, &e)
}

// closeAll ends all connections in an orderly way and returns the exit status that this amounts to.
func (h *hub) closeAll(how closing) int {
	ctx, cancel := until(h.p.killed, context.Background(), max(h.o.linger, 0))
	defer cancel()
	close(h.over)
	sessions, _ := h.current()
	statuses := make(chan int)
	for _, s := range sessions {
		go func() {
			undelivered := s.close(ctx, how)
			statuses <- h.closedHere(s, how, undelivered)
		}()
	}
	status := exitOK
	for range sessions {
		status = max(status, <-statuses)
	}
	if err := h.out.flush(); err != nil && status == exitOK {
		status = h.p.fail("%v", err)
	}
	return status
}

// closedHere reports how a connection that this side wanted to end has ended.
func (h *hub) closedHere(s *session, how closing, undelivered int) int {
	end := closeError(s.conn.Err())
	if end == nil { // cannot be: it has just been closed
		end = &gns.CloseError{Reason: how.reason, Debug: how.text}
	}
	status := h.report(s, end)
	if undelivered > 0 && how.linger {
		h.p.console.printf("snpcat: %s: gave up with %d bytes not delivered", h.o.peerName(s.conn.Info()), undelivered)
		status = exitFailed
	}
	return status
}

// errNoInput tells that a listener has no input at all.
var errNoInput = errors.New("no input")

// feed sends standard input until it ends (nil, or errNoInput) or ctx is done (nil). Nothing is read
// before there is somebody to send it to.
func (h *hub) feed(ctx context.Context) error {
	first, err := h.targets(ctx)
	if err != nil {
		return nil
	}
	limit, packet := sizesOf(first[0].conn)
	src := newSource(h.o, h.p.stdin, limit, packet)
	typed := isTerminal(h.p.stdin)
	flags := h.o.sendFlags()
	for n := 0; ; n++ {
		data, err := src.next()
		if bad := (*lineError)(nil); errors.As(err, &bad) && typed {
			h.p.console.printf("snpcat: %v; not sent", bad)
			continue
		}
		switch {
		case errors.Is(err, io.EOF) && n == 0 && h.o.listen && !typed:
			return errNoInput
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return inputError(err)
		}
		if err := h.send(ctx, data, flags); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
}

// send sends a message to the sessions that input goes to; if those have all ended, to the next.
func (h *hub) send(ctx context.Context, data []byte, flags gns.SendFlags) error {
	for sent := false; !sent; {
		to, err := h.targets(ctx)
		if err != nil {
			return err
		}
		for _, s := range to {
			err := s.send(ctx, h.o.lane, data, flags)
			switch {
			case closeError(err) != nil:
				s.gone.Store(true)
			case err != nil:
				return err
			default:
				sent = true
			}
		}
	}
	return nil
}

// inputError says that a failure to read is one of standard input.
func inputError(err error) error {
	if bad := (*lineError)(nil); errors.As(err, &bad) {
		return err
	}
	return fmt.Errorf("standard input: %w", err)
}

// targets returns the sessions that input goes to, waiting until there is one: the oldest, or all if
// input is broadcast.
func (h *hub) targets(ctx context.Context) ([]*session, error) {
	for {
		sessions, changed := h.current()
		sessions = slices.DeleteFunc(sessions, func(s *session) bool { return s.gone.Load() })
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case len(sessions) > 0 && h.o.broadcast:
			return sessions, nil
		case len(sessions) > 0:
			return sessions[:1], nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// sizesOf returns the size of the largest message that fits the connection's send buffer, and of the
// largest that fits one packet.
func sizesOf(c *gns.Conn) (buffer, packet int) {
	size := func(id config.ID) int {
		v, err := c.Sockets().Config(config.SocketsInterface, 0, id)
		if err != nil { // cannot be: the value exists
			return rawDatagram
		}
		return int(v.Int32())
	}
	return size(config.SendBufferSize), size(config.MTUDataSize)
}
