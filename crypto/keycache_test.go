package crypto

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"io"
	"math/big"
	"slices"
	"sync"
	"testing"

	"filippo.io/edwards25519"
	pb "github.com/gogns/gns/proto"
	"github.com/stretchr/testify/require"
)

// order is that of the base point.
var order, _ = new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)

// littleEndian returns a number in 32 bytes.
func littleEndian(n *big.Int) []byte {
	b := n.FillBytes(make([]byte, 32))
	slices.Reverse(b)
	return b
}

// torsion are the points whose order divides eight, encoded in every way that a decoder takes.
func torsion(t testing.TB) [][]byte {
	var all [][]byte
	for _, s := range []string{
		"0100000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000080",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	} {
		all = append(all, unhex(t, s))
	}
	return all
}

// same requires a table to judge as crypto/ed25519 does, and returns the judgment.
func same(t testing.TB, public, message, sig []byte) bool {
	t.Helper()
	want := ed25519.Verify(public, message, sig)
	table := newKeyTable(public)
	if table == nil {
		require.False(t, want, "%x is no key", public)
		return false
	}
	require.Equal(t, want, table.verify(public, message, sig), "key %x, signature %x", public, sig)
	return want
}

func TestTablesJudgeHonestSignatures(t *testing.T) {
	t.Parallel()
	random := fixedSource(2)
	for i := range 60 {
		key, err := NewSigningKey(random)
		require.NoError(t, err)
		message := make([]byte, i)
		_, _ = io.ReadFull(random, message)
		public, sig := publicHalf(key), ed25519.Sign(key, message)
		require.True(t, same(t, public, message, sig))
		require.False(t, same(t, public, append(message, 0), sig))
		for range 8 {
			var at [2]byte
			_, _ = io.ReadFull(random, at[:])
			bad := bytes.Clone(sig)
			bad[at[0]%64] ^= 1 << (at[1] % 8)
			require.False(t, same(t, public, message, bad))
			wrong := bytes.Clone(public)
			wrong[at[1]%32] ^= 1 << (at[0] % 8)
			require.False(t, same(t, wrong, message, sig))
		}
		for _, size := range []int{0, 63, 65} {
			require.False(t, same(t, public, message, append(sig, 0)[:size]))
		}
	}
}

// Of all numbers that are the same modulo the order of the base point, only the smallest is good.
func TestTablesWantReducedNumbers(t *testing.T) {
	t.Parallel()
	key, err := NewSigningKey(fixedSource(3))
	require.NoError(t, err)
	message := []byte("once")
	sig := ed25519.Sign(key, message)
	s := slices.Clone(sig[32:])
	slices.Reverse(s)
	n := new(big.Int).SetBytes(s)
	for n.Add(n, order); n.BitLen() <= 256; n.Add(n, order) {
		require.False(t, same(t, publicHalf(key), message, append(slices.Clone(sig[:32]), littleEndian(n)...)))
	}
	for _, n := range []*big.Int{new(big.Int), big.NewInt(1), new(big.Int).Sub(order, big.NewInt(1)), order} {
		require.False(t, same(t, publicHalf(key), message, append(slices.Clone(sig[:32]), littleEndian(n)...)))
	}
}

// Keys and points of small order, in encodings that are not the usual ones, are where implementations differ: some
// signatures for them are good here and bad there. All of them, with all multipliers that make one.
func TestTablesJudgePointsOfSmallOrder(t *testing.T) {
	t.Parallel()
	good := 0
	for _, public := range torsion(t) {
		for _, r := range torsion(t) {
			for m := range byte(8) {
				if same(t, public, []byte{m}, append(slices.Clone(r), make([]byte, 32)...)) {
					good++
				}
			}
		}
	}
	require.NotZero(t, good, "anything goes with such keys now and then")
}

// A key with a part of small order: a signature may be good or bad by chance, with eight to one, and a check that
// multiplied the equation by eight would take all of them.
func TestTablesJudgeMixedKeys(t *testing.T) {
	t.Parallel()
	random := fixedSource(4)
	good, bad := 0, 0
	for _, small := range torsion(t) {
		extra, err := new(edwards25519.Point).SetBytes(small)
		require.NoError(t, err)
		for i := range 20 {
			var wide [64]byte
			_, _ = io.ReadFull(random, wide[:])
			a, err := new(edwards25519.Scalar).SetUniformBytes(wide[:])
			require.NoError(t, err)
			_, _ = io.ReadFull(random, wide[:])
			r, err := new(edwards25519.Scalar).SetUniformBytes(wide[:])
			require.NoError(t, err)
			A := new(edwards25519.Point).ScalarBaseMult(a)
			A.Add(A, extra)
			R := new(edwards25519.Point).ScalarBaseMult(r)
			if i%2 == 0 {
				R.Add(R, extra)
			}
			message := wide[:i]
			k := challenge(t, R.Bytes(), A.Bytes(), message)
			s := new(edwards25519.Scalar).MultiplyAdd(k, a, r)
			if same(t, A.Bytes(), message, append(R.Bytes(), s.Bytes()...)) {
				good++
			} else {
				bad++
			}
		}
	}
	require.Greater(t, good, 20)
	require.Greater(t, bad, 100)
}

