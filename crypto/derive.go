package crypto

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// Sizes in bytes.
const (
	x25519KeySize = 32
	aesKeySize    = 32
	ivSize        = 12
)

// keyLabel sets these keys apart from any others derived the same way.
const keyLabel = "Steam datagram"

// side is what one end of the connection contributes to the packet keys.
type side struct {
	connectionID uint32
	nonce        uint64
	cert         []byte // as serialized by its owner
	info         []byte // as serialized by its owner
}

// premaster is the secret that both ends can compute: the hash of the X25519 result. It errs for public
// keys of the wrong size and for those of low order, with which the result would not be secret.
func premaster(private, peerPublic []byte) ([sha256.Size]byte, error) {
	shared, err := sharedSecret(private, peerPublic)
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	defer clear(shared[:])
	return sha256.Sum256(shared[:]), nil
}

// extract is HKDF-Extract with its roles exchanged: the secret keys the HMAC and the nonces are the data.
func extract(secret [sha256.Size]byte, client, server *side) [sha256.Size]byte {
	var nonces [16]byte
	binary.LittleEndian.PutUint64(nonces[0:], server.nonce)
	binary.LittleEndian.PutUint64(nonces[8:], client.nonce)
	mac := hmac.New(sha256.New, secret[:])
	mac.Write(nonces[:])
	return [sha256.Size]byte(mac.Sum(nil))
}

// keyContext binds the keys to the connection and to everything the two ends said to each other. The ids
// come client first, the rest server first.
func keyContext(client, server *side) []byte {
	context := make([]byte, 0, 8+len(keyLabel)+len(server.cert)+len(client.cert)+len(server.info)+len(client.info))
	context = binary.LittleEndian.AppendUint32(context, client.connectionID)
	context = binary.LittleEndian.AppendUint32(context, server.connectionID)
	context = append(context, keyLabel...)
	context = append(context, server.cert...)
	context = append(context, client.cert...)
	context = append(context, server.info...)
	return append(context, client.info...)
}

// expand is HKDF-Expand to four blocks.
func expand(prk [sha256.Size]byte, context []byte) (blocks [4][sha256.Size]byte) {
	mac := hmac.New(sha256.New, prk[:])
	var previous []byte
	for i := range blocks {
		mac.Reset()
		mac.Write(previous)
		mac.Write(context)
		mac.Write([]byte{byte(i + 1)})
		mac.Sum(blocks[i][:0])
		previous = blocks[i][:]
	}
	return blocks
}

// deriveKeys computes the packet keys. The secret is wiped.
func deriveKeys(secret *[sha256.Size]byte, cipher Cipher, client, server *side) Keys {
	prk := extract(*secret, client, server)
	blocks := expand(prk, keyContext(client, server))
	keys := Keys{
		Cipher:             cipher,
		ClientConnectionID: client.connectionID,
		ServerConnectionID: server.connectionID,
		ClientToServer:     PacketKey{Key: blocks[0], IV: [ivSize]byte(blocks[2][:])},
		ServerToClient:     PacketKey{Key: blocks[1], IV: [ivSize]byte(blocks[3][:])},
	}
	clear(secret[:])
	clear(prk[:])
	clear(blocks[:])
	return keys
}
