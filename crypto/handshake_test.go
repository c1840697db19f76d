package crypto

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"testing"

	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// An authority of the tests' own.
var (
	authorityKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{0xCA}, ed25519.SeedSize))
	authority    = trustKey{publicHalf(authorityKey)}
)

// signedBy makes the authority sign whatever certificate the peer presents.
func signedBy(key ed25519.PrivateKey) func(*crafted) {
	return func(p *crafted) {
		p.messages = func(cert *pb.CMsgSteamDatagramCertificateSigned, _ *pb.CMsgSteamDatagramSessionCryptInfoSigned) {
			cert.CaKeyId = proto.Uint64(KeyID(publicHalf(key)))
			cert.CaSignature = ed25519.Sign(key, cert.Cert)
		}
	}
}

func trusting(v CertVerifier) func(*HandshakeConfig) {
	return func(c *HandshakeConfig) { c.Verifier = v }
}

// scoped is an authority that may not sign for everything.
type scoped struct {
	trustKey
	scope Scope
}

func (v scoped) VerifyCert(signed *pb.CMsgSteamDatagramCertificateSigned, now int64) (Scope, error) {
	if _, err := v.trustKey.VerifyCert(signed, now); err != nil {
		return Scope{}, err
	}
	return v.scope, nil
}

func requireFailure(t testing.TB, err error, reason FailureReason, check Check, text string) {
	t.Helper()
	var failed *HandshakeError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, reason, failed.Reason, "%v", err)
	require.Equal(t, check, failed.Check, "%v", err)
	require.Contains(t, failed.Text, text)
	require.Contains(t, err.Error(), text)
	require.Contains(t, err.Error(), check.String())
}

// A handshake that is wrong in every way fails over one thing after the other, in the order of
// CSteamNetworkConnectionBase::RecvCryptoHandshake, as they are put right.
func TestOrderOfChecks(t *testing.T) {
	t.Parallel()
	p := newCrafted(t)
	p.missing = true
	p.certBytes = func([]byte) []byte { return []byte{0xFF} }
	p.infoBytes = func([]byte) []byte { return []byte{0xFF} }
	caSig := []byte("worthless")
	infoSig := func([]byte) []byte { return nil }
	p.messages = func(cert *pb.CMsgSteamDatagramCertificateSigned, crypt *pb.CMsgSteamDatagramSessionCryptInfoSigned) {
		cert.CaKeyId, cert.CaSignature = proto.Uint64(77), caSig
		crypt.Signature = infoSig(crypt.Signature)
	}
	p.cert.IdentityString = proto.String("nobody")
	p.cert.AppIds = nil
	p.cert.KeyType = nil
	p.cert.KeyData = p.cert.KeyData[:31]
	p.info.ProtocolVersion = proto.Uint32(7)
	p.stated, p.lanes = 13, 2
	p.info.Ciphers = wireCiphers([]Cipher{1, 1})
	p.info.KeyType = nil
	p.info.KeyData = make([]byte, 31)
	expected := GenericString("peer")
	remoteUnsigned := UnsignedDisallow
	key := publicHalf(p.signing)

	for _, step := range []struct {
		reason FailureReason
		check  Check
		text   string
		repair func()
	}{
		{4002, CheckPresence, "missing", func() { p.missing = false }},
		{4003, CheckCASignature, "authority key 77 is unknown", func() { remoteUnsigned = UnsignedAllow }},
		{4002, CheckCertParse, "certificate of 1 bytes", func() { p.certBytes = nil }},
		{4003, CheckIdentity, `identity "nobody"`, func() { p.cert.IdentityString = proto.String("str:other") }},
		{4003, CheckIdentity, "certificate is for str:other, not for str:peer", func() { p.cert.IdentityString = proto.String("str:peer") }},
		{4003, CheckIdentity, "names no app id", func() { p.cert.AppIds = []uint32{440} }},
		{4003, CheckAppID, "certificate is for app ids [440], not 0", func() { p.cert.AppIds = []uint32{0}; remoteUnsigned, caSig = UnsignedDisallow, nil }},
		{4003, CheckUnsigned, "certificate of str:peer is not signed", func() { remoteUnsigned = UnsignedAllow }},
		{4002, CheckInfoSignature, "key type 0", func() { p.cert.KeyType = pb.CMsgSteamDatagramCertificate_ED25519.Enum() }},
		{4002, CheckInfoSignature, "Ed25519 key of 31 bytes", func() { p.cert.KeyData = key }},
		{4002, CheckInfoSignature, "has 0 bytes", func() { infoSig = func([]byte) []byte { return make([]byte, 64) } }},
		{4002, CheckInfoSignature, fmt.Sprint(KeyID(key)), func() { infoSig = func(s []byte) []byte { return s } }},
		{4002, CheckInfoParse, "crypt info of 1 bytes", func() { p.infoBytes = nil }},
		{4006, CheckProtocolVersion, "version 7; at least 8", func() { p.info.ProtocolVersion = proto.Uint32(10) }},
		{4006, CheckProtocolVersion, "signed protocol version 10 but stated 13", func() { p.stated = 10 }},
		{4006, CheckProtocolVersion, "2 lanes", func() { p.lanes = 1 }},
		{4002, CheckCipherCount, "2 ciphers [NULL NULL]", func() { p.info.Ciphers = wireCiphers([]Cipher{1}) }},
		{4002, CheckCipher, "peer has [NULL], we allow [AES_256_GCM]", func() { p.info.Ciphers = wireCiphers([]Cipher{2}) }},
		{4002, CheckKeyExchange, "type 0 instead of Curve25519", func() { p.info.KeyType = pb.CMsgSteamDatagramSessionCryptInfo_CURVE25519.Enum() }},
		{4002, CheckKeyExchange, "31 bytes", func() { p.info.KeyData = make([]byte, 32) }},
		{4002, CheckKeyExchange, "low order", func() { p.info.KeyData = p.exchange.Public }},
		{0, 0, "", nil},
	} {
		h := craftedEnd(t, RoleClient, func(c *HandshakeConfig) { c.RemoteUnsigned = remoteUnsigned })
		cert, crypt := p.build()
		err := h.ReceivePeer(PeerMessages{Cert: cert, Crypt: crypt, Identity: expected, StatedVersion: p.stated, Lanes: p.lanes})
		require.Equal(t, err == nil, h.Received())
		if err == nil {
			_, err = h.Finish(1, 2)
		}
		if step.repair == nil {
			require.NoError(t, err, "everything was put right")
			require.Equal(t, expected, h.PeerIdentity())
			break
		}
		requireFailure(t, err, step.reason, step.check, step.text)
		step.repair()
	}
}

