package interop

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gogns/gns/interop/peer"
	"github.com/gogns/gns/interop/record"
)

// Kinds of datagrams by their first byte (ESteamNetworkingUDPMsg); data packets have the top bit set.
const (
	challengeRequest = 32
	challengeReply   = 33
	connectRequest   = 34
	connectOK        = 35
	connectionClosed = 36
	dataPacket       = 0x80
)

func isData(p record.Packet) bool { return len(p.Data) > 0 && p.Data[0]&dataPacket != 0 }

// connectThrough establishes a connection whose packets go through a proxy with a rule.
func connectThrough(t *testing.T, server, client *peer.Peer, rule record.Rule, options ...string) (link, *record.Proxy) {
	t.Helper()
	l := server.With(t).Listen(ipv4, options...)
	proxy, err := record.NewProxy(ipv4, l.Addr)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, proxy.Close()) })
	proxy.SetRule(rule)
	out := client.With(t).Connect(proxy.Addr(), options...)
	in := l.Accepted()
	in.WaitState(peer.Connected)
	out.WaitState(peer.Connected)
	return link{listener: l, in: in, out: out}, proxy
}

// loseFirst loses the first datagram of each of the kinds.
func loseFirst(kinds ...byte) record.Rule {
	lost := map[byte]bool{}
	for _, kind := range kinds {
		lost[kind] = false
	}
	return func(p record.Packet) []record.Delivery {
		if done, ok := lost[p.Data[0]]; ok && !done {
			lost[p.Data[0]] = true
			return nil
		}
		return record.Pass(p)
	}
}

// The handshake recovers from the loss of any of its packets.
func TestHandshakePacketLost(t *testing.T) {
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{})
		for _, row := range []struct {
			name  string
			kinds []byte
		}{
			{"none", nil},
			{"ChallengeRequest", []byte{challengeRequest}},
			{"ChallengeReply", []byte{challengeReply}},
			{"ConnectRequest", []byte{connectRequest}},
			{"ConnectOK", []byte{connectOK}},
			{"one of each", []byte{challengeRequest, challengeReply, connectRequest, connectOK}},
		} {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				link, proxy := connectThrough(t, server, client, loseFirst(row.kinds...))
				for _, d := range link.directions() {
					d.from.Send(0, peer.Reliable|peer.NoNagle, []byte("through"))
					require.Equal(t, peer.Sum([]byte("through")), d.to.Next().Sum)
				}
				lost := 0
				for _, packet := range proxy.Sessions()[0] {
					if packet.Fate == record.Dropped {
						lost++
					}
				}
				require.Equal(t, len(row.kinds), lost)
			})
		}
	})
}

// A side whose notice of the close was lost learns of it when it sends something.
func TestCloseNoticeLost(t *testing.T) {
	forPairs(t, func(t *testing.T, p pair) {
		server, client := p.start(t, peer.Options{})
		for i, closer := range []string{"the client", "the listener"} {
			t.Run(closer+" closes", func(t *testing.T) {
				t.Parallel()
				link, _ := connectThrough(t, server, client, loseFirst(connectionClosed))
				d := link.directions()[i]
				d.from.Close(1010, "said twice", false)
				d.to.Send(0, peer.Reliable|peer.NoNagle, []byte("still there?"))
				closed := d.to.WaitState(peer.ClosedByPeer)
				require.Equal(t, 1010, closed.Info.EndReason)
				require.Equal(t, "said twice", closed.Info.EndDebug)
			})
		}
	})
}

// What the path does to datagrams reaches the application only as delay and as loss of unreliable
// messages: nothing is delivered twice, damaged, or out of order, and the connection holds.
func TestHostilePath(t *testing.T) {
	const seed = 1
	batch := peer.Batch{
		Count: 200,
		Seed:  8,
		Sizes: []int{30, 0, 1300, 4000, 500},
		Flags: []int{peer.Reliable, peer.Unreliable, peer.Reliable | peer.NoNagle},
	}
	for _, row := range []struct {
		name string
		rule func(*rand.Rand) record.Rule
	}{
		{"every datagram arrives twice", func(*rand.Rand) record.Rule {
			return func(p record.Packet) []record.Delivery { return append(record.Pass(p), record.Pass(p)...) }
		}},
		{"every datagram is replayed later", func(*rand.Rand) record.Rule {
			return func(p record.Packet) []record.Delivery {
				return append(record.Pass(p), record.Delivery{Data: p.Data, After: 200 * time.Millisecond})
			}
		}},
		{"one data packet in five has a bit flipped", func(random *rand.Rand) record.Rule {
			return func(p record.Packet) []record.Delivery {
				if !isData(p) || random.IntN(5) != 0 {
					return record.Pass(p)
				}
				damaged := append([]byte(nil), p.Data...)
				damaged[random.IntN(len(damaged))] ^= 1 << random.IntN(8)
				return []record.Delivery{{Data: damaged}}
			}
		}},
		{"one data packet in five is cut short", func(random *rand.Rand) record.Rule {
			return func(p record.Packet) []record.Delivery {
				if !isData(p) || random.IntN(5) != 0 {
					return record.Pass(p)
				}
				return []record.Delivery{{Data: p.Data[:random.IntN(len(p.Data))]}}
			}
		}},
		{"noise between the datagrams", func(random *rand.Rand) record.Rule {
			return func(p record.Packet) []record.Delivery {
				noise := make([]byte, random.IntN(1400))
				for i := range noise {
					noise[i] = byte(random.Uint32())
				}
				if len(noise) > 0 && random.IntN(2) == 0 {
					noise[0] = byte(random.IntN(64)) // more often something that looks like a handshake
				}
				return append([]record.Delivery{{Data: noise}}, record.Pass(p)...)
			}
		}},
		{"one datagram in ten is late by up to 40 ms", func(random *rand.Rand) record.Rule {
			return func(p record.Packet) []record.Delivery {
				if random.IntN(10) != 0 {
					return record.Pass(p)
				}
				return []record.Delivery{{Data: p.Data, After: time.Duration(random.IntN(40)) * time.Millisecond}}
			}
		}},
		{"half of the data packets are lost for a while", func(random *rand.Rand) record.Rule {
			return func(p record.Packet) []record.Delivery {
				if isData(p) && p.Index < 300 && random.IntN(2) == 0 {
					return nil
				}
				return record.Pass(p)
			}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			forPairs(t, func(t *testing.T, p pair) {
				server, client := p.start(t, peer.Options{})
				link, _ := connectThrough(t, server, client, row.rule(rand.New(rand.NewPCG(seed, seed))))
				for _, d := range link.directions() {
					d.from.StartBatch(batch)
				}
				for _, d := range link.directions() {
					d.requireDelivered(t, batch, d.from.BatchNumbers(), false)
				}
				link.in.Close(1004, "end", true)
				require.Equal(t, 1004, link.out.WaitState(peer.ClosedByPeer).Info.EndReason)
			})
		})
	}
}
