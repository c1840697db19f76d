package conn

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	pb "github.com/gogns/gns/proto"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/udpwire"
	"github.com/gogns/gns/reliability"
	"github.com/gogns/gns/snp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// recordedSession is a session in the format of testdata/vectors/session-udp.json.
type recordedSession struct {
	Name      string            `json:"name"`
	Handshake recordedHandshake `json:"handshake"`
	Packets   []recordedPacket  `json:"packets"`
	Decoded   []recordedPayload `json:"decoded"`
}

type recordedHandshake struct {
	Client recordedSide `json:"client"`
	Server recordedSide `json:"server"`
	Cipher string       `json:"cipher"`
	KeyLog string       `json:"key_log"` // sessions recorded by the interoperability tests have only this
}

type recordedSide struct {
	X25519Private string  `json:"x25519_private"`
	Ed25519Seed   string  `json:"ed25519_seed"`
	ConnectionID  uint32  `json:"connection_id"`
	Nonce         string  `json:"nonce"`
	Cert          string  `json:"cert"`
	SignedCert    string  `json:"signed_cert"`
	Info          string  `json:"info"`
	Ciphers       []int32 `json:"ciphers"`
}

type recordedPacket struct {
	Time int64  `json:"t_us"`
	Dir  string `json:"dir"`
	Hex  string `json:"hex"`
	Fate string `json:"fate"` // "dropped": did not arrive
}

func (p recordedPacket) data(t testing.TB) []byte { return decodeHex(t, p.Hex) }

type recordedPayload struct {
	Index        int    `json:"index"`
	PacketNumber int64  `json:"packet_number"`
	Plaintext    string `json:"plaintext"`
	Stats        string `json:"stats"`
}

func (p recordedPayload) plaintext(t testing.TB) []byte { return decodeHex(t, p.Plaintext) }

func decodeHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

const (
	goldenSessions   = "../../testdata/vectors/session-udp.json"
	recordedSessions = "../../testdata/recorded/*.json"
)

// loadSessions reads the sessions in the files that match a pattern; there must be some.
func loadSessions(t testing.TB, pattern string) []recordedSession {
	t.Helper()
	names, err := filepath.Glob(pattern)
	require.NoError(t, err)
	var all []recordedSession
	for _, name := range names {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		var file struct {
			Sessions []recordedSession `json:"sessions"`
		}
		require.NoError(t, json.Unmarshal(b, &file), name)
		require.NotEmpty(t, file.Sessions, name)
		all = append(all, file.Sessions...)
	}
	require.NotEmpty(t, all, "no file matches %s", pattern)
	return all
}

// recordedReader gives a handshake the keys that the recorded side used.
func (s recordedSide) reader(t testing.TB) *bytes.Reader {
	nonce, err := strconv.ParseUint(s.Nonce, 10, 64)
	require.NoError(t, err)
	var b []byte
	if s.caCert(t) == nil { // a self-made certificate's key comes first
		b = append(b, decodeHex(t, s.Ed25519Seed)...)
	}
	b = append(b, decodeHex(t, s.X25519Private)...)
	return bytes.NewReader(binary.LittleEndian.AppendUint64(b, nonce))
}

// caCert returns the certificate if an authority signed it, nil if it is self-made.
func (s recordedSide) caCert(t testing.TB) *crypto.LocalCert {
	signed := decodeHex(t, s.SignedCert)
	var m pb.CMsgSteamDatagramCertificateSigned
	require.NoError(t, proto.Unmarshal(signed, &m))
	if m.CaSignature == nil {
		return nil
	}
	cert, err := crypto.NewLocalCert(signed, ed25519.NewKeyFromSeed(decodeHex(t, s.Ed25519Seed)))
	require.NoError(t, err)
	return cert
}

