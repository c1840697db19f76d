package crypto

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// Texts that Valve's library takes for identities only because C's scanf takes them for numbers. They are
// errors here.
var identityAccidents = map[string]bool{
	"steamid: 76561197960265729":   true,
	"steamid:+76561197960265729":   true,
	"steamid:76561197960265729abc": true,
	"steamid:76561197960265729 ":   true,
	"psn:12abc":                    true,
	"psn:-1":                       true,
	"ip: 1.2.3.4":                  true,
	"ip:1.2.3.4junk":               true,
	"gen:0x":                       true,
	"gen:1 ":                       true,
	"gen: 1":                       true,
	"gen:+1":                       true,
	"gen:-1":                       true,
	"gen:0g":                       true,
	"gen:1g":                       true,
}

// content is the union of Valve's SteamNetworkingIdentity: strings end with a NUL.
func (id Identity) content() []byte {
	switch id.typ {
	case IdentityGenericString, IdentityUnknownType, IdentityXboxPairwiseID:
		return append([]byte(id.data), 0)
	default:
		return []byte(id.data)
	}
}

func TestVectorIdentities(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, v := range vectors(t).Identities {
		in := string(v.In)
		id, err := ParseIdentity(in)
		if v.AccidentOfScanf || v.AccidentOfParser {
			seen++
			require.True(t, identityAccidents[in], "%q is not listed", in)
			require.Error(t, err, "%q", in)
			continue
		}
		if !v.OK {
			require.Error(t, err, "%q", in)
			require.True(t, id.IsZero(), "%q", in)
			continue
		}
		require.NoError(t, err)
		require.True(t, id.IsValid(), "%q", in)
		require.Equal(t, IdentityType(v.Type), id.Type(), "%q", in)
		require.Equal(t, []byte(v.Data), id.content(), "%q", in)
		require.Len(t, id.content(), v.Size, "%q", in)
		require.Equal(t, v.IsLocalhost, id.IsLocalhost(), "%q", in)
		printed := string(v.PrintHex)
		if v.Print != nil {
			printed = *v.Print
		}
		require.Equal(t, printed, id.String(), "%q", in)
		again, err := ParseIdentity(printed)
		require.NoError(t, err)
		require.Equal(t, id, again, "%q", in)

		fields, err := IdentityToFields(id)
		require.Equal(t, v.ToProtoOK, err == nil, "%q", in)
		if err != nil {
			continue
		}
		require.Equal(t, printed, *fields.Text)
		binary, err := proto.Marshal(fields.Binary)
		require.NoError(t, err)
		require.Equal(t, string(v.LegacyBinary), string(binary), "%q", in)
		steamID, isSteamID := id.SteamID()
		require.Equal(t, isSteamID, fields.SteamID != nil)
		if isSteamID {
			require.Equal(t, uint64(steamID), *fields.SteamID)
		}
		// Every form reads back, the newest first.
		for _, form := range []IdentityFields{fields, {Binary: fields.Binary, SteamID: fields.SteamID}} {
			if form.Text == nil && len(binary) == 0 {
				continue // a type that has only the text form
			}
			back, err := form.Identity()
			require.NoError(t, err)
			require.Equal(t, id, back, "%q", in)
		}
	}
	require.Equal(t, len(identityAccidents), seen, "every listed accident occurs in the vectors")
}

func TestIdentityConstructors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		id   Identity
		typ  IdentityType
		text string
	}{
		{SteamID(76561197960287930), IdentitySteamID, "steamid:76561197960287930"},
		{GenericString(""), IdentityGenericString, "str:"},
		{GenericString(strings.Repeat("x", 31)), IdentityGenericString, "str:" + strings.Repeat("x", 31)},
		{GenericBytes([]byte{0, 0xFF}), IdentityGenericBytes, "gen:00ff"},
		{IPAddress(netip.MustParseAddrPort("1.2.3.4:5")), IdentityIPAddress, "ip:1.2.3.4:5"},
		{IPAddress(netip.MustParseAddrPort("[fe80::1%eth0]:5")), IdentityIPAddress, "ip:[fe80::1]:5"},
		{Localhost(), IdentityIPAddress, "ip:::1"},
		{XboxPairwiseID("a"), IdentityXboxPairwiseID, "xboxpwid:a"},
		{PSNID(7), IdentitySonyPSN, "psn:7"},
	} {
		require.NoError(t, test.id.Err(), test.text)
		require.Equal(t, test.typ, test.id.Type(), test.text)
		require.Equal(t, test.text, test.id.String())
		parsed, err := ParseIdentity(test.text)
		require.NoError(t, err)
		require.True(t, test.id == parsed, test.text)
	}
}

