package conn

import (
	"fmt"
	"testing"
	"time"

	pb "github.com/gogns/gns/proto"

	"github.com/gogns/gns/internal/udpwire"
	"github.com/gogns/gns/snp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

func TestMessagesBothWays(t *testing.T) {
	p := newConnectedPair(t)
	for i := range 100 {
		flags := snp.SendFlags(0)
		if i%2 == 0 {
			flags = snp.SendReliable
		}
		_, err := p.client.Send(p.now, 0, fmt.Appendf(nil, "client %d", i), flags)
		require.NoError(t, err)
		_, err = p.server.Send(p.now, 0, fmt.Appendf(nil, "server %d", i), flags)
		require.NoError(t, err)
	}
	p.run(time.Second)
	require.Len(t, p.serverMsgs, 100)
	require.Len(t, p.clientMsgs, 100)
	for _, test := range []struct {
		from string
		msgs []Message
	}{{"client", p.serverMsgs}, {"server", p.clientMsgs}} {
		lastReliable := int64(0)
		for _, m := range test.msgs {
			require.Equal(t, fmt.Sprintf("%s %d", test.from, m.Number-1), string(m.Data))
			require.Equal(t, m.Number%2 == 1, m.Reliable)
			if m.Reliable {
				require.Greater(t, m.Number, lastReliable)
				lastReliable = m.Number
			}
		}
	}
}

func TestPacketsStayWithinTheMTU(t *testing.T) {
	for _, mtu := range []int{200, 576, 1300} {
		p := newConnectedPair(t, func(p *pair) { p.clientSettings.MTU = mtu; p.clientSettings.SendTimeSincePrevious = 1 })
		_, err := p.client.Send(p.now, 0, make([]byte, 100_000), snp.SendReliable)
		require.NoError(t, err)
		p.run(5 * time.Second)
		require.Len(t, p.serverMsgs, 1)
		biggest := 0
		for _, l := range p.only(true, udpwire.KindData) {
			biggest = max(biggest, l.size)
		}
		require.LessOrEqual(t, biggest, mtu)
		require.Greater(t, biggest, mtu-60, "packets are filled")
	}
}

func TestReplayedAndForgedPackets(t *testing.T) {
	p := newConnectedPair(t)
	var copies [][]byte
	p.filter = func(pkt *packet) bool {
		if pkt.toServer {
			copies = append(copies, append([]byte(nil), pkt.data...))
		}
		return true
	}
	_, err := p.client.Send(p.now, 0, []byte("once"), snp.SendNoNagle)
	require.NoError(t, err)
	p.run(100 * time.Millisecond)
	require.Len(t, p.serverMsgs, 1)
	replay := append([]byte(nil), copies[0]...)
	p.server.Receive(p.now, replay)
	require.EqualValues(t, 1, p.server.dropped().Duplicate)

	_, err = p.client.Send(p.now, 0, []byte("twice"), snp.SendNoNagle)
	require.NoError(t, err)
	p.filter = func(pkt *packet) bool {
		if pkt.toServer {
			pkt.data[len(pkt.data)-1] ^= 1
		}
		return true
	}
	p.run(100 * time.Millisecond)
	require.EqualValues(t, 1, p.server.dropped().Undecryptable)
	p.run(100 * time.Millisecond)
	require.Len(t, p.serverMsgs, 1)
	require.Equal(t, StateConnected, p.server.State())
}

// More than 16,384 packets lost in a row end a connection, because the peer might be somebody else by now.
func TestLurch(t *testing.T) {
	p := newConnectedPair(t)
	for p.client.snp.NextNumber() < 1+0x4000 {
		p.client.appendData(p.now, nil, 0, false, false)
	}
	last := p.client.appendData(p.now, nil, 0, false, false) // 16,384 after the handshake
	other := newConnectedPair(t)
	other.server.Receive(p.now, append([]byte(nil), last...))
	require.Equal(t, StateConnected, other.server.State(), "the keys are the same in every test; this jump is just allowed")

	p.client.appendData(p.now, nil, 0, false, false)
	p.server.Receive(p.now, p.client.appendData(p.now, nil, 0, false, false))
	require.Equal(t, StateProblemDetectedLocally, p.server.State())
	reason, _ := p.server.End()
	require.Equal(t, EndMiscGeneric, reason)
}

// A payload that decrypts and does not parse means that the peer is broken.
func TestMalformedPayloadEndsTheConnection(t *testing.T) {
	p := newConnectedPair(t)
	h := udpwire.DataHeader{To: p.server.ID(), WireNumber: uint16(p.client.snp.NextNumber())}
	b := udpwire.AppendDataHeader(nil, &h)
	require.NoError(t, p.client.unrest())
	b = p.client.seal.Seal(b, []byte{0xff}, int64(p.client.snp.NextNumber()))
	p.server.Receive(p.now, b)
	require.Equal(t, StateProblemDetectedLocally, p.server.State())
	reason, _ := p.server.End()
	require.Equal(t, EndMiscInternalError, reason)
	p.run(100 * time.Millisecond)
	reason, _ = p.client.End()
	require.Equal(t, EndMiscInternalError, reason)
}

func TestBadStatsDropThePacket(t *testing.T) {
	p := newConnectedPair(t)
	p.filter = func(pkt *packet) bool {
		var h udpwire.DataHeader
		chunk, ok := udpwire.ParseDataHeader(pkt.data, &h)
		if ok && pkt.toServer {
			h.Stats = []byte{0xff}
			pkt.data = append(udpwire.AppendDataHeader(nil, &h), chunk...)
		}
		return true
	}
	_, err := p.client.Send(p.now, 0, []byte("x"), snp.SendNoNagle)
	require.NoError(t, err)
	p.run(20 * time.Millisecond)
	require.Empty(t, p.serverMsgs)
	require.NotZero(t, p.server.dropped().Malformed)
}

// "SendTimeSincePreviousPacket = 1, gaps 10, 240, 300 ms: 0x82 with gap/16 µs; absent on the first and
// after 300 ms"
func TestTimeSincePrevious(t *testing.T) {
	p := newConnectedPair(t, func(p *pair) { p.clientSettings.SendTimeSincePrevious = 1 })
	var got []time.Duration
	p.filter = func(pkt *packet) bool {
		var h udpwire.DataHeader
		_, ok := udpwire.ParseDataHeader(pkt.data, &h)
		require.True(t, ok)
		if pkt.toServer {
			d := time.Duration(-1)
			if h.HasSince {
				d = h.SincePrevious
			}
			got = append(got, d)
		}
		return true
	}
	for _, gap := range []time.Duration{0, 10, 240, 300} {
		p.run(gap * time.Millisecond)
		_, err := p.client.Send(p.now, 0, []byte("x"), snp.SendNoNagle)
		require.NoError(t, err)
		p.run(0)
	}
	require.Equal(t, []time.Duration{-1, 10 * time.Millisecond, 240 * time.Millisecond, -1}, got)
}

// "10 pkt/s for 45 s: instantaneous at 20.0 s and 40.1 s"
func TestInstantaneousStatistics(t *testing.T) {
	p := newConnectedPair(t)
	for range 450 {
		_, err := p.client.Send(p.now, 0, []byte("x"), snp.SendNoNagle)
		require.NoError(t, err)
		p.run(100 * time.Millisecond)
	}
	var at []float64
	for _, l := range p.only(true, udpwire.KindData) {
		var m pb.CMsgSteamSockets_UDP_Stats
		require.NoError(t, proto.Unmarshal(l.stats, &m))
		if s := m.GetStats().GetInstantaneous(); s != nil {
			at = append(at, l.at.Sub(testStart).Seconds())
			require.InDelta(t, 100, s.GetOutPacketsPerSecX10(), 5)
			require.Nil(t, m.Flags, "statistics imply the ack request")
		}
	}
	require.Len(t, at, 2)
	require.InDelta(t, 20.0, at[0], 0.3)
	require.InDelta(t, 40.1, at[1], 0.4)
	st := p.server.Status(p.now)
	require.InDelta(t, 1, st.QualityLocal, 0.01)
	require.InDelta(t, 1, p.client.Status(p.now).QualityRemote, 0.01, "who only receives reports too")
	require.EqualValues(t, 20, st.PingMs)
}

func TestLifetimeStatistics(t *testing.T) {
	p := newConnectedPair(t)
	seen := false
	for range 1300 {
		_, err := p.client.Send(p.now, 0, []byte("x"), snp.SendNoNagle)
		require.NoError(t, err)
		p.run(100 * time.Millisecond)
		if p.server.stats.remoteLifetime != nil && !seen {
			seen = true
			require.InDelta(t, 120, p.now.Sub(testStart).Seconds(), 2)
		}
	}
	require.True(t, seen)
	require.InDelta(t, 1200, p.server.stats.remoteLifetime.what.SentPackets, 20)
}

// An application that does not read stalls the sender, and nothing that was acknowledged is lost.
func TestBackPressure(t *testing.T) {
	p := newConnectedPair(t, func(p *pair) { p.serverSettings.SNP.RecvBufferMessages = 10; p.holdServerMs = true })
	for i := range 100 {
		_, err := p.client.Send(p.now, 0, fmt.Appendf(nil, "%d", i), snp.SendReliable)
		require.NoError(t, err)
	}
	p.run(3 * time.Second)
	require.Len(t, p.serverMsgs, 10)
	require.Equal(t, StateConnected, p.client.State())
	taken := 0
	for len(p.serverMsgs) < 100 {
		n := len(p.serverMsgs) - taken
		require.NotZero(t, n)
		taken += n
		bytes := 0
		for _, m := range p.serverMsgs[taken-n:] {
			bytes += len(m.Data)
		}
		p.server.Consumed(p.now, n, bytes)
		p.run(2 * time.Second)
	}
	for i, m := range p.serverMsgs {
		require.Equal(t, fmt.Sprint(i), string(m.Data))
	}
}

func TestPacketPathAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	p := newConnectedPair(t)
	fast := *p.client.set
	fast.SNP.SendRateMin, fast.SNP.SendRateMax = 100<<20, 100<<20
	p.client.Configure(p.now, fast)
	message := make([]byte, 1000)
	buf := make([]byte, 0, udpwire.MaxDatagram)
	var msgs []Message
	step := func() {
		p.now += 1_000_000
		if _, err := p.client.Send(p.now, 0, message, snp.SendReliable|snp.SendNoNagle); err != nil {
			panic(err)
		}
		for range 4 {
			for {
				b, ok := p.client.AppendPacket(p.now, buf)
				if !ok {
					break
				}
				p.server.Receive(p.now, b)
			}
			p.server.Advance(p.now)
			for {
				b, ok := p.server.AppendPacket(p.now, buf)
				if !ok {
					break
				}
				p.client.Receive(p.now, b)
			}
			p.client.Advance(p.now)
		}
		msgs = p.server.NextMessages(msgs[:0])
		for _, m := range msgs {
			p.server.Consumed(p.now, 1, len(m.Data))
			m.Release()
		}
	}
	for range 3000 {
		step()
	}
	require.Zero(t, testing.AllocsPerRun(2000, step))
}
