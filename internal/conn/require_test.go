package conn

import (
	"crypto/ed25519"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
	"github.com/gogns/gns/internal/mono"
	"github.com/gogns/gns/internal/udpwire"
	pb "github.com/gogns/gns/proto"
	"github.com/gogns/gns/snp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// wallClock is when certificates are looked at.
const wallClock = 1_800_000_000

var (
	alice = crypto.GenericString("alice") // connects
	bob   = crypto.GenericString("bob")   // listens
)

// union is an authority with those who trust it.
type union struct {
	t     testing.TB
	ca    *pki.Authority
	store *pki.Store
	keys  byte // made so far
}

func newUnion(t testing.TB) *union {
	u := &union{t: t}
	var err error
	u.ca, err = pki.NewAuthority(u.key())
	require.NoError(t, err)
	u.store, err = pki.NewStore(u.ca.PublicKey())
	require.NoError(t, err)
	return u
}

func (u *union) key() ed25519.PrivateKey {
	u.keys++
	return ed25519.NewKeyFromSeed(append(make([]byte, 31), u.keys))
}

func (u *union) cert(id crypto.Identity) *crypto.LocalCert {
	u.t.Helper()
	key := u.key()
	cert, err := u.ca.Sign(pki.Template{
		Key: key.Public().(ed25519.PublicKey), Identity: id, AppIDs: []uint32{0}, Expiry: time.Unix(wallClock+100, 0),
	})
	require.NoError(u.t, err)
	local, err := crypto.NewLocalCert(cert.Marshal(), key)
	require.NoError(u.t, err)
	return local
}

// config is that of a member who insists on members.
func (u *union) config(id crypto.Identity, connection uint32, changes ...func(*Config)) Config {
	c := Config{
		LocalID: connection, Identity: id, WallClock: wallClock, Require: true, Cert: u.cert(id), Verifier: u.store,
		Replay: crypto.NewReplayGuard(), Settings: defaultSettings(), Rand: newSeededReader(byte(connection)), Remote: serverAddr,
	}
	for _, change := range changes {
		change(&c)
	}
	return c
}

// stranger makes a peer that has no certificate and insists on nothing.
func stranger(c *Config) { c.Require, c.Cert, c.Verifier, c.Replay = false, nil, nil, nil }

func nameless(c *Config) {
	stranger(c)
	c.Identity = crypto.Localhost()
}

// encounter is the server's side of what happens at one instant, datagram by datagram.
type encounter struct {
	t        testing.TB
	listener *Listener
	now      mono.Time
	next     uint32 // connection ID
}

func meet(t testing.TB, server Config) *encounter {
	e := &encounter{t: t, now: testStart, next: server.LocalID}
	var err error
	e.listener, err = NewListener(newSeededReader(9), func(netip.AddrPort) (Config, bool) {
		cfg := server
		cfg.LocalID = e.next
		e.next++
		return cfg, true
	})
	require.NoError(t, err)
	return e
}

// client starts connecting and returns its request.
func (e *encounter) client(cfg Config) (*Conn, *pb.CMsgSteamSockets_UDP_ConnectRequest) {
	e.t.Helper()
	c, err := NewClient(cfg, e.now)
	require.NoError(e.t, err)
	b, ok := c.AppendPacket(e.now, nil)
	require.True(e.t, ok)
	reply, _, _ := receiveAll(e.listener, e.now, clientAddr, b)
	c.Receive(e.now, reply)
	b, ok = c.AppendPacket(e.now, nil)
	require.True(e.t, ok)
	var m pb.CMsgSteamSockets_UDP_ConnectRequest
	require.NoError(e.t, udpwire.ParseMessage(b, udpwire.KindConnectRequest, &m))
	return c, &m
}

// request presents a request.
func (e *encounter) request(m *pb.CMsgSteamSockets_UDP_ConnectRequest) (reply []byte, server *Conn, err error) {
	e.t.Helper()
	b, err := udpwire.AppendMessage(nil, udpwire.KindConnectRequest, m)
	require.NoError(e.t, err)
	return receiveAll(e.listener, e.now, clientAddr, b)
}

// requireRefusal checks what refuses a request.
func requireRefusal(t testing.TB, reply []byte, to uint32, reason EndReason, text string) {
	t.Helper()
	var m pb.CMsgSteamSockets_UDP_ConnectionClosed
	require.NoError(t, udpwire.ParseMessage(reply, udpwire.KindConnectionClosed, &m))
	want := &pb.CMsgSteamSockets_UDP_ConnectionClosed{
		ToConnectionId: proto.Uint32(to), ReasonCode: proto.Uint32(uint32(reason)), Debug: proto.String(text),
	}
	require.True(t, proto.Equal(want, &m), "%v", &m)
}

// answer accepts a connection and returns its ConnectOK.
func (e *encounter) answer(server *Conn) *pb.CMsgSteamSockets_UDP_ConnectOK {
	e.t.Helper()
	require.NoError(e.t, server.Accept(e.now))
	b, ok := server.AppendPacket(e.now, nil)
	require.True(e.t, ok)
	var m pb.CMsgSteamSockets_UDP_ConnectOK
	require.NoError(e.t, udpwire.ParseMessage(b, udpwire.KindConnectOK, &m))
	return &m
}

func (e *encounter) deliver(to *Conn, m *pb.CMsgSteamSockets_UDP_ConnectOK) {
	e.t.Helper()
	b, err := udpwire.AppendMessage(nil, udpwire.KindConnectOK, m)
	require.NoError(e.t, err)
	to.Receive(e.now, b)
}

// say sends a message from one to the other.
func (e *encounter) say(from, to *Conn) {
	e.t.Helper()
	_, err := from.Send(e.now, 0, []byte("hello"), snp.SendReliable|snp.SendNoNagle)
	require.NoError(e.t, err)
	for b, ok := from.AppendPacket(e.now, nil); ok; b, ok = from.AppendPacket(e.now, nil) {
		to.Receive(e.now, b)
	}
	require.Len(e.t, to.NextMessages(nil), 1)
}

// Both ends insist: each is certain of the other when a message of it has arrived, and not before.
func TestRequireProvesBothEnds(t *testing.T) {
	u := newUnion(t)
	e := meet(t, u.config(bob, 0x22220002))
	client, m := e.client(u.config(alice, 0x11110001, func(c *Config) { c.Expect = bob }))
	require.Equal(t, crypto.AssuranceNone, client.PeerAuth().Assurance)
	reply, server, err := e.request(m)
	require.NoError(t, err)
	require.Empty(t, reply)
	require.Equal(t, alice, server.Identity())
	require.Equal(t, crypto.AssuranceCertified, server.PeerAuth().Assurance)
	e.deliver(client, e.answer(server))
	require.Equal(t, StateConnected, client.State())
	require.Equal(t, crypto.AssuranceCertified, client.PeerAuth().Assurance)

	e.say(server, client)
	require.Equal(t, crypto.AssuranceProven, client.PeerAuth().Assurance)
	require.Equal(t, crypto.AssuranceCertified, server.PeerAuth().Assurance, "it has heard nothing yet")
	e.say(client, server)
	for _, c := range []*Conn{client, server} {
		require.True(t, c.Authenticated())
		require.Equal(t, crypto.AssuranceProven, c.PeerAuth().Assurance)
		require.Equal(t, u.ca.KeyID(), c.PeerAuth().AuthorityKeyID)
		require.EqualValues(t, wallClock+100, c.PeerAuth().Expiry)
		require.Equal(t, crypto.CipherAES256GCM, c.Cipher())
		require.NoError(t, c.Close(e.now, 0, "", false))
		require.Equal(t, crypto.AssuranceProven, c.PeerAuth().Assurance, "what was known stays known")
	}
}

// In plain text anybody can say anything, so that a certified peer is never proven to be there.
func TestPlainTextProvesNothing(t *testing.T) {
	u := newUnion(t)
	plain := func(c *Config) {
		c.Require = false
		c.Settings.IPAllowWithoutAuth, c.Settings.IPLocalHostAllowWithoutAuth, c.Settings.Unencrypted = 0, 0, 3
	}
	e := meet(t, u.config(bob, 0x22220002, plain))
	client, m := e.client(u.config(alice, 0x11110001, plain))
	_, server, err := e.request(m)
	require.NoError(t, err)
	e.deliver(client, e.answer(server))
	e.say(client, server)
	e.say(server, client)
	for _, c := range []*Conn{client, server} {
		require.Equal(t, crypto.CipherNull, c.Cipher())
		require.True(t, c.Authenticated(), "as Valve's library sees it")
		require.Equal(t, crypto.AssuranceCertified, c.PeerAuth().Assurance)
	}
}

// Require does not look at the settings, and a server that insists says why it refuses.
func TestRequireOverridesSettings(t *testing.T) {
	const unsignedText = "crypto handshake: unsigned certificate: certificate of str:alice is not signed by an authority"
	const namelessText = "crypto handshake: identity: peer is anonymous, and must not be"
	for name, test := range map[string]struct {
		client func(*Config)
		text   string
	}{"stranger": {stranger, unsignedText}, "nameless": {nameless, namelessText}} {
		for _, strict := range []struct {
			name   string
			told   bool
			change func(*Config)
		}{
			{"Require", true, func(c *Config) {}},
			{"policy", true, func(c *Config) { c.Require, c.Settings.IPAllowWithoutAuth = false, 0 }},
			{"none", false, func(c *Config) { c.Require = false }},
		} {
			t.Run(strict.name+"/"+name, func(t *testing.T) {
				u := newUnion(t)
				e := meet(t, u.config(bob, 0x22220002, strict.change))
				_, m := e.client(u.config(alice, 0x11110001, test.client))
				reply, server, err := e.request(m)
				if !strict.told {
					require.NoError(t, err)
					require.NotNil(t, server)
					require.Less(t, server.PeerAuth().Assurance, crypto.AssuranceCertified)
					return
				}
				require.Nil(t, server)
				require.EqualError(t, err, test.text)
				requireRefusal(t, reply, 0x11110001, EndRemoteBadCert, test.text)
				require.EqualValues(t, 1, e.listener.Drops().Refused)
				require.Empty(t, e.listener.children)
			})
		}
	}
}

// A loopback peer is let in by IPLocalHost_AllowWithoutAuth, unless Require says otherwise.
func TestRequireOnLoopback(t *testing.T) {
	for _, insisting := range []bool{false, true} {
		t.Run(fmt.Sprint(insisting), func(t *testing.T) {
			u := newUnion(t)
			e := meet(t, u.config(bob, 0x22220002, func(c *Config) {
				c.Require, c.Settings.IPAllowWithoutAuth, c.Settings.IPLocalHostAllowWithoutAuth = insisting, 0, 1
			}))
			_, m := e.client(u.config(alice, 0x11110001, stranger))
			here := netip.MustParseAddrPort("127.0.0.1:40000")
			m.Challenge = proto.Uint64(e.listener.challenger.Challenge(e.now, here))
			b, err := udpwire.AppendMessage(nil, udpwire.KindConnectRequest, m)
			require.NoError(t, err)
			reply, server, err := receiveAll(e.listener, e.now, here, b)
			require.Equal(t, insisting, server == nil)
			require.Equal(t, insisting, err != nil)
			require.Equal(t, insisting, len(reply) > 0)
		})
	}
}

// A client that insists ends its attempt, tells the server why, and keeps the reason.
func TestRequireEndsTheClient(t *testing.T) {
	for name, test := range map[string]struct {
		server func(*Config)
		text   string
	}{
		"stranger": {stranger, "crypto handshake: unsigned certificate: certificate of str:bob is not signed by an authority"},
		"nameless": {nameless, "crypto handshake: identity: peer is anonymous, and must not be"},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUnion(t)
			e := meet(t, u.config(bob, 0x22220002, test.server))
			client, m := e.client(u.config(alice, 0x11110001))
			_, server, err := e.request(m)
			require.NoError(t, err)
			e.deliver(client, e.answer(server))
			require.Equal(t, StateProblemDetectedLocally, client.State())
			reason, text := client.End()
			require.Equal(t, EndRemoteBadCert, reason)
			require.Equal(t, test.text, text)
			b, ok := client.AppendPacket(e.now, nil)
			require.True(t, ok)
			server.Receive(e.now, b)
			require.Equal(t, StateClosedByPeer, server.State())
			reason, text = server.End()
			require.Equal(t, EndRemoteBadCert, reason)
			require.Equal(t, test.text, text)
			_, ok = client.AppendPacket(e.now, nil)
			require.False(t, ok, "it is said once")
		})
	}
}