func TestIdentityAccessors(t *testing.T) {
	t.Parallel()
	steamID, ok := SteamID(76561197960287930).SteamID()
	require.True(t, ok)
	require.Equal(t, SteamID64(76561197960287930), steamID)
	psn, ok := PSNID(7).PSNID()
	require.True(t, ok)
	require.Equal(t, uint64(7), psn)
	text, ok := GenericString("me").GenericString()
	require.True(t, ok)
	require.Equal(t, "me", text)
	xbox, ok := XboxPairwiseID("me").XboxPairwiseID()
	require.True(t, ok)
	require.Equal(t, "me", xbox)
	address, ok := IPAddress(netip.MustParseAddrPort("[::ffff:1.2.3.4]:5")).IPAddress()
	require.True(t, ok)
	require.Equal(t, netip.MustParseAddrPort("1.2.3.4:5"), address)
	id := GenericBytes([]byte{1, 2})
	b, ok := id.GenericBytes()
	require.True(t, ok)
	require.Equal(t, []byte{1, 2}, b)
	b[0] = 9
	require.Equal(t, GenericBytes([]byte{1, 2}), id, "the bytes were a copy")

	for _, id := range []Identity{{}, Localhost(), GenericString("me"), PSNID(7), GenericBytes(b), XboxPairwiseID("a"), SteamID(76561197960287930)} {
		_, isSteamID := id.SteamID()
		require.Equal(t, id.Type() == IdentitySteamID, isSteamID)
		_, isPSN := id.PSNID()
		require.Equal(t, id.Type() == IdentitySonyPSN, isPSN)
		_, isString := id.GenericString()
		require.Equal(t, id.Type() == IdentityGenericString, isString)
		_, isXbox := id.XboxPairwiseID()
		require.Equal(t, id.Type() == IdentityXboxPairwiseID, isXbox)
		_, isIP := id.IPAddress()
		require.Equal(t, id.Type() == IdentityIPAddress, isIP)
		_, isBytes := id.GenericBytes()
		require.Equal(t, id.Type() == IdentityGenericBytes, isBytes)
	}
}

// A mistake must not pass for the zero Identity, which means "anonymous".
func TestIdentityOfBadValue(t *testing.T) {
	t.Parallel()
	for reason, id := range map[string]Identity{
		"SteamID 1 is not valid":                      SteamID(1),
		"has 32 bytes; the limit is 31":               GenericString(strings.Repeat("x", 32)),
		`generic string "a\x00b" contains a NUL byte`: GenericString("a\x00b"),
		"generic bytes number 0":                      GenericBytes(nil),
		"generic bytes number 33":                     GenericBytes(make([]byte, 33)),
		"no IP address":                               IPAddress(netip.AddrPort{}),
		`Xbox pairwise id "" has 0 bytes`:             XboxPairwiseID(""),
		"has 33 bytes":                                XboxPairwiseID(strings.Repeat("x", 33)),
		`pairwise id "a\x00" contains a NUL byte`:     XboxPairwiseID("a\x00"),
	} {
		require.False(t, id.IsValid(), reason)
		require.False(t, id.IsZero(), reason)
		require.False(t, id.IsLocalhost(), reason)
		require.ErrorContains(t, id.Err(), reason)
		require.Equal(t, IdentityInvalid, id.Type())
		require.Equal(t, "invalid", id.String())
		_, err := id.MarshalText()
		require.ErrorContains(t, err, reason)
		_, err = IdentityToFields(id)
		require.ErrorContains(t, err, reason)
	}
	require.True(t, Identity{}.IsZero())
	require.False(t, Identity{}.IsValid())
	require.EqualError(t, Identity{}.Err(), "no identity")
}

