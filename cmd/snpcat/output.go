package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/p2p"
)

// output writes what arrives to standard output, in one of four forms. Several connections share it.
type output struct {
	trusting bool // somebody could vouch for peers

	form form

	mu      sync.Mutex
	w       *bufio.Writer
	scratch []byte
	err     error // why nothing more can be written
}

// form is how messages look in the output.
type form int

const (
	formLines   form = iota // the content and a line feed
	formVisible             // the same for a terminal: control characters are replaced
	formRaw                 // the content
	formHex                 // the content in hex and a line feed
	formJSON                // a JSON object, with the content as text or base64
	formJSONHex             // a JSON object, with the content in hex
)

// outputError is a failure to write standard output.
type outputError struct{ err error }

func (e *outputError) Error() string { return fmt.Sprintf("standard output: %v", e.err) }
func (e *outputError) Unwrap() error { return e.err }

func newOutput(o *options, c *console, w io.Writer) *output {
	out := &output{w: bufio.NewWriterSize(c.guard(w), 64<<10), trusting: o.ca != ""}
	switch {
	case o.raw:
		out.form = formRaw
	case o.json && o.hex:
		out.form = formJSONHex
	case o.json:
		out.form = formJSON
	case o.hex:
		out.form = formHex
	case isTerminal(w):
		out.form = formVisible
	}
	return out
}

func (o *output) isJSON() bool { return o.form == formJSON || o.form == formJSONHex }

// message writes a message. It may stay in the buffer until flush.
func (o *output) message(m *gns.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch o.form {
	case formLines:
		o.write(m.Data)
		o.write(lineFeed)
	case formVisible:
		o.scratch = append(o.scratch[:0], visible(string(m.Data), "\t\n")...)
		o.write(append(o.scratch, '\n'))
	case formRaw:
		o.write(m.Data)
	case formHex:
		o.scratch = hex.AppendEncode(o.scratch[:0], m.Data)
		o.write(append(o.scratch, '\n'))
	case formJSON, formJSONHex:
		o.json(messageObject(m, o.form == formJSONHex))
	}
	return o.err
}

var lineFeed = []byte("\n")

// flush writes what is in the buffer.
func (o *output) flush() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		if err := o.w.Flush(); err != nil {
			o.err = &outputError{err}
		}
	}
	return o.err
}

// write appends to the buffer. o.mu is held.
func (o *output) write(b []byte) {
	if o.err == nil {
		if _, err := o.w.Write(b); err != nil {
			o.err = &outputError{err}
		}
	}
}

// event writes and flushes a JSON object in the JSON forms, and does nothing in the others.
func (o *output) event(object any) {
	if !o.isJSON() {
		return
	}
	o.mu.Lock()
	o.json(object)
	o.mu.Unlock()
	_ = o.flush() // whoever writes next gets the error
}

// listening, listeningP2P, connected, route, failed and closed write the events of the JSON forms.
func (o *output) listening(addr netip.AddrPort) {
	o.event(jsonListening{Event: "listening", Time: time.Now().UTC(), Addr: addr})
}

func (o *output) listeningP2P(self gns.Identity, opts *options) {
	o.event(jsonListeningP2P{
		Event: "listening", Time: time.Now().UTC(),
		Identity: self.String(), VirtualPort: opts.virtualPort, Signal: opts.signal,
	})
}

func (o *output) route(handle gns.Connection, r p2p.Route) {
	o.event(jsonRoute{
		Event: "route", Time: time.Now().UTC(), Conn: handle, Kind: r.Kind.String(),
		Local: r.Local, LocalType: r.LocalType, Remote: r.Remote, RemoteType: r.RemoteType,
	})
}

func (o *output) connected(info gns.ConnectionInfo, handle gns.Connection) {
	if !o.trusting {
		info.Auth.Problem = "" // that nobody vouches is no news where nobody is trusted
	}
	o.event(jsonConnected{
		Event: "connected", Time: time.Now().UTC(), Conn: handle, Addr: info.Addr, Identity: info.Identity.String(),
		Problem:   info.Auth.Problem,
		Encrypted: info.Flags&gns.InfoUnencrypted == 0, Authenticated: info.Flags&gns.InfoUnauthenticated == 0,
	})
}

func (o *output) failed(address string, err error) {
	e := jsonFailed{Event: "failed", Time: time.Now().UTC(), Addr: address, Error: err.Error()}
	if end := closeError(err); end != nil {
		e.jsonReason = reasonOf(end)
	}
	o.event(e)
}

func (o *output) closed(info gns.ConnectionInfo, handle gns.Connection, end *gns.CloseError) {
	o.event(jsonClosed{Event: "closed", Time: time.Now().UTC(), Conn: handle, Addr: info.Addr, jsonReason: reasonOf(end)})
}