// A certificate for an address is no certificate for somebody.
func TestRequireIsAboutSomebody(t *testing.T) {
	address := crypto.IPAddress(netip.MustParseAddrPort("203.0.113.9:1"))
	for _, insisting := range []bool{false, true} {
		t.Run(fmt.Sprint(insisting), func(t *testing.T) {
			u := newUnion(t)
			e := meet(t, u.config(bob, 0x22220002, func(c *Config) { c.Require, c.Settings.IPAllowWithoutAuth = insisting, 0 }))
			_, m := e.client(u.config(address, 0x11110001))
			reply, server, err := e.request(m)
			if !insisting { // as Valve's library does
				require.NoError(t, err)
				require.False(t, server.Authenticated())
				require.Equal(t, crypto.AssuranceNone, server.PeerAuth().Assurance)
				return
			}
			requireRefusal(t, reply, 0x11110001, EndRemoteBadCert,
				"crypto handshake: identity: ip:203.0.113.9:1 is an address, not somebody's identity")
		})
	}
}

// A client that will have plain text only is refused when it is accepted.
func TestRequireEncrypts(t *testing.T) {
	for client := int32(0); client <= 3; client++ {
		t.Run(fmt.Sprint(client), func(t *testing.T) {
			u := newUnion(t)
			e := meet(t, u.config(bob, 0x22220002, func(c *Config) { c.Settings.Unencrypted = 3 }))
			_, m := e.client(u.config(alice, 0x11110001, func(c *Config) { c.Require, c.Settings.Unencrypted = false, client }))
			_, server, err := e.request(m)
			require.NoError(t, err)
			err = server.Accept(e.now)
			if client < 3 {
				require.NoError(t, err)
				require.Equal(t, crypto.CipherAES256GCM, server.Cipher())
				return
			}
			require.ErrorIs(t, err, ErrHandshakeFailed)
			reason, text := server.End()
			require.Equal(t, EndRemoteBadCrypt, reason)
			require.Equal(t, "crypto handshake: cipher: no cipher in common: peer has [NULL], we allow [AES_256_GCM]", text)
		})
	}
}

