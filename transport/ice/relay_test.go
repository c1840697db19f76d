package ice

import (
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v4"
	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/p2p"
	"github.com/gogns/gns/transport/udp"
)

// openRelay is a TURN server that wants no credentials and knows two requests. What the client wants to send, it tells.
func openRelay(t *testing.T, m *machine, at string, sent chan<- string) *memSocket {
	sock, err := m.listen(addrPort(at))
	require.NoError(t, err)
	go func() {
		var b udp.Batch
		for sock.ReadBatch(&b) == nil {
			for _, d := range b.Datagrams {
				msg := &stun.Message{Raw: append([]byte(nil), d.Data...)}
				if msg.Decode() != nil || msg.Type.Class != stun.ClassRequest {
					if data, err := msg.Get(stun.AttrData); err == nil {
						sent <- string(data)
					}
					continue
				}
				answer := []stun.Setter{stun.NewTransactionIDSetter(msg.TransactionID),
					stun.NewType(msg.Type.Method, stun.ClassSuccessResponse),
					stun.RawAttribute{Type: stun.AttrLifetime, Value: []byte{0, 0, 2, 88}}}
				if msg.Type.Method == stun.MethodAllocate {
					answer = append(answer, relayedAddress{netip.AddrPortFrom(addrPort(at).Addr(), 7777)})
				}
				_, _ = sock.WriteBatch([]udp.Datagram{{Addr: d.Addr, Data: stun.MustBuild(answer...).Raw}})
			}
		}
	}()
	return sock.(*memSocket)
}

type relayedAddress struct{ netip.AddrPort }

func (a relayedAddress) AddTo(m *stun.Message) error {
	x := stun.XORMappedAddress{IP: net.IP(a.Addr().AsSlice()), Port: int(a.Port())}
	return x.AddToAs(m, stun.AttrXORRelayedAddress)
}

func TestRelayWithoutCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		sent := make(chan string, 100)
		defer openRelay(t, w.machine(w.internet, "198.51.100.2/24"), turnAt, sent).Close()
		a := newPeer(t, "alice", w.machine(w.internet, "192.0.2.1/24"),
			setup{tell: p2p.CandidateRelay, turn: []p2p.TURNServer{{Address: turnAt}}})
		defer a.Close()
		require.Equal(t, []string{"198.51.100.2 relay"}, toldAbout(a))
		require.NoError(t, a.Start(true, "peer", "pw"))
		require.NoError(t, a.AddCandidate("candidate:1 1 udp 1 203.0.113.1 5000 typ host"))
		require.True(t, isSTUN([]byte(<-sent)), "checks go through it")
	})
}

// A datagram that is too long must not end reading.
func TestRelayGoesOnAfterLongDatagram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		sent := make(chan string, 100)
		relay := openRelay(t, w.machine(w.internet, "198.51.100.2/24"), turnAt, sent)
		defer relay.Close()
		a := newPeer(t, "alice", w.machine(w.internet, "192.0.2.1/24"),
			setup{tell: p2p.CandidateRelay, turn: []p2p.TURNServer{{Address: turnAt}}})
		defer a.Close()
		toldAbout(a)
		for _, size := range []int{udp.BufferSize + 1, 100} {
			msg := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodData, stun.ClassIndication),
				peerAddress{addrPort("203.0.113.1:5000")}, stun.RawAttribute{Type: stun.AttrData, Value: make([]byte, size)})
			for at := range w.relayClients(relay) {
				_, _ = relay.WriteBatch([]udp.Datagram{{Addr: at, Data: msg.Raw}})
			}
		}
		synctest.Wait()
		require.Equal(t, uint64(2), a.Agent.(*agent).dropped.Load(), "the second one was read too, and was nobody's")
	})
}

// relayClients returns the addresses of all sockets but the server's.
func (w *world) relayClients(server *memSocket) map[netip.AddrPort]bool {
	clients := make(map[netip.AddrPort]bool)
	for _, at := range w.open() {
		if at != server.LocalAddr() {
			clients[at] = true
		}
	}
	return clients
}

type peerAddress struct{ netip.AddrPort }

func (a peerAddress) AddTo(m *stun.Message) error {
	x := stun.XORMappedAddress{IP: net.IP(a.Addr().AsSlice()), Port: int(a.Port())}
	return x.AddToAs(m, stun.AttrXORPeerAddress)
}

func TestRelayIsNotAskedForInternalAddresses(t *testing.T) {
	for server, want := range map[string]bool{"198.51.100.2": false, "10.9.9.9": true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			sent := make(chan string, 100)
			defer openRelay(t, w.machine(w.internet, server+"/24"), server+":3478", sent).Close()
			a := newPeer(t, "alice", w.machine(w.internet, "192.0.2.1/24"),
				setup{tell: p2p.CandidateRelay, turn: []p2p.TURNServer{{Address: server + ":3478"}}})
			defer a.Close()
			toldAbout(a)
			require.NoError(t, a.Start(true, "peer", "pw"))
			for _, ip := range []string{"10.0.0.1", "192.168.1.1", "fd00::1", "169.254.1.1"} {
				require.NoError(t, a.AddCandidate("candidate:1 1 udp 1 "+ip+" 5000 typ host"))
			}
			time.Sleep(time.Second) // of virtual time
			require.Equal(t, want, len(sent) > 0)
		})
	}
}
