package crypto

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// Layout of a data packet, as far as it takes to find the protected chunk.
const (
	dataHeaderSize = 7 // flags, recipient's connection id, low 16 bits of the packet number
	dataFlagStats  = 1
	dataFlagTime   = 2
)

// dataChunk returns the protected part of a UDP data packet.
func dataChunk(t testing.TB, packet []byte) []byte {
	t.Helper()
	require.GreaterOrEqual(t, len(packet), dataHeaderSize)
	flags, rest := packet[0], packet[dataHeaderSize:]
	if flags&dataFlagStats != 0 {
		size, n := binary.Uvarint(rest)
		require.Positive(t, n)
		rest = rest[n+int(size):]
	}
	if flags&dataFlagTime != 0 {
		rest = rest[2:]
	}
	return rest
}

func packetKey(key, iv []byte) *PacketKey {
	return &PacketKey{Key: [aesKeySize]byte(key), IV: [ivSize]byte(iv)}
}

// The nonce is the IV plus the packet number over its first eight bytes, wrapping around without a carry
// into the last four.
func TestVectorGCMPackets(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t).GCMPackets {
		t.Run(fmt.Sprintf("number %d iv %x", v.PacketNumber, []byte(v.IV)), func(t *testing.T) {
			t.Parallel()
			sealer, err := NewSealer(CipherAES256GCM, packetKey(v.Key, v.IV))
			require.NoError(t, err)
			require.Equal(t, []byte(v.CiphertextAndTag), sealer.Seal(nil, v.Plaintext, v.PacketNumber))
			require.Equal(t, []byte(v.Nonce), sealer.nonce[:])

			opener, err := NewOpener(CipherAES256GCM, packetKey(v.Key, v.IV))
			require.NoError(t, err)
			plaintext, err := opener.Open([]byte{}, v.CiphertextAndTag, v.PacketNumber)
			require.NoError(t, err)
			require.Equal(t, []byte(v.Plaintext), plaintext)

			_, err = opener.Open(nil, v.CiphertextAndTag, v.PacketNumber+1)
			require.ErrorIs(t, err, ErrNotAuthentic)
		})
	}
}

func TestVectorHandshakePackets(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t).Handshakes {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			require.NotEmpty(t, v.Packets)
			for _, p := range v.Packets {
				key := packetKey(v.Keys.ClientToServerKey, v.Keys.ClientToServerIV)
				if p.Dir == "s2c" {
					key = packetKey(v.Keys.ServerToClientKey, v.Keys.ServerToClientIV)
				}
				chunk := dataChunk(t, p.UDPPayload)
				if v.cipher(t) == CipherAES256GCM {
					require.Equal(t, []byte(p.CiphertextAndTag), chunk)
				}

				opener, err := NewOpener(v.cipher(t), key)
				require.NoError(t, err)
				plaintext, err := opener.Open(nil, chunk, p.PacketNumber)
				require.NoError(t, err)
				require.Equal(t, []byte(p.Plaintext), plaintext)

				sealer, err := NewSealer(v.cipher(t), key)
				require.NoError(t, err)
				require.Equal(t, chunk, sealer.Seal(nil, plaintext, p.PacketNumber))
			}
		})
	}
}

var testPacketKey = PacketKey{Key: [aesKeySize]byte{1, 2, 3}, IV: [ivSize]byte{4, 5, 6}}

func sealerAndOpener(t testing.TB, c Cipher) (*Sealer, *Opener) {
	t.Helper()
	sealer, err := NewSealer(c, &testPacketKey)
	require.NoError(t, err)
	opener, err := NewOpener(c, &testPacketKey)
	require.NoError(t, err)
	return sealer, opener
}

func TestSealAndOpenInPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []Cipher{CipherNull, CipherAES256GCM} {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			sealer, opener := sealerAndOpener(t, c)
			require.Equal(t, c.Overhead(), sealer.Overhead())
			require.Equal(t, c.Overhead(), opener.Overhead())

			header, plaintext := []byte("header!"), []byte("what the peer is to read")
			buf := make([]byte, 0, 100)
			buf = append(append(buf, header...), plaintext...)
			packet := sealer.Seal(buf[:len(header)], buf[len(header):], 77)
			require.Len(t, packet, len(header)+len(plaintext)+c.Overhead())
			require.Same(t, &buf[0], &packet[0], "no copy was made")
			require.Equal(t, header, packet[:len(header)])
			require.Equal(t, sealer.Seal(nil, plaintext, 77), packet[len(header):])

			chunk := packet[len(header):]
			opened, err := opener.Open(chunk[:0], chunk, 77)
			require.NoError(t, err)
			require.Equal(t, plaintext, opened)
			require.Same(t, &chunk[0], &opened[0], "no copy was made")
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	sealer, opener := sealerAndOpener(t, CipherAES256GCM)
	sealed := sealer.Seal(nil, []byte("plaintext"), 5)

	for i := range sealed {
		altered := bytes.Clone(sealed)
		altered[i] ^= 1
		_, err := opener.Open(nil, altered, 5)
		require.ErrorIs(t, err, ErrNotAuthentic, "bit flipped in byte %d", i)
	}
	for size := range sealed {
		_, err := opener.Open(nil, sealed[:size], 5)
		require.ErrorIs(t, err, ErrNotAuthentic, "cut to %d bytes", size)
	}
	_, err := opener.Open(nil, append(bytes.Clone(sealed), 0), 5)
	require.ErrorIs(t, err, ErrNotAuthentic, "a byte too long")

	opened, err := opener.Open(nil, sealed, 5)
	require.NoError(t, err, "failures leave the opener as it was")
	require.Equal(t, "plaintext", string(opened))
}