// A server that has nothing to show says so to those whom it could have let in.
func TestRequireWithoutOwnCertificate(t *testing.T) {
	u := newUnion(t)
	e := meet(t, u.config(bob, 0x22220002, func(c *Config) {
		c.Cert, c.Settings.IPAllowWithoutAuth = nil, 0
	}))
	_, m := e.client(u.config(alice, 0x11110001))
	reply, _, err := e.request(m)
	require.Error(t, err)
	requireRefusal(t, reply, 0x11110001, EndMiscInternalError,
		"crypto handshake: local certificate: no signed certificate for str:bob, and the policy does not allow an unsigned one")
}

// signedFields are the fields of what a peer presents of which every bit counts.
func signedFields(cert *pb.CMsgSteamDatagramCertificateSigned, crypt *pb.CMsgSteamDatagramSessionCryptInfoSigned) map[string][]byte {
	return map[string][]byte{
		"certificate": cert.Cert, "signature of the authority": cert.CaSignature,
		"crypt info": crypt.Info, "signature of the crypt info": crypt.Signature,
	}
}

// eachBit calls f with every bit of what a peer presents flipped, one after the other: about 2000.
func eachBit(cert *pb.CMsgSteamDatagramCertificateSigned, crypt *pb.CMsgSteamDatagramSessionCryptInfoSigned, f func(where string)) {
	for name, field := range signedFields(cert, crypt) {
		for i := range len(field) * 8 {
			field[i/8] ^= 1 << (i % 8)
			f(fmt.Sprintf("bit %d of the %s", i, name))
			field[i/8] ^= 1 << (i % 8)
		}
	}
	for i := range 64 {
		*cert.CaKeyId ^= 1 << i
		f(fmt.Sprintf("bit %d of the authority's key id", i))
		*cert.CaKeyId ^= 1 << i
	}
}

