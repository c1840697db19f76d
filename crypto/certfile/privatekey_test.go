package certfile

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

func TestPrivateKeysAreReadByOthers(t *testing.T) {
	t.Parallel()
	key := testKey(7)
	for _, tc := range []struct{ comment, passphrase string }{
		{"", ""}, {"bob@example.com", ""}, {"a comment of some length with blanks", ""},
		{"bob@example.com", "correct horse"},
	} {
		text, err := FormatPrivateKey(key, tc.comment, []byte(tc.passphrase))
		require.NoError(t, err)
		require.NotContains(t, string(text), "\r")
		var got any
		if tc.passphrase == "" {
			got, err = ssh.ParseRawPrivateKey(text)
		} else {
			got, err = ssh.ParseRawPrivateKeyWithPassphrase(text, []byte(tc.passphrase))
		}
		require.NoError(t, err)
		require.Equal(t, &key, got)

		ours, comment, err := ParsePrivateKey(text, []byte(tc.passphrase))
		require.NoError(t, err)
		require.Equal(t, key, ours)
		if tc.passphrase == "" {
			require.Equal(t, tc.comment, comment)
		}
	}
}

func TestPrivateKeysOfOthersAreRead(t *testing.T) {
	t.Parallel()
	key := testKey(8)
	plain, err := ssh.MarshalPrivateKey(key, "of another")
	require.NoError(t, err)
	got, comment, err := ParsePrivateKey(pem.EncodeToMemory(plain), nil)
	require.NoError(t, err)
	require.Equal(t, key, got)
	require.Equal(t, "of another", comment)

	got, _, err = ParsePrivateKey([]byte(lockedKey), []byte("secret"))
	require.NoError(t, err)
	require.Equal(t, testKey(1), got)
}

func TestPassphraseIsMissingOrWrong(t *testing.T) {
	t.Parallel()
	for passphrase, want := range map[string]string{
		"": "passphrase of the private key: none given", "left": "passphrase of the private key: wrong",
	} {
		key, _, err := ParsePrivateKey([]byte(lockedKey), []byte(passphrase))
		require.ErrorIs(t, err, ErrPassphrase)
		require.EqualError(t, err, want)
		require.Nil(t, key)
	}
	plain, err := FormatPrivateKey(testKey(9), "", nil)
	require.NoError(t, err)
	_, _, err = ParsePrivateKey(plain, []byte("not needed"))
	require.NoError(t, err, "a key that is not encrypted opens with any passphrase")
}

// parts are what an unencrypted file of a private key is made of.
type parts struct {
	magic, cipher, kdf, options string
	count                       uint32
	outer, inner                ed25519.PublicKey
	outerType, innerType        string
	check1, check2              uint32
	pair                        []byte
	after                       []byte
	cut                         int // bytes missing at the end
}

func validParts() *parts {
	key := testKey(1)
	return &parts{
		magic: privateKeyMagic, cipher: "none", kdf: "none", count: 1,
		outer: publicOf(key), inner: publicOf(key), outerType: keyType, innerType: keyType,
		check1: 5, check2: 5, pair: bytes.Clone(key),
	}
}

func (p *parts) text() []byte {
	private := binary.BigEndian.AppendUint32(nil, p.check1)
	private = binary.BigEndian.AppendUint32(private, p.check2)
	private = appendSSHBytes(appendSSHBytes(private, p.innerType), p.inner)
	private = append(appendSSHBytes(private, p.pair), p.after...)
	data := appendSSHBytes(appendSSHBytes(appendSSHBytes([]byte(p.magic), p.cipher), p.kdf), p.options)
	data = binary.BigEndian.AppendUint32(data, p.count)
	data = appendSSHBytes(data, appendSSHBytes(appendSSHBytes(nil, p.outerType), p.outer))
	data = appendSSHBytes(data, private)
	return appendBlock(nil, typePrivateKey, data[:len(data)-p.cut], 70)
}

func bcryptOptions(salt string, rounds uint32) string {
	return string(binary.BigEndian.AppendUint32(appendSSHBytes(nil, salt), rounds))
}

