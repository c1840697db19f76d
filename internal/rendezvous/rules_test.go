package rendezvous

import (
	"bytes"
	"encoding/base64"
	"errors"
	"math/rand/v2"
	"regexp"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func newDice(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 5)) }

func TestUfrag(t *testing.T) {
	t.Parallel()
	for id, want := range map[uint32]string{
		0x12345678: "SNFZ4",
		3077897316: "3dPxk",
		0:          "AAAAA",
		0x3fffffff: "/////",
		0xffffffff: "/////", // the highest two bits do not matter
		0xc0000001: "AAAAB",
	} {
		require.Equal(t, want, Ufrag(id), "%#x", id)
	}
}

func TestNewPassword(t *testing.T) {
	t.Parallel()
	random := rand.NewChaCha8([32]byte{1})
	seen := map[string]bool{}
	for range 100 {
		p, err := NewPassword(random)
		require.NoError(t, err)
		require.Regexp(t, regexp.MustCompile(`^[A-Za-z0-9+/]{24}$`), p, "ice-char of RFC 8839, at least 22 of them")
		require.False(t, seen[p])
		seen[p] = true
	}
	p, err := NewPassword(bytes.NewReader(make([]byte, passwordBytes)))
	require.NoError(t, err)
	require.Equal(t, base64.StdEncoding.EncodeToString(make([]byte, passwordBytes)), p, "all of it is random")
	broken := errors.New("no randomness")
	_, err = NewPassword(iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
}

func TestBecomesServer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		own, peer         uint32
		ownCert, peerCert string
		want              bool
	}{
		{2, 4, "", "", false}, // of equal parity the lower one is the client
		{4, 2, "", "", true},
		{3, 5, "", "", false},
		{2, 3, "", "", true}, // of different parity the higher one is
		{3, 2, "", "", false},
		{1420754861, 1601246903, "", "", false}, // as recorded: alice stays the client
		{1601246903, 1420754861, "", "", true},
		{0x80000000, 2, "", "", true}, // unsigned
		{7, 7, "b", "a", true},
		{7, 7, "a", "b", false},
		{7, 7, "\xff", "\x01", true}, // bytes are unsigned
		{7, 7, "ab", "a", false},     // equal as far as both go
	} {
		require.Equal(t, test.want, BecomesServer(test.own, test.peer, []byte(test.ownCert), []byte(test.peerCert)), "%+v", test)
	}
}

// Exactly one of two peers becomes the server, whoever they are.
func TestBecomesServerIsDecidedAlike(t *testing.T) {
	t.Parallel()
	dice := newDice(1)
	for range 20_000 {
		a, b := dice.Uint32(), dice.Uint32()
		if dice.IntN(4) == 0 {
			b = a ^ 1<<dice.IntN(32)
		}
		if dice.IntN(8) == 0 {
			b = a
		}
		certA, certB := make([]byte, 70), make([]byte, 70)
		for i := range certA {
			certA[i], certB[i] = byte(dice.IntN(256)), byte(dice.IntN(256))
		}
		copy(certB, certA[:dice.IntN(69)])
		if bytes.Equal(certA, certB) {
			continue
		}
		require.NotEqual(t, BecomesServer(a, b, certA, certB), BecomesServer(b, a, certB, certA), "%d %d", a, b)
	}
}
