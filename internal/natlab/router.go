//go:build linux

package natlab

import (
	"fmt"
	"net/netip"
	"strings"
)

// NAT is how a router translates addresses.
type NAT uint8

// Kinds of NAT, in the terms of RFC 3489, with those of RFC 4787. None of them lets hosts behind it reach each other by its public
// address.
const (
	// FullCone maps a port of a host to the same public port for all destinations, and lets everybody in by it.
	FullCone NAT = iota
	// AddressRestricted is the same, and lets those addresses in to which the host has sent.
	AddressRestricted
	// PortRestricted is the same, and lets those addresses and ports in to which the host has sent.
	PortRestricted
	// Symmetric maps a port of a host to another, random port for each destination, and lets that destination in.
	Symmetric
)

// String returns the name, such as "port restricted".
func (k NAT) String() string {
	return [...]string{"full cone", "address restricted", "port restricted", "symmetric"}[k]
}

// Router is between the internet and LANs, all of which it hides behind its public address.
type Router struct {
	*node
	wan  wire
	lans []*LAN
}

// Router makes a router without LANs.
func (l *Lab) Router(name string, kind NAT) *Router {
	l.t.Helper()
	r := &Router{node: l.node(name)}
	r.wan = l.Internet().attach(r.node, "wan")
	r.ip(fmt.Sprintf("address add %v dev wan", r.wan.prefix), "link set wan up",
		fmt.Sprintf("route add default via %v", r.wan.gateway))
	r.nft(natRules(kind))
	r.sysctl("net.ipv4.ip_forward=1")
	return r
}

// Addr is the public address.
func (r *Router) Addr() netip.Addr { return r.wan.prefix.Addr() }

// natRules returns the rules of a router.
//
// Masquerading on Linux keeps the port of a host if no other connection from there to the same destination uses it, and so it maps
// by the host's address and port alone. That fails if a datagram of a peer arrives from the destination before the host has sent
// there: it would be kept in mind as a connection of the router itself, which has the port. So what nobody has asked for must be dropped on its
// way into the router, where it is not kept in mind yet.
//
// Ports are never changed but by a symmetric NAT, so the table of who has which port needs no more than the port.
func natRules(kind NAT) string {
	source, admit, note := "masquerade", "", ""
	switch kind {
	case FullCone:
		admit = `iifname "wan" meta l4proto udp dnat to udp dport map @mapped`
		note = `update @mapped { udp sport : ip saddr }`
	case AddressRestricted:
		admit = `iifname "wan" meta l4proto udp ip saddr . udp dport @contacted dnat to udp dport map @mapped`
		note = `update @mapped { udp sport : ip saddr } update @contacted { ip daddr . udp sport }`
	case Symmetric:
		source = "masquerade random,fully-random"
	}
	if note != "" {
		note = `iifname "lan*" oifname "wan" meta l4proto udp ` + note
	}
	return strings.NewReplacer("SOURCE", source, "ADMIT", admit, "NOTE", note).Replace(`
table ip nat {
	map mapped {
		type inet_service : ipv4_addr
		flags dynamic,timeout
		timeout 2m
		size 65535
	}
	set contacted {
		type ipv4_addr . inet_service
		flags dynamic,timeout
		timeout 2m
		size 65535
	}
	chain prerouting {
		type nat hook prerouting priority dstnat
		ADMIT
	}
	chain postrouting {
		type nat hook postrouting priority srcnat
		oifname "wan" SOURCE
	}
	chain firewall {
	}
	chain forward {
		type filter hook forward priority filter; policy drop
		iifname "lan*" oifname "wan" jump firewall
		NOTE
		iifname "lan*" oifname "wan" accept
		iifname "wan" ct state established,related accept
		iifname "wan" ct status dnat accept
	}
	chain input {
		type filter hook input priority filter; policy drop
		ct state established,related accept
		meta l4proto icmp accept
	}
}
`)
}

// BlockUDP lets no datagram of the LANs out but to one address and port. They vanish.
func (r *Router) BlockUDP(except netip.AddrPort) {
	r.lab.t.Helper()
	r.nft(fmt.Sprintf("add rule ip nat firewall ip daddr %v udp dport %d accept\n"+
		"add rule ip nat firewall meta l4proto udp drop\n", except.Addr(), except.Port()))
}

// Forget makes the router forget all connections, as one that has been switched off and on.
func (r *Router) Forget() {
	r.lab.t.Helper()
	// Connections that are masqueraded end with the address of the interface.
	r.ip("address flush dev wan",
		fmt.Sprintf("address add %v dev wan", r.wan.prefix),
		fmt.Sprintf("route replace default via %v", r.wan.gateway))
	r.nft("flush map ip nat mapped\nflush set ip nat contacted\n")
}