func (s recordedSide) config(t testing.TB, remote netip.AddrPort) Config {
	cfg := Config{
		LocalID:  s.ConnectionID,
		Identity: s.identity(t),
		Cert:     s.caCert(t),
		Remote:   remote,
		Settings: defaultSettings(),
		Rand:     s.reader(t),
	}
	// Ciphers are the list that Unencrypted stands for. (A server's has been cut down to its choice.)
	for unencrypted := range int32(4) {
		if reflect.DeepEqual(crypto.CipherList(unencrypted), s.ciphers()) {
			cfg.Settings.Unencrypted = unencrypted
			break
		}
	}
	return cfg
}

func (s recordedSide) ciphers() []crypto.Cipher {
	var list []crypto.Cipher
	for _, c := range s.Ciphers {
		list = append(list, crypto.Cipher(c))
	}
	return list
}

func (s recordedSide) identity(t testing.TB) crypto.Identity {
	var cert pb.CMsgSteamDatagramCertificate
	require.NoError(t, proto.Unmarshal(decodeHex(t, s.Cert), &cert))
	id, err := crypto.CertIdentity(&cert)
	require.NoError(t, err)
	if id.IsZero() {
		return crypto.Localhost()
	}
	return id
}

// TestReplaySessions plays one side of every recorded session with our core, with the keys of the
// recorded side, and feeds it what the other side sent. Our handshake messages must be the recorded
// ones to the letter, every packet must decrypt and decode, every message must arrive, and the end must
// be the recorded one.
func TestReplaySessions(t *testing.T) {
	for _, session := range loadSessions(t, goldenSessions) {
		t.Run(session.Name+"/as server", func(t *testing.T) { t.Parallel(); replay(t, session, true) })
		t.Run(session.Name+"/as client", func(t *testing.T) { t.Parallel(); replay(t, session, false) })
	}
}

func replay(t *testing.T, session recordedSession, asServer bool) {
	r := &replayer{t: t, asServer: asServer, now: testStart}
	theirDir := "s2c"
	var err error
	if asServer {
		theirDir = "c2s"
		r.listener, err = NewListener(newSeededReader(9), func(netip.AddrPort) (Config, bool) {
			return session.Handshake.Server.config(t, clientAddr), true
		})
	} else {
		r.conn, err = NewClient(session.Handshake.Client.config(t, serverAddr), testStart)
	}
	require.NoError(t, err)

	payloads := map[int]recordedPayload{}
	for _, d := range session.Decoded {
		payloads[d.Index] = d
	}
	var oracle streamOracle
	var closing *recordedPacket
	for i := range session.Packets {
		p := session.Packets[i]
		r.now = max(r.now, testStart.Add(time.Duration(p.Time)*time.Microsecond))
		if p.Dir != theirDir {
			r.compare(p)
			continue
		}
		if d, ok := payloads[i]; ok {
			oracle.add(t, reliability.PacketNumber(d.PacketNumber), d.plaintext(t), 1<<15)
			r.sendUpTo(oracle.acked)
		} else if udpwire.KindOf(p.data(t)) == udpwire.KindConnectionClosed && closing == nil {
			closing = &session.Packets[i]
		}
		r.feed(p.data(t))
	}
	require.NotNil(t, r.conn)
	require.Zero(t, r.conn.dropped().Undecryptable+r.conn.dropped().Malformed+r.conn.dropped().BadAck+r.conn.dropped().WrongID, "%+v", r.conn.dropped())

	got := map[delivery]string{}
	for _, m := range r.messages {
		got[delivery{m.Lane, m.Number, m.Reliable}] = string(m.Data)
	}
	require.Equal(t, oracle.messages(), got)
	require.NotEmpty(t, got)
	if closing != nil {
		var m pb.CMsgSteamSockets_UDP_ConnectionClosed
		require.NoError(t, udpwire.ParseMessage(closing.data(t), udpwire.KindConnectionClosed, &m))
		reason, debug := r.conn.End()
		require.Equal(t, StateClosedByPeer, r.conn.State())
		require.EqualValues(t, m.GetReasonCode(), reason)
		require.Equal(t, m.GetDebug(), debug)
	}
}

// replayer is our side of a recorded session.
type replayer struct {
	t        *testing.T
	asServer bool
	now      mono.Time
	listener *Listener
	conn     *Conn
	messages []Message
	sent     map[udpwire.Kind][]byte // last handshake message sent, by kind
}

