//go:build linux

package natlab

import (
	"fmt"
	"net/netip"
)

// Link is an interface of a host.
type Link struct {
	Name    string
	host    *Host
	network Network
	index   int  // among those of the host
	ruled   bool // there is a rule for what comes from the address
	wire
}

// Addr is its address, or the one that it had.
func (l *Link) Addr() netip.Addr { return l.prefix.Addr() }

// String returns host and interface.
func (l *Link) String() string { return l.host.name + "/" + l.Name }

// Down switches the interface off, as an administrator does. Its routes go, its address stays.
func (l *Link) Down() {
	l.host.lab.t.Helper()
	l.host.ip("link set " + l.Name + " down")
}

// Up ends Down.
func (l *Link) Up() {
	l.host.lab.t.Helper()
	l.up()
	l.route()
}

// Unplug breaks the cable: the interface keeps address and routes, and nothing gets through.
func (l *Link) Unplug() {
	l.host.lab.t.Helper()
	l.far.ip("link set " + l.farName + " down")
}

// Plug ends Unplug.
func (l *Link) Plug() {
	l.host.lab.t.Helper()
	l.far.ip("link set " + l.farName + " up")
}

// Remove removes the interface from the host, as one that is pulled out of it.
func (l *Link) Remove() {
	l.host.lab.t.Helper()
	l.host.ip("link delete " + l.Name)
	l.unrule()
}

// DropAddress takes the address away from the interface, which stays up.
func (l *Link) DropAddress() {
	l.host.lab.t.Helper()
	l.host.ip(fmt.Sprintf("address delete %v dev %s", l.prefix, l.Name))
	l.unrule()
}

// Renumber gives the interface another address of its network, in place of the one that it has or had.
func (l *Link) Renumber() {
	l.host.lab.t.Helper()
	l.host.ip("address flush dev " + l.Name)
	l.unrule()
	l.prefix = l.network.lease(l)
	l.host.ip(fmt.Sprintf("address add %v dev %s", l.prefix, l.Name))
	l.route()
}

func (l *Link) up() {
	l.host.ip("link set " + l.Name + " up")
}

// route sets the routes: the default one, worse than those of earlier interfaces, and the one for what comes from this address.
func (l *Link) route() {
	table := 100 + l.index
	l.host.ip(
		fmt.Sprintf("route replace default via %v dev %s metric %d", l.gateway, l.Name, table),
		fmt.Sprintf("route replace default via %v dev %s table %d", l.gateway, l.Name, table),
		fmt.Sprintf("route replace %v dev %s table %d", l.prefix.Masked(), l.Name, table),
	)
	l.unrule()
	l.host.ip(fmt.Sprintf("rule add from %v table %d priority %d", l.Addr(), table, table))
	l.ruled = true
}

// unrule removes the rule for what comes from the address, if there is one.
func (l *Link) unrule() {
	if l.ruled {
		l.host.ip(fmt.Sprintf("rule delete priority %d", 100+l.index))
	}
	l.ruled = false
}
