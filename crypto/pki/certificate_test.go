package pki_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/gogns/gns/crypto"
	"github.com/gogns/gns/crypto/pki"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

func TestSignedCertificatesSayWhatTheTemplateSays(t *testing.T) {
	t.Parallel()
	iad, err := pki.ParsePOP("iad")
	require.NoError(t, err)
	full := pki.Template{
		Key: public(20), Identity: crypto.GenericString("alice"), AppIDs: []uint32{0, 730}, POPs: []pki.POP{iad},
		Addresses: []netip.Prefix{netip.MustParsePrefix("1.2.3.4/32"), netip.MustParsePrefix("2001:db8::/32")},
		Created:   now, Expiry: now.Add(hour),
	}
	for name, id := range map[string]crypto.Identity{
		"authority": {}, "string": crypto.GenericString("alice"), "bytes": crypto.GenericBytes([]byte{0, 0xff}),
		"steam": crypto.SteamID(76561197960265729), "psn": crypto.PSNID(5), "xbox": crypto.XboxPairwiseID("x"),
		"address":   crypto.IPAddress(netip.MustParseAddrPort("1.2.3.4:5")),
		"not UTF-8": crypto.GenericString("\xff\xfe"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tmpl := full
			tmpl.Identity = id
			made := sign(t, 1, tmpl)
			c, err := pki.Parse(made.Marshal())
			require.NoError(t, err)
			require.Equal(t, made, c)
			require.Equal(t, tmpl, pki.Template{
				Key: c.Key, Identity: c.Identity, AppIDs: c.AppIDs, POPs: c.POPs, Addresses: c.Addresses, Created: c.Created, Expiry: c.Expiry,
			})
			require.Equal(t, keyID(1), c.AuthorityKeyID)
			require.Equal(t, keyID(20), c.KeyID())
			require.Equal(t, id.IsZero(), c.IsAuthority())
			require.True(t, c.IsSigned())
			require.False(t, c.SelfSigned())
			require.NoError(t, c.CheckSignature(public(1)))
			require.ErrorIs(t, c.CheckSignature(public(2)), pki.ErrBadSignature)
			require.ErrorIs(t, c.CheckSignature(public(2)[:31]), pki.ErrKey)
			scope, err := newStore(t, 1).Verify(c, now)
			require.NoError(t, err)
			require.Equal(t, crypto.Scope{}, scope)
		})
	}
}

func TestNothingEmptyIsWritten(t *testing.T) {
	t.Parallel()
	c := sign(t, 1, pki.Template{Key: public(20), Expiry: now})
	var inner pb.CMsgSteamDatagramCertificate
	require.NoError(t, proto.Unmarshal(c.Raw(), &inner))
	require.True(t, proto.Equal(&pb.CMsgSteamDatagramCertificate{
		KeyType: pb.CMsgSteamDatagramCertificate_ED25519.Enum(), KeyData: public(20), TimeExpiry: proto.Uint32(uint32(now.Unix())),
	}, &inner), "%v", &inner)
	require.True(t, c.Created.IsZero())
}

// A blob that provisions a peer has its private key inside. It ends here.
func TestPrivateKeysAreNotPassedOn(t *testing.T) {
	t.Parallel()
	made := sign(t, 1, leaf(20, "alice"))
	seed := key(20).Seed()
	blob := protowire.AppendTag(nil, 1, protowire.BytesType)
	blob = protowire.AppendBytes(blob, seed)
	blob = append(blob, made.Marshal()...)
	blob = protowire.AppendTag(blob, 99, protowire.BytesType) // nor is what nobody knows
	blob = protowire.AppendBytes(blob, seed)
	c, err := pki.Parse(blob)
	require.NoError(t, err)
	require.NotContains(t, string(c.Marshal()), string(seed))
	require.Equal(t, made.Marshal(), c.Marshal())
}

// Unknown fields and odd order are signed like anything else, so the bytes must stay what they were.
func TestSignedBytesStayVerbatim(t *testing.T) {
	t.Parallel()
	raw := protowire.AppendTag(nil, 1000, protowire.VarintType)
	raw = protowire.AppendVarint(raw, 7)
	raw = protowire.AppendTag(raw, 9, protowire.Fixed32Type)
	raw = protowire.AppendFixed32(raw, uint32(now.Unix()))
	raw = protowire.AppendTag(raw, 2, protowire.BytesType)
	raw = protowire.AppendBytes(raw, public(20))
	raw = protowire.AppendTag(raw, 1, protowire.VarintType)
	raw = protowire.AppendVarint(raw, 1)
	blob, err := proto.Marshal(&pb.CMsgSteamDatagramCertificateSigned{Cert: raw})
	require.NoError(t, err)
	c, err := pki.Parse(blob)
	require.NoError(t, err)
	require.Equal(t, raw, c.Raw())
	require.Equal(t, blob, c.Marshal())
	require.Equal(t, now, c.Expiry)
	require.False(t, c.IsSigned())
	require.ErrorIs(t, c.CheckSignature(public(1)), pki.ErrUnsigned)
}

