package crypto

import (
	"fmt"
	"slices"

	pb "github.com/gogns/gns/proto"
)

// Cipher is how the packets of a connection are protected.
type Cipher uint8

// The ciphers, with Valve's numbers (ESteamNetworkingSocketsCipher).
const (
	CipherInvalid   Cipher = 0
	CipherNull      Cipher = 1 // neither encryption nor authentication
	CipherAES256GCM Cipher = 2
)

// String returns Valve's name of the cipher without its prefix.
func (c Cipher) String() string {
	switch c {
	case CipherNull:
		return "NULL"
	case CipherAES256GCM:
		return "AES_256_GCM"
	default:
		return fmt.Sprintf("INVALID(%d)", uint8(c))
	}
}

// Overhead is the number of bytes that the cipher adds to a packet.
func (c Cipher) Overhead() int {
	if c == CipherAES256GCM {
		return gcmTagSize
	}
	return 0
}

// CipherList is the list of ciphers, best first, that the configuration value Unencrypted stands for:
// 0 encryption required, 1 encryption preferred, 2 encryption only if the peer insists, 3 no encryption.
// Values outside 0 to 3 count as the nearest of them.
func CipherList(unencrypted int32) []Cipher {
	switch {
	case unencrypted <= 0:
		return []Cipher{CipherAES256GCM}
	case unencrypted == 1:
		return []Cipher{CipherAES256GCM, CipherNull}
	case unencrypted == 2:
		return []Cipher{CipherNull, CipherAES256GCM}
	default:
		return []Cipher{CipherNull}
	}
}

// ChooseCipher returns the first of own that is also in peer; the order of peer does not matter.
// An empty peer list means AES-256-GCM alone.
func ChooseCipher(own, peer []Cipher) (Cipher, bool) {
	if len(peer) == 0 {
		peer = []Cipher{CipherAES256GCM}
	}
	for _, c := range own {
		if slices.Contains(peer, c) {
			return c, true
		}
	}
	return CipherInvalid, false
}

// peerCiphers reads the cipher list of a crypt info. Valve's protobuf code drops numbers that it does not
// know while it parses; generated Go code keeps them, so they are dropped here, before anybody counts.
func peerCiphers(info *pb.CMsgSteamDatagramSessionCryptInfo) []Cipher {
	var list []Cipher
	for _, c := range info.GetCiphers() {
		if _, known := pb.ESteamNetworkingSocketsCipher_name[int32(c)]; known {
			list = append(list, Cipher(c))
		}
	}
	if len(list) == 0 {
		list = []Cipher{CipherAES256GCM}
	}
	return list
}

func wireCiphers(list []Cipher) []pb.ESteamNetworkingSocketsCipher {
	wire := make([]pb.ESteamNetworkingSocketsCipher, len(list))
	for i, c := range list {
		wire[i] = pb.ESteamNetworkingSocketsCipher(c)
	}
	return wire
}
