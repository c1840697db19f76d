package certfile

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"

	"github.com/gogns/gns/crypto"
)

// PublicKey is a public key as it stands in a file.
type PublicKey struct {
	Key     ed25519.PublicKey
	Comment string
}

// ParsePublicKey reads a line as in OpenSSH's authorized_keys, "ssh-ed25519 AAAA... comment". It is as
// lenient as Valve's reader: the blanks before the base64 may be missing, and lines after the first are
// ignored. The comment is returned without control characters; it proves nothing.
func ParsePublicKey(line []byte) (key ed25519.PublicKey, comment string, err error) {
	line, _, _ = bytes.Cut(line, []byte("\n"))
	rest, found := bytes.CutPrefix(line, []byte(keyType))
	if !found {
		if name := typeName(line); name != "" {
			return nil, "", fmt.Errorf("public key is of type %q, not %s", name, keyType)
		}
		return nil, "", fmt.Errorf("line is no public key: it does not start with %s", keyType)
	}
	rest = bytes.TrimLeft(rest, space)
	if !bytes.HasPrefix(rest, []byte("AAAA")) {
		return nil, "", errors.New("public key has no base64 after ssh-ed25519")
	}
	end := bytes.IndexAny(rest, space)
	if end < 0 {
		end = len(rest)
	}
	if end > maxKeyText {
		return nil, "", fmt.Errorf("public key of %d characters", end)
	}
	data, err := decodeBase64(rest[:end], true)
	if err != nil {
		return nil, "", err
	}
	r := sshReader{rest: data}
	key = r.publicKey()
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("public key has %d bytes too many", len(r.rest))
	}
	if r.err != nil {
		return nil, "", r.err
	}
	return key, cleanComment(string(rest[end:])), nil
}

// typeName returns the word that a line starts with if it looks like a type of SSH keys. Anything else
// could be part of a secret, and is not to be quoted.
func typeName(line []byte) string {
	word, _, _ := bytes.Cut(line, []byte(" "))
	if len(word) <= 40 && (bytes.HasPrefix(word, []byte("ssh-")) || bytes.HasPrefix(word, []byte("ecdsa-")) ||
		bytes.HasPrefix(word, []byte("sk-"))) {
		return string(word)
	}
	return ""
}

// FormatPublicKey writes a line as in authorized_keys, with LF. Without a comment it gets the one of
// Valve's tools, "ID" and the key id. Control characters in the comment become blanks. The key must have
// 32 bytes.
func FormatPublicKey(key ed25519.PublicKey, comment string) []byte {
	if comment = cleanComment(comment); comment == "" {
		comment = KeyIDText(crypto.KeyID(key))
	}
	return []byte(publicKeyText(key) + comment + "\n")
}

// KeyIDText writes a key id as Valve's tools do in comments: "ID" and the decimal number.
func KeyIDText(id uint64) string { return "ID" + strconv.FormatUint(id, 10) }

// ParseKeyID reads a key id, with or without "ID" before the decimal number. Zero is no key's id.
func ParseKeyID(s string) (uint64, error) {
	digits := s
	if hasPrefixFold(s, "ID") {
		digits = s[2:]
	}
	id, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || id == 0 {
		return 0, fmt.Errorf("%q is not a key id", clip(s))
	}
	return id, nil
}

// publicKeyText returns the line without a comment, ending in a blank.
func publicKeyText(key ed25519.PublicKey) string {
	return keyType + " " + base64.StdEncoding.EncodeToString(appendSSHPublicKey(nil, key)) + " "
}
