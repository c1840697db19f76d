package pki

import (
	"crypto/ed25519"
	"encoding/hex"

	"github.com/gogns/gns/crypto"
)

// checkPublicKey refuses keys with which a certificate or a root would be worthless: of the wrong size,
// and the points of small order, under which anyone can sign.
func checkPublicKey(key ed25519.PublicKey) error {
	if len(key) != ed25519.PublicKeySize {
		return problemf(ErrKey, "Ed25519 public key of %d bytes; it needs %d", len(key), ed25519.PublicKeySize)
	}
	y := [ed25519.PublicKeySize]byte(key)
	y[31] &= 0x7f // the sign of x
	for _, small := range smallOrder {
		if hex.EncodeToString(y[:]) == small {
			return problemf(ErrKey, "Ed25519 public key %d is a point of small order, under which anyone can sign", crypto.KeyID(key))
		}
	}
	return nil
}

// smallOrder are the y coordinates of the points of order 1, 2, 4 and 8 in every encoding that a decoder
// may take, in little endian.
var smallOrder = [...]string{
	"0000000000000000000000000000000000000000000000000000000000000000", // 0, order 4
	"0100000000000000000000000000000000000000000000000000000000000000", // 1, order 1
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // order 8
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // -1, order 2
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // 0 again, not reduced
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // 1 again, not reduced
}