func countBits(cert *pb.CMsgSteamDatagramCertificateSigned, crypt *pb.CMsgSteamDatagramSessionCryptInfoSigned) int {
	bits := 64 // of the key id
	for _, field := range signedFields(cert, crypt) {
		bits += 8 * len(field)
	}
	return bits
}

// Whatever bit is altered of what a client presents, there is no connection.
func TestEveryBitOfTheRequestCounts(t *testing.T) {
	t.Parallel()
	u := newUnion(t)
	e := meet(t, u.config(bob, 0x22220002))
	_, m := e.client(u.config(alice, 0x11110001))
	m = proto.Clone(m).(*pb.CMsgSteamSockets_UDP_ConnectRequest)
	bits := uint64(0)
	eachBit(m.Cert, m.Crypt, func(where string) {
		_, server, err := e.request(m)
		require.Nil(t, server, where)
		require.Error(t, err, where)
		bits++
	})
	require.Equal(t, bits, e.listener.Drops().Refused)
	require.Equal(t, countBits(m.Cert, m.Crypt), int(bits))
	_, server, err := e.request(m)
	require.NoError(t, err, "as it was")
	require.NotNil(t, server)
}

// Whatever bit is altered of what a server presents, the client does not get connected, and says why unless
// it does not understand who that is.
func TestEveryBitOfTheAnswerCounts(t *testing.T) {
	t.Parallel()
	u := newUnion(t)
	server := u.config(bob, 0x22220002)
	e := meet(t, server)
	config := u.config(alice, 0x11110001, func(c *Config) { c.Expect = bob })
	client, m := e.client(config)
	_, accepted, err := e.request(m)
	require.NoError(t, err)
	ok := e.answer(accepted)
	ended, ignored := 0, 0
	eachBit(ok.Cert, ok.Crypt, func(where string) {
		config.Rand = newSeededReader(byte(config.LocalID)) // always the same keys, so that the answer is good for all
		config.Replay = crypto.NewReplayGuard()
		c, _ := e.client(config)
		e.deliver(c, ok)
		switch c.State() {
		case StateProblemDetectedLocally:
			reason, text := c.End()
			require.Contains(t, []EndReason{EndRemoteBadCert, EndRemoteBadCrypt}, reason, where)
			require.NotEmpty(t, text, where)
			ended++
		case StateConnecting:
			require.EqualValues(t, 1, c.Status(e.now).Drops.Refused, where)
			ignored++
		default:
			require.Fail(t, "connected", where)
		}
	})
	require.Equal(t, countBits(ok.Cert, ok.Crypt), ended+ignored)
	require.Less(t, ignored, 8*len(ok.Cert.Cert), "only a certificate that does not parse, or with an identity that does not")
	e.deliver(client, ok)
	require.Equal(t, StateConnected, client.State(), "as it was")
	t.Logf("%d altered bits ended the attempt, %d made the answer unreadable", ended, ignored)
}

