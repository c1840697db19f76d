package certfile

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"

	"github.com/gogns/gns/crypto"
	pb "github.com/gogns/gns/proto"
	"google.golang.org/protobuf/proto"
)

// maxBundle is the size in characters to which files are read.
const maxBundle = 4 << 20

// Bundle is what a file holds. A file of credentials has a certificate and its private key; a file of
// trust has the public keys of root authorities, and certificates of authorities below them.
type Bundle struct {
	PrivateKey ed25519.PrivateKey // nil if there is none
	Comment    string             // of the private key
	// LockedKey is the public half of an encrypted private key for which the passphrase was missing or
	// wrong.
	LockedKey    ed25519.PublicKey
	PublicKeys   []PublicKey
	Certificates [][]byte // serialized CMsgSteamDatagramCertificateSigned, never with a private key
	Requests     [][]byte // serialized CMsgSteamDatagramCertificateRequest
}

// ParseBundle reads a file that holds any number of certificates, requests and public keys, and at most
// one private key, in any order, with lines of comment that begin with '#'. It also reads what Valve's
// certtool prints, as text or as JSON. A private key inside a certificate is taken out of it.
//
// If a private key is encrypted and the passphrase is missing or wrong, the error has ErrPassphrase in
// its chain and the bundle holds everything else.
func ParseBundle(text, passphrase []byte) (*Bundle, error) {
	return parseBundle(text, passphrase, maxRounds)
}

func parseBundle(text, passphrase []byte, rounds uint32) (*Bundle, error) {
	if len(text) > maxBundle {
		return nil, fmt.Errorf("file of %d characters, more than %d", len(text), maxBundle)
	}
	text = trimBOM(text)
	b := &Bundle{}
	var locked error
	if rest := bytes.TrimLeft(text, space); len(rest) > 0 && rest[0] == '{' {
		locked = b.addJSON(rest, passphrase, rounds)
	} else {
		for len(rest) > 0 {
			after, err := b.addNext(rest, passphrase, rounds)
			if errors.Is(err, ErrPassphrase) {
				locked = err
			} else if err != nil {
				b.Wipe()
				return nil, fmt.Errorf("line %d: %w", 1+bytes.Count(text[:len(text)-len(rest)], []byte("\n")), err)
			}
			rest = bytes.TrimLeft(after, space)
		}
	}
	if locked != nil && !errors.Is(locked, ErrPassphrase) {
		b.Wipe()
		return nil, locked
	}
	return b, locked
}

// addNext adds what a text starts with, and returns the text after it. It may be used after an error
// about the passphrase.
func (b *Bundle) addNext(text, passphrase []byte, rounds uint32) (rest []byte, err error) {
	if text[0] == '-' {
		return b.addBlock(text, passphrase, rounds)
	}
	line, rest, _ := bytes.Cut(text, []byte("\n"))
	if line[0] == '#' {
		return rest, nil
	}
	if after, found := bytes.CutPrefix(line, []byte("Public key:")); found { // as certtool prints it
		line = bytes.TrimLeft(after, space)
	}
	key, comment, err := ParsePublicKey(line)
	if err != nil {
		return nil, err
	}
	b.PublicKeys = append(b.PublicKeys, PublicKey{Key: key, Comment: comment})
	return rest, nil
}

func (b *Bundle) addBlock(text, passphrase []byte, rounds uint32) (rest []byte, err error) {
	blk, err := nextBlock(text)
	if err != nil {
		return nil, err
	}
	line, rest, _ := bytes.Cut(blk.rest, []byte("\n"))
	if line = bytes.Trim(line, space); len(line) > 0 {
		return nil, errors.New("more text follows an armored block on its last line")
	}
	switch {
	case blk.is(typePrivateKey):
		return rest, b.addPrivateKey(blk.body, passphrase, rounds)
	case blk.is(typeCertificate):
		signed, err := decodeCertificate(blk.body)
		if err != nil {
			return nil, err
		}
		return rest, b.addCertificate(signed)
	case blk.is(typeRequest):
		request, err := decodeRequest(blk.body)
		if err != nil {
			return nil, err
		}
		b.Requests = append(b.Requests, request)
		return rest, nil
	}
	return nil, fmt.Errorf("armored block of type %q to %q is not known", clip(blk.header), clip(blk.footer))
}

