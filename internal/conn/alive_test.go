package conn

import (
	"testing"
	"time"

	pb "github.com/gogns/gns/proto"

	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/udpwire"
	"github.com/gogns/gns/snp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// statsFlags returns the request flags of a traced data packet.
func statsFlags(t *testing.T, l traced) uint32 {
	var m pb.CMsgSteamSockets_UDP_Stats
	require.NoError(t, proto.Unmarshal(l.stats, &m))
	return m.GetFlags()
}

// "every ≈ 10.05 s one side sends flags 2, the other answers 50 ms later (itself carrying flags 2
// because its tracer is overdue), the first acks 50 ms later"
func TestIdleLink(t *testing.T) {
	p := newConnectedPair(t)
	p.run(45 * time.Second)
	require.Equal(t, StateConnected, p.client.State())
	require.Equal(t, StateConnected, p.server.State())
	packets := len(p.trace)
	require.InDelta(t, 12, packets, 4, "three packets every ten seconds")
	first := p.trace[0]
	require.InDelta(t, 10, first.at.Sub(testStart).Seconds(), 0.2)
	require.EqualValues(t, flagAckRequest, statsFlags(t, first))
	answer := p.trace[1]
	require.NotEqual(t, first.toServer, answer.toServer)
	require.InDelta(t, 0.06, answer.at.Sub(first.at).Seconds(), 0.002, "delayed ack after the latency")
	for _, l := range p.trace {
		require.Equal(t, udpwire.KindData, l.kind)
	}
}

// Measured against Valve's library, from the last packet received: 20.5 s on an idle link, 17.2 s for
// an unreliable sender, 10.5 s with reliable data in flight.
func TestVanishedPeer(t *testing.T) {
	for _, test := range []struct {
		name string
		send snp.SendFlags
		each time.Duration
		want float64
	}{
		{"idle", 0, 0, 20.5},
		{"unreliable only", snp.SendNoNagle, 100 * time.Millisecond, 17.2},
		{"reliable in flight", snp.SendReliable | snp.SendNoNagle, 0, 10.5},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newConnectedPair(t, func(p *pair) { p.latency = time.Microsecond })
			p.blackhole()
			heard := p.client.alive.lastReceived
			if test.send&snp.SendReliable != 0 {
				_, err := p.client.Send(p.now, 0, []byte("x"), test.send)
				require.NoError(t, err)
				heard = p.now
			}
			for p.client.State() == StateConnected && p.now.Sub(heard) < time.Minute {
				if test.each > 0 {
					_, err := p.client.Send(p.now, 0, []byte("x"), test.send)
					require.NoError(t, err)
					p.run(test.each)
				} else {
					p.run(10 * time.Millisecond)
				}
			}
			require.Equal(t, StateProblemDetectedLocally, p.client.State())
			reason, _ := p.client.End()
			require.Equal(t, EndMiscTimeout, reason)
			require.InDelta(t, test.want, p.now.Sub(heard).Seconds(), 0.5)

			urgent := 0
			var last mono.Time
			for _, l := range p.only(true, udpwire.KindData) {
				if statsFlags(t, l)&flagAckRequestImmediate != 0 {
					urgent++
					if test.each == 0 && last != 0 {
						require.LessOrEqual(t, l.at.Sub(last), 210*time.Millisecond)
					}
					last = l.at
				}
			}
			require.InDelta(t, 50, urgent, 6, "an immediate reply is asked for every 200 ms, and no more often")
		})
	}
}

// A short TimeoutConnected is of use on an idle link too, because the link is then probed sooner.
func TestShortTimeoutConnectedOnIdleLink(t *testing.T) {
	p := newConnectedPair(t, func(p *pair) { p.clientSettings.TimeoutConnected = 2 * time.Second })
	heard := p.client.alive.lastReceived
	p.blackhole()
	p.runUntil(10*time.Second, func() bool { return p.client.State() != StateConnected })
	require.Less(t, p.now.Sub(heard), 6*time.Second)
}

