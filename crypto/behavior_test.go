package crypto

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// behaviorCase rebuilds one crafted handshake of the vectors.
type behaviorCase struct {
	craft  func(*crafted)
	config func(*HandshakeConfig)
	peer   string // who the peer is if it is accepted; empty: its address
}

// Bodies of the cases that server and client have in common.
func identity(text string) func(*crafted) {
	return func(p *crafted) { p.cert.IdentityString = &text }
}

func noIdentity(p *crafted) { p.cert.IdentityString = nil }

func identityBeside(text string) func(*crafted) {
	return func(p *crafted) { p.cert.IdentityString, p.beside.Text = nil, &text }
}

func binaryIdentity(b *pb.CMsgSteamNetworkingIdentityLegacyBinary) func(*crafted) {
	return func(p *crafted) { p.cert.IdentityString, p.cert.LegacyIdentityBinary = nil, b }
}

func steamIDField(id uint64) func(*crafted) {
	return func(p *crafted) { p.cert.IdentityString, p.cert.LegacySteamId = nil, &id }
}

func appIDs(ids ...uint32) func(*crafted) { return func(p *crafted) { p.cert.AppIds = ids } }

func version(v uint32) func(*crafted) { return func(p *crafted) { p.info.ProtocolVersion = &v } }

func stated(v uint32) func(*crafted) { return func(p *crafted) { p.stated = v } }

func ciphers(list ...Cipher) func(*crafted) {
	return func(p *crafted) { p.info.Ciphers = wireCiphers(list) }
}

func signature(change func([]byte) []byte) func(*crafted) {
	return func(p *crafted) {
		p.messages = func(_ *pb.CMsgSteamDatagramCertificateSigned, crypt *pb.CMsgSteamDatagramSessionCryptInfoSigned) {
			crypt.Signature = change(crypt.Signature)
		}
	}
}

func badSignature(p *crafted) {
	signature(func(s []byte) []byte { s[0] ^= 1; return s })(p)
}

func caSignature(sig []byte) func(*crafted) {
	return func(p *crafted) {
		p.messages = func(cert *pb.CMsgSteamDatagramCertificateSigned, _ *pb.CMsgSteamDatagramSessionCryptInfoSigned) {
			cert.CaSignature = sig
			if len(sig) > 0 {
				cert.CaKeyId = proto.Uint64(0x1234)
			}
		}
	}
}

func exchangeKey(key []byte) func(*crafted) {
	return func(p *crafted) { p.info.KeyData = key }
}

func all(steps ...func(*crafted)) func(*crafted) {
	return func(p *crafted) {
		for _, step := range steps {
			step(p)
		}
	}
}

var (
	garbageSignature = caSignature(bytes.Repeat([]byte{0xEE}, 64))

	disallow = func(c *HandshakeConfig) { c.RemoteUnsigned = UnsignedDisallow }
	warn     = func(c *HandshakeConfig) { c.RemoteUnsigned = UnsignedAllowWarn }
)

