package certfile

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gogns/gns/crypto"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// lockedKey is testKey(1), encrypted by ssh-keygen with the passphrase "secret" in a single round.
const lockedKey = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABBDYPRwgY
nuhdztBEjYLvDYAAAAAQAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIIqI4910CfGV/VLb
LTy6XXLKZwm/HZQSG/N0iAG0D29cAAAAkNW5RTz0VJGA/NAXQpyXKrv6GeFp1zjLj31Un5
gc84F+IcbNtJtVvatR4VvTw/4deATOEAZm5C3ZOP6PJeKRv4mh45lNIFe8Nu0tCHs/kbHb
+XjO2IHQ5EPxp0mYMbIZEp0QpJ8eOYC5zhKSTE26HfUzf7kl/y2+YkHktC8QbbVB5VhjTa
cwJNP1Y8vhh+bfdw==
-----END OPENSSH PRIVATE KEY-----
`

func privateText(t testing.TB, seed byte) string {
	t.Helper()
	text, err := FormatPrivateKey(testKey(seed), "key of a test", nil)
	require.NoError(t, err)
	return string(text)
}

func certText(t testing.TB, signed []byte) string {
	t.Helper()
	text, err := FormatCertificate(signed, "one", "two")
	require.NoError(t, err)
	return string(text)
}

func TestFileOfCredentials(t *testing.T) {
	t.Parallel()
	leaf, other := testCert(t, testKey(1)), testCert(t, testKey(2))
	for _, text := range []string{
		certText(t, leaf) + privateText(t, 1),
		privateText(t, 1) + certText(t, leaf),
		"\xef\xbb\xbf# bob\r\n\r\n" + strings.ReplaceAll(certText(t, other)+privateText(t, 1)+certText(t, leaf), "\n", "\r\n"),
		" \t" + strings.ReplaceAll(privateText(t, 1), "\n", " ") + "\n" + certText(t, other) + certText(t, leaf),
	} {
		b, err := ParseBundle([]byte(text), nil)
		require.NoError(t, err, text)
		signed, key, err := b.Credentials()
		require.NoError(t, err)
		require.Equal(t, leaf, signed)
		require.Equal(t, testKey(1), key)
		require.Equal(t, "key of a test", b.Comment)
		b.Wipe()
		require.Nil(t, b.PrivateKey)
		require.Equal(t, make([]byte, 64), []byte(key), "gone for all who have it")
	}
}

func TestFileWithoutCredentials(t *testing.T) {
	t.Parallel()
	b, err := ParseBundle([]byte(certText(t, testCert(t, testKey(1)))), nil)
	require.NoError(t, err)
	_, _, err = b.Credentials()
	require.EqualError(t, err, "file holds no private key")
	b, err = ParseBundle([]byte(certText(t, testCert(t, testKey(1)))+privateText(t, 2)), nil)
	require.NoError(t, err)
	_, _, err = b.Credentials()
	require.ErrorContains(t, err, "file holds no certificate for its private key "+KeyIDText(crypto.KeyID(publicOf(testKey(2)))))
}

func TestFileOfTrust(t *testing.T) {
	t.Parallel()
	root := loadGolden(t).PKI.BuiltInRoot
	text := "# who may vouch for players\n" + root.AuthorizedKeys + "\n" + certText(t, testCert(t, testKey(2))) +
		"\n  " + string(FormatPublicKey(publicOf(testKey(3)), "the next one"))
	b, err := ParseBundle([]byte(text), nil)
	require.NoError(t, err)
	require.Nil(t, b.PrivateKey)
	require.Len(t, b.PublicKeys, 2)
	require.Equal(t, root.KeyID, crypto.KeyID(b.PublicKeys[0].Key))
	require.Equal(t, PublicKey{Key: publicOf(testKey(3)), Comment: "the next one"}, b.PublicKeys[1])
	require.Equal(t, [][]byte{testCert(t, testKey(2))}, b.Certificates)

	b, err = ParseBundle(nil, nil)
	require.NoError(t, err, "an empty file holds nothing")
	require.Equal(t, &Bundle{}, b)
}

// The layout is that of certtool with the verbs gen_keypair and create_cert.
func TestOutputOfCerttool(t *testing.T) {
	t.Parallel()
	golden := loadGolden(t).SigningKeys[1]
	signed := testCert(t, testKey(1))
	text := "\nPublic key: " + golden.WithID + "\n" + golden.Private + "\n" + certText(t, signed) +
		"#Public key . . . : " + golden.WithID + "\n#App ID(s). . . . : 730 570\n"
	b, err := ParseBundle([]byte(text), nil)
	require.NoError(t, err)
	require.Equal(t, []byte(golden.Seed), b.PrivateKey.Seed())
	require.Equal(t, golden.KeyID, crypto.KeyID(b.PublicKeys[0].Key))
	require.Equal(t, [][]byte{signed}, b.Certificates)
}

func TestLockedFileTellsWhatItCan(t *testing.T) {
	t.Parallel()
	text := lockedKey + string(FormatPublicKey(publicOf(testKey(5)), "")) + certText(t, testCert(t, testKey(1)))
	for _, passphrase := range []string{"", "wrong"} {
		b, err := ParseBundle([]byte(text), []byte(passphrase))
		require.ErrorIs(t, err, ErrPassphrase)
		require.Nil(t, b.PrivateKey)
		require.Equal(t, publicOf(testKey(1)), b.LockedKey)
		require.Len(t, b.Certificates, 1)
		require.Len(t, b.PublicKeys, 1)
	}
	b, err := ParseBundle([]byte(text), []byte("secret"))
	require.NoError(t, err)
	require.Equal(t, testKey(1), b.PrivateKey)
	require.Nil(t, b.LockedKey)
	_, err = ParseBundle([]byte(text+"nonsense"), nil)
	require.NotErrorIs(t, err, ErrPassphrase, "what is worse counts")
	require.ErrorContains(t, err, "is no public key")
}

func TestPrivateKeyInsideACertificateIsTakenOut(t *testing.T) {
	t.Parallel()
	for _, embedded := range [][]byte{testKey(1).Seed(), testKey(1)} {
		signed := testCert(t, testKey(1), embed(embedded))
		text := appendBlock(nil, typeCertificate, signed, certWidth)
		got, err := ParseCertificate(text)
		require.NoError(t, err)
		require.Equal(t, signed, got, "as it is in the file")

		for _, more := range []string{"", privateText(t, 1), privateText(t, 1) + lockedKey} {
			b, err := ParseBundle([]byte(string(text)+more), nil)
			require.NoError(t, err)
			require.Equal(t, testKey(1), b.PrivateKey)
			require.Equal(t, [][]byte{testCert(t, testKey(1))}, b.Certificates)
			require.False(t, bytes.Contains(b.Certificates[0], testKey(1).Seed()))
			require.Equal(t, more == "", b.Comment == "")
		}
		_, err = ParseBundle([]byte(string(text)+privateText(t, 2)), nil)
		require.ErrorContains(t, err, "second private key")
	}
	for _, tc := range []struct {
		key  []byte
		want string
	}{
		{testKey(2).Seed(), "does not belong to it"},
		{append(testKey(1).Seed(), publicOf(testKey(2))...), "does not belong to the public key beside it"},
		{make([]byte, 31), "has 31 bytes"},
	} {
		_, err := ParseBundle(appendBlock(nil, typeCertificate, testCert(t, testKey(1), embed(tc.key)), 72), nil)
		require.ErrorContains(t, err, tc.want)
	}
	b, err := ParseBundle(appendBlock(nil, typeCertificate, testCert(t, testKey(1), embed([]byte{})), 72), nil)
	require.NoError(t, err)
	require.Nil(t, b.PrivateKey)
	require.Equal(t, [][]byte{testCert(t, testKey(1))}, b.Certificates, "an empty one goes, too")
}

func TestBundleRefused(t *testing.T) {
	t.Parallel()
	key, cert := privateText(t, 1), certText(t, testCert(t, testKey(1)))
	for _, tc := range []struct{ text, want string }{
		{"# fine\nhello\n", "line 2: line is no public key"},
		{cert + "ssh-rsa AAAAB3Nz bob", `line 8: public key is of type "ssh-rsa"`},
		{"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n", `line 1: armored block of type "RSA PRIVATE KEY"`},
		{key + privateText(t, 2), "second private key in a file"},
		{lockedKey + key, "second private key in a file"},
		{strings.TrimSpace(key) + " oops\n", "more text follows an armored block on its last line"},
		{key[:len(key)/2], "line 1: armored text has no END line"},
		{strings.Replace(cert, "\nI", "\n!I", 1), "line 1: certificate: character '!'"},
		{strings.Replace(key, "OPENSSH PRIVATE KEY", "STEAMDATAGRAM CERT", 1), `to "OPENSSH PRIVATE KEY" is not known`},
		{"-----BEGIN STEAMDATAGRAM REQUEST-----\n!\n-----END STEAMDATAGRAM REQUEST-----", "line 1: certificate request: character"},
		{"-----BEGIN OPENSSH PRIVATE KEY-----" + strings.Repeat("A", maxKeyText+1) + "-----END OPENSSH PRIVATE KEY-----", "private key of 65537"},
		{strings.Repeat("#\n", maxBundle/2+1), "more than 4194304"},
		{"\x00", "line 1: line is no public key"},
		{"{", "certificate in JSON: syntax error at offset 1"},
	} {
		b, err := ParseBundle([]byte(tc.text), nil)
		require.ErrorContains(t, err, tc.want)
		require.Nil(t, b)
	}
}

// sampleBundle has one of everything.
func sampleBundle(t testing.TB) *Bundle {
	request, err := crypto.CertificateRequest(publicOf(testKey(4)), crypto.Identity{})
	require.NoError(t, err)
	return &Bundle{
		PrivateKey: testKey(1), Comment: "bob",
		PublicKeys:   []PublicKey{{publicOf(testKey(2)), "root"}, {publicOf(testKey(3)), "next root"}},
		Certificates: [][]byte{testCert(t, testKey(1)), testCert(t, testKey(5))},
		Requests:     [][]byte{request},
	}
}

func TestBundleSurvivesItsText(t *testing.T) {
	t.Parallel()
	want := sampleBundle(t)
	text, err := want.Format(nil)
	require.NoError(t, err)
	got, err := ParseBundle(text, nil)
	require.NoError(t, err)
	require.Equal(t, want, got)
	signed, err := ParseCertificate(text)
	require.NoError(t, err, "Valve's reader takes what stands first")
	require.Equal(t, want.Certificates[0], signed)

	text, err = want.Format([]byte("secret"))
	require.NoError(t, err)
	got, err = ParseBundle(text, []byte("secret"))
	require.NoError(t, err)
	want.Comment = "" // encrypted with the key
	require.Equal(t, want, got)

	_, err = (&Bundle{PublicKeys: []PublicKey{{Comment: "none"}}}).Format(nil)
	require.ErrorContains(t, err, "public key of 0 bytes")
	_, err = (&Bundle{Requests: [][]byte{{}}}).Format(nil)
	require.Error(t, err)
	_, err = (&Bundle{PrivateKey: make([]byte, 1)}).Format(nil)
	require.ErrorContains(t, err, "private key of 1 bytes")
}

func TestUnknownFieldsOfCertificatesAreKept(t *testing.T) {
	t.Parallel()
	signed := testCert(t, testKey(1))
	odd := append([]byte{0xa2, 0x06, 2, 'h', 'i'}, signed...) // field 100, first
	b, err := ParseBundle(appendBlock(nil, typeCertificate, odd, 72), nil)
	require.NoError(t, err)
	require.Equal(t, [][]byte{odd}, b.Certificates)
	b, err = ParseBundle(appendBlock(nil, typeCertificate, append(odd, append([]byte{0x0a, 32}, testKey(1).Seed()...)...), 72), nil)
	require.NoError(t, err)
	var outer pb.CMsgSteamDatagramCertificateSigned
	require.NoError(t, proto.Unmarshal(b.Certificates[0], &outer))
	require.Equal(t, []byte(odd[:5]), []byte(outer.ProtoReflect().GetUnknown()))
}
