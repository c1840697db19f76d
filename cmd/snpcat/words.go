package main

import (
	"fmt"
	"strings"

	"github.com/gogns/gns"
)

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