// An authority's signature needs no leave to be unsigned, and is the only way to be authenticated.
func TestAuthenticated(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name          string
		craft         func(*crafted)
		config        func(*HandshakeConfig)
		authenticated bool
		warning       string
	}{
		{"trusted", all(identity("str:a"), signedBy(authorityKey)), all2(disallow, trusting(authority)), true, ""},
		{"nobody is trusted", all(identity("str:a"), signedBy(authorityKey)), warn, false, "is unknown"},
		{"nobody is trusted, and nobody asks", all(identity("str:a"), signedBy(authorityKey)), trusting(nil), false, ""},
		{"unsigned", identity("str:a"), all2(warn, trusting(authority)), false, "certificate of str:a is not signed"},
		{"trusted address", all(identity("ip:1.2.3.4"), signedBy(authorityKey)), all2(disallow, trusting(authority)), false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newCrafted(t)
			test.craft(p)
			h := craftedServer(t, test.config)
			_, err := p.present(h)
			require.NoError(t, err)
			require.Equal(t, test.authenticated, h.Authenticated())
			if test.warning == "" {
				require.NoError(t, h.Warning())
				return
			}
			require.ErrorContains(t, h.Warning(), test.warning)
		})
	}
}

func all2(steps ...func(*HandshakeConfig)) func(*HandshakeConfig) {
	return func(c *HandshakeConfig) {
		for _, step := range steps {
			step(c)
		}
	}
}

func TestForgedCASignature(t *testing.T) {
	t.Parallel()
	p := newCrafted(t)
	all(identity("str:a"), signedBy(authorityKey))(p)
	sign := p.messages
	p.messages = func(cert *pb.CMsgSteamDatagramCertificateSigned, crypt *pb.CMsgSteamDatagramSessionCryptInfoSigned) {
		sign(cert, crypt)
		cert.CaSignature[3] ^= 1
	}
	_, err := p.present(craftedServer(t, disallow, trusting(authority)))
	requireFailure(t, err, ReasonBadCert, CheckCASignature, "signature of authority key")
}

