package crypto

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"

	"filippo.io/edwards25519"
	"filippo.io/edwards25519/field"
)

// X25519 (RFC 7748) without the detour of crypto/ecdh, which multiplies the base point whenever it is given a private
// key, also for a key that it has seen: half of what a handshake cost went there. What is done here is the same
// function, in constant time too, and the tests hold it against crypto/ecdh.

// keyPair is a key pair for one exchange.
type keyPair struct {
	Private, Public []byte
}

// newKeyPair makes a key pair. Its 32-byte private half is read from random.
func newKeyPair(random io.Reader) (keyPair, error) {
	private := make([]byte, x25519KeySize)
	if _, err := io.ReadFull(random, private); err != nil {
		return keyPair{}, err
	}
	public, err := publicExchangeKey(private)
	return keyPair{Private: private, Public: public}, err
}

// publicExchangeKey returns the public half. The base point is multiplied on the Edwards form of the curve, where
// there are tables of its multiples: a third of the time. That the scalar is reduced modulo the order of the base point
// makes no difference to the result.
func publicExchangeKey(private []byte) ([]byte, error) {
	var k edwards25519.Scalar
	if _, err := k.SetBytesWithClamping(private); err != nil {
		return nil, err
	}
	p := new(edwards25519.Point).ScalarBaseMult(&k)
	k = edwards25519.Scalar{}
	return p.BytesMontgomery(), nil
}

var errLowOrder = errors.New("public key is of low order")

// a24 is (486662 - 2) / 4, of the curve's equation.
const a24 = 121665

// sharedSecret multiplies a public key by a private one: the Montgomery ladder of RFC 7748, section 5, whose
// operations do not depend on the private key. It errs for public keys of low order, with which the result would be
// zero, and for keys of the wrong size.
func sharedSecret(private, public []byte) (shared [x25519KeySize]byte, err error) {
	if len(private) != x25519KeySize {
		return shared, fmt.Errorf("private X25519 key of %d bytes", len(private))
	}
	k := [x25519KeySize]byte(private)
	defer clear(k[:])
	k[0] &= 248
	k[31] = k[31]&127 | 64

	var x1, x2, z2, x3, z3 field.Element // x1 is the public key; x2/z2 and x3/z3 are neighboring multiples of it
	var a, b, c, d field.Element         // as in RFC 7748, and then what is made of them: e is in b, da in d, cb in c
	if _, err := x1.SetBytes(public); err != nil {
		return shared, err
	}
	x2.One()
	x3.Set(&x1)
	z3.One()
	swapped := 0
	for t := uint(255); t > 0; t-- {
		bit := int(k[(t-1)/8]>>((t-1)%8)) & 1
		x2.Swap(&x3, swapped^bit)
		z2.Swap(&z3, swapped^bit)
		swapped = bit

		d.Subtract(&x3, &z3)
		b.Subtract(&x2, &z2)
		a.Add(&x2, &z2)
		c.Add(&x3, &z3)
		d.Multiply(&d, &a)
		c.Multiply(&c, &b)
		b.Square(&b)
		a.Square(&a)
		x3.Add(&d, &c)
		z3.Subtract(&d, &c)
		x2.Multiply(&a, &b)
		b.Subtract(&a, &b)
		z3.Square(&z3)
		z2.Mult32(&b, a24)
		x3.Square(&x3)
		a.Add(&a, &z2)
		z3.Multiply(&x1, &z3)
		z2.Multiply(&b, &a)
	}
	x2.Swap(&x3, swapped)
	z2.Swap(&z3, swapped)
	x2.Multiply(&x2, z2.Invert(&z2))
	copy(shared[:], x2.Bytes())
	if subtle.ConstantTimeCompare(shared[:], make([]byte, x25519KeySize)) == 1 {
		return shared, errLowOrder
	}
	return shared, nil
}