func TestIdentityErrorsNameTheText(t *testing.T) {
	t.Parallel()
	_, err := ParseIdentity("str:" + strings.Repeat("long", 10))
	require.ErrorContains(t, err, "longlong")
	_, err = ParseIdentity("foo:" + strings.Repeat("x", 100000))
	require.ErrorContains(t, err, "100004 bytes; the limit is 127")
	require.Less(t, len(err.Error()), 300, "a huge text is not repeated whole")
	_, err = ParseIdentity("str:a\x00b")
	require.ErrorContains(t, err, "NUL")
}

func TestIdentityAsJSON(t *testing.T) {
	t.Parallel()
	type config struct {
		Me    Identity            `json:"me"`
		Peers map[Identity]string `json:"peers"`
	}
	in := config{Me: GenericString("me"), Peers: map[Identity]string{SteamID(76561197960287930): "you"}}
	text, err := json.Marshal(in)
	require.NoError(t, err)
	require.JSONEq(t, `{"me":"str:me","peers":{"steamid:76561197960287930":"you"}}`, string(text))
	var out config
	require.NoError(t, json.Unmarshal(text, &out))
	require.Equal(t, in, out)

	require.NoError(t, json.Unmarshal([]byte(`{"me":""}`), &out))
	require.True(t, out.Me.IsZero())
	require.Error(t, json.Unmarshal([]byte(`{"me":"nobody"}`), &out))
	text, err = json.Marshal(Identity{})
	require.NoError(t, err)
	require.Equal(t, `""`, string(text))
}

// SteamNetworkingIdentityFromProtobuf: identity_string, then the binary form, then the bare SteamID; the
// first that is present decides, good or bad.
func TestIdentityFieldsPrecedence(t *testing.T) {
	t.Parallel()
	const valid, otherInstance = 76561197960265729, 76561202255233025
	text := func(s string) *string { return &s }
	for _, test := range []struct {
		name   string
		fields IdentityFields
		want   string // empty: an error
	}{
		{"text before all", IdentityFields{text("str:a"), &pb.CMsgSteamNetworkingIdentityLegacyBinary{GenericString: text("b")}, proto.Uint64(valid)}, "str:a"},
		{"binary before SteamID", IdentityFields{nil, &pb.CMsgSteamNetworkingIdentityLegacyBinary{GenericString: text("b")}, proto.Uint64(valid)}, "str:b"},
		{"SteamID last", IdentityFields{nil, nil, proto.Uint64(valid)}, "steamid:76561197960265729"},
		{"bad text hides good SteamID", IdentityFields{text("nonsense"), nil, proto.Uint64(valid)}, ""},
		{"empty text is present", IdentityFields{text(""), nil, proto.Uint64(valid)}, ""},
		{"empty binary is present", IdentityFields{nil, &pb.CMsgSteamNetworkingIdentityLegacyBinary{}, proto.Uint64(valid)}, ""},
		{"text is cut at NUL", IdentityFields{Text: text("str:a\x00garbage")}, "str:a"},
		{"text that is not UTF-8", IdentityFields{Text: text("str:\xff\xfe")}, "str:\xff\xfe"},
		{"binary string is cut at NUL", IdentityFields{Binary: &pb.CMsgSteamNetworkingIdentityLegacyBinary{GenericString: text("a\x00b")}}, "str:a"},
		{"in binary SteamID comes first", IdentityFields{Binary: &pb.CMsgSteamNetworkingIdentityLegacyBinary{SteamId: proto.Uint64(valid), GenericString: text("b"), GenericBytes: []byte{1}, Ipv6AndPort: make([]byte, 18)}}, "steamid:76561197960265729"},
		{"then the string", IdentityFields{Binary: &pb.CMsgSteamNetworkingIdentityLegacyBinary{GenericString: text("b"), GenericBytes: []byte{1}, Ipv6AndPort: make([]byte, 18)}}, "str:b"},
		{"then the bytes", IdentityFields{Binary: &pb.CMsgSteamNetworkingIdentityLegacyBinary{GenericBytes: []byte{1}, Ipv6AndPort: make([]byte, 18)}}, "gen:01"},
		{"then the address", IdentityFields{Binary: &pb.CMsgSteamNetworkingIdentityLegacyBinary{Ipv6AndPort: make([]byte, 18)}}, "ip:::"},
		{"address of 17 bytes", IdentityFields{Binary: &pb.CMsgSteamNetworkingIdentityLegacyBinary{Ipv6AndPort: make([]byte, 17)}}, ""},
		{"string of 32 bytes", IdentityFields{Binary: &pb.CMsgSteamNetworkingIdentityLegacyBinary{GenericString: text(strings.Repeat("x", 32))}}, ""},
		{"bytes number 33", IdentityFields{Binary: &pb.CMsgSteamNetworkingIdentityLegacyBinary{GenericBytes: make([]byte, 33)}}, ""},
		{"SteamID 0", IdentityFields{SteamID: proto.Uint64(0)}, ""},
		{"other instance as number", IdentityFields{SteamID: proto.Uint64(otherInstance)}, "steamid:76561202255233025"},
		{"other instance as text", IdentityFields{Text: text("steamid:76561202255233025")}, ""},
		{"clan as number", IdentityFields{SteamID: proto.Uint64(103582791429521409)}, ""},
	} {
		id, err := test.fields.Identity()
		if test.want == "" {
			require.Error(t, err, test.name)
			require.True(t, id.IsZero(), test.name)
			continue
		}
		require.NoError(t, err, test.name)
		require.Equal(t, test.want, id.String(), test.name)
	}
	id, err := IdentityFields{}.Identity()
	require.NoError(t, err)
	require.True(t, id.IsZero(), "no field is no identity, and no error")
}