func TestAuthorityScope(t *testing.T) {
	t.Parallel()
	p := newCrafted(t)
	all(identity("str:a"), signedBy(authorityKey))(p)
	_, err := p.present(craftedServer(t, trusting(scoped{authority, Scope{AppIDs: []uint32{730}}})))
	requireFailure(t, err, ReasonBadCert, CheckAppID, "authority of the certificate may sign for app ids [730], not 0")
	_, err = p.present(craftedServer(t, trusting(scoped{authority, Scope{AppIDs: []uint32{0, 730}}})))
	require.NoError(t, err)
}

// A signed certificate without an identity is for game servers without an account, and says where they run.
func TestSignedCertWithoutIdentity(t *testing.T) {
	t.Parallel()
	const anonServer, gameServer = "steamid:90071992547409921", "steamid:85568392920039425"
	for _, test := range []struct {
		name   string
		beside string
		pops   []uint32
		config func(*HandshakeConfig)
		want   string
	}{
		{"anonymous game server", anonServer, []uint32{7}, all2(disallow, trusting(authority)), ""},
		{"without data center", anonServer, nil, all2(disallow, trusting(authority)), "names no data center"},
		{"game server with account", gameServer, []uint32{7}, all2(disallow, trusting(authority)), "cannot be for " + gameServer},
		{"any other identity", "str:a", []uint32{7}, all2(disallow, trusting(authority)), "cannot be for str:a"},
		{"anonymous peer", "ip:::1", []uint32{7}, all2(disallow, trusting(authority)), "cannot be for ip:10.1.2.3:4567"},
		{"worthless signature, right form", anonServer, []uint32{7}, trusting(nil), ""},
		{"worthless signature, wrong form", "str:a", []uint32{7}, trusting(nil), "cannot be for str:a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newCrafted(t)
			all(identityBeside(test.beside), signedBy(authorityKey))(p)
			p.cert.GameserverDatacenterIds = test.pops
			h := craftedServer(t, test.config)
			_, err := p.present(h)
			if test.want == "" {
				require.NoError(t, err)
				require.True(t, h.PeerIdentity().IsZero())
				return
			}
			requireFailure(t, err, ReasonBadCert, CheckIdentity, test.want)
		})
	}
}

// BThinkCryptoReady and SetLocalCertUnsigned: which certificate is shown, and when there is none.
func TestChoiceOfLocalCert(t *testing.T) {
	t.Parallel()
	const expiry = vectorTime + 10
	me := GenericString("me")
	inner, err := proto.Marshal(&pb.CMsgSteamDatagramCertificate{
		KeyType: pb.CMsgSteamDatagramCertificate_ED25519.Enum(), KeyData: publicHalf(authorityKey),
		AppIds: []uint32{0}, IdentityString: proto.String("str:me"), TimeExpiry: proto.Uint32(expiry),
	})
	require.NoError(t, err)
	outer, err := proto.Marshal(&pb.CMsgSteamDatagramCertificateSigned{
		Cert: inner, CaKeyId: proto.Uint64(1), CaSignature: ed25519.Sign(authorityKey, inner),
	})
	require.NoError(t, err)
	signed, err := NewLocalCert(outer, authorityKey)
	require.NoError(t, err)

	for _, test := range []struct {
		name   string
		id     Identity
		cert   *LocalCert
		policy UnsignedCertPolicy
		now    int64
		client string // "signed", "unsigned", or empty for none
		server string
	}{
		{"signed", me, signed, UnsignedDisallow, vectorTime, "signed", "signed"},
		{"one second before expiry", me, signed, UnsignedDisallow, expiry - 1, "signed", "signed"},
		{"in the second of expiry", me, signed, UnsignedDisallow, expiry, "", ""},
		{"expired, unsigned will do", me, signed, UnsignedAllow, expiry, "unsigned", "unsigned"},
		{"none, disallowed", me, nil, UnsignedDisallow, vectorTime, "", ""},
		{"none, allowed with a warning", me, nil, UnsignedAllowWarn, vectorTime, "", "unsigned"},
		{"none, allowed", me, nil, UnsignedAllow, vectorTime, "unsigned", "unsigned"},
		{"anonymous never shows a signed one", Localhost(), signed, UnsignedAllow, vectorTime, "unsigned", "unsigned"},
		{"anonymous needs no permission", Identity{}, nil, UnsignedDisallow, vectorTime, "unsigned", "unsigned"},
		{"identity that cannot be sent", SteamID(103582791429521409), nil, UnsignedAllow, vectorTime, "", ""},
		{"identity that is not valid", GenericBytes(nil), nil, UnsignedAllow, vectorTime, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			config := HandshakeConfig{
				Random: rand.Reader, Identity: test.id, Cert: test.cert, LocalUnsigned: test.policy,
				RemoteUnsigned: UnsignedAllow, Now: test.now,
			}
			requireShown := func(h *Handshake, err error, want string) {
				t.Helper()
				if want == "" {
					requireFailure(t, err, ReasonInternalError, CheckLocalCert, "")
					return
				}
				require.NoError(t, err)
				require.Equal(t, want == "signed", h.SignedCert().CaSignature != nil)
				require.Nil(t, h.SignedCert().PrivateKeyData)
			}
			client, err := NewHandshake(config)
			requireShown(client, err, test.client)

			config.Role, config.Now = RoleServer, 0 // a server goes by the time of ReceivePeer
			server, err := NewHandshake(config)
			require.NoError(t, err)
			cert, crypt := newCrafted(t).build()
			err = server.ReceivePeer(PeerMessages{Cert: cert, Crypt: crypt, Identity: Localhost(), Now: test.now})
			requireShown(server, err, test.server)
		})
	}
}

