package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/netip"
	"time"
	"unicode/utf8"

	"github.com/gogns/gns"
)

// The objects of -json. The help text documents their fields.

type jsonListening struct {
	Event string         `json:"event"`
	Time  time.Time      `json:"time"`
	Addr  netip.AddrPort `json:"addr"`
}

type jsonListeningP2P struct {
	Event       string    `json:"event"`
	Time        time.Time `json:"time"`
	Identity    string    `json:"identity"`
	VirtualPort int       `json:"vport"`
	Signal      string    `json:"signal"`
}

type jsonRoute struct {
	Event      string         `json:"event"`
	Time       time.Time      `json:"time"`
	Conn       gns.Connection `json:"conn"`
	Kind       string         `json:"kind"`
	Local      netip.AddrPort `json:"local"`
	LocalType  string         `json:"local_type"`
	Remote     netip.AddrPort `json:"remote"`
	RemoteType string         `json:"remote_type"`
}

type jsonConnected struct {
	Event         string         `json:"event"`
	Time          time.Time      `json:"time"`
	Conn          gns.Connection `json:"conn"`
	Addr          netip.AddrPort `json:"addr,omitzero"` // unknown behind a relay
	Identity      string         `json:"identity"`
	Encrypted     bool           `json:"encrypted"`
	Authenticated bool           `json:"authenticated"`
	Problem       string         `json:"problem,omitempty"`
}

type jsonMessage struct {
	Event    string         `json:"event"`
	Time     time.Time      `json:"time"`
	Conn     gns.Connection `json:"conn"`
	Lane     int            `json:"lane"`
	Number   int64          `json:"number"`
	Reliable bool           `json:"reliable"`
	Size     int            `json:"size"`
	Text     *string        `json:"text,omitempty"`
	Base64   *string        `json:"base64,omitempty"`
	Hex      *string        `json:"hex,omitempty"`
}

type jsonClosed struct {
	Event string         `json:"event"`
	Time  time.Time      `json:"time"`
	Conn  gns.Connection `json:"conn"`
	Addr  netip.AddrPort `json:"addr,omitzero"`
	*jsonReason
}

type jsonFailed struct {
	Event string    `json:"event"`
	Time  time.Time `json:"time"`
	Addr  string    `json:"addr"`
	Error string    `json:"error"`
	*jsonReason
}

// jsonReason says why a connection ended.
type jsonReason struct {
	By     string        `json:"by"` // "local", "peer" or "problem"
	Reason gns.EndReason `json:"reason"`
	Name   string        `json:"name"`
	Debug  string        `json:"debug"`
}

func reasonOf(end *gns.CloseError) *jsonReason {
	r := &jsonReason{By: "local", Reason: end.Reason, Name: end.Reason.String(), Debug: end.Debug}
	switch {
	case end.ByPeer:
		r.By = "peer"
	case !isAppReason(end.Reason):
		r.By = "problem"
	}
	return r
}

// messageObject describes a message: its content as text if it is valid UTF-8, else as base64; or in
// hex.
func messageObject(m *gns.Message, inHex bool) jsonMessage {
	j := jsonMessage{
		Event: "message", Time: m.Received.UTC(), Conn: m.Conn, Lane: m.Lane, Number: m.Number,
		Reliable: m.Flags&gns.SendReliable != 0, Size: len(m.Data),
	}
	var content string
	switch {
	case inHex:
		content = hex.EncodeToString(m.Data)
		j.Hex = &content
	case utf8.Valid(m.Data):
		content = string(m.Data)
		j.Text = &content
	default:
		content = base64.StdEncoding.EncodeToString(m.Data)
		j.Base64 = &content
	}
	return j
}

// json writes an object and a line feed. o.mu is held.
func (o *output) json(object any) {
	if o.err != nil {
		return
	}
	enc := json.NewEncoder(o.w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(object); err != nil {
		o.err = &outputError{err}
	}
}

// closeError returns the end of a connection that err tells of, nil if it tells of none.
func closeError(err error) *gns.CloseError {
	var end *gns.CloseError
	if errors.As(err, &end) {
		return end
	}
	return nil
}

// isAppReason reports whether an application chose the reason.
func isAppReason(r gns.EndReason) bool { return r >= gns.EndAppGeneric && r <= gns.EndAppExceptionMax }
