package certfile

import (
	"crypto/ed25519"
	"strings"
	"testing"

	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// Times of the certificates in these tests.
const (
	created = 1800000000 // 2027-01-15 08:00:00 UTC
	expiry  = 1900000000 // 2030-03-17 17:46:40 UTC
)

// testCert returns a serialized certificate for a key, signed by testKey(100).
func testCert(t testing.TB, key ed25519.PrivateKey, changes ...func(*pb.CMsgSteamDatagramCertificateSigned)) []byte {
	t.Helper()
	inner, err := proto.Marshal(&pb.CMsgSteamDatagramCertificate{
		KeyType: pb.CMsgSteamDatagramCertificate_ED25519.Enum(), KeyData: publicOf(key),
		GameserverDatacenterIds: []uint32{'i'<<16 | 'a'<<8 | 'd', 'c'<<24 | 's'<<16 | 't'<<8 | 'o', 7},
		AppIds:                  []uint32{730, 570}, TimeCreated: proto.Uint32(created), TimeExpiry: proto.Uint32(expiry),
	})
	require.NoError(t, err)
	outer := &pb.CMsgSteamDatagramCertificateSigned{
		Cert: inner, CaKeyId: proto.Uint64(12345678901234567890), CaSignature: ed25519.Sign(testKey(100), inner),
	}
	for _, change := range changes {
		change(outer)
	}
	signed, err := proto.Marshal(outer)
	require.NoError(t, err)
	return signed
}

// embed puts a private key into a certificate.
func embed(key []byte) func(*pb.CMsgSteamDatagramCertificateSigned) {
	return func(outer *pb.CMsgSteamDatagramCertificateSigned) { outer.PrivateKeyData = key }
}

func TestCertificateWithInformation(t *testing.T) {
	t.Parallel()
	signed := testCert(t, testKey(1))
	text, err := FormatCertificate(signed, "Expires: never", "two\nlines")
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(string(text), "-----END STEAMDATAGRAM CERT-----\n#Expires: never\n#two lines\n"))
	for line := range strings.Lines(string(text)) {
		require.LessOrEqual(t, len(line), 73)
	}
	got, err := ParseCertificate(text)
	require.NoError(t, err)
	require.Equal(t, signed, got)
}

func TestCertificateTextNeverHoldsAPrivateKey(t *testing.T) {
	t.Parallel()
	signed := testCert(t, testKey(1), embed(testKey(1).Seed()))
	_, err := FormatCertificate(signed)
	require.EqualError(t, err, "certificate has a private key in it")
	_, err = NewJSON(Record{Certificate: signed})
	require.EqualError(t, err, "certificate has a private key in it")
	_, err = (&Bundle{Certificates: [][]byte{signed}}).Format(nil)
	require.EqualError(t, err, "certificate has a private key in it")
}

func TestCertificateRefused(t *testing.T) {
	t.Parallel()
	armored := func(body string) string {
		return "-----BEGIN STEAMDATAGRAM CERT-----\n" + body + "\n-----END STEAMDATAGRAM CERT-----\n"
	}
	for _, tc := range []struct{ text, want string }{
		{"", "does not start with"},
		{armored(""), "contains no certificate"},
		{armored("KQEAAAAAAAAA"), "contains no certificate"}, // a key id only
		{armored("IgUA"), "signed certificate of 3 bytes does not parse"},
		{armored("IgAAA"), "ends after the first of four characters"},
		{armored("Ig\vAA"), `character '\v' at offset 3 is not base64`},
		{strings.Repeat(" ", maxCertText) + armored("IgA="), "more than 262144"},
		{"-----BEGIN STEAMDATAGRAM CERT-----\nIgA=\n-----END CERT-----\n", `of type "STEAMDATAGRAM CERT" to "CERT"`},
		{"-----BEGIN STEAMDATAGRAM CERT-----\nIgA=\n-----BEGIN STEAMDATAGRAM CERT-----\n", "no END after the dashes"},
		{"-----BEGIN STEAMDATAGRAM CERT-----\nIgA=\n-----END STEAMDATAGRAM CERT\n", "END line of armored text does not end in dashes"},
		{"-----BEGIN STEAMDATAGRAM\nCERT-----\nIgA=\n-----END STEAMDATAGRAM CERT-----\n", "BEGIN line of armored text does not end in dashes"},
		{"-----BEG", "no BEGIN after the dashes"},
	} {
		got, err := ParseCertificate([]byte(tc.text))
		require.ErrorContains(t, err, tc.want, tc.text)
		require.Nil(t, got)
	}
	got, err := ParseCertificate([]byte(armored("IgA=")))
	require.NoError(t, err, "an empty certificate is one; to verify it is not the business of this package")
	require.Equal(t, []byte{0x22, 0}, got)
}

func TestWhatCannotBeWritten(t *testing.T) {
	t.Parallel()
	_, err := FormatCertificate([]byte{0x22})
	require.ErrorContains(t, err, "does not parse")
	_, err = FormatCertificate(testCert(t, testKey(1), func(o *pb.CMsgSteamDatagramCertificateSigned) { o.Cert = make([]byte, maxCertText) }))
	require.ErrorContains(t, err, "certificate of 262")
	_, err = FormatRequest([]byte{0x0a})
	require.ErrorContains(t, err, "request of 1 bytes does not parse")
	_, err = FormatRequest(nil)
	require.ErrorContains(t, err, "request of 0 bytes does not parse")
	_, err = ParseRequest([]byte("-----BEGIN STEAMDATAGRAM REQUEST-----\nIgA=\n-----END STEAMDATAGRAM REQUEST-----\n"))
	require.ErrorContains(t, err, "does not parse")
	_, err = ParseRequest(make([]byte, maxCertText+1))
	require.ErrorContains(t, err, "more than 262144")
}
