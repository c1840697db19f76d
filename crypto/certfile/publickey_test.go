package certfile

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/gogns/gns/crypto"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

func TestPublicKeysAreReadByOthers(t *testing.T) {
	t.Parallel()
	key := publicOf(testKey(4))
	for _, comment := range []string{"", "bob@example.com", "730-iad-ID1 with more"} {
		line := FormatPublicKey(key, comment)
		theirs, theirComment, _, rest, err := ssh.ParseAuthorizedKey(line)
		require.NoError(t, err)
		require.Empty(t, rest)
		require.Equal(t, key, theirs.(ssh.CryptoPublicKey).CryptoPublicKey())
		if comment == "" {
			comment = KeyIDText(crypto.KeyID(key))
		}
		require.Equal(t, comment, theirComment)

		ours, ourComment, err := ParsePublicKey(line)
		require.NoError(t, err)
		require.Equal(t, key, ours)
		require.Equal(t, comment, ourComment)
	}
}

func TestPublicKeyRefused(t *testing.T) {
	t.Parallel()
	line := func(typ string, key []byte, more ...byte) string {
		data := append(appendSSHBytes(appendSSHBytes(nil, typ), key), more...)
		return keyType + " " + base64.StdEncoding.EncodeToString(data)
	}
	key := []byte(publicOf(testKey(4)))
	for _, tc := range []struct{ line, want string }{
		{"", "does not start with ssh-ed25519"},
		{"ssh-rsa AAAAB3Nz", `public key is of type "ssh-rsa"`},
		{"ecdsa-sha2-nistp256 AAAA", `public key is of type "ecdsa-sha2-nistp256"`},
		{"c2VjcmV0c2VjcmV0", "line is no public key: it does not start with ssh-ed25519"},
		{"ssh-ed25519", "no base64"},
		{"ssh-ed25519 BBBB", "no base64"},
		{"ssh-ed25519 AAAA", "cut short"},
		{line("ssh-ed25519", key[:31]), "Ed25519 public key of 31 bytes"},
		{line("ssh-ed25519", append(bytes.Clone(key), 0)), "Ed25519 public key of 33 bytes"},
		{line("ssh-ed25518", key), `of type "ssh-ed25518"`},
		{line("ssh-ed25519", key, 0), "1 bytes too many"},
		{"ssh-ed25519 AAAA" + strings.Repeat("A", maxKeyText), "public key of 65540 characters"},
	} {
		got, _, err := ParsePublicKey([]byte(tc.line))
		require.ErrorContains(t, err, tc.want)
		require.Nil(t, got)
	}
}

func TestCommentsStayOnTheirLine(t *testing.T) {
	t.Parallel()
	key := publicOf(testKey(4))
	evil := "bob\nssh-ed25519 " + strings.Repeat("A", 68) + "\r\n\x1b[2J\u202e\xff end"
	line := FormatPublicKey(key, evil)
	require.Equal(t, 1, bytes.Count(line, []byte("\n")))
	require.NotContains(t, string(line), "\x1b")
	require.NotContains(t, string(line), "\u202e")
	_, comment, err := ParsePublicKey(line)
	require.NoError(t, err)
	require.Regexp(t, `^bob ssh-ed25519 A+ +\[2J +end$`, comment)
	require.NotContains(t, string(FormatRevocations([]Revocation{{KeyID: 1, Comment: "x\n2"}})), "\n2")
}

func TestKeyIDs(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"18446744073709551615", "ID18446744073709551615", "id18446744073709551615"} {
		id, err := ParseKeyID(s)
		require.NoError(t, err)
		require.Equal(t, uint64(1<<64-1), id)
	}
	for _, s := range []string{"", "ID", "0", "ID0", "-1", "+1", "0x1", "18446744073709551616", "ID 1", "1 "} {
		_, err := ParseKeyID(s)
		require.ErrorContains(t, err, "is not a key id", s)
	}
}

func TestRecordsWithoutOrWithWrongKeys(t *testing.T) {
	t.Parallel()
	_, err := NewJSON(Record{})
	require.EqualError(t, err, "record without a key")
	_, err = NewJSON(Record{PrivateKey: make(ed25519.PrivateKey, 5)})
	require.ErrorContains(t, err, "private key has no Ed25519 key")
	_, err = NewJSON(Record{PublicKey: publicOf(testKey(1)), PrivateKey: testKey(2)})
	require.EqualError(t, err, "private key does not belong to the public key")
	_, err = NewJSON(Record{PublicKey: publicOf(testKey(1)), Certificate: testCert(t, testKey(2))})
	require.EqualError(t, err, "certificate does not belong to the public key")
}