// Two ends on the defaults, in every mix of options and peers' versions.
func TestBothEnds(t *testing.T) {
	t.Parallel()
	for _, clientID := range []Identity{{}, GenericString("client"), SteamID(76561197960265729)} {
		for _, version := range []uint32{8, 9, 10, 13, 14} {
			for unencrypted := range int32(4) {
				t.Run(fmt.Sprintf("%v version %d unencrypted %d", clientID, version, unencrypted), func(t *testing.T) {
					t.Parallel()
					client := craftedEnd(t, RoleClient, func(c *HandshakeConfig) {
						c.Identity, c.Version, c.Unencrypted, c.AppID = clientID, version, unencrypted, 440
					})
					server := craftedServer(t, func(c *HandshakeConfig) { c.AppID = 440 })
					server.SetUnencrypted(unencrypted)
					deliver(t, client, server)
					require.Equal(t, version, server.PeerVersion())
					wantFirst := int64(2)
					if version < 10 {
						wantFirst = 1
					}
					require.Equal(t, wantFirst, server.FirstPacketNumber())
					serverKeys, err := server.Finish(7, 8)
					require.NoError(t, err)
					deliver(t, server, client)
					clientKeys, err := client.Finish(7, 8)
					require.NoError(t, err)
					require.Equal(t, serverKeys, clientKeys)
					require.Equal(t, uint32(7), clientKeys.ClientConnectionID)
					require.Equal(t, uint32(8), clientKeys.ServerConnectionID)
				})
			}
		}
	}
}

// deliver brings one end's messages to the other.
func deliver(t testing.TB, from, to *Handshake) {
	t.Helper()
	require.NoError(t, to.ReceivePeer(PeerMessages{
		Cert: from.SignedCert(), Crypt: from.SignedCryptInfo(),
		Identity: certIdentity(t, from.SignedCert()), StatedVersion: from.config.Version,
	}))
}

// Any difference in what the two ends saw gives them different keys.
func TestKeysBindTheHandshake(t *testing.T) {
	t.Parallel()
	v := &vectors(t).Handshakes[0]
	secret, err := premaster(v.Client.X25519Private, v.Server.X25519Public)
	require.NoError(t, err)
	derive := func(change func(client, server *side)) Keys {
		client, server := v.Client.derivationSide(), v.Server.derivationSide()
		client.cert, client.info = bytes.Clone(client.cert), bytes.Clone(client.info)
		server.cert, server.info = bytes.Clone(server.cert), bytes.Clone(server.info)
		change(client, server)
		s := secret
		keys := deriveKeys(&s, CipherAES256GCM, client, server)
		keys.ClientConnectionID, keys.ServerConnectionID = 0, 0
		return keys
	}
	right := derive(func(*side, *side) {})
	require.Equal(t, right, derive(func(*side, *side) {}))
	for name, change := range map[string]func(client, server *side){
		"client's id":    func(c, _ *side) { c.connectionID++ },
		"server's id":    func(_, s *side) { s.connectionID++ },
		"client's nonce": func(c, _ *side) { c.nonce++ },
		"server's nonce": func(_, s *side) { s.nonce++ },
		"client's cert":  func(c, _ *side) { c.cert[0]++ },
		"server's cert":  func(_, s *side) { s.cert[0]++ },
		"client's info":  func(c, _ *side) { c.info[0]++ },
		"server's info":  func(_, s *side) { s.info[0]++ },
		"roles":          func(c, s *side) { *c, *s = *s, *c },
	} {
		wrong := derive(change)
		require.NotEqual(t, right.ClientToServer.Key, wrong.ClientToServer.Key, name)
		require.NotEqual(t, right.ClientToServer.IV, wrong.ClientToServer.IV, name)
		require.NotEqual(t, right.ServerToClient.Key, wrong.ServerToClient.Key, name)
		require.NotEqual(t, right.ServerToClient.IV, wrong.ServerToClient.IV, name)
	}
}

