package certfile

import (
	"crypto/ed25519"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrPassphrase is in the chain of errors about a private key that is encrypted, for which there was no
// passphrase or the wrong one.
var ErrPassphrase = errors.New("passphrase of the private key")

const (
	maxKeyText = 64 << 10 // characters of a single key

	privateKeyMagic = "openssh-key-v1\x00"
	privateKeyWidth = 70 // characters per line, as ssh-keygen has it

	// checkWord stands twice before an encrypted key so that a wrong passphrase shows. Without
	// encryption it means nothing; this is the value that Valve's tools write.
	checkWord = 0x12345678
)

// ParsePrivateKey reads an Ed25519 private key in OpenSSH's format, as ssh-keygen and Valve's certtool
// write it. The latter leaves out the comment and the padding, which most readers refuse. A passphrase is
// needed only for an encrypted key, see ErrPassphrase; the comment of such a key is not returned.
//
// A key whose public half, in any of the places where it is stored, does not belong to the private one
// is refused. The text is left as it is; who wants it gone clears it afterwards.
func ParsePrivateKey(text, passphrase []byte) (key ed25519.PrivateKey, comment string, err error) {
	if len(text) > maxKeyText {
		return nil, "", fmt.Errorf("private key of %d characters, more than %d", len(text), maxKeyText)
	}
	b, err := onlyBlock(text, typePrivateKey)
	if err != nil {
		return nil, "", err
	}
	p, err := parseContainer(b.body)
	if err != nil {
		return nil, "", err
	}
	defer p.wipe()
	return p.open(passphrase, maxRounds)
}

// container is OpenSSH's file of a private key, before decryption.
type container struct {
	data    []byte // all of it
	cipher  string
	kdf     string
	options []byte // of the kdf
	public  ed25519.PublicKey
	private []byte // possibly encrypted
}

// parseContainer reads the body of an armored private key.
func parseContainer(body []byte) (*container, error) {
	data, err := decodeBase64(body, true)
	if err != nil {
		return nil, err
	}
	p := &container{data: data}
	r := sshReader{rest: data}
	if string(r.take(len(privateKeyMagic))) != privateKeyMagic {
		p.wipe()
		return nil, errors.New("private key is not in OpenSSH's format")
	}
	p.cipher, p.kdf, p.options = string(r.bytes()), string(r.bytes()), r.bytes()
	if n := r.uint32(); r.err == nil && n != 1 {
		r.err = fmt.Errorf("file of %d private keys instead of one", n)
	}
	public := sshReader{rest: r.bytes(), err: r.err}
	p.public = public.publicKey()
	p.private = r.bytes()
	if err := errors.Join(public.err, r.err); err != nil {
		p.wipe()
		if public.err != nil {
			return nil, public.err
		}
		return nil, r.err
	}
	return p, nil
}

func (p *container) wipe() { clear(p.data) }

func (p *container) encrypted() bool { return p.cipher != "none" || p.kdf != "none" }

// open returns the private key. rounds limits the work of decryption.
func (p *container) open(passphrase []byte, rounds uint32) (key ed25519.PrivateKey, comment string, err error) {
	if p.encrypted() {
		key, err = p.decrypt(passphrase, rounds)
		return key, "", err
	}
	r := sshReader{rest: p.private}
	if first, second := r.uint32(), r.uint32(); first != second {
		return nil, "", errors.New("check words of the private key differ")
	}
	public := r.publicKey()
	pair := r.bytes()
	if r.err != nil {
		return nil, "", r.err
	}
	if !public.Equal(p.public) {
		return nil, "", errForeignHalf
	}
	if key, err = p.check(pair); err != nil {
		return nil, "", err
	}
	if c := r.bytes(); r.err == nil { // optional
		comment = cleanComment(string(c))
	}
	return key, comment, nil
}

var errForeignHalf = errors.New("public half of the private key does not belong to it")

// check makes sure that a seed and the public key behind it belong together and to the file, and returns
// a copy.
func (p *container) check(pair []byte) (ed25519.PrivateKey, error) {
	if len(pair) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("Ed25519 private key of %d bytes", len(pair))
	}
	key := ed25519.NewKeyFromSeed(pair[:ed25519.SeedSize])
	if subtle.ConstantTimeCompare(key, pair) != 1 || !p.public.Equal(key.Public()) {
		clear(key)
		return nil, errForeignHalf
	}
	return key, nil
}

// FormatPrivateKey writes a private key in OpenSSH's format, with LF. ssh-keygen reads it, and Valve's
// tools do if it is not encrypted, which a passphrase that is not empty does. The comment may be empty.
func FormatPrivateKey(key ed25519.PrivateKey, comment string, passphrase []byte) ([]byte, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("Ed25519 private key of %d bytes", len(key))
	}
	comment = cleanComment(comment)
	if len(passphrase) > 0 {
		return formatEncrypted(key, comment, passphrase)
	}
	public := ed25519.PublicKey(key[ed25519.SeedSize:])
	private := make([]byte, 0, 256+len(comment)) // enough that no copies are left behind
	private = binary.BigEndian.AppendUint32(private, checkWord)
	private = binary.BigEndian.AppendUint32(private, checkWord)
	private = appendSSHPublicKey(private, public)
	private = appendSSHBytes(private, key)
	private = appendSSHBytes(private, comment)
	for pad := byte(1); len(private)%8 != 0; pad++ {
		private = append(private, pad)
	}
	defer clear(private)
	data := make([]byte, 0, 256+len(private))
	data = append(data, privateKeyMagic...)
	data = appendSSHBytes(data, "none")
	data = appendSSHBytes(data, "none")
	data = appendSSHBytes(data, "")
	data = binary.BigEndian.AppendUint32(data, 1)
	data = appendSSHBytes(data, appendSSHPublicKey(nil, public))
	data = appendSSHBytes(data, private)
	defer clear(data)
	text := make([]byte, 0, 2*len(data)+128)
	return appendBlock(text, typePrivateKey, data, privateKeyWidth), nil
}
