package gns

import (
	"net/netip"

	"github.com/gogns/gns/internal/conn"
	"github.com/gogns/gns/internal/udpwire"
)

// peerTable finds the connection that a datagram is for. The address that it came from says so, unless
// several connections share a socket at the other end (Options.SharedSockets there or here): then it is the
// connection ID. Valve's library knows addresses only.
type peerTable struct {
	byAddr map[netip.AddrPort]*connection
	crowds map[netip.AddrPort]*crowd // of addresses with more than one; byAddr has any of them
}

// crowd is several connections with peers at one address.
type crowd struct {
	byID   map[uint32]*connection // by the ID that this side gave
	theirs map[uint32]*connection // by that of the peer, for incoming connections: a client that starts over names no other
}

// count returns the number of addresses.
func (t *peerTable) count() int { return len(t.byAddr) }

// at returns how many connections there are with an address.
func (t *peerTable) at(addr netip.AddrPort) int {
	switch {
	case t.byAddr[addr] == nil:
		return 0
	case t.crowds[addr] == nil:
		return 1
	}
	return len(t.crowds[addr].byID)
}

func (t *peerTable) add(c *connection) {
	if t.byAddr == nil {
		t.byAddr = make(map[netip.AddrPort]*connection)
	}
	first := t.byAddr[c.remote]
	if first == nil {
		t.byAddr[c.remote] = c
		return
	}
	all := t.crowds[c.remote]
	if all == nil {
		all = &crowd{byID: make(map[uint32]*connection), theirs: make(map[uint32]*connection)}
		if t.crowds == nil {
			t.crowds = make(map[netip.AddrPort]*crowd)
		}
		t.crowds[c.remote] = all
		all.add(first)
	}
	all.add(c)
}

func (all *crowd) add(c *connection) {
	all.byID[uint32(c.handle)] = c
	if id := c.askedWith(); id != 0 {
		all.theirs[id] = c
	}
}

// remove takes c out. It reports whether that was the last connection with its address.
func (t *peerTable) remove(c *connection) (last bool) {
	all := t.crowds[c.remote]
	if all == nil {
		if t.byAddr[c.remote] != c {
			return false
		}
		delete(t.byAddr, c.remote)
		return true
	}
	delete(all.byID, uint32(c.handle))
	if id := c.askedWith(); all.theirs[id] == c {
		delete(all.theirs, id)
	}
	for _, other := range all.byID {
		t.byAddr[c.remote] = other
		break
	}
	if len(all.byID) <= 1 {
		delete(t.crowds, c.remote)
	}
	return false
}

// find returns the connection that a datagram is for. It is nil for an unknown address, and for a client that asks to be
// connected from an address from which others are.
func (t *peerTable) find(from netip.AddrPort, datagram []byte) *connection {
	c := t.byAddr[from]
	if c == nil {
		return nil
	}
	if all := t.crowds[from]; all != nil {
		return all.find(datagram)
	}
	if c.listen == nil {
		return c
	}
	switch udpwire.KindOf(datagram) {
	case udpwire.KindChallengeRequest, udpwire.KindConnectRequest:
		if _, id := udpwire.ConnectionIDs(datagram); id != 0 && id != c.askedWith() {
			return nil
		}
	}
	return c
}

// find may return nil also for a datagram of a connection that is gone.
func (all *crowd) find(datagram []byte) *connection {
	to, from := udpwire.ConnectionIDs(datagram)
	if to != 0 {
		return all.byID[to]
	}
	return all.theirs[from]
}

// askedWith returns the connection ID with which the peer asked to be connected; 0 for other than incoming
// connections. It does not change.
func (c *connection) askedWith() uint32 {
	core, ok := c.core.(*conn.Conn)
	if !ok || c.listen == nil {
		return 0
	}
	return core.RemoteID()
}