var serverCases = map[string]behaviorCase{
	"all defaults, identity ip:::1, app id 0, ciphers [2], version 13": {},
	"one bit of the info signature flipped":                            {craft: badSignature},
	"info signature absent":                                            {craft: signature(func([]byte) []byte { return nil })},
	"info signature 63 bytes":                                          {craft: signature(func(s []byte) []byte { return s[:63] })},
	"cert absent": {craft: func(p *crafted) {
		p.messages = func(cert *pb.CMsgSteamDatagramCertificateSigned, _ *pb.CMsgSteamDatagramSessionCryptInfoSigned) {
			cert.Cert = nil
		}
	}},
	"crypt absent": {craft: func(p *crafted) {
		p.messages = func(_ *pb.CMsgSteamDatagramCertificateSigned, crypt *pb.CMsgSteamDatagramSessionCryptInfoSigned) {
			crypt.Info, crypt.Signature = nil, nil
		}
	}},
	"protocol_version 7":  {craft: version(7)},
	"protocol_version 8":  {craft: version(8)},
	"protocol_version 14": {craft: version(14)},
	"ciphers empty":       {craft: ciphers()},
	"ciphers [1] (NULL)":  {craft: ciphers(1)},
	"ciphers [1,2]":       {craft: ciphers(1, 2)},
	"ciphers [2,1]":       {craft: ciphers(2, 1)},
	"ciphers [3,2]":       {craft: ciphers(3, 2)},
	"ciphers [3] only":    {craft: ciphers(3)},
	"ciphers packed [2]": {craft: func(p *crafted) {
		p.info.Ciphers = nil
		p.infoBytes = func(b []byte) []byte {
			return protowire.AppendBytes(protowire.AppendTag(b, 5, protowire.BytesType), []byte{2})
		}
	}},
	"cert app_ids [440], identity ip:::1":                                {craft: appIDs(440)},
	"cert app_ids [440,0]":                                               {craft: appIDs(440, 0)},
	"cert app_ids empty, identity ip:::1":                                {craft: appIDs()},
	"cert app_ids empty, identity str:foo":                               {craft: all(appIDs(), identity("str:foo"))},
	"identity str:foo in cert":                                           {craft: identity("str:foo"), peer: "str:foo"},
	"no identity anywhere":                                               {craft: noIdentity},
	"no identity, no app ids":                                            {craft: all(noIdentity, appIDs())},
	"no identity in cert, identity_string str:msgonly in ConnectRequest": {craft: identityBeside("str:msgonly"), peer: "str:msgonly"},
	"cert says str:incert, message says str:inmsg":                       {craft: all(identityBeside("str:inmsg"), identity("str:incert")), peer: "str:incert"},
	`identity "foo:bar baz"`:                                             {craft: identity("foo:bar baz"), peer: "foo:bar baz"},
	"identity str: with 32 characters":                                   {craft: identity("str:" + strings.Repeat("x", 32))},
	"identity_string present but empty":                                  {craft: identity("")},
	"identity ip:1.2.3.4:5 in cert":                                      {craft: identity("ip:1.2.3.4:5"), peer: "ip:1.2.3.4:5"},
	"identity ip:1.2.3.4:5 only in ConnectRequest":                       {craft: identityBeside("ip:1.2.3.4:5")},
	"identity ip:127.0.0.1:77 in cert":                                   {craft: identity("ip:127.0.0.1:77")},
	"identity steamid in string form":                                    {craft: identity("steamid:76561197960265729"), peer: "steamid:76561197960265729"},
	"only legacy_steam_id":                                               {craft: steamIDField(76561197960265729), peer: "steamid:76561197960265729"},
	"legacy_steam_id 0 present":                                          {craft: steamIDField(0)},
	"only legacy binary generic_string":                                  {craft: binaryIdentity(&pb.CMsgSteamNetworkingIdentityLegacyBinary{GenericString: proto.String("legstr")}), peer: "str:legstr"},
	"legacy binary present but empty":                                    {craft: binaryIdentity(&pb.CMsgSteamNetworkingIdentityLegacyBinary{})},
	"legacy binary ip 9.8.7.6:4660":                                      {craft: binaryIdentity(&pb.CMsgSteamNetworkingIdentityLegacyBinary{Ipv6AndPort: []byte{10: 0xFF, 11: 0xFF, 12: 9, 13: 8, 14: 7, 15: 6, 16: 0x12, 17: 0x34}}), peer: "ip:9.8.7.6:4660"},
	"X25519 key all zero":                                                {craft: exchangeKey(make([]byte, 32))},
	"X25519 key 31 bytes":                                                {craft: exchangeKey(make([]byte, 31))},
	"info key_type 0":                                                    {craft: func(p *crafted) { p.info.KeyType = pb.CMsgSteamDatagramSessionCryptInfo_INVALID.Enum() }},
	"cert key_type absent":                                               {craft: func(p *crafted) { p.cert.KeyType = nil }},
	"cert key 31 bytes":                                                  {craft: func(p *crafted) { p.cert.KeyData = p.cert.KeyData[:31] }},
	"garbage CA signature, unknown ca_key_id, identity ip:::1":           {craft: garbageSignature},
	"garbage CA signature, no identity":                                  {craft: all(garbageSignature, noIdentity)},
	"garbage CA signature, identity str:foo":                             {craft: all(garbageSignature, identity("str:foo")), peer: "str:foo"},
	"empty ca_signature field present, no identity":                      {craft: all(caSignature([]byte{}), noIdentity)},
	"unknown protobuf fields appended to info and cert":                  {craft: unknownFields},
	"info fields serialized in reverse order":                            {craft: func(p *crafted) { p.infoBytes = reverseFields }},
	"nonce field absent":                                                 {craft: func(p *crafted) { p.info.Nonce = nil }},
}

// Rows about things that are settled before or after the crypto handshake.
var serverElsewhere = []string{
	"client connection id with low 16 bits zero",
	"client connection id with high 16 bits zero",
}

