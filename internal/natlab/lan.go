//go:build linux

package natlab

import (
	"fmt"
	"net/netip"
)

// LAN is a network of private addresses behind a router. Its hosts reach each other without the router; those of two LANs of the
// same router do not reach each other, as guests of a wireless network often do not.
type LAN struct {
	router  *Router
	name    string
	prefix  netip.Prefix // with the address of the router
	joined  int
	highest netip.Addr // address given away
}

// firstHost is the number in its LAN of the first host, counted from the router.
const firstHost = 9

// LAN makes a network. The prefix has the address of the router, such as 192.168.1.1/24. Another router may have the same.
func (r *Router) LAN(prefix string) *LAN {
	r.lab.t.Helper()
	n := &LAN{router: r, name: fmt.Sprintf("lan%d", len(r.lans)), prefix: netip.MustParsePrefix(prefix)}
	n.highest = n.prefix.Addr()
	for range firstHost - 1 {
		n.highest = n.highest.Next()
	}
	r.lans = append(r.lans, n)
	r.ip("link add "+n.name+" type bridge", fmt.Sprintf("address add %v dev %s", n.prefix, n.name), "link set "+n.name+" up")
	if len(r.lans) == 1 {
		r.unfilterBridges()
	}
	return n
}

// unfilterBridges keeps the rules of the router away from what one host of a LAN sends to another.
func (r *Router) unfilterBridges() {
	const setting = "net.bridge.bridge-nf-call-iptables"
	if _, err := output("", "ip", "netns", "exec", r.namespace, "sysctl", "-n", setting); err == nil {
		r.sysctl(setting + "=0")
	} // else the kernel cannot do such a thing
}

func (n *LAN) attach(to *node, name string) wire {
	r := n.router
	r.lab.t.Helper()
	w := wire{far: r.node, farName: fmt.Sprintf("%s.%d", n.name, n.joined), gateway: n.prefix.Addr()}
	n.joined++
	w.prefix = n.next()
	r.lab.connect(to, name, r.node, w.farName)
	r.ip("link set "+w.farName+" master "+n.name, "link set "+w.farName+" up")
	return w
}

func (n *LAN) lease(*Link) netip.Prefix { return n.next() }

func (n *LAN) next() netip.Prefix {
	n.highest = n.highest.Next()
	if !n.prefix.Contains(n.highest) {
		n.router.lab.t.Fatalf("%v is full", n.prefix)
	}
	return netip.PrefixFrom(n.highest, n.prefix.Bits())
}