func (r *replayer) feed(b []byte) {
	if r.conn == nil {
		if udpwire.KindOf(b) == udpwire.KindConnectRequest { // the challenge is our own
			var m pb.CMsgSteamSockets_UDP_ConnectRequest
			require.NoError(r.t, udpwire.ParseMessage(b, udpwire.KindConnectRequest, &m))
			m.Challenge = proto.Uint64(r.listener.challenger.Challenge(r.now, clientAddr))
			b, _ = udpwire.AppendMessage(nil, udpwire.KindConnectRequest, &m)
		}
		reply, c, _ := receiveAll(r.listener, r.now, clientAddr, b)
		r.note(reply)
		if c != nil {
			r.conn = c
			require.NoError(r.t, c.Accept(r.now))
		}
	} else {
		r.conn.Receive(r.now, b)
	}
	r.drain()
}

// drain lets our side send into the void.
func (r *replayer) drain() {
	if r.conn == nil {
		return
	}
	for {
		b, ok := r.conn.AppendPacket(r.now, nil)
		if !ok {
			break
		}
		r.note(b)
	}
	n := len(r.messages)
	r.messages = r.conn.NextMessages(r.messages)
	for _, m := range r.messages[n:] {
		r.conn.Consumed(r.now, 1, len(m.Data))
	}
}

func (r *replayer) note(b []byte) {
	if r.sent == nil {
		r.sent = map[udpwire.Kind][]byte{}
	}
	r.sent[udpwire.KindOf(b)] = b
}

// sendUpTo makes our side send packets until it has sent number n, so that an ack of it makes sense.
func (r *replayer) sendUpTo(n reliability.PacketNumber) {
	for r.conn.state.connectedOnWire() && r.conn.snp.NextNumber() <= n {
		r.conn.appendData(r.now, nil, 0, false, false)
	}
}

// compare checks our handshake messages against the recorded ones, apart from what is random or
// depends on time.
func (r *replayer) compare(p recordedPacket) {
	r.drain()
	want := p.data(r.t)
	got := r.sent[udpwire.KindOf(want)]
	switch udpwire.KindOf(want) {
	case udpwire.KindConnectRequest:
		var a, b pb.CMsgSteamSockets_UDP_ConnectRequest
		require.NoError(r.t, udpwire.ParseMessage(want, udpwire.KindConnectRequest, &a))
		require.NoError(r.t, udpwire.ParseMessage(got, udpwire.KindConnectRequest, &b))
		for _, m := range []*pb.CMsgSteamSockets_UDP_ConnectRequest{&a, &b} {
			m.Challenge, m.MyTimestamp, m.PingEstMs = nil, nil, nil
			m.Cert.PrivateKeyData = nil // Valve's library sends the private key that SetCertificate was given; we never do
		}
		requireSameMessage(r.t, &a, &b)
	case udpwire.KindConnectOK:
		var a, b pb.CMsgSteamSockets_UDP_ConnectOK
		require.NoError(r.t, udpwire.ParseMessage(want, udpwire.KindConnectOK, &a))
		require.NoError(r.t, udpwire.ParseMessage(got, udpwire.KindConnectOK, &b))
		for _, m := range []*pb.CMsgSteamSockets_UDP_ConnectOK{&a, &b} {
			m.YourTimestamp, m.DelayTimeUsec = nil, nil
			m.Cert.PrivateKeyData = nil
		}
		requireSameMessage(r.t, &a, &b)
	}
}

func requireSameMessage(t testing.TB, want, got proto.Message) {
	t.Helper()
	a, err := proto.MarshalOptions{Deterministic: true}.Marshal(want)
	require.NoError(t, err)
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(got)
	require.NoError(t, err)
	require.Equal(t, hex.EncodeToString(a), hex.EncodeToString(b))
}

