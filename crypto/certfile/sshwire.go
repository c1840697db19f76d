package certfile

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
)

// keyType is how OpenSSH calls Ed25519 keys.
const keyType = "ssh-ed25519"

var errShort = errors.New("OpenSSH key is cut short")

// sshReader takes the values apart that OpenSSH's binary formats are made of. After an error it stays
// where it is.
type sshReader struct {
	rest []byte
	err  error
}

func (r *sshReader) take(n int) []byte {
	if r.err == nil && n > len(r.rest) {
		r.err = errShort
	}
	if r.err != nil {
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *sshReader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// bytes reads a length and so many bytes, which remain part of the input.
func (r *sshReader) bytes() []byte {
	n := r.uint32()
	if r.err == nil && uint64(n) > uint64(len(r.rest)) {
		r.err = errShort
	}
	return r.take(int(min(uint64(n), uint64(len(r.rest)))))
}

// publicKey reads the type and the bytes of an Ed25519 public key.
func (r *sshReader) publicKey() ed25519.PublicKey {
	name := r.bytes()
	if r.err == nil && string(name) != keyType {
		r.err = fmt.Errorf("OpenSSH key is of type %q, not %s", clip(string(name)), keyType)
	}
	key := r.bytes()
	if r.err == nil && len(key) != ed25519.PublicKeySize {
		r.err = fmt.Errorf("Ed25519 public key of %d bytes", len(key))
	}
	return key
}

func appendSSHBytes[T ~string | ~[]byte](dst []byte, b T) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(b))), b...)
}

func appendSSHPublicKey(dst []byte, key ed25519.PublicKey) []byte {
	return appendSSHBytes(appendSSHBytes(dst, keyType), key)
}