const replayText = "crypto handshake: replay: crypt info has been used by another connection: it is a recorded one"

// again is a request under another connection ID.
func again(m *pb.CMsgSteamSockets_UDP_ConnectRequest, id uint32) *pb.CMsgSteamSockets_UDP_ConnectRequest {
	m = proto.Clone(m).(*pb.CMsgSteamSockets_UDP_ConnectRequest)
	m.ClientConnectionId = proto.Uint32(id)
	return m
}

// A certified client's crypt info is good for one connection, be that alive or long forgotten.
func TestReplayedRequest(t *testing.T) {
	u := newUnion(t)
	e := meet(t, u.config(bob, 0x22220002))
	client, m := e.client(u.config(alice, 0x11110001))
	_, server, err := e.request(m)
	require.NoError(t, err)
	ok := e.answer(server)
	e.deliver(client, ok)
	e.say(client, server)

	reply, second, _ := e.request(again(m, 0x33330003))
	require.Nil(t, second)
	requireRefusal(t, reply, 0x33330003, EndRemoteBadCrypt, replayText)
	reply, second, _ = e.request(m)
	require.Nil(t, second)
	requireRefusal(t, reply, 0x11110001, EndMiscGeneric, "a connection with this identity and connection ID exists already")

	require.NoError(t, client.Close(e.now, 0, "", false))
	server.Abort(e.now, 0, "")
	e.listener.Forget(server)
	require.Empty(t, e.listener.children)
	reply, second, _ = e.request(m)
	require.Nil(t, second)
	requireRefusal(t, reply, 0x11110001, EndRemoteBadCrypt, replayText)
	require.EqualValues(t, 3, e.listener.Drops().Refused)
}