func TestNoSuchCipher(t *testing.T) {
	t.Parallel()
	for _, c := range []Cipher{CipherInvalid, 3, 255} {
		_, err := NewSealer(c, &testPacketKey)
		require.ErrorContains(t, err, c.String())
		_, err = NewOpener(c, &testPacketKey)
		require.ErrorContains(t, err, c.String())
		require.Zero(t, c.Overhead())
	}
}

func TestKeysDirections(t *testing.T) {
	t.Parallel()
	keys := Keys{
		Cipher:         CipherAES256GCM,
		ClientToServer: PacketKey{Key: [aesKeySize]byte{1}},
		ServerToClient: PacketKey{Key: [aesKeySize]byte{2}},
	}
	for sender, receiver := range map[Role]Role{RoleClient: RoleServer, RoleServer: RoleClient} {
		sealer, err := keys.Sealer(sender)
		require.NoError(t, err)
		opener, err := keys.Opener(receiver)
		require.NoError(t, err)
		own, err := keys.Opener(sender)
		require.NoError(t, err)

		sealed := sealer.Seal(nil, []byte("x"), 2)
		_, err = opener.Open(nil, sealed, 2)
		require.NoError(t, err)
		_, err = own.Open(nil, sealed, 2)
		require.ErrorIs(t, err, ErrNotAuthentic, "a packet sent back to the %v", sender)
	}
	keys.Wipe()
	require.Equal(t, Keys{Cipher: CipherAES256GCM}, keys)
}

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	keys := Keys{ClientToServer: PacketKey{Key: [aesKeySize]byte{0xAB, 0xCD}}}
	seed := bytes.Repeat([]byte{0xAB, 0xCD}, 16)
	random := func(c *HandshakeConfig) { c.Random = bytes.NewReader(bytes.Repeat(seed, 3)) }
	cert, err := NewUnsignedCert(bytes.NewReader(seed), GenericString("me"), 0)
	require.NoError(t, err)
	handshake := craftedEnd(t, RoleClient, random)
	require.Equal(t, seed, handshake.exchange.Private)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		for _, secret := range []any{keys, &keys, cert, handshake} {
			require.NotRegexp(t, `(?i)ab.{0,4}cd|171.{0,2}205`, fmt.Sprintf(verb, secret))
		}
	}
	require.Equal(t, fmt.Sprintf("certificate of str:me with key %d", KeyID(cert.PublicKey())), fmt.Sprint(cert))
	require.Equal(t, "crypto handshake of the client", fmt.Sprint(handshake))
}

func TestSealOpenAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, c := range []Cipher{CipherNull, CipherAES256GCM} {
		sealer, opener := sealerAndOpener(t, c)
		buf := make([]byte, 1200, 1300)
		var number int64
		require.Zero(t, testing.AllocsPerRun(100, func() {
			number++
			sealed := sealer.Seal(buf[:7], buf[7:], number)
			if _, err := opener.Open(sealed[7:7], sealed[7:], number); err != nil {
				t.Error(err)
			}
		}), "%v", c)
	}
}

func BenchmarkSeal(b *testing.B) {
	for _, c := range []Cipher{CipherNull, CipherAES256GCM} {
		for _, size := range []int{64, 1232} {
			b.Run(fmt.Sprintf("%v/%d", c, size), func(b *testing.B) {
				sealer, _ := sealerAndOpener(b, c)
				buf := make([]byte, 7+size, 7+size+gcmTagSize)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				var number int64
				for b.Loop() {
					number++
					sealer.Seal(buf[:7], buf[7:], number)
				}
			})
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, c := range []Cipher{CipherNull, CipherAES256GCM} {
		for _, size := range []int{64, 1232} {
			b.Run(fmt.Sprintf("%v/%d", c, size), func(b *testing.B) {
				sealer, opener := sealerAndOpener(b, c)
				sealed := sealer.Seal(nil, make([]byte, size), 1)
				dst := make([]byte, 0, size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := opener.Open(dst, sealed, 1); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
