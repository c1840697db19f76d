package crypto

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/binary"
	"sync"

	"filippo.io/edwards25519"
)

// A signature (R, S) of a message by the key A is good if [S]B - [k]A is R, where k is the hash of R, A and the message,
// and B the base point. Two multiplications of points take 253 doublings together, and most of those go away with tables
// of [2^32]A, [2^64]A and so on, and the like of B: a digit of S or k at bit 32j+i is then one at bit i for
// table j, and 31 doublings are left. Nothing here is secret, and the time depends on the signature.

const (
	tableParts = 8
	partBits   = 256 / tableParts
)

// multiples are the odd multiples of a point by up to 2^(width-1), and those of its multiples by 2^32, 2^64 and so on.
type multiples struct {
	width uint
	parts [tableParts][]edwards25519.Point
}

func newMultiples(p *edwards25519.Point, width uint) *multiples {
	m := &multiples{width: width}
	base := new(edwards25519.Point).Set(p)
	for j := range m.parts {
		if j > 0 {
			for range partBits {
				base.Double(base)
			}
		}
		twice := new(edwards25519.Point).Double(base)
		part := make([]edwards25519.Point, 1<<(width-2))
		part[0].Set(base)
		for i := 1; i < len(part); i++ {
			part[i].Add(&part[i-1], twice)
		}
		m.parts[j] = part
	}
	return m
}

// add adds [2^(32j) d]P to sum, for a digit d of P's multiplier.
func (m *multiples) add(sum *edwards25519.Point, j int, d int8) {
	switch {
	case d > 0:
		sum.Add(sum, &m.parts[j][d/2])
	case d < 0:
		sum.Subtract(sum, &m.parts[j][-d/2])
	}
}

// baseMultiples are those of the base point, 40 KiB, made when they are first needed.
var baseMultiples = sync.OnceValue(func() *multiples { return newMultiples(edwards25519.NewGeneratorPoint(), 7) })

// keyTable checks the signatures of one key.
type keyTable struct{ minusA *multiples }

// newKeyTable makes the table of a key; nil if it is none.
func newKeyTable(public ed25519.PublicKey) *keyTable {
	a, err := new(edwards25519.Point).SetBytes(public)
	if err != nil {
		return nil
	}
	return &keyTable{newMultiples(a.Negate(a), 5)}
}

// verify is ed25519.Verify. public is the key of the table, in the form in which it came, which is hashed.
func (t *keyTable) verify(public ed25519.PublicKey, message, sig []byte) bool {
	if len(sig) != ed25519.SignatureSize {
		return false
	}
	var s, k edwards25519.Scalar
	if _, err := s.SetCanonicalBytes(sig[32:]); err != nil {
		return false
	}
	h := sha512.New()
	h.Write(sig[:32])
	h.Write(public)
	h.Write(message)
	var digest [sha512.Size]byte
	if _, err := k.SetUniformBytes(h.Sum(digest[:0])); err != nil {
		return false
	}
	base := baseMultiples()
	ofB, ofA := sparseDigits(&s, base.width), sparseDigits(&k, t.minusA.width)
	r := edwards25519.NewIdentityPoint()
	for i := partBits - 1; i >= 0; i-- {
		if i < partBits-1 {
			r.Double(r)
		}
		for j := range tableParts {
			base.add(r, j, ofB[partBits*j+i])
			t.minusA.add(r, j, ofA[partBits*j+i])
		}
	}
	return bytes.Equal(sig[:32], r.Bytes())
}

// sparseDigits writes a number with digits that are zero or odd, of less than 2^(width-1) either way, so that at most one of
// width neighbors is not zero: the sum of digits[i] 2^i is the number.
func sparseDigits(s *edwards25519.Scalar, width uint) (digits [256]int8) {
	var words [5]uint64 // the last is zero
	b := s.Bytes()
	for i := range 4 {
		words[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	carry := 0
	for at := uint(0); at < 256; {
		window := words[at/64] >> (at % 64)
		if at%64 != 0 {
			window |= words[at/64+1] << (64 - at%64)
		}
		d := int(window&(1<<width-1)) + carry
		if d%2 == 0 { // also if it is 1 and the carry
			at++
			continue
		}
		carry = 0
		if d >= 1<<(width-1) {
			d -= 1 << width
			carry = 1
		}
		digits[at] = int8(d)
		at += width
	}
	return digits
}
