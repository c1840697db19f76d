package conn

import (
	"slices"
	"testing"
	"time"

	pb "github.com/gogns/gns/proto"

	"github.com/gogns/gns/internal/udpwire"
	"github.com/gogns/gns/snp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

func TestHandshake(t *testing.T) {
	p := newPair(t)
	p.run(time.Second)
	require.Equal(t, []Event{{Old: StateNone, New: StateConnecting}, {Old: StateConnecting, New: StateConnected}}, p.clientEvents)
	require.Equal(t, p.clientEvents, p.serverEvents)

	var kinds []udpwire.Kind
	for _, l := range p.trace {
		kinds = append(kinds, l.kind)
	}
	require.Equal(t, []udpwire.Kind{udpwire.KindChallengeRequest, udpwire.KindChallengeReply, udpwire.KindConnectRequest, udpwire.KindConnectOK}, kinds,
		"neither side sends anything merely because it became connected")

	require.Equal(t, "ip:192.0.2.1:40000", p.server.Identity().String(), "an anonymous peer is known by its address")
	require.Equal(t, "ip:192.0.2.2:27015", p.client.Identity().String())
	require.EqualValues(t, 20, p.client.PingMilliseconds(), "round trip of the handshake")
	require.EqualValues(t, 20, p.server.PingMilliseconds(), "the client told its estimate")
	require.EqualValues(t, 2, p.client.snp.NextNumber(), "the handshake was packet 1")
}

// "20 ChallengeRequests 500 ms apart, then ConnectionClosed 5003 without to"
func TestConnectToNobody(t *testing.T) {
	p := newPair(t)
	p.blackhole()
	p.run(11 * time.Second)
	require.Equal(t, StateProblemDetectedLocally, p.client.State())
	requests := p.only(true, udpwire.KindChallengeRequest)
	require.Len(t, requests, 20)
	for i, r := range requests {
		require.Equal(t, time.Duration(i)*500*time.Millisecond, r.at.Sub(testStart))
	}
	reason, _ := p.client.End()
	require.Equal(t, EndMiscTimeout, reason)
	require.Equal(t, 1, p.count(true, udpwire.KindConnectionClosed))
}

// A client that is told to go on, and before it has done so that it is connected, has nothing to ask for any more:
// datagrams that arrive together are read together.
func TestChallengeReplyAndConnectOKArriveTogether(t *testing.T) {
	p := newPair(t)
	var reply []byte
	p.filter = func(pkt *packet) bool {
		switch udpwire.KindOf(pkt.data) {
		case udpwire.KindChallengeReply:
			reply = slices.Clone(pkt.data)
		case udpwire.KindConnectOK:
			p.client.Receive(p.now, reply)
			p.client.Receive(p.now, slices.Clone(pkt.data))
			return false
		}
		return true
	}
	p.run(time.Second)
	require.Equal(t, StateConnected, p.client.State())
	require.Equal(t, StateConnected, p.server.State())
	require.Equal(t, 1, p.count(true, udpwire.KindConnectRequest))
}

// Every message of the handshake may be lost; a retry starts again at the challenge.
func TestHandshakeSurvivesLoss(t *testing.T) {
	for _, kind := range []udpwire.Kind{udpwire.KindChallengeRequest, udpwire.KindChallengeReply, udpwire.KindConnectRequest, udpwire.KindConnectOK} {
		t.Run(kind.String(), func(t *testing.T) {
			p := newPair(t)
			drops := 2
			p.filter = func(pkt *packet) bool {
				if udpwire.KindOf(pkt.data) == kind && drops > 0 {
					drops--
					return false
				}
				return true
			}
			p.run(3 * time.Second)
			require.Zero(t, drops)
			require.Equal(t, StateConnected, p.client.State())
			require.Equal(t, StateConnected, p.server.State())
			require.Equal(t, 3, p.count(true, udpwire.KindChallengeRequest))
			_, err := p.client.Send(p.now, 0, []byte("hello"), snp.SendReliable|snp.SendNoNagle)
			require.NoError(t, err)
			p.run(time.Second)
			require.Len(t, p.serverMsgs, 1)
		})
	}
}

// A lost ConnectOK is repeated with the same keys and timestamp and a larger delay, which is left out
// with the timestamp once it is four seconds old.
func TestConnectOKRepeated(t *testing.T) {
	p := newPair(t)
	var oks []*pb.CMsgSteamSockets_UDP_ConnectOK
	p.filter = func(pkt *packet) bool {
		if udpwire.KindOf(pkt.data) != udpwire.KindConnectOK {
			return true
		}
		var m pb.CMsgSteamSockets_UDP_ConnectOK
		require.NoError(t, udpwire.ParseMessage(pkt.data, udpwire.KindConnectOK, &m))
		oks = append(oks, &m)
		return false
	}
	p.run(6 * time.Second)
	require.Greater(t, len(oks), 8)
	require.Zero(t, oks[0].GetDelayTimeUsec())
	require.NotNil(t, oks[0].YourTimestamp)
	for i, m := range oks[1:] {
		require.True(t, proto.Equal(oks[0].Crypt, m.Crypt))
		require.True(t, proto.Equal(oks[0].Cert, m.Cert))
		if m.YourTimestamp != nil {
			require.Equal(t, oks[0].GetYourTimestamp(), m.GetYourTimestamp())
			require.Greater(t, m.GetDelayTimeUsec(), oks[i].GetDelayTimeUsec())
		}
	}
	last := oks[len(oks)-1]
	require.Nil(t, last.YourTimestamp)
	require.Nil(t, last.DelayTimeUsec)
}

func TestAcceptLate(t *testing.T) {
	p := newPair(t, func(p *pair) { p.autoAccept = false })
	p.run(3 * time.Second)
	require.Equal(t, StateConnecting, p.server.State())
	require.Equal(t, StateConnecting, p.client.State())
	require.NoError(t, p.server.Accept(p.now))
	require.ErrorIs(t, p.server.Accept(p.now), ErrNotConnecting)
	require.ErrorIs(t, p.client.Accept(p.now), ErrNotIncoming)
	p.run(time.Second)
	require.Equal(t, StateConnected, p.client.State())
}

// The application has TimeoutInitial to accept, however often the client asks.
func TestNeverAccepted(t *testing.T) {
	p := newPair(t, func(p *pair) {
		p.autoAccept = false
		p.clientSettings.TimeoutInitial = time.Minute
	})
	p.run(11 * time.Second)
	require.Equal(t, StateProblemDetectedLocally, p.server.State())
	require.Equal(t, StateClosedByPeer, p.client.State())
	reason, text := p.client.End()
	require.Equal(t, EndMiscTimeout, reason)
	require.Contains(t, text, "accept")
}

func TestCipherNegotiation(t *testing.T) {
	const aes, null, fail = 2, 1, 0
	want := [4][4]int{
		{aes, aes, aes, fail},
		{aes, aes, null, null},
		{aes, aes, null, null},
		{fail, null, null, null},
	}
	for client := range int32(4) {
		for server := range int32(4) {
			p := newPair(t, func(p *pair) {
				p.clientSettings.Unencrypted, p.serverSettings.Unencrypted = client, server
				p.autoAccept = false
			})
			p.run(100 * time.Millisecond)
			err := p.server.Accept(p.now)
			p.run(100 * time.Millisecond)
			if want[client][server] == fail {
				require.ErrorIs(t, err, ErrHandshakeFailed)
				require.Equal(t, StateProblemDetectedLocally, p.server.State())
				require.Equal(t, StateClosedByPeer, p.client.State())
				reason, _ := p.client.End()
				require.Equal(t, EndRemoteBadCrypt, reason)
				continue
			}
			require.NoError(t, err)
			require.EqualValues(t, want[client][server], p.client.Cipher(), "client %d server %d", client, server)
			require.Equal(t, p.client.Cipher(), p.server.Cipher())
			_, err = p.client.Send(p.now, 0, []byte("x"), snp.SendReliable)
			require.NoError(t, err)
			p.run(time.Second)
			require.Len(t, p.serverMsgs, 1)
		}
	}
}

func TestChallengeReplyWithBadVersion(t *testing.T) {
	for version, want := range map[uint32]EndReason{0: EndMiscGeneric, 7: EndMiscGeneric, 12: EndRemoteBadVersion} {
		p := newPair(t)
		p.filter = func(pkt *packet) bool {
			if udpwire.KindOf(pkt.data) == udpwire.KindChallengeReply {
				var m pb.CMsgSteamSockets_UDP_ChallengeReply
				require.NoError(t, udpwire.ParseMessage(pkt.data, udpwire.KindChallengeReply, &m))
				m.ProtocolVersion = proto.Uint32(version)
				pkt.data, _ = udpwire.AppendMessage(nil, udpwire.KindChallengeReply, &m)
			}
			return true
		}
		p.run(time.Second)
		reason, _ := p.client.End()
		require.Equal(t, want, reason, "version %d", version)
	}
}

func TestConnectOKNotAcceptable(t *testing.T) {
	for name, test := range map[string]struct {
		change func(m *pb.CMsgSteamSockets_UDP_ConnectOK)
		want   EndReason // 0: ignored
	}{
		"server id with low half zero": {func(m *pb.CMsgSteamSockets_UDP_ConnectOK) { m.ServerConnectionId = proto.Uint32(0x10000) }, EndRemoteBadCrypt},
		"no certificate":               {func(m *pb.CMsgSteamSockets_UDP_ConnectOK) { m.Cert = nil }, EndRemoteBadCrypt},
		"no crypt info":                {func(m *pb.CMsgSteamSockets_UDP_ConnectOK) { m.Crypt = nil }, EndRemoteBadCrypt},
		"signature altered":            {func(m *pb.CMsgSteamSockets_UDP_ConnectOK) { m.Crypt.Signature[5] ^= 1 }, EndRemoteBadCrypt},
		"other client id":              {func(m *pb.CMsgSteamSockets_UDP_ConnectOK) { m.ClientConnectionId = proto.Uint32(5) }, EndInvalid},
		"unreadable identity":          {func(m *pb.CMsgSteamSockets_UDP_ConnectOK) { m.Cert.Cert = []byte{0xff} }, EndInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			p.filter = func(pkt *packet) bool {
				if udpwire.KindOf(pkt.data) == udpwire.KindConnectOK {
					var m pb.CMsgSteamSockets_UDP_ConnectOK
					require.NoError(t, udpwire.ParseMessage(pkt.data, udpwire.KindConnectOK, &m))
					test.change(&m)
					pkt.data, _ = udpwire.AppendMessage(nil, udpwire.KindConnectOK, &m)
				}
				return true
			}
			p.run(time.Second)
			reason, _ := p.client.End()
			require.Equal(t, test.want, reason)
			if test.want == EndInvalid {
				require.Equal(t, StateConnecting, p.client.State())
				return
			}
			require.Equal(t, StateProblemDetectedLocally, p.client.State())
			require.GreaterOrEqual(t, p.count(true, udpwire.KindConnectionClosed), 1, "the server is told")
		})
	}
}