// Junk from the peer's address does not keep a dead link alive, though it does with Valve's library.
func TestJunkDoesNotKeepADeadLinkAlive(t *testing.T) {
	p := newConnectedPair(t)
	p.blackhole()
	_, err := p.client.Send(p.now, 0, []byte("x"), snp.SendReliable)
	require.NoError(t, err)
	start := p.now
	for p.client.State() == StateConnected && p.now.Sub(start) < time.Minute {
		p.client.Receive(p.now, []byte{5, 0, 0, 0, 0})
		p.client.Receive(p.now, []byte{34, 1, 2, 3, 4})
		p.client.Receive(p.now, []byte{0x80, byte(p.client.ID()), byte(p.client.ID() >> 8), byte(p.client.ID() >> 16), byte(p.client.ID() >> 24), 7, 0, 1, 2, 3})
		p.run(100 * time.Millisecond)
	}
	require.Less(t, p.now.Sub(start), 12*time.Second)
}

func TestAckRequests(t *testing.T) {
	for _, test := range []struct {
		blob []byte
		want time.Duration // negative: no reply
	}{
		{[]byte{0x18, 2}, delayedAck},
		{[]byte{0x18, 6}, 0},
		{[]byte{0x18, 4}, -1},
		{[]byte{}, -1},
		{[]byte{0x0a, 0}, delayedAck}, // empty stats imply an ack request
	} {
		p := newConnectedPair(t)
		h := udpwire.DataHeader{To: p.server.ID(), WireNumber: uint16(p.client.snp.NextNumber()), Stats: test.blob}
		b := udpwire.AppendDataHeader(nil, &h)
		body := len(b)
		b, info := p.client.snp.AppendPacket(p.now, b, 100)
		require.NoError(t, p.client.unrest())
		b = p.client.seal.Seal(b[:body], b[body:], int64(info.Number))
		p.server.Receive(p.now, b)
		sent := p.now
		p.run(300 * time.Millisecond)
		if test.want < 0 {
			require.Empty(t, p.trace, "%x", test.blob)
			continue
		}
		require.NotEmpty(t, p.trace, "%x", test.blob)
		require.Equal(t, test.want, p.trace[0].at.Sub(sent), "%x", test.blob)
	}
}

// "60 wrong-id data packets in 0.6 s: 3 NoConnection, 250 ms apart, from only"
func TestWrongIDIsAnsweredSparingly(t *testing.T) {
	p := newConnectedPair(t)
	for range 60 {
		p.client.Receive(p.now, []byte{0x80, 1, 2, 3, 4, 0, 0, 9, 9})
		p.run(10 * time.Millisecond)
	}
	replies := p.only(true, udpwire.KindNoConnection)
	require.Len(t, replies, 3)
	require.GreaterOrEqual(t, replies[1].at.Sub(replies[0].at), 250*time.Millisecond)
	require.EqualValues(t, 57, p.client.dropped().LimitedReply)
}

// TestGapsOfSparseFlows: the report of a gap that leaves a hole in the peer's messages asks for an answer at once. Whether
// the peer gives one says nothing about its health.
func TestGapsOfSparseFlows(t *testing.T) {
	p := newConnectedPair(t)
	say := func(text string) {
		_, err := p.client.Send(p.now, 0, []byte(text), snp.SendReliable|snp.SendNoNagle)
		require.NoError(t, err)
		p.run(30 * time.Millisecond)
	}
	say("one")
	p.filter = func(pkt *packet) bool { return !pkt.toServer }
	say("two")
	p.trace = nil
	p.filter = func(pkt *packet) bool { return pkt.toServer } // nor do reports arrive
	say("three")
	require.Len(t, p.serverMsgs, 1)
	var asked []traced
	for _, l := range p.only(false, udpwire.KindData) {
		if statsFlags(t, l) == flagAckRequest|flagAckRequestImmediate {
			asked = append(asked, l)
		}
	}
	require.GreaterOrEqual(t, len(asked), 2)
	require.Zero(t, p.server.alive.lastUrgent)
	require.Zero(t, p.server.alive.timeouts)

	p.filter = nil
	p.run(time.Second)
	require.Len(t, p.serverMsgs, 3)
}