func TestPrivateKeyRefused(t *testing.T) {
	t.Parallel()
	other := publicOf(testKey(2))
	for _, tc := range []struct {
		want   string
		change func(*parts)
	}{
		{"not in OpenSSH's format", func(p *parts) { p.magic = "openssh-key-v2\x00" }},
		{"file of 2 private keys", func(p *parts) { p.count = 2 }},
		{"file of 0 private keys", func(p *parts) { p.count = 0 }},
		{`of type "ssh-rsa"`, func(p *parts) { p.outerType = "ssh-rsa" }},
		{`of type "ssh-dss"`, func(p *parts) { p.innerType = "ssh-dss" }},
		{"check words", func(p *parts) { p.check2 = 6 }},
		{"does not belong to it", func(p *parts) { p.outer = other }},
		{"does not belong to it", func(p *parts) { p.inner = other }},
		{"does not belong to it", func(p *parts) { copy(p.pair[32:], other) }},
		{"does not belong to it", func(p *parts) { p.pair[0]++ }},
		{"does not belong to it", func(p *parts) { p.inner, p.outer = other, other }},
		{"Ed25519 private key of 32 bytes", func(p *parts) { p.pair = p.pair[:32] }},
		{"Ed25519 private key of 0 bytes", func(p *parts) { p.pair = nil }},
		{"Ed25519 public key of 31 bytes", func(p *parts) { p.outer = p.outer[:31] }},
		{"Ed25519 public key of 33 bytes", func(p *parts) { p.inner = append(bytes.Clone(p.inner), 0) }},
		{"cut short", func(p *parts) { p.cut = 1 }},
		{"cut short", func(p *parts) { p.cut = 131 }},
		{"cut short", func(p *parts) { p.cut = 190 }},
		{`key derivation "pbkdf2"`, func(p *parts) { p.cipher, p.kdf = "aes256-ctr", "pbkdf2" }},
		{`encrypted with "3des-cbc"`, func(p *parts) { p.cipher, p.kdf = "3des-cbc", "bcrypt" }},
		{`encrypted with "none"`, func(p *parts) { p.kdf = "bcrypt" }},
		{`key derivation "none"`, func(p *parts) { p.cipher = "aes256-ctr" }},
		{"4294967295 rounds", func(p *parts) { p.encrypt("0123456789abcdef", 1<<32-1) }},
		{"1025 rounds and 16 bytes of salt", func(p *parts) { p.encrypt("0123456789abcdef", 1025) }},
		{"0 rounds", func(p *parts) { p.encrypt("0123456789abcdef", 0) }},
		{"16 rounds and 0 bytes of salt", func(p *parts) { p.encrypt("", 16) }},
		{"16 rounds and 65 bytes of salt", func(p *parts) { p.encrypt(strings.Repeat("x", 65), 16) }},
		{"passphrase of the private key: wrong", func(p *parts) { p.encrypt("0123456789abcdef", 1) }},
		{"cut short", func(p *parts) { p.cipher, p.kdf, p.options = "aes256-ctr", "bcrypt", "\x00\x00\x00\x10" }},
	} {
		p := validParts()
		tc.change(p)
		key, _, err := ParsePrivateKey(p.text(), []byte("passphrase"))
		require.ErrorContains(t, err, tc.want)
		require.Nil(t, key, tc.want)
	}
	_, _, err := ParsePrivateKey(validParts().text(), nil)
	require.NoError(t, err, "unchanged it is read")
}

func (p *parts) encrypt(salt string, rounds uint32) {
	p.cipher, p.kdf, p.options = "aes256-ctr", "bcrypt", bcryptOptions(salt, rounds)
}

func TestWhatFollowsThePrivateKeyIsIgnored(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		after   []byte
		comment string
	}{
		{nil, ""},
		{[]byte{0, 0, 0, 3, 'b', 'o', 'b', 1, 2}, "bob"},
		{[]byte{0, 0, 0, 3, 'b', 'o', 'b', 9, 9, 9}, "bob"},
		{[]byte{0, 0, 0, 9, 'b', 'o', 'b'}, ""},
		{[]byte{1, 2, 3}, ""},
		{[]byte("\x00\x00\x00\x0ca\x1b[31m\nred\xff\x07"), "a [31m red"},
	} {
		p := validParts()
		p.after = tc.after
		key, comment, err := ParsePrivateKey(p.text(), nil)
		require.NoError(t, err)
		require.Equal(t, testKey(1), key)
		require.Equal(t, tc.comment, comment)
	}
}

