// Package crypto establishes who the peer of a connection is and protects the packets between the two:
// identities, certificates, the handshake with its key derivation, and sealing by packet number.
//
// It is pure: bytes and values in, bytes and values out. It opens nothing, starts no goroutine and
// never asks for the time.
//
// # What the handshake proves
//
// Each side presents a certificate, holding an Ed25519 key and usually an identity, and a "crypt info",
// holding an X25519 key made for this one connection and signed by the certificate's key. The packet
// keys follow from the X25519 exchange, both nonces, both connection ids, and both sides' certificates
// and infos exactly as they were serialized, so that a change to any of them on the way leaves the two
// sides with different keys. There is no confirmation message: packets under wrong keys fail to open.
//
// A certificate nobody signed proves nothing about its identity: anybody can make one that names
// anybody. Handshake.Authenticated tells whether an authority vouched for the peer.
//
// # Order of use
//
//	client                                   server
//	NewHandshake (makes its key and info)
//	SignedCert, SignedCryptInfo  ─────────►  NewHandshake, ReceivePeer
//	                                         (the application accepts)
//	                                         Finish (chooses the cipher, makes its key and info)
//	ReceivePeer, Finish          ◄─────────  SignedCert, SignedCryptInfo
//
// Finish returns Keys, which make a Sealer for one direction and an Opener for the other.
package crypto