// A peer repeats its messages until it is answered. Repetitions, even altered ones, change nothing.
func TestRepeatedMessages(t *testing.T) {
	t.Parallel()
	client, server := craftedEnd(t, RoleClient), craftedServer(t)
	deliver(t, client, server)
	require.NoError(t, server.ReceivePeer(PeerMessages{}), "received already")
	keys, err := server.Finish(1, 2)
	require.NoError(t, err)
	info := server.SignedCryptInfo()

	again, err := server.Finish(3, 4)
	require.NoError(t, err)
	require.Equal(t, keys, again)
	deliver(t, craftedEnd(t, RoleClient), server)
	server.SetUnencrypted(3)
	require.True(t, proto.Equal(info, server.SignedCryptInfo()))

	deliver(t, server, client)
	clientKeys, err := client.Finish(1, 2)
	require.NoError(t, err)
	require.Equal(t, keys, clientKeys)
}

func TestFinishNeedsThePeer(t *testing.T) {
	t.Parallel()
	for _, role := range []Role{RoleClient, RoleServer} {
		h := craftedEnd(t, role)
		require.False(t, h.Received())
		_, err := h.Finish(1, 2)
		requireFailure(t, err, ReasonInternalError, CheckPresence, "nothing was received")
		require.Equal(t, CipherInvalid, h.Cipher())
		require.Zero(t, h.PeerVersion())
		require.Equal(t, role, h.Role())
		require.Equal(t, map[Role]string{RoleClient: "client", RoleServer: "server"}[role], role.String())
	}
}

// A client's list is out; changing it would leave the two ends with different ideas.
func TestSetUnencryptedOnClient(t *testing.T) {
	t.Parallel()
	client := craftedEnd(t, RoleClient)
	client.SetUnencrypted(3)
	server := craftedServer(t, func(c *HandshakeConfig) { c.Unencrypted = 1 })
	deliver(t, client, server)
	_, err := server.Finish(1, 2)
	require.NoError(t, err)
	deliver(t, server, client)
	keys, err := client.Finish(1, 2)
	require.NoError(t, err)
	require.Equal(t, CipherAES256GCM, keys.Cipher)
}

// ChangeRoleToServerAndAccept: the certificate stays, everything else starts over.
func TestBecomeServer(t *testing.T) {
	t.Parallel()
	alice := craftedEnd(t, RoleClient, func(c *HandshakeConfig) { c.Identity = GenericString("alice"); c.Unencrypted = 1 })
	bob := craftedEnd(t, RoleClient, func(c *HandshakeConfig) { c.Identity = GenericString("bob") })
	cert, info := alice.SignedCert(), alice.SignedCryptInfo()
	private := alice.exchange.Private

	require.NoError(t, alice.BecomeServer())
	require.Equal(t, RoleServer, alice.Role())
	require.True(t, proto.Equal(cert, alice.SignedCert()))
	require.Nil(t, alice.SignedCryptInfo())
	require.Equal(t, make([]byte, x25519KeySize), private, "the old key is wiped")

	deliver(t, bob, alice)
	aliceKeys, err := alice.Finish(5, 6)
	require.NoError(t, err)
	require.True(t, proto.Equal(cert, alice.SignedCert()))
	require.NotEqual(t, info.Info, alice.SignedCryptInfo().Info)
	deliver(t, alice, bob)
	bobKeys, err := bob.Finish(5, 6)
	require.NoError(t, err)
	require.Equal(t, aliceKeys, bobKeys)

	requireFailure(t, alice.BecomeServer(), ReasonInternalError, CheckKeyExchange, "keys exist already")
}