func TestPrivateKeyOfHostileSize(t *testing.T) {
	t.Parallel()
	valid, err := FormatPrivateKey(testKey(1), "", nil)
	require.NoError(t, err)
	_, _, err = ParsePrivateKey(append(bytes.Clone(valid), make([]byte, maxKeyText)...), nil)
	require.ErrorContains(t, err, "more than 65536")
	_, _, err = ParsePrivateKey(bytes.Repeat([]byte("-"), maxKeyText), nil)
	require.ErrorContains(t, err, "no BEGIN")
	for _, key := range []ed25519.PrivateKey{nil, make([]byte, 32), make([]byte, 65)} {
		_, err := FormatPrivateKey(key, "", nil)
		require.ErrorContains(t, err, "Ed25519 private key of")
	}
	text, err := FormatPrivateKey(testKey(1), strings.Repeat("long ", 10000), nil)
	require.NoError(t, err)
	_, comment, err := ParsePrivateKey(text, nil)
	require.NoError(t, err)
	require.LessOrEqual(t, len(comment), maxComment)
}

func TestEncryptedKeyOfAnotherType(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	b, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte("p"))
	require.NoError(t, err)
	_, _, err = ParsePrivateKey(pem.EncodeToMemory(b), []byte("p"))
	require.ErrorContains(t, err, `of type "ssh-rsa"`)
}

// An encrypted file tells the public half twice, once outside the encryption.
func TestEncryptedKeyWithForeignPublicHalf(t *testing.T) {
	t.Parallel()
	b, _ := pem.Decode([]byte(lockedKey))
	at := bytes.Index(b.Bytes, publicOf(testKey(1)))
	require.Positive(t, at)
	copy(b.Bytes[at:], publicOf(testKey(2)))
	_, _, err := ParsePrivateKey(pem.EncodeToMemory(b), []byte("secret"))
	require.ErrorContains(t, err, "does not belong")
}

func TestSSHKeygenReadsAndWrites(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("ssh-keygen is not installed; the same formats are tested through golang.org/x/crypto/ssh")
	}
	dir := t.TempDir()
	run := func(args ...string) string {
		out, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput()
		require.NoError(t, err, "ssh-keygen %v: %s", args, out)
		return string(out)
	}
	for name, passphrase := range map[string]string{"plain": "", "locked": "correct horse"} {
		ours := filepath.Join(dir, name+"-ours")
		text, err := FormatPrivateKey(testKey(3), "bob here", []byte(passphrase))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(ours, text, 0o600))
		public, comment, err := ParsePublicKey([]byte(run("-y", "-P", passphrase, "-f", ours)))
		require.NoError(t, err)
		require.Equal(t, publicOf(testKey(3)), public)
		require.Equal(t, "bob here", comment)

		theirs := filepath.Join(dir, name+"-theirs")
		run("-q", "-t", "ed25519", "-N", passphrase, "-C", "alice there", "-f", theirs)
		text, err = os.ReadFile(theirs)
		require.NoError(t, err)
		key, _, err := ParsePrivateKey(text, []byte(passphrase))
		require.NoError(t, err)
		line, err := os.ReadFile(theirs + ".pub")
		require.NoError(t, err)
		public, comment, err = ParsePublicKey(line)
		require.NoError(t, err)
		require.Equal(t, publicOf(key), public)
		require.Equal(t, "alice there", comment)
	}
	theirs := filepath.Join(dir, "pub")
	require.NoError(t, os.WriteFile(theirs, FormatPublicKey(publicOf(testKey(3)), ""), 0o600))
	require.Contains(t, run("-l", "-f", theirs), "(ED25519)")
}

func TestErrorsDoNotQuoteThePrivateKey(t *testing.T) {
	t.Parallel()
	p := validParts()
	p.check2++
	for _, text := range [][]byte{
		p.text(),
		[]byte(strings.ReplaceAll(string(validParts().text()), "OPENSSH", "OTHER")),
		[]byte(strings.ReplaceAll(string(validParts().text()), "-----", "")),
		[]byte(strings.ReplaceAll(string(validParts().text()), "-----END", "")),
		validParts().text()[5:],
	} {
		for _, read := range []func() error{
			func() error { _, _, err := ParsePrivateKey(text, nil); return err },
			func() error { _, err := ParseBundle(text, nil); return err },
			func() error { _, err := ParseRevocations(text); return err },
			func() error { _, err := ParseJSON([]byte(`{"private_key":"` + string(text))); return err },
		} {
			err := read()
			require.Error(t, err)
			seed := base64.StdEncoding.EncodeToString(testKey(1).Seed())
			for i := 0; i+12 <= len(seed); i++ {
				require.NotContains(t, err.Error(), seed[i:i+12])
			}
		}
	}
}
