//go:build linux

package natlab

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/stretchr/testify/require"
)

// internetRules let private addresses lead nowhere, without anybody being told, as they do where networks of different
// owners meet. Chains are where Watch and Lose put their rules.
const internetRules = `
table ip internet {
	set private {
		type ipv4_addr
		flags interval
		elements = { 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10 }
	}
	chain watched {
	}
	chain impairment {
	}
	chain forward {
		type filter hook forward priority filter; policy accept
		ip saddr @private drop
		ip daddr @private drop
		jump watched
		jump impairment
	}
}
`

// publicBits is the size of the networks that sites get: the site and a router of the internet are in it.
const publicBits = 30

// Lose makes the internet lose so many of a hundred datagrams; 0 ends it. It does not touch TCP, whose delays would be another test's.
func (l *Lab) Lose(percent int) {
	l.t.Helper()
	l.core.nft("flush chain ip internet impairment\n")
	if percent > 0 {
		l.core.nft(fmt.Sprintf("add rule ip internet impairment meta l4proto udp numgen random mod 100 <= %d drop\n", percent-1))
	}
}

// Watch begins to count what goes from one public address to another, and from there to the first.
func (l *Lab) Watch(a, b netip.Addr) {
	l.t.Helper()
	l.core.nft(fmt.Sprintf("add rule ip internet watched ip saddr { %v, %v } ip daddr { %v, %v } counter\n", a, b, a, b))
}

// Watched returns how many packets went there since Watch, which has been called once.
func (l *Lab) Watched() (packets int) {
	l.t.Helper()
	out, err := output("", "ip", "netns", "exec", l.core.namespace, "nft", "list", "chain", "ip", "internet", "watched")
	require.NoError(l.t, err, out)
	_, count, found := strings.Cut(out, "counter packets ")
	require.True(l.t, found, out)
	_, err = fmt.Sscan(count, &packets)
	require.NoError(l.t, err, out)
	return packets
}

// Internet is the network of public addresses. Each who joins it gets another of 198.51.100.0/24.
func (l *Lab) Internet() Network { return internet{l} }

type internet struct{ lab *Lab }

func (i internet) attach(n *node, name string) wire {
	l := i.lab
	l.t.Helper()
	l.sites++
	base := 4 * l.sites
	if base > 252 {
		l.t.Fatal("no public addresses are left")
	}
	gateway := netip.AddrFrom4([4]byte{198, 51, 100, byte(base + 1)})
	w := wire{
		far:     l.core,
		farName: fmt.Sprintf("site%d", l.sites),
		prefix:  netip.PrefixFrom(gateway.Next(), publicBits),
		gateway: gateway,
	}
	l.connect(n, name, l.core, w.farName)
	l.core.ip(fmt.Sprintf("address add %v dev %s", netip.PrefixFrom(gateway, publicBits), w.farName),
		"link set "+w.farName+" up")
	return w
}

func (i internet) lease(l *Link) netip.Prefix {
	i.lab.t.Fatalf("%v: there is one public address per site", l)
	return netip.Prefix{}
}

// connect makes a cable between two nodes.
func (l *Lab) connect(a *node, nameA string, b *node, nameB string) {
	l.t.Helper()
	l.run("", "ip", "link", "add", nameA, "netns", a.namespace, "type", "veth",
		"peer", "name", nameB, "netns", b.namespace)
}
