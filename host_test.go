package gns_test

import (
	"net/netip"
	"testing/synctest"
	"time"

	"github.com/gogns/gns"
	"github.com/gogns/gns/internal/simudp"
	"github.com/stretchr/testify/require"
)

// host is a Sockets with a listen socket that accepts everybody, polled by hand.
type host struct {
	*gns.Sockets
	w       *world
	m       *simudp.Machine
	listen  gns.ListenSocket
	events  []gns.ConnectionStatusChanged
	arrived []gns.Connection
	clients []*simudp.Machine
	group   gns.PollGroup // incoming connections enter it before they are accepted
	wait    bool          // they are not accepted
}

func (w *world) host(opts gns.Options) *host {
	w.t.Helper()
	h := &host{w: w, m: w.machine()}
	h.Sockets = w.open(h.m, opts)
	var err error
	h.listen, err = h.CreateListenSocketIP(portOf(h.m))
	require.NoError(w.t, err)
	h.OnConnectionStatusChanged(func(e gns.ConnectionStatusChanged) {
		h.events = append(h.events, e)
		if e.Info.State == gns.StateConnecting && e.Info.ListenSocket != 0 {
			h.arrived = append(h.arrived, e.Conn)
			if h.group != 0 {
				require.NoError(w.t, h.SetConnectionPollGroup(e.Conn, h.group))
			}
			if !h.wait {
				require.NoError(w.t, h.AcceptConnection(e.Conn))
			}
		}
	})
	return h
}

// portOf is port 27015 of a machine.
func portOf(m *simudp.Machine) netip.AddrPort { return netip.AddrPortFrom(m.Addr(), 27015) }

// connect makes a connection from a machine of its own, and returns both ends.
func (h *host) connect() (client *gns.Sockets, cc, sc gns.Connection) {
	h.w.t.Helper()
	m := h.w.machine()
	h.clients = append(h.clients, m)
	client = h.w.open(m, gns.Options{})
	cc, err := client.ConnectByIPAddress(portOf(h.m))
	require.NoError(h.w.t, err)
	h.settle()
	require.NotEmpty(h.w.t, h.arrived)
	return client, cc, h.arrived[len(h.arrived)-1]
}

// settle lets everything happen that is on its way, callbacks included.
func (h *host) settle() {
	for range 10 {
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
		h.RunCallbacks()
	}
}

func texts(messages []*gns.Message) (all []string) {
	for _, m := range messages {
		all = append(all, string(m.Data))
		m.Release()
	}
	return all
}

// poll receives what is in a group.
func (h *host) poll(g gns.PollGroup, limit int) []string {
	h.w.t.Helper()
	dst := make([]*gns.Message, limit)
	n, err := h.ReceiveMessagesOnPollGroup(g, dst)
	require.NoError(h.w.t, err)
	return texts(dst[:n])
}

// read receives what is on a connection.
func (h *host) read(c gns.Connection, limit int) []string {
	h.w.t.Helper()
	dst := make([]*gns.Message, limit)
	n, err := h.ReceiveMessagesOnConnection(c, dst)
	require.NoError(h.w.t, err)
	return texts(dst[:n])
}