func (b *Bundle) addPrivateKey(body, passphrase []byte, rounds uint32) error {
	if len(body) > maxKeyText {
		return fmt.Errorf("private key of %d characters, more than %d", len(body), maxKeyText)
	}
	p, err := parseContainer(body)
	if err != nil {
		return err
	}
	defer p.wipe()
	if b.LockedKey != nil || b.PrivateKey != nil && !publicHalf(b.PrivateKey).Equal(p.public) {
		return errTwoKeys
	}
	if b.PrivateKey != nil && p.encrypted() {
		return nil // the same, known already; to decrypt is work, which is done once per file
	}
	key, comment, err := p.open(passphrase, rounds)
	if errors.Is(err, ErrPassphrase) {
		b.LockedKey = slices.Clone(p.public)
	}
	if err != nil {
		return err
	}
	b.PrivateKey, b.Comment = key, comment
	return nil
}

var errTwoKeys = errors.New("second private key in a file")

// addCertificate adds a certificate, and the private key in it if there is one.
func (b *Bundle) addCertificate(signed []byte) error {
	outer, err := outerCertificate(signed)
	if err != nil {
		return err
	}
	if outer.PrivateKeyData != nil {
		defer clear(signed)
		key, err := crypto.EmbeddedKey(signed)
		if err != nil {
			return err
		}
		clear(outer.PrivateKeyData)
		outer.PrivateKeyData = nil
		if signed, err = proto.Marshal(outer); err != nil {
			return err
		}
		if key != nil {
			if !publicHalf(key).Equal(certifiedKey(signed)) {
				clear(key)
				return errors.New("private key in the certificate does not belong to it")
			}
			if b.LockedKey != nil || b.PrivateKey != nil && !b.PrivateKey.Equal(key) {
				clear(key)
				return errTwoKeys
			}
			b.PrivateKey = key
		}
	}
	b.Certificates = append(b.Certificates, signed)
	return nil
}

// Credentials returns the private key and the certificate that belongs to it, the first if there are
// several.
func (b *Bundle) Credentials() (signed []byte, key ed25519.PrivateKey, err error) {
	if b.PrivateKey == nil {
		return nil, nil, errors.New("file holds no private key")
	}
	for _, signed := range b.Certificates {
		if b.PrivateKey.Public().(ed25519.PublicKey).Equal(certifiedKey(signed)) {
			return signed, b.PrivateKey, nil
		}
	}
	return nil, nil, fmt.Errorf("file holds no certificate for its private key %s, but %d others",
		KeyIDText(crypto.KeyID(b.PrivateKey.Public().(ed25519.PublicKey))), len(b.Certificates))
}

// certifiedKey returns the public key that a certificate is about, nil if it cannot be read.
func certifiedKey(signed []byte) ed25519.PublicKey {
	cert, err := innerCertificate(signed)
	if err != nil || len(cert.GetKeyData()) != ed25519.PublicKeySize {
		return nil
	}
	return cert.GetKeyData()
}

func innerCertificate(signed []byte) (*pb.CMsgSteamDatagramCertificate, error) {
	outer, err := outerCertificate(signed)
	if err != nil {
		return nil, err
	}
	var inner pb.CMsgSteamDatagramCertificate
	if err := proto.Unmarshal(outer.Cert, &inner); err != nil {
		return nil, fmt.Errorf("certificate of %d bytes does not parse", len(outer.Cert))
	}
	return &inner, nil
}

// Wipe overwrites the private key, for all who share it.
func (b *Bundle) Wipe() {
	clear(b.PrivateKey)
	b.PrivateKey = nil
}

// Format writes the bundle as a file that ParseBundle reads: the certificates first, so that the file is
// also read by those who look for one only, then everything else. A passphrase that is not empty encrypts
// the private key.
func (b *Bundle) Format(passphrase []byte) ([]byte, error) {
	var text []byte
	for _, signed := range b.Certificates {
		part, err := FormatCertificate(signed)
		if err != nil {
			return nil, err
		}
		text = append(text, part...)
	}
	for _, request := range b.Requests {
		part, err := FormatRequest(request)
		if err != nil {
			return nil, err
		}
		text = append(text, part...)
	}
	for _, k := range b.PublicKeys {
		if len(k.Key) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("Ed25519 public key of %d bytes", len(k.Key))
		}
		text = append(text, FormatPublicKey(k.Key, k.Comment)...)
	}
	if b.PrivateKey != nil {
		part, err := FormatPrivateKey(b.PrivateKey, b.Comment, passphrase)
		if err != nil {
			return nil, err
		}
		defer clear(part)
		text = append(slices.Grow(text, len(part)), part...)
	}
	return text, nil
}