// A client that repeats itself because the answer was lost is answered once more.
func TestRepetitionIsNoReplay(t *testing.T) {
	u := newUnion(t)
	e := meet(t, u.config(bob, 0x22220002))
	client, m := e.client(u.config(alice, 0x11110001))
	_, server, err := e.request(m)
	require.NoError(t, err)
	first := e.answer(server)
	b, err := udpwire.AppendMessage(nil, udpwire.KindConnectRequest, m)
	require.NoError(t, err)
	server.Receive(e.now, b)
	b, ok := server.AppendPacket(e.now, nil)
	require.True(t, ok)
	client.Receive(e.now, b)
	require.Equal(t, StateConnected, client.State())
	e.deliver(client, first)
	require.Equal(t, StateConnected, client.State())
	e.say(client, server)
}

// Of several requests with one crypt info that wait to be accepted, the first to be accepted gets it. Those whom the
// application turns away have not used it up.
func TestReplayIsDecidedWhenAccepted(t *testing.T) {
	u := newUnion(t)
	e := meet(t, u.config(bob, 0x22220002))
	_, m := e.client(u.config(alice, 0x11110001))
	var waiting []*Conn
	for id := range uint32(3) {
		_, c, err := e.request(again(m, 0x40000+0x10001*id+1))
		require.NoError(t, err)
		waiting = append(waiting, c)
	}
	require.NoError(t, waiting[0].Close(e.now, 0, "not today", false))
	require.NoError(t, waiting[2].Accept(e.now))
	require.ErrorIs(t, waiting[1].Accept(e.now), ErrHandshakeFailed)
	reason, text := waiting[1].End()
	require.Equal(t, EndRemoteBadCrypt, reason)
	require.Equal(t, replayText, text)
	b, ok := waiting[1].AppendPacket(e.now, nil)
	require.True(t, ok)
	var closed pb.CMsgSteamSockets_UDP_ConnectionClosed
	require.NoError(t, udpwire.ParseMessage(b, udpwire.KindConnectionClosed, &closed))
	require.EqualValues(t, EndRemoteBadCrypt, closed.GetReasonCode())
	require.Equal(t, replayText, closed.GetDebug())
}

// The same for the answer of a server, towards the connections of one client.
func TestReplayedAnswer(t *testing.T) {
	u := newUnion(t)
	e := meet(t, u.config(bob, 0x22220002))
	config := u.config(alice, 0x11110001)
	client, m := e.client(config)
	_, server, err := e.request(m)
	require.NoError(t, err)
	ok := e.answer(server)
	e.deliver(client, ok)
	require.Equal(t, StateConnected, client.State())

	config.LocalID, config.Rand = 0x44440004, newSeededReader(44)
	second, _ := e.client(config)
	ok.ClientConnectionId = proto.Uint32(config.LocalID)
	e.deliver(second, ok)
	require.Equal(t, StateProblemDetectedLocally, second.State())
	reason, text := second.End()
	require.Equal(t, EndRemoteBadCrypt, reason)
	require.Equal(t, replayText, text)
	e.say(client, server)
}

// Without a guard, or of peers who are not certified, recordings are not looked for: they say no more than anybody
// could say.
func TestReplayWithoutGuard(t *testing.T) {
	for name, test := range map[string]struct{ server, client func(*Config) }{
		"no guard":      {func(c *Config) { c.Replay = nil }, func(*Config) {}},
		"not certified": {func(c *Config) { c.Require = false }, stranger},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUnion(t)
			e := meet(t, u.config(bob, 0x22220002, test.server))
			_, m := e.client(u.config(alice, 0x11110001, test.client))
			for id := range uint32(2) {
				_, c, err := e.request(again(m, 0x40000+0x10001*id+1))
				require.NoError(t, err)
				require.NoError(t, c.Accept(e.now))
				require.Less(t, c.PeerAuth().Assurance, crypto.AssuranceProven)
			}
		})
	}
}