// A request whose credentials are not acceptable is not answered, so that nothing can be learned by
// trying.
func TestServerIsSilentAboutBadCredentials(t *testing.T) {
	p := newPair(t)
	p.filter = func(pkt *packet) bool {
		if udpwire.KindOf(pkt.data) == udpwire.KindConnectRequest {
			var m pb.CMsgSteamSockets_UDP_ConnectRequest
			require.NoError(t, udpwire.ParseMessage(pkt.data, udpwire.KindConnectRequest, &m))
			m.Crypt.Signature[5] ^= 1
			pkt.data, _ = udpwire.AppendMessage(nil, udpwire.KindConnectRequest, &m)
		}
		return true
	}
	p.run(11 * time.Second)
	require.Nil(t, p.server)
	require.Zero(t, p.count(false, udpwire.KindConnectOK)+p.count(false, udpwire.KindConnectionClosed))
	require.EqualValues(t, 20, p.listener.Drops().Refused)
	reason, _ := p.client.End()
	require.Equal(t, EndMiscTimeout, reason)
}

func TestMessagesQueuedWhileConnecting(t *testing.T) {
	p := newPair(t)
	_, err := p.client.Send(p.now, 0, []byte("early"), snp.SendReliable)
	require.NoError(t, err)
	_, err = p.client.Send(p.now, 0, []byte("late is useless"), snp.SendNoDelay)
	require.ErrorIs(t, err, ErrNotYet)
	require.ErrorIs(t, p.client.Flush(p.now), ErrNotYet)
	p.run(time.Second)
	require.Len(t, p.serverMsgs, 1)
	require.Equal(t, "early", string(p.serverMsgs[0].Data))
}

func TestStaleChallengeIsRefused(t *testing.T) {
	p := newPair(t, func(p *pair) { p.latency = 2200 * time.Millisecond })
	p.run(8 * time.Second)
	require.Nil(t, p.server)
	require.NotZero(t, p.listener.Drops().BadChallenge)
}
