package p2ptest

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// simulate gives adapters to a peer, with a name of its own, that knows nothing of the simulated network.
func (n *Network) simulate(t testing.TB, name string, adapters []Adapter) {
	t.Helper()
	if len(adapters) == 0 {
		return
	}
	var addresses strings.Builder
	for _, a := range adapters {
		if !isV6(a.Address) { // those are there
			fmt.Fprintf(&addresses, "addr add %s/24 dev lo\n", a.Address)
		}
	}
	n.feed(t, addresses.String(), "ip", "-batch", "-")
	n.feed(t, ruleset(name, adapters), "nft", "-f", "-")
}

func isV6(address string) bool { return netip.MustParseAddr(address).Is6() }

// lost is the mark of packets that do not arrive. They vanish where they would come in, so that their sender does not
// notice.
const lost = 77

// ruleset is what the kernel does in place of the gateways of adapters.
func ruleset(name string, adapters []Adapter) string {
	r := new(rules)
	for i, a := range adapters {
		family := "ip"
		if isV6(a.Address) {
			family = "ip6"
		}
		if a.Disabled {
			r.add(&r.marks, "%s saddr %s meta mark set %d", family, a.Address, lost)
		}
		if a.Loss > 0 {
			r.add(&r.marks, "%s saddr %s meta l4proto udp numgen random mod 100 < %d meta mark set %d", family, a.Address, a.Loss, lost)
		}
		if a.Gateway != "" {
			r.gateway(fmt.Sprintf("known%d", i), family, a)
		}
	}
	return "table inet " + name + " {\n" + r.sets.String() +
		"chain seen {\ntype filter hook output priority raw\n" + r.seen.String() + "}\n" +
		"chain out {\ntype nat hook postrouting priority srcnat\n" + r.out.String() + "}\n" +
		"chain in {\ntype nat hook output priority -100\n" + r.in.String() + "}\n" +
		"chain marks {\ntype filter hook output priority filter\n" + r.marks.String() + walls + fmt.Sprintf("meta mark set %d\n}\n", lost) +
		"chain drops {\ntype filter hook input priority filter\n" + fmt.Sprintf("meta mark %d drop\n", lost) + r.drops.String() + "}\n}\n"
}

// rules are the rules of each chain.
type rules struct{ sets, seen, out, in, marks, drops strings.Builder }

func (*rules) add(chain *strings.Builder, rule string, args ...any) {
	fmt.Fprintf(chain, rule+"\n", args...)
}

// gateway translates addresses for an adapter. Ports stay what they are, except with symmetric translation.
//
// What comes to the gateway from somebody who is not known yet must not be tracked: the kernel would take it for a connection of the
// gateway's own, and translate to another port when the peer behind the gateway sends there.
func (r *rules) gateway(known, family string, a Adapter) {
	public, address := "127.0.100.0/24", "ipv4_addr"
	if family == "ip6" {
		public, address = "fd7f:0:100::/48", "ipv6_addr"
	}
	goes := fmt.Sprintf("%s saddr %s %s daddr %s meta l4proto udp", family, a.Address, family, public)
	comes := fmt.Sprintf("%s daddr %s meta l4proto udp", family, a.Gateway)
	if a.NAT == Symmetric {
		ports, gateway := ":1024-65535 fully-random", a.Gateway
		if family == "ip6" {
			gateway = "[" + gateway + "]"
		}
		r.add(&r.out, "%s snat %s to %s%s", goes, family, gateway, ports)
		r.add(&r.drops, "%s drop", comes)
		return
	}
	r.add(&r.out, "%s snat %s to %s", goes, family, a.Gateway)
	if a.Shared {
		return
	}
	kind, sent, got := "inet_service", "udp sport", "udp dport"
	switch a.NAT {
	case RestrictedCone:
		kind, sent, got = address+" . "+kind, family+" daddr . "+sent, family+" saddr . "+got
	case PortRestrictedCone:
		kind = address + " . inet_service . inet_service"
		sent, got = family+" daddr . udp dport . udp sport", family+" saddr . udp sport . udp dport"
	}
	r.add(&r.sets, "set %s { type %s; flags dynamic; size 4096; }", known, kind)
	r.add(&r.seen, "%s add @%s { %s }", goes, known, sent)
	r.add(&r.seen, "%s %s != @%s meta mark set %d notrack", comes, got, known, lost)
	r.add(&r.in, "%s dnat %s to %s", comes, family, a.Address)
}

// walls keep the networks apart: from one to another there is only the way through a gateway.
const walls = `
meta l4proto != udp accept
ct direction reply ct status snat accept
ct status dnat accept
ip saddr 127.0.0.0/24 accept
ip daddr 127.0.100.0/24 accept
ip saddr 127.0.1.0/24 ip daddr 127.0.1.0/24 accept
ip saddr 127.0.2.0/24 ip daddr 127.0.2.0/24 accept
ip saddr != 127.0.0.0/16 accept
ip6 saddr != fd7f::/32 accept
ip6 daddr fd7f:0:100::/48 accept
ip6 saddr fd7f:0:1::/48 ip6 daddr fd7f:0:1::/48 accept
ip6 saddr fd7f:0:2::/48 ip6 daddr fd7f:0:2::/48 accept
`
