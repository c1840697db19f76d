//go:build linux

package natlab

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"syscall"
	"time"
)

// Network is what a host can have an interface on: the internet, or a LAN.
type Network interface {
	// attach connects a node by an interface of that name, which has no address yet and is down.
	attach(n *node, name string) wire
	// lease returns another address for an interface that has one.
	lease(*Link) netip.Prefix
}

// wire is what connects an interface.
type wire struct {
	far     *node
	farName string
	prefix  netip.Prefix // address of the interface and network
	gateway netip.Addr
}

// Host is a machine on which programs run.
type Host struct {
	*node
	Links []*Link
}

// Host makes a host with an interface on each of some networks. It prefers the first for packets that do not come from the
// address of another; such packets leave by the interface that has it.
func (l *Lab) Host(name string, networks ...Network) *Host {
	l.t.Helper()
	h := &Host{node: l.node(name)}
	for _, network := range networks {
		h.Join(network)
	}
	return h
}

// Join adds an interface, which is preferred to none of those that the host has.
func (h *Host) Join(network Network) *Link {
	h.lab.t.Helper()
	l := &Link{host: h, network: network, index: len(h.Links)}
	l.Name = fmt.Sprintf("eth%d", l.index)
	l.wire = network.attach(h.node, l.Name)
	h.Links = append(h.Links, l)
	l.up()
	h.ip(fmt.Sprintf("address add %v dev %s", l.prefix, l.Name))
	l.route()
	return l
}

// Addr is the address of the first interface.
func (h *Host) Addr() netip.Addr { return h.Links[0].Addr() }

// AddAddress gives the first interface a further public address.
func (h *Host) AddAddress(addr netip.Addr) {
	h.lab.t.Helper()
	l := h.Links[0]
	h.ip(fmt.Sprintf("address add %v/32 dev %s", addr, l.Name))
	l.far.ip(fmt.Sprintf("route add %v via %v", addr, l.Addr()))
}

// Command prepares a program that runs on the host, and is killed when ctx is done or when this process dies.
func (h *Host) Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", h.namespace, program}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	return cmd
}
