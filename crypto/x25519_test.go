package crypto

import (
	"bytes"
	"crypto/ecdh"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// The vectors of RFC 7748, section 5.2.
func TestX25519OfRFC7748(t *testing.T) {
	t.Parallel()
	for _, v := range []struct{ private, public, shared string }{
		{"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
			"e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
			"c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
		{"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
			"e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
			"95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"},
	} {
		shared, err := sharedSecret(unhex(t, v.private), unhex(t, v.public))
		require.NoError(t, err)
		require.Equal(t, v.shared, hex.EncodeToString(shared[:]))
	}
}

// Repeated a thousand times, each result being the next private key and each private key the next public one.
func TestX25519Repeated(t *testing.T) {
	t.Parallel()
	base := make([]byte, x25519KeySize)
	base[0] = 9
	private, public := base, base
	for i := range 1000 {
		shared, err := sharedSecret(private, public)
		require.NoError(t, err)
		private, public = shared[:], private
		if i == 0 {
			require.Equal(t, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079", hex.EncodeToString(private))
		}
	}
	require.Equal(t, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51", hex.EncodeToString(private))
}

// fixedSource is a source of numbers that is the same in every run.
func fixedSource(seed uint64) io.Reader {
	var s [32]byte
	s[0] = byte(seed)
	return rand.NewChaCha8(s)
}

// publicKeysAtTheEdge are of low order, not reduced, on the twist, or next to such.
func publicKeysAtTheEdge(t testing.TB) [][]byte {
	var keys [][]byte
	for _, s := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"0200000000000000000000000000000000000000000000000000000000000000",
		"0900000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ebffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"efffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		key := unhex(t, s)
		high := bytes.Clone(key) // the bit that nobody looks at
		high[31] |= 0x80
		keys = append(keys, key, high)
	}
	return keys
}

// What this package computes is what crypto/ecdh computes, for whatever a peer may send, refusals included.
func TestX25519IsThatOfTheStandardLibrary(t *testing.T) {
	t.Parallel()
	random := fixedSource(1)
	privates := [][]byte{make([]byte, x25519KeySize), bytes.Repeat([]byte{0xff}, x25519KeySize)}
	publics := publicKeysAtTheEdge(t)
	for range 40 {
		one := make([]byte, 2*x25519KeySize)
		_, _ = io.ReadFull(random, one)
		privates = append(privates, one[:x25519KeySize])
		publics = append(publics, one[x25519KeySize:])
	}
	refused := 0
	for _, private := range privates {
		reference, err := ecdh.X25519().NewPrivateKey(private)
		require.NoError(t, err)
		public, err := publicExchangeKey(private)
		require.NoError(t, err)
		require.Equal(t, reference.PublicKey().Bytes(), public)
		for _, public := range publics {
			peer, err := ecdh.X25519().NewPublicKey(public)
			require.NoError(t, err)
			want, refusal := reference.ECDH(peer)
			got, err := sharedSecret(private, public)
			if refusal != nil {
				refused++
				require.ErrorIs(t, err, errLowOrder, "%x", public)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, want, got[:], "%x", public)
		}
	}
	require.Equal(t, 14*len(privates), refused, "seven points, with and without the highest bit")
}

func TestX25519KeysOfWrongSize(t *testing.T) {
	t.Parallel()
	key := bytes.Repeat([]byte{9}, x25519KeySize)
	for _, size := range []int{0, 31, 33, 64} {
		_, err := sharedSecret(make([]byte, size), key)
		require.Error(t, err)
		_, err = sharedSecret(key, make([]byte, size))
		require.Error(t, err)
		_, err = publicExchangeKey(make([]byte, size))
		require.Error(t, err)
	}
	_, err := newKeyPair(bytes.NewReader(key[1:]))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func BenchmarkX25519(b *testing.B) {
	private := bytes.Repeat([]byte{0x52}, x25519KeySize)
	public, err := publicExchangeKey(private)
	require.NoError(b, err)
	b.Run("Public", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = publicExchangeKey(private)
		}
	})
	b.Run("Shared", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = sharedSecret(private, public)
		}
	})
}