// Whatever the digits, they stand for the number, and are as sparse as they should be.
func TestSparseDigits(t *testing.T) {
	t.Parallel()
	numbers := []*big.Int{new(big.Int), big.NewInt(1), new(big.Int).Sub(order, big.NewInt(1)),
		new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 252), big.NewInt(1)), new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 64), big.NewInt(1))}
	random := fixedSource(5)
	for range 200 {
		var b [32]byte
		_, _ = io.ReadFull(random, b[:])
		numbers = append(numbers, new(big.Int).Mod(new(big.Int).SetBytes(b[:]), order))
	}
	for _, n := range numbers {
		s, err := new(edwards25519.Scalar).SetCanonicalBytes(littleEndian(n))
		require.NoError(t, err)
		for _, width := range []uint{5, 7} {
			sum, last := new(big.Int), -8
			for i, d := range sparseDigits(s, width) {
				if d == 0 {
					continue
				}
				require.True(t, d%2 != 0 && int(d) < 1<<(width-1) && int(d) > -(1<<(width-1)), "%d", d)
				require.GreaterOrEqual(t, i-last, int(width))
				last = i
				sum.Add(sum, new(big.Int).Lsh(big.NewInt(int64(d)), uint(i)))
			}
			require.Zero(t, n.Cmp(sum), "%v", n)
		}
	}
}

func TestKeyCache(t *testing.T) {
	t.Parallel()
	random := fixedSource(6)
	message := []byte("hello")
	type signer struct{ public, sig []byte }
	newSigner := func() signer {
		key, err := NewSigningKey(random)
		require.NoError(t, err)
		return signer{publicHalf(key), ed25519.Sign(key, message)}
	}
	c := NewKeyCache()
	regular := newSigner()
	bad := bytes.Clone(regular.sig)
	bad[40] ^= 1
	for range seenBeforeTable + 1 {
		require.False(t, c.Verify(regular.public, message, bad))
		require.Nil(t, c.lookup(publicKey(regular.public)), "only good signatures count")
	}
	for range seenBeforeTable {
		require.Nil(t, c.lookup(publicKey(regular.public)))
		require.True(t, c.Verify(regular.public, message, regular.sig))
	}
	table := c.lookup(publicKey(regular.public))
	require.NotNil(t, table)
	require.True(t, c.Verify(regular.public, message, regular.sig))
	require.False(t, c.Verify(regular.public, message, bad))

	for range 5 * cachedKeys {
		one := newSigner()
		require.True(t, c.Verify(one.public, message, one.sig))
		require.True(t, c.Verify(regular.public, message, regular.sig))
		require.LessOrEqual(t, len(c.recent)+len(c.older), 2*cachedKeys)
	}
	require.Same(t, table, c.lookup(publicKey(regular.public)), "who comes again is remembered, however many others come")
	for range 3 * cachedKeys {
		one := newSigner()
		require.True(t, c.Verify(one.public, message, one.sig))
	}
	require.Nil(t, c.lookup(publicKey(regular.public)), "and forgotten else")

	for _, size := range []int{0, 31, 33} {
		require.False(t, c.Verify(make([]byte, size), message, regular.sig))
		require.False(t, (*KeyCache)(nil).Verify(make([]byte, size), message, regular.sig))
	}
	require.True(t, (*KeyCache)(nil).Verify(regular.public, message, regular.sig))
	require.False(t, (*KeyCache)(nil).Verify(regular.public, message, bad))
}

// A peer who comes again gets no more credit than one who comes for the first time.
func TestHandshakesOfPeersWhoComeAgain(t *testing.T) {
	t.Parallel()
	keys := NewKeyCache()
	p := newCrafted(t)
	come := func() error {
		_, err := p.present(craftedServer(t, func(c *HandshakeConfig) { c.Keys = keys }))
		return err
	}
	for range seenBeforeTable + 1 {
		require.NoError(t, come())
	}
	require.NotNil(t, keys.lookup(publicKey(publicHalf(p.signing))))
	for _, change := range []func(*pb.CMsgSteamDatagramSessionCryptInfoSigned){
		func(info *pb.CMsgSteamDatagramSessionCryptInfoSigned) { info.Signature[5] ^= 1 },
		func(info *pb.CMsgSteamDatagramSessionCryptInfoSigned) { info.Signature[40] ^= 1 },
		func(info *pb.CMsgSteamDatagramSessionCryptInfoSigned) { info.Info[7] ^= 1 },
		func(info *pb.CMsgSteamDatagramSessionCryptInfoSigned) { clear(info.Signature) },
	} {
		p.messages = func(_ *pb.CMsgSteamDatagramCertificateSigned, info *pb.CMsgSteamDatagramSessionCryptInfoSigned) {
			change(info)
		}
		requireFailure(t, come(), ReasonBadCrypt, CheckInfoSignature, "was not signed with key")
	}
	p.messages = nil
	require.NoError(t, come())
}

func TestKeyCacheInManyGoroutines(t *testing.T) {
	t.Parallel()
	c := NewKeyCache()
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			random := fixedSource(7)
			for range 10 {
				key, err := NewSigningKey(random)
				if err != nil {
					panic(err)
				}
				sig := ed25519.Sign(key, []byte{byte(g)})
				for i := range byte(5) {
					if c.Verify(publicHalf(key), []byte{i}, sig) != (int(i) == g) {
						panic("wrong")
					}
				}
			}
		})
	}
	all.Wait()
}

func BenchmarkVerify(b *testing.B) {
	key, err := NewSigningKey(fixedSource(8))
	require.NoError(b, err)
	message := make([]byte, 70)
	public, sig := publicHalf(key), ed25519.Sign(key, message)
	c := NewKeyCache()
	for name, verify := range map[string]func() bool{
		"New":   func() bool { return ed25519.Verify(public, message, sig) },
		"Known": func() bool { return c.Verify(public, message, sig) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !verify() {
					b.Fatal("bad")
				}
			}
		})
	}
	b.Run("Table", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			newKeyTable(public)
		}
	})
}

// challenge is the hash in a signature.
func challenge(t testing.TB, r, public, message []byte) *edwards25519.Scalar {
	sum := sha512.Sum512(slices.Concat(r, public, message))
	k, err := new(edwards25519.Scalar).SetUniformBytes(sum[:])
	require.NoError(t, err)
	return k
}