// Peers refuse these, so they are refused before they are sent.
func TestIdentityToFieldsRefuses(t *testing.T) {
	t.Parallel()
	clan := SteamID(103582791429521409)
	require.True(t, clan.IsValid())
	_, err := IdentityToFields(clan)
	require.ErrorContains(t, err, "[g:1:1]")

	otherInstance, err := IdentityFields{SteamID: proto.Uint64(76561202255233025)}.Identity()
	require.NoError(t, err)
	_, err = IdentityToFields(otherInstance)
	require.ErrorContains(t, err, "[U:1:1]")
}

func TestResolveAddressIdentity(t *testing.T) {
	t.Parallel()
	from := netip.MustParseAddrPort("[::ffff:10.0.0.9]:4000")
	elsewhere := IPAddress(netip.MustParseAddrPort("1.2.3.4:5"))
	for _, test := range []struct {
		name           string
		id             Identity
		source         IdentitySource
		allowAnonymous bool
		want           string
	}{
		{"anonymous becomes its address", Localhost(), IdentityNowhere, true, "ip:10.0.0.9:4000"},
		{"also from a certificate", Localhost(), IdentityInCert, true, "ip:10.0.0.9:4000"},
		{"127.0.0.1 with a port is anonymous", IPAddress(netip.MustParseAddrPort("127.0.0.1:77")), IdentityInMessage, true, "ip:10.0.0.9:4000"},
		{"anonymous refused", Localhost(), IdentityNowhere, false, ""},
		{"an address in a certificate is believed", elsewhere, IdentityInCert, false, "ip:1.2.3.4:5"},
		{"an address in a message is not", elsewhere, IdentityInMessage, true, ""},
		{"others pass", GenericString("me"), IdentityInMessage, false, "str:me"},
	} {
		id, err := ResolveAddressIdentity(test.id, test.source, from, test.allowAnonymous)
		require.Equal(t, test.want == "", err != nil, test.name)
		if test.want != "" {
			require.Equal(t, test.want, id.String(), test.name)
		}
	}
}

func FuzzParseIdentity(f *testing.F) {
	for _, v := range vectors(f).Identities {
		f.Add(string(v.In))
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseIdentity(text)
		if err != nil {
			require.True(t, id.IsZero())
			return
		}
		require.True(t, id.IsValid())
		require.LessOrEqual(t, len(id.String()), MaxIdentityText)
		again, err := ParseIdentity(id.String())
		require.NoError(t, err)
		require.Equal(t, id, again)
		fields, err := IdentityToFields(id)
		if err != nil {
			require.Equal(t, IdentitySteamID, id.Type())
			return
		}
		again, err = fields.Identity()
		require.NoError(t, err)
		require.Equal(t, id, again)
		fields.Text = nil
		if proto.Size(fields.Binary) > 0 {
			again, err = fields.Identity()
			require.NoError(t, err)
			require.Equal(t, id, again)
		}
	})
}