func TestMalformedCertificates(t *testing.T) {
	t.Parallel()
	good := func() *pb.CMsgSteamDatagramCertificate {
		return &pb.CMsgSteamDatagramCertificate{KeyType: pb.CMsgSteamDatagramCertificate_ED25519.Enum(), KeyData: public(20)}
	}
	for name, row := range map[string]struct {
		change func(*pb.CMsgSteamDatagramCertificate)
		want   error
	}{
		"no key type":             {func(c *pb.CMsgSteamDatagramCertificate) { c.KeyType = nil }, pki.ErrKey},
		"no key":                  {func(c *pb.CMsgSteamDatagramCertificate) { c.KeyData = nil }, pki.ErrKey},
		"long key":                {func(c *pb.CMsgSteamDatagramCertificate) { c.KeyData = make([]byte, 33) }, pki.ErrKey},
		"identity of no type":     {func(c *pb.CMsgSteamDatagramCertificate) { c.IdentityString = proto.String("alice") }, pki.ErrMalformed},
		"empty identity":          {func(c *pb.CMsgSteamDatagramCertificate) { c.IdentityString = proto.String("") }, pki.ErrMalformed},
		"SteamID that is none":    {func(c *pb.CMsgSteamDatagramCertificate) { c.LegacySteamId = proto.Uint64(7) }, pki.ErrMalformed},
		"address that is a name":  {func(c *pb.CMsgSteamDatagramCertificate) { c.IpAddresses = []string{"localhost"} }, pki.ErrMalformed},
		"address with a port":     {func(c *pb.CMsgSteamDatagramCertificate) { c.IpAddresses = []string{"1.2.3.4:5"} }, pki.ErrMalformed},
		"address with a zone":     {func(c *pb.CMsgSteamDatagramCertificate) { c.IpAddresses = []string{"fe80::1%eth0"} }, pki.ErrMalformed},
		"address range too wide":  {func(c *pb.CMsgSteamDatagramCertificate) { c.IpAddresses = []string{"1.2.3.4/33"} }, pki.ErrMalformed},
		"address that is nothing": {func(c *pb.CMsgSteamDatagramCertificate) { c.IpAddresses = []string{""} }, pki.ErrMalformed},
		"too much":                {func(c *pb.CMsgSteamDatagramCertificate) { c.AppIds = make([]uint32, pki.MaxCertificateSize) }, pki.ErrLimit},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cert := good()
			row.change(cert)
			_, err := pki.Parse(signRaw(t, 1, cert))
			require.ErrorIs(t, err, row.want)
		})
	}
	for name, blob := range map[string][]byte{"nothing": nil, "no protobuf": {0xff}, "certificate that is none": {4<<3 | 2, 1, 0xff}} {
		_, err := pki.Parse(blob)
		require.ErrorIs(t, err, pki.ErrMalformed, name)
	}
}

func TestAddressRanges(t *testing.T) {
	t.Parallel()
	cert := &pb.CMsgSteamDatagramCertificate{
		KeyType: pb.CMsgSteamDatagramCertificate_ED25519.Enum(), KeyData: public(20),
		IpAddresses: []string{"1.2.3.4", "10.9.8.7/8", "2001:db8::1/32", "::ffff:192.0.2.1", "::ffff:198.51.100.0/120"},
	}
	c, err := pki.Parse(signRaw(t, 1, cert))
	require.NoError(t, err)
	for addr, want := range map[string]bool{
		"1.2.3.4": true, "::ffff:1.2.3.4": true, "1.2.3.5": false, "10.255.0.1": true, "11.0.0.0": false,
		"2001:db8::5": true, "2001:db8::5%eth0": true, "2001:db9::": false,
		"192.0.2.1": true, "192.0.2.2": false, "198.51.100.77": true, "198.51.101.0": false,
	} {
		require.Equal(t, want, c.AllowsAddress(netip.MustParseAddr(addr)), addr)
		require.Equal(t, want, pki.CheckAddress(c, nil, netip.MustParseAddr(addr)) == nil, addr)
	}
	scope := crypto.Scope{Addresses: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}
	require.NoError(t, pki.CheckAddress(c, &scope, netip.MustParseAddr("10.1.2.3")))
	require.ErrorIs(t, pki.CheckAddress(c, &scope, netip.MustParseAddr("10.2.2.3")), pki.ErrScope)
}

func TestTimesAreInUTCAndSeconds(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 3600)
	tmpl := leaf(20, "alice")
	tmpl.Created, tmpl.Expiry = now.Add(time.Millisecond).In(zone), now.Add(hour+time.Millisecond).In(zone)
	c := sign(t, 1, tmpl)
	require.Equal(t, now, c.Created)
	require.Equal(t, now.Add(hour), c.Expiry)
}

func TestPOPCodes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]pki.POP{
		"iad": 0x696164, "sto": 0x73746f, "fra2": 0x32667261, "0xffffffff": 0xffffffff, "0x00000000": 0,
	} {
		p, err := pki.ParsePOP(text)
		require.NoError(t, err, text)
		require.Equal(t, want, p, text)
		require.Equal(t, text, p.String())
	}
	for _, text := range []string{"", "ab", "abcde", "a c", "ab\x00", "abcé", "0x0000000", "0xgggggggg", "a\tbc"} {
		_, err := pki.ParsePOP(text)
		require.Error(t, err, "%q", text)
	}
}

func TestPOPRoundTrip(t *testing.T) {
	t.Parallel()
	for _, p := range []pki.POP{0, 1, 0x61, 0x6161, 0x616161, 0x61616161, 0x61006161, 0xff616161, 0x30783030} {
		again, err := pki.ParsePOP(p.String())
		require.NoError(t, err)
		require.Equal(t, p, again)
	}
}
