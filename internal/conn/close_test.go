package conn

import (
	"bytes"
	"strings"
	"testing"
	"time"

	pb "github.com/gogns/gns/proto"

	"github.com/gogns/gns/internal/udpwire"
	"github.com/gogns/gns/snp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

func TestCloseFromEitherSide(t *testing.T) {
	for _, byServer := range []bool{false, true} {
		p := newConnectedPair(t)
		closer, other := p.client, p.server
		if byServer {
			closer, other = other, closer
		}
		require.NoError(t, closer.Close(p.now, 1234, "good bye", false))
		require.ErrorIs(t, closer.Close(p.now, 0, "", false), ErrClosed)
		p.run(time.Second)
		require.Equal(t, StateFinWait, closer.State())
		require.Equal(t, StateClosedByPeer, other.State())
		reason, text := other.End()
		require.EqualValues(t, 1234, reason)
		require.Equal(t, "good bye", text)
		require.Equal(t, 1, p.count(!byServer, udpwire.KindConnectionClosed), "answered, so not repeated")
		require.Equal(t, 1, p.count(byServer, udpwire.KindNoConnection))

		require.NoError(t, other.Close(p.now, 1999, "ignored", false), "the peer's reason stays")
		reason, text = other.End()
		require.EqualValues(t, 1234, reason)
		require.Equal(t, "good bye", text)
		p.run(6 * time.Second)
		require.Equal(t, StateDead, closer.State())
		require.Equal(t, StateDead, other.State())
	}
}

func TestCloseReasons(t *testing.T) {
	for _, test := range []struct {
		reason    EndReason
		debug     string
		want      EndReason
		wantDebug string
	}{
		{0, "", EndAppMin, "closed by application"},
		{1500, "x", 1500, "x"},
		{2500, "", 2500, "closed by application in an unusual way"},
		{5003, "boo", EndAppIllegal, "application passed an end reason outside 1000...2999"},
		{999, "boo", EndAppIllegal, "application passed an end reason outside 1000...2999"},
		{1000, strings.Repeat("y", 200), 1000, strings.Repeat("y", 127)},
		{1000, strings.Repeat("y", 126) + "é", 1000, strings.Repeat("y", 126)},
		{1000, "a\x00b", 1000, "a"},
	} {
		p := newConnectedPair(t)
		require.NoError(t, p.client.Close(p.now, test.reason, test.debug, false))
		p.run(100 * time.Millisecond)
		reason, text := p.server.End()
		require.Equal(t, test.want, reason)
		require.Equal(t, test.wantDebug, text)
	}
}

// Valve's library sends ConnectionClosed once, so a single loss leaves the peer to time out. Repeating
// it costs nothing.
func TestLostConnectionClosedIsRepeated(t *testing.T) {
	p := newConnectedPair(t)
	drops := 3
	p.filter = func(*packet) bool { drops--; return drops < 0 }
	require.NoError(t, p.client.Close(p.now, 0, "", false))
	p.run(3 * time.Second)
	require.Equal(t, StateClosedByPeer, p.server.State())
	require.Equal(t, 4, p.count(true, udpwire.KindConnectionClosed))
}

func TestClosedConnectionAnswersStragglers(t *testing.T) {
	p := newConnectedPair(t)
	require.NoError(t, p.client.Close(p.now, 1001, "", false))
	p.filter = func(*packet) bool { return false } // the peer does not hear of it
	p.run(2 * time.Second)
	p.trace, p.filter = nil, nil
	_, err := p.server.Send(p.now, 0, []byte("still there?"), snp.SendReliable|snp.SendNoNagle)
	require.NoError(t, err)
	p.run(100 * time.Millisecond)
	require.Equal(t, 1, p.count(true, udpwire.KindConnectionClosed))
	require.Equal(t, StateClosedByPeer, p.server.State())
}

func TestLingerDeliversReliableData(t *testing.T) {
	p := newConnectedPair(t)
	n := 0
	p.filter = func(pkt *packet) bool { n++; return n%5 != 0 } // lose a fifth of everything
	message := bytes.Repeat([]byte("0123456789"), 3000)
	for range 3 {
		_, err := p.client.Send(p.now, 0, message, snp.SendReliable)
		require.NoError(t, err)
	}
	require.NoError(t, p.client.Close(p.now, 1002, "done", true))
	require.Equal(t, StateLinger, p.client.State())
	p.runUntil(10*time.Second, func() bool { return p.server.State() == StateClosedByPeer })
	require.Len(t, p.serverMsgs, 3)
	for _, m := range p.serverMsgs {
		require.Equal(t, message, m.Data)
	}
	reason, text := p.server.End()
	require.EqualValues(t, 1002, reason)
	require.Equal(t, "done", text)
}

func TestLingerWithNothingToDeliver(t *testing.T) {
	p := newConnectedPair(t)
	require.NoError(t, p.client.Close(p.now, 0, "", true))
	require.Equal(t, StateFinWait, p.client.State())
}

func TestLingerEndsWhenThePeerVanishes(t *testing.T) {
	p := newConnectedPair(t)
	p.blackhole()
	_, err := p.client.Send(p.now, 0, []byte("x"), snp.SendReliable)
	require.NoError(t, err)
	require.NoError(t, p.client.Close(p.now, 1002, "", true))
	p.run(12 * time.Second)
	require.Equal(t, StateFinWait, p.client.State())
	reason, _ := p.client.End()
	require.Equal(t, EndMiscTimeout, reason)
}

func TestLingerEndsWhenThePeerCloses(t *testing.T) {
	p := newConnectedPair(t)
	drop := true
	p.filter = func(pkt *packet) bool { return !(drop && pkt.toServer) }
	_, err := p.client.Send(p.now, 0, []byte("x"), snp.SendReliable)
	require.NoError(t, err)
	require.NoError(t, p.client.Close(p.now, 1002, "", true))
	require.NoError(t, p.server.Close(p.now, 1003, "", false))
	p.run(time.Second)
	require.Equal(t, StateFinWait, p.client.State())
}

func TestCloseWhileConnecting(t *testing.T) {
	p := newPair(t, func(p *pair) { p.autoAccept = false })
	p.run(100 * time.Millisecond)
	require.NoError(t, p.client.Close(p.now, 1234, "changed my mind", true))
	p.run(100 * time.Millisecond)
	require.Equal(t, StateClosedByPeer, p.server.State(), "the client's own ID is proof enough before it knows the server's")
	reason, _ := p.server.End()
	require.EqualValues(t, 1234, reason)
}

func TestServerRefuses(t *testing.T) {
	p := newPair(t, func(p *pair) { p.autoAccept = false })
	p.run(100 * time.Millisecond)
	require.NoError(t, p.server.Close(p.now, 1099, "server full", false))
	p.run(100 * time.Millisecond)
	require.Equal(t, StateClosedByPeer, p.client.State())
	reason, text := p.client.End()
	require.EqualValues(t, 1099, reason)
	require.Equal(t, "server full", text)
}

func TestAbort(t *testing.T) {
	p := newConnectedPair(t)
	p.client.Abort(p.now, EndAppExceptionMax, "shutdown")
	require.Equal(t, StateDead, p.client.State())
	p.run(100 * time.Millisecond)
	require.Equal(t, StateClosedByPeer, p.server.State())
	reason, _ := p.server.End()
	require.Equal(t, EndAppExceptionMax, reason)
}

// Knowing only one of the two connection IDs is not enough to close a connection.
func TestForgedCloseIsIgnored(t *testing.T) {
	p := newConnectedPair(t)
	forge := func(kind udpwire.Kind, m proto.Message) {
		b, err := udpwire.AppendMessage(nil, kind, m)
		require.NoError(t, err)
		p.client.Receive(p.now, b)
		require.Equal(t, StateConnected, p.client.State())
	}
	forge(udpwire.KindConnectionClosed, &pb.CMsgSteamSockets_UDP_ConnectionClosed{FromConnectionId: proto.Uint32(p.server.ID()), ToConnectionId: proto.Uint32(1)})
	forge(udpwire.KindConnectionClosed, &pb.CMsgSteamSockets_UDP_ConnectionClosed{})
	forge(udpwire.KindNoConnection, &pb.CMsgSteamSockets_UDP_NoConnection{ToConnectionId: proto.Uint32(p.client.ID())})
	forge(udpwire.KindNoConnection, &pb.CMsgSteamSockets_UDP_NoConnection{FromConnectionId: proto.Uint32(p.server.ID())})
	require.EqualValues(t, 3, p.client.dropped().WrongID)
	require.EqualValues(t, 1, p.client.dropped().Malformed, "the one without any ID")

	b, err := udpwire.AppendMessage(nil, udpwire.KindNoConnection, &pb.CMsgSteamSockets_UDP_NoConnection{
		FromConnectionId: proto.Uint32(p.server.ID()), ToConnectionId: proto.Uint32(p.client.ID())})
	require.NoError(t, err)
	p.client.Receive(p.now, b)
	require.Equal(t, StateClosedByPeer, p.client.State())
	reason, _ := p.client.End()
	require.Equal(t, EndMiscPeerSentNoConn, reason)
}

// What was acknowledged while the application did not read is not lost when the peer closes.
func TestCloseDoesNotDiscardWhatWasAcknowledged(t *testing.T) {
	p := newConnectedPair(t, func(p *pair) { p.serverSettings.SNP.RecvBufferMessages = 10; p.holdServerMs = true })
	for range 100 {
		_, err := p.client.Send(p.now, 0, []byte("x"), snp.SendReliable)
		require.NoError(t, err)
	}
	require.NoError(t, p.client.Close(p.now, 1000, "", true))
	p.run(3 * time.Second)
	require.Equal(t, StateFinWait, p.client.State(), "everything was acknowledged")
	require.Equal(t, StateClosedByPeer, p.server.State())
	require.Len(t, p.serverMsgs, 100)
}

func TestSettled(t *testing.T) {
	p := newConnectedPair(t)
	require.False(t, p.client.Settled())
	require.NoError(t, p.client.Close(p.now, 1000, "", false))
	require.False(t, p.client.Settled())
	p.run(100 * time.Millisecond)
	require.True(t, p.client.Settled(), "the peer has confirmed")

	p = newConnectedPair(t)
	p.blackhole()
	require.NoError(t, p.client.Close(p.now, 1000, "", false))
	p.run(finWait - time.Millisecond)
	require.False(t, p.client.Settled())
	p.run(2 * time.Millisecond)
	require.True(t, p.client.Settled())
}
