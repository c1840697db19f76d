package rendezvous

import (
	"bytes"
	"encoding/base64"
	"io"
)

// base64Digits is the alphabet of ICE user names and passwords.
const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// Ufrag returns the ICE user name fragment of the side with a connection ID: the low 30 bits, six per character. It is not
// transmitted, both sides derive it.
func Ufrag(connectionID uint32) string {
	b := make([]byte, 5)
	for i := range b {
		b[i] = base64Digits[connectionID>>(24-6*i)&63]
	}
	return string(b)
}

// passwordBytes is how many random bytes a password has, of which 16 would do for RFC 8445.
const passwordBytes = 18

// NewPassword returns a random ICE password of 24 characters.
func NewPassword(random io.Reader) (string, error) {
	var b [passwordBytes]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b[:]), nil
}

// BecomesServer reports whether the side with ownID has to be the server when both peers have asked each other to be connected, and
// only one connection is wanted. Both come to the same result, or to opposite ones if seen from the two sides. The
// certificates decide if the IDs happen to be equal.
func BecomesServer(ownID, peerID uint32, ownCert, peerCert []byte) bool {
	higher := ownID > peerID
	if ownID == peerID {
		n := min(len(ownCert), len(peerCert))
		return bytes.Compare(ownCert[:n], peerCert[:n]) > 0
	}
	if (ownID^peerID)&1 != 0 { // the rule is reversed, so that low IDs are no advantage
		return !higher
	}
	return higher
}
