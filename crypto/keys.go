package crypto

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// PacketKey protects the packets of one direction.
type PacketKey struct {
	Key [aesKeySize]byte
	IV  [ivSize]byte // the nonce of packet number 0
}

// Format keeps the key out of logs: whatever the verb, it prints no secret.
func (PacketKey) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "PacketKey(secret)") }

// Keys is the outcome of a handshake. Both ends have the same Keys.
type Keys struct {
	Cipher             Cipher
	ClientConnectionID uint32
	ServerConnectionID uint32
	ClientToServer     PacketKey
	ServerToClient     PacketKey
}

// Sealer makes the sealer for the packets that the given end sends.
func (k *Keys) Sealer(role Role) (*Sealer, error) {
	if role == RoleClient {
		return NewSealer(k.Cipher, &k.ClientToServer)
	}
	return NewSealer(k.Cipher, &k.ServerToClient)
}

// Opener makes the opener for the packets that the given end receives.
func (k *Keys) Opener(role Role) (*Opener, error) {
	if role == RoleClient {
		return NewOpener(k.Cipher, &k.ServerToClient)
	}
	return NewOpener(k.Cipher, &k.ClientToServer)
}

// Wipe overwrites the keys. Sealers and openers made before go on working.
func (k *Keys) Wipe() {
	k.ClientToServer, k.ServerToClient = PacketKey{}, PacketKey{}
}

// gcmTagSize is the overhead of AES-GCM.
const gcmTagSize = 16

// packetCipher is a cipher with the nonces of one direction.
type packetCipher struct {
	aead    cipher.AEAD // nil for CipherNull
	counter uint64      // first eight bytes of the IV, to which the packet number is added
	// The nonce of the packet at hand. It lives here because what is passed to an interface escapes, and
	// an allocation per packet would be the price.
	nonce [ivSize]byte
}

func newPacketCipher(c Cipher, key *PacketKey) (packetCipher, error) {
	switch c {
	case CipherNull:
		return packetCipher{}, nil
	case CipherAES256GCM:
		block, err := aes.NewCipher(key.Key[:])
		if err != nil {
			return packetCipher{}, err
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return packetCipher{}, err
		}
		return packetCipher{aead: aead, counter: binary.LittleEndian.Uint64(key.IV[:8]), nonce: key.IV}, nil
	default:
		return packetCipher{}, fmt.Errorf("no such cipher: %v", c)
	}
}

// setNonce makes the nonce of a packet: the number is added to the first eight bytes, read as a
// little-endian number that wraps around; the last four stay.
func (p *packetCipher) setNonce(packetNumber int64) {
	binary.LittleEndian.PutUint64(p.nonce[:8], p.counter+uint64(packetNumber))
}

// Sealer protects the packets of one direction. It must not be used by two goroutines at a time.
type Sealer struct{ packetCipher }

// NewSealer makes a sealer. CipherNull takes no notice of the key.
func NewSealer(c Cipher, key *PacketKey) (*Sealer, error) {
	p, err := newPacketCipher(c, key)
	if err != nil {
		return nil, err
	}
	return &Sealer{p}, nil
}

// Overhead is the number of bytes by which sealing makes a packet longer.
func (s *Sealer) Overhead() int {
	if s.aead == nil {
		return 0
	}
	return gcmTagSize
}

// Seal appends the protected plaintext to dst and returns the result. The packet number, the full one,
// must not have been used before. To seal in place, let dst end where plaintext begins and have room for
// the overhead behind it: buf = s.Seal(buf[:header], buf[header:], n). Otherwise the two must not overlap.
// Nothing is allocated if dst has the capacity.
func (s *Sealer) Seal(dst, plaintext []byte, packetNumber int64) []byte {
	if s.aead == nil {
		return append(dst, plaintext...)
	}
	s.setNonce(packetNumber)
	return s.aead.Seal(dst, s.nonce[:], plaintext, nil)
}

// Opener undoes what a Sealer did. It must not be used by two goroutines at a time.
type Opener struct{ packetCipher }

// NewOpener makes an opener. CipherNull takes no notice of the key.
func NewOpener(c Cipher, key *PacketKey) (*Opener, error) {
	p, err := newPacketCipher(c, key)
	if err != nil {
		return nil, err
	}
	return &Opener{p}, nil
}

// Overhead is the number of bytes by which opening makes a packet shorter.
func (o *Opener) Overhead() int {
	if o.aead == nil {
		return 0
	}
	return gcmTagSize
}

// ErrNotAuthentic says that a packet was not sealed with the key and number with which it was opened.
var ErrNotAuthentic = errors.New("packet is not authentic")

// Open appends what was sealed to dst and returns the result, or ErrNotAuthentic. To open in place pass
// chunk[:0]; otherwise the two must not overlap. After an error the bytes of dst up to its capacity are
// undefined. Nothing is allocated if dst has the capacity.
func (o *Opener) Open(dst, chunk []byte, packetNumber int64) ([]byte, error) {
	if o.aead == nil {
		return append(dst, chunk...), nil
	}
	o.setNonce(packetNumber)
	plaintext, err := o.aead.Open(dst, o.nonce[:], chunk, nil)
	if err != nil {
		return nil, ErrNotAuthentic
	}
	return plaintext, nil
}
