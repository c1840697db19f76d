package conn

import (
	"net/netip"
	"testing"
	"time"

	pb "github.com/gogns/gns/proto"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/udpwire"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

func newTestListener(t testing.TB) *Listener {
	random := newSeededReader(3)
	id := uint32(0x10001)
	l, err := NewListener(random, func(netip.AddrPort) (Config, bool) {
		id += 0x10001
		return Config{LocalID: id, Identity: crypto.Localhost(), Settings: defaultSettings(), Rand: random}, true
	})
	require.NoError(t, err)
	return l
}

// request returns a ConnectRequest that l accepts from clientAddr at now.
func request(t testing.TB, l *Listener, now mono.Time, identity crypto.Identity) []byte {
	c, err := NewClient(Config{LocalID: 0x11110001, Identity: identity, Remote: serverAddr, Settings: defaultSettings(), Rand: newSeededReader(1)}, now)
	require.NoError(t, err)
	b, ok := c.AppendPacket(now, nil)
	require.True(t, ok)
	reply, _, _ := receiveAll(l, now, clientAddr, b)
	c.Receive(now, reply)
	b, ok = c.AppendPacket(now, nil)
	require.True(t, ok)
	require.Equal(t, udpwire.KindConnectRequest, udpwire.KindOf(b))
	return b
}

func TestListenerAnswersNobodyElse(t *testing.T) {
	l := newTestListener(t)
	for name, b := range map[string][]byte{
		"empty":                {},
		"short":                {32, 0, 0, 0},
		"legacy engine":        {0xff, 0xff, 0xff, 0xff, 'T', 'S', 'o', 'u', 'r', 'c', 'e'},
		"data":                 {0x80, 1, 2, 3, 4, 5, 6, 7, 8},
		"unassigned lead byte": {31, 0, 0, 0, 0, 0},
		"challenge reply":      {33, 0x0d, 1, 0, 0, 0},
		"connect ok":           {35, 0x0d, 1, 0, 0, 0},
		"no connection":        {37, 0x15, 1, 0, 0, 0},
		"unpadded request":     {32, 5, 0, 0x0d, 1, 0, 0, 0},
		"request without id":   append([]byte{32, 2, 0, 0x20, 13}, make([]byte, 507)...),
		"connect request":      {34, 0x0d, 1, 0, 0, 0},
	} {
		reply, c, _ := receiveAll(l, testStart, clientAddr, b)
		require.Empty(t, reply, name)
		require.Nil(t, c, name)
	}
	require.EqualValues(t, 11, func() uint64 { d := l.Drops(); return d.Total() }())
}

func TestListenerRepliesToAStaleClose(t *testing.T) {
	l := newTestListener(t)
	b, err := udpwire.AppendMessage(nil, udpwire.KindConnectionClosed, &pb.CMsgSteamSockets_UDP_ConnectionClosed{
		FromConnectionId: proto.Uint32(7), ToConnectionId: proto.Uint32(8), ReasonCode: proto.Uint32(1000)})
	require.NoError(t, err)
	reply, _, _ := receiveAll(l, testStart, clientAddr, b)
	var m pb.CMsgSteamSockets_UDP_NoConnection
	require.NoError(t, udpwire.ParseMessage(reply, udpwire.KindNoConnection, &m))
	require.EqualValues(t, 8, m.GetFromConnectionId())
	require.EqualValues(t, 7, m.GetToConnectionId())
}

// The same client at another address, after a challenge of its own, is refused aloud: its identity and
// connection ID are taken.
func TestListenerRefusesADuplicate(t *testing.T) {
	l := newTestListener(t)
	now := testStart
	b := request(t, l, now, crypto.GenericString("alice"))
	_, c, _ := receiveAll(l, now, clientAddr, b)
	require.NotNil(t, c)

	elsewhere := netip.MustParseAddrPort("198.51.100.7:4000")
	var m pb.CMsgSteamSockets_UDP_ConnectRequest
	require.NoError(t, udpwire.ParseMessage(b, udpwire.KindConnectRequest, &m))
	m.Challenge = proto.Uint64(l.challenger.Challenge(now, elsewhere))
	b, err := udpwire.AppendMessage(nil, udpwire.KindConnectRequest, &m)
	require.NoError(t, err)
	reply, dup, _ := receiveAll(l, now, elsewhere, b)
	require.Nil(t, dup)
	var closed pb.CMsgSteamSockets_UDP_ConnectionClosed
	require.NoError(t, udpwire.ParseMessage(reply, udpwire.KindConnectionClosed, &closed))
	require.EqualValues(t, EndMiscGeneric, closed.GetReasonCode())
	require.EqualValues(t, 0x11110001, closed.GetToConnectionId())
	require.Nil(t, closed.FromConnectionId)

	l.Forget(c)
	_, again, _ := receiveAll(l, now, elsewhere, b)
	require.NotNil(t, again, "the place is free again")
}

func TestListenerRefusesAClaimedAddress(t *testing.T) {
	l := newTestListener(t)
	var m pb.CMsgSteamSockets_UDP_ConnectRequest
	require.NoError(t, udpwire.ParseMessage(request(t, l, testStart, crypto.Localhost()), udpwire.KindConnectRequest, &m))
	m.Cert.Cert = []byte{8, 1} // names nobody
	m.IdentityString = proto.String("ip:203.0.113.9:1")
	b, err := udpwire.AppendMessage(nil, udpwire.KindConnectRequest, &m)
	require.NoError(t, err)
	_, c, _ := receiveAll(l, testStart, clientAddr, b)
	require.Nil(t, c)
	require.EqualValues(t, 1, l.Drops().Refused)
}

// No reply to an address that has not proven itself is longer than what it answers, and nothing is kept
// for it.
func FuzzListener(f *testing.F) {
	seed := newTestListener(f)
	f.Add(request(f, seed, testStart, crypto.Localhost()), false)
	f.Add(request(f, seed, testStart, crypto.GenericString("alice")), true)
	for _, session := range append(loadSessions(f, goldenSessions), loadSessions(f, recordedSessions)...) {
		for _, p := range session.Packets {
			f.Add(p.data(f), false)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, fixChallenge bool) {
		l := newTestListener(t)
		now := testStart.Add(time.Hour) // the challenges among the seeds are stale
		verified := false
		if fixChallenge {
			var m pb.CMsgSteamSockets_UDP_ConnectRequest
			if udpwire.KindOf(b) == udpwire.KindConnectRequest && udpwire.ParseMessage(b, udpwire.KindConnectRequest, &m) == nil {
				m.Challenge = proto.Uint64(l.challenger.Challenge(now, clientAddr))
				b, _ = udpwire.AppendMessage(nil, udpwire.KindConnectRequest, &m)
				verified = true
			}
		}
		reply, c, _ := receiveAll(l, now, clientAddr, b)
		if !verified {
			require.LessOrEqual(t, len(reply), len(b))
			require.Nil(t, c)
			require.Empty(t, l.children)
		}
		if c != nil {
			exercise(t, c, now, b)
		}
	})
}

// exercise lets a connection live with arbitrary datagrams and checks what always holds.
func exercise(t testing.TB, c *Conn, now mono.Time, datagrams ...[]byte) {
	_ = c.Accept(now)
	for _, d := range datagrams {
		c.Receive(now, append([]byte(nil), d...))
		sent := 0
		for {
			b, ok := c.AppendPacket(now, nil)
			if !ok {
				break
			}
			require.LessOrEqual(t, len(b), udpwire.MaxDatagram)
			sent++
			require.Less(t, sent, 100, "packets without end")
		}
		now = now.Add(time.Second)
		c.Advance(now)
	}
	_ = c.Close(now, 0, "", false)
	c.Advance(now.Add(finWait))
	require.Equal(t, StateDead, c.State())
}

// FuzzConn feeds arbitrary datagrams to an established connection in the clear, where every byte
// reaches the parsers.
func FuzzConn(f *testing.F) {
	for _, session := range loadSessions(f, goldenSessions) {
		for _, d := range session.Decoded {
			f.Add(d.plaintext(f), uint16(d.PacketNumber), []byte{0x18, 2})
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte, number uint16, stats []byte) {
		p := newConnectedPair(t, func(p *pair) {
			p.clientSettings.Unencrypted, p.serverSettings.Unencrypted = 3, 3
		})
		h := udpwire.DataHeader{To: p.server.ID(), WireNumber: number, Stats: stats}
		b := append(udpwire.AppendDataHeader(nil, &h), payload...)
		p.server.Receive(p.now, append([]byte(nil), b...))
		h.WireNumber++
		b = append(udpwire.AppendDataHeader(nil, &h), payload...)
		p.server.Receive(p.now, b)
		p.run(2 * time.Second)
	})
}

// receiveAll is Listener.Receive with what follows from it.
func receiveAll(l *Listener, now mono.Time, from netip.AddrPort, datagram []byte) (reply []byte, c *Conn, err error) {
	reply, r, err := l.Receive(now, from, datagram, nil)
	if r == nil {
		return reply, nil, err
	}
	r.Verify(now)
	return l.Admit(r, reply)
}