var clientCases = map[string]behaviorCase{
	"normal ConnectOK":                         {},
	"ciphers [2,1]":                            {craft: ciphers(2, 1)},
	"ciphers [1], client offers [2]":           {craft: ciphers(1)},
	"ciphers empty":                            {craft: ciphers()},
	"ciphers [3]":                              {craft: ciphers(3)},
	"version 13 in ChallengeReply, 12 in info": {craft: all(stated(13), version(12))},
	"version 12 in ChallengeReply, 13 in info": {craft: all(stated(12), version(13))},
	"version 13 in ChallengeReply, 7 in info":  {craft: all(stated(13), version(7))},
	"cert app_ids [440]":                       {craft: appIDs(440)},
	"unparseable identity in cert":             {craft: identity("nobody")},
	"no identity":                              {craft: noIdentity},
	"identity str:server in cert":              {craft: identity("str:server"), peer: "str:server"},
	"identity only in ConnectOK":               {craft: identityBeside("str:server"), peer: "str:server"},
	"identity ip:9.9.9.9:9 in cert":            {craft: identity("ip:9.9.9.9:9"), peer: "ip:9.9.9.9:9"},
	"identity str:server, no app ids":          {craft: all(identity("str:server"), appIDs())},
	"X25519 key all zero":                      {craft: exchangeKey(make([]byte, 32))},
	"info signature bad":                       {craft: badSignature},
	"garbage CA signature, identity ip:::1":    {craft: garbageSignature},
	"IP_AllowWithoutAuth=0 both variants, unsigned cert str:server": {craft: identity("str:server"), config: disallow},
	"same, AllowWithoutAuth=1":                                      {craft: identity("str:server"), config: warn, peer: "str:server"},
	"AllowWithoutAuth=0, garbage CA signature, str:server":          {craft: all(garbageSignature, identity("str:server")), config: disallow},
	"AllowWithoutAuth=1, garbage CA signature, str:server":          {craft: all(garbageSignature, identity("str:server")), config: warn, peer: "str:server"},
	"AllowWithoutAuth=0, unsigned ip:::1":                           {craft: func(p *crafted) { p.refuse = true }, config: disallow},
}

var clientElsewhere = []string{
	"version 7 in ChallengeReply",
	"server_connection_id 0x00120000",
}

func unknownFields(p *crafted) {
	more := func(b []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(b, 1000, protowire.BytesType), []byte("more"))
	}
	p.certBytes, p.infoBytes = more, more
}

// reverseFields gives the same message with its fields in descending order.
func reverseFields(b []byte) []byte {
	var fields [][]byte
	for len(b) > 0 {
		_, _, n := protowire.ConsumeField(b)
		fields = append(fields, b[:n])
		b = b[n:]
	}
	slices.Reverse(fields)
	return bytes.Join(fields, nil)
}

// What Valve's server does about crafted ConnectRequests. It is silent about whatever is wrong before the
// application has accepted.
func TestVectorServerBehavior(t *testing.T) {
	t.Parallel()
	checkBehavior(t, RoleServer, vectors(t).PeerBehavior.Server, serverCases, serverElsewhere)
}

// What Valve's client does about crafted ConnectOKs. It ignores a bad introduction, and ends the connection
// over all the rest.
func TestVectorClientBehavior(t *testing.T) {
	t.Parallel()
	checkBehavior(t, RoleClient, vectors(t).PeerBehavior.Client, clientCases, clientElsewhere)
}

func checkBehavior(t *testing.T, role Role, rows []behaviorRow, cases map[string]behaviorCase, elsewhere []string) {
	seen := make(map[string]bool)
	for _, row := range rows {
		if slices.Contains(elsewhere, row.Case) {
			continue
		}
		test, known := cases[row.Case]
		require.True(t, known, "no case for %q", row.Case)
		seen[row.Case] = true
		t.Run(row.Case, func(t *testing.T) {
			t.Parallel()
			got, p, h, peer := runBehavior(t, role, test)
			require.Equal(t, row.Result, got)
			if got.Outcome != "accepted" {
				return
			}
			if test.peer == "" {
				test.peer = IPAddress(p.from).String()
			}
			require.Equal(t, test.peer, peer.String())
			require.False(t, h.Authenticated(), "nobody vouched for it")
		})
	}
	require.Len(t, seen, len(cases), "every case occurs in the vectors")
}

func runBehavior(t *testing.T, role Role, test behaviorCase) (behaviorResult, *crafted, *Handshake, Identity) {
	t.Helper()
	p := newCrafted(t)
	if test.craft != nil {
		test.craft(p)
	}
	config := func(*HandshakeConfig) {}
	if test.config != nil {
		config = test.config
	}
	h := craftedEnd(t, role, config)
	peer, err := p.present(h)
	if err != nil {
		if role == RoleServer || errors.Is(err, errUnpresentable) {
			return behaviorResult{Outcome: "silently ignored"}, p, h, peer
		}
		return behaviorResult{"closed", int(reasonOf(t, err))}, p, h, peer
	}
	keys, err := h.Finish(3, 4)
	if err != nil {
		return behaviorResult{"closed", int(reasonOf(t, err))}, p, h, peer
	}
	// The peer, which goes by what it sent, must arrive at the same keys.
	other := RoleClient
	if role == RoleClient {
		other = RoleServer
	}
	require.Equal(t, p.keys(other, h, 3, 4, keys.Cipher), keys)
	return behaviorResult{Outcome: "accepted"}, p, h, peer
}