// The caller may reuse the buffer that a message was read from.
func TestMessagesDoNotAliasThePacket(t *testing.T) {
	t.Parallel()
	client, server := craftedEnd(t, RoleClient), craftedServer(t)
	packet, err := proto.Marshal(&pb.CMsgSteamSockets_UDP_ConnectRequest{Cert: client.SignedCert(), Crypt: client.SignedCryptInfo()})
	require.NoError(t, err)
	var request pb.CMsgSteamSockets_UDP_ConnectRequest
	require.NoError(t, proto.Unmarshal(packet, &request))
	require.NoError(t, server.ReceivePeer(PeerMessages{Cert: request.Cert, Crypt: request.Crypt, Identity: Localhost()}))
	clear(packet)
	serverKeys, err := server.Finish(1, 2)
	require.NoError(t, err)
	deliver(t, server, client)
	clientKeys, err := client.Finish(1, 2)
	require.NoError(t, err)
	require.Equal(t, serverKeys, clientKeys)
}

func TestSecretsAreWiped(t *testing.T) {
	t.Parallel()
	client, server := craftedEnd(t, RoleClient), craftedServer(t)
	deliver(t, client, server)
	signing := [][]byte{client.cert.key, server.cert.key}
	_, err := server.Finish(1, 2)
	require.NoError(t, err)
	deliver(t, server, client)
	_, err = client.Finish(1, 2)
	require.NoError(t, err)
	for i, h := range []*Handshake{client, server} {
		require.Equal(t, make([]byte, x25519KeySize), h.exchange.Private)
		require.Equal(t, make([]byte, ed25519.PrivateKeySize), signing[i])
		require.NotZero(t, *h.keys)
		h.Forget()
		require.Zero(t, h.keys.ClientToServer)
		require.Zero(t, h.keys.ServerToClient)
	}

	abandoned := craftedEnd(t, RoleClient)
	abandonedKey := abandoned.cert.key
	abandoned.Forget()
	require.Equal(t, make([]byte, x25519KeySize), abandoned.exchange.Private)
	require.Equal(t, make([]byte, ed25519.PrivateKeySize), []byte(abandonedKey))
	craftedServer(t).Forget()

	// A certificate from outside serves other connections too.
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize))
	inner, err := proto.Marshal(&pb.CMsgSteamDatagramCertificate{
		KeyType: pb.CMsgSteamDatagramCertificate_ED25519.Enum(), KeyData: publicHalf(key),
		IdentityString: proto.String("str:me"), TimeExpiry: proto.Uint32(100),
	})
	require.NoError(t, err)
	outer, err := proto.Marshal(&pb.CMsgSteamDatagramCertificateSigned{Cert: inner, CaSignature: make([]byte, 64)})
	require.NoError(t, err)
	cert, err := NewLocalCert(outer, key)
	require.NoError(t, err)
	shared := craftedEnd(t, RoleClient, func(c *HandshakeConfig) { c.Identity, c.Cert = GenericString("me"), cert })
	shared.Forget()
	require.Equal(t, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize)), cert.key)

	// It keeps a key of its own, and no handshake can sign once that is wiped.
	kept := cert.key
	cert.Wipe()
	require.Equal(t, make([]byte, ed25519.PrivateKeySize), []byte(kept))
	require.NotEqual(t, key, kept)
	_, err = NewHandshake(HandshakeConfig{Random: rand.Reader, Identity: GenericString("me"), Cert: cert})
	require.ErrorContains(t, err, "wiped")
}

// Randomness may fail at each of the places where it is needed.
func TestRandomnessFails(t *testing.T) {
	t.Parallel()
	for _, have := range []int{0, 31, 32, 63, 64, 71} {
		_, err := NewHandshake(HandshakeConfig{Random: &failingReader{left: have}})
		var failed *HandshakeError
		require.ErrorAs(t, err, &failed, "%d bytes", have)
		require.Equal(t, ReasonInternalError, failed.Reason)

		server, err := NewHandshake(HandshakeConfig{Role: RoleServer, Random: &failingReader{left: have}, RemoteUnsigned: UnsignedAllow})
		require.NoError(t, err)
		cert, crypt := newCrafted(t).build()
		err = server.ReceivePeer(PeerMessages{Cert: cert, Crypt: crypt, Identity: Localhost()})
		if err == nil {
			_, err = server.Finish(1, 2)
		}
		require.ErrorAs(t, err, &failed, "%d bytes", have)
		require.Equal(t, ReasonInternalError, failed.Reason)
	}
	_, err := NewHandshake(HandshakeConfig{})
	requireFailure(t, err, ReasonInternalError, CheckKeyExchange, "no source of randomness")
	_, err = NewHandshake(HandshakeConfig{Random: &failingReader{left: 72}})
	require.NoError(t, err)
}