// TestReplayRecordings decrypts the sessions that the interoperability tests recorded between Valve's
// library and ours with the logged keys, and gives what arrived to a fresh receiver, each direction by
// itself: every datagram parses, and exactly the messages arrive that the packets contain.
func TestReplayRecordings(t *testing.T) {
	for _, session := range loadSessions(t, recordedSessions) {
		for dir, role := range map[string]crypto.Role{"c2s": crypto.RoleServer, "s2c": crypto.RoleClient} {
			t.Run(session.Name+"/"+dir, func(t *testing.T) { t.Parallel(); replayRecording(t, session, dir, role) })
		}
	}
}

func replayRecording(t *testing.T, session recordedSession, dir string, role crypto.Role) {
	keys, err := crypto.ParseKeyLogLine(strings.Split(session.Handshake.KeyLog, "\n")[0])
	require.NoError(t, err)
	opener, err := keys.Opener(role)
	require.NoError(t, err)
	id := keys.ServerConnectionID
	if role == crypto.RoleClient {
		id = keys.ClientConnectionID
	}
	var (
		rtt      reliability.RTT
		receiver = &recordingHost{}
		sn       = snp.NewSession(receiver, &rtt, snp.Config{})
		window   = reliability.NewWindow(1)
		oracle   streamOracle
		data     int
	)
	sn.Begin(ProtocolVersion)
	sn.Connected(testStart)
	for i, p := range session.Packets {
		b := p.data(t)
		if p.Dir != dir || p.Fate == "dropped" {
			continue
		}
		kind := udpwire.KindOf(b)
		require.NotEqual(t, udpwire.KindInvalid, kind)
		if kind != udpwire.KindData {
			requireParses(t, kind, b)
			continue
		}
		var h udpwire.DataHeader
		chunk, ok := udpwire.ParseDataHeader(b, &h)
		require.True(t, ok, "packet %d", i)
		require.Equal(t, id, h.To)
		n := window.Expand(h.WireNumber)
		require.Equal(t, reliability.New, window.Check(n), "packet %d", i)
		plain, err := opener.Open(nil, chunk, int64(n))
		require.NoError(t, err, "packet %d", i)
		window.Accept(n)
		oracle.add(t, n, plain, 1<<15)
		now := testStart.Add(time.Duration(p.Time) * time.Microsecond)
		for sn.NextNumber() <= oracle.acked {
			sn.AppendPacket(now, nil, 100)
		}
		require.NoError(t, sn.Receive(now, n, plain, snp.RecvNormal), "packet %d", i)
		data++
	}
	require.Greater(t, data, 10)
	require.Equal(t, oracle.messages(), receiver.got)
}

// recordingHost takes every message.
type recordingHost struct{ got map[delivery]string }

func (h *recordingHost) Deliver(m *snp.Message) bool {
	if h.got == nil {
		h.got = map[delivery]string{}
	}
	h.got[delivery{m.Lane, m.Number, m.Reliable}] = string(m.Data)
	m.Release()
	return true
}

func (h *recordingHost) Fate(reliability.PacketNumber, bool) {}

func requireParses(t testing.TB, kind udpwire.Kind, b []byte) {
	t.Helper()
	var m proto.Message
	switch kind {
	case udpwire.KindChallengeRequest:
		m = &pb.CMsgSteamSockets_UDP_ChallengeRequest{}
	case udpwire.KindChallengeReply:
		m = &pb.CMsgSteamSockets_UDP_ChallengeReply{}
	case udpwire.KindConnectRequest:
		m = &pb.CMsgSteamSockets_UDP_ConnectRequest{}
	case udpwire.KindConnectOK:
		m = &pb.CMsgSteamSockets_UDP_ConnectOK{}
	case udpwire.KindConnectionClosed:
		m = &pb.CMsgSteamSockets_UDP_ConnectionClosed{}
	case udpwire.KindNoConnection:
		m = &pb.CMsgSteamSockets_UDP_NoConnection{}
	}
	require.NoError(t, udpwire.ParseMessage(b, kind, m))
	require.Empty(t, m.ProtoReflect().GetUnknown(), "%v has fields that are not in our .proto file", kind)
}