func TestFailureNames(t *testing.T) {
	t.Parallel()
	require.Equal(t, "Remote_BadCrypt", ReasonBadCrypt.String())
	require.Equal(t, "Remote_BadCert", ReasonBadCert.String())
	require.Equal(t, "Remote_BadProtocolVersion", ReasonBadProtocolVersion.String())
	require.Equal(t, "Misc_InternalError", ReasonInternalError.String())
	require.Equal(t, "FailureReason(1)", FailureReason(1).String())
	require.Equal(t, "key exchange", CheckKeyExchange.String())
	require.Equal(t, "Check(200)", Check(200).String())
}

// FuzzReceivePeer gives arbitrary messages to both ends, signed properly if the fuzzer wishes, so that it
// gets past the signature.
func FuzzReceivePeer(f *testing.F) {
	for _, v := range vectors(f).Handshakes {
		f.Add([]byte(v.Client.Cert), []byte(v.Client.Info), []byte(v.Client.InfoSignature), []byte(nil), "", byte(0))
		f.Add([]byte(v.Server.Cert), []byte(v.Server.Info), []byte(v.Server.InfoSignature), make([]byte, 64), "str:a", byte(1))
		f.Add([]byte(v.Client.Cert), []byte(v.Server.Info), []byte(nil), []byte{}, "steamid:90071992547409921", byte(7))
	}
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	f.Fuzz(func(t *testing.T, cert, info, sig, caSig []byte, beside string, flags byte) {
		if flags&1 != 0 { // the fuzzer's fields, with a key that can sign
			keyed, err := proto.Marshal(&pb.CMsgSteamDatagramCertificate{
				KeyType: pb.CMsgSteamDatagramCertificate_ED25519.Enum(), KeyData: publicHalf(key),
			})
			require.NoError(t, err)
			cert = append(cert, keyed...)
			sig = ed25519.Sign(key, info)
		}
		signed := &pb.CMsgSteamDatagramCertificateSigned{Cert: cert, CaSignature: caSig}
		crypt := &pb.CMsgSteamDatagramSessionCryptInfoSigned{Info: info, Signature: sig}
		var fields IdentityFields
		if flags&2 != 0 {
			fields.Text = &beside
		}
		id, source, err := PeerIdentity(signed, fields)
		if err != nil {
			return
		}
		id, err = ResolveAddressIdentity(id, source, newCrafted(t).from, flags&4 == 0)
		if err != nil {
			return
		}
		require.True(t, id.IsValid())
		for _, role := range []Role{RoleClient, RoleServer} {
			h := craftedEnd(t, role, func(c *HandshakeConfig) { c.Unencrypted = int32(flags >> 3 & 3) })
			err := h.ReceivePeer(PeerMessages{Cert: signed, Crypt: crypt, Identity: id})
			require.Equal(t, err == nil, h.Received())
			if err == nil {
				_, err = h.Finish(1, 2)
			}
			if err != nil {
				var failed *HandshakeError
				require.ErrorAs(t, err, &failed)
				require.Contains(t, []FailureReason{ReasonBadCrypt, ReasonBadCert, ReasonBadProtocolVersion}, failed.Reason)
				continue
			}
			require.False(t, h.Authenticated(), "nobody is trusted")
			require.GreaterOrEqual(t, h.PeerVersion(), uint32(MinProtocolVersion))
			require.Contains(t, []Cipher{CipherNull, CipherAES256GCM}, h.Cipher())
		}
	})
}

func BenchmarkHandshakeServer(b *testing.B) {
	client := craftedEnd(b, RoleClient)
	cert, crypt := client.SignedCert(), client.SignedCryptInfo()
	b.ReportAllocs()
	for b.Loop() {
		server := craftedServer(b)
		if err := server.ReceivePeer(PeerMessages{Cert: cert, Crypt: crypt, Identity: Localhost()}); err != nil {
			b.Fatal(err)
		}
		if _, err := server.Finish(1, 2); err != nil {
			b.Fatal(err)
		}
	}
}
