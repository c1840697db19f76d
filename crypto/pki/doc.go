// Package pki holds certificates, the authorities that sign them, and the store that decides whom to trust.
//
// A Certificate binds an Ed25519 key to an identity (a peer's) or to none (an authority's), within a scope
// of applications, points of presence and addresses, until a time. On the wire it is Valve's
// CMsgSteamDatagramCertificateSigned. Only a peer's own certificate travels in a handshake: those of the
// authorities above it must be in the Store of whoever is to believe it.
//
//	root, _ := pki.NewAuthority(rootKey)
//	cert, err := root.Sign(pki.Template{
//		Key: peerKey, Identity: crypto.GenericString("alice"), AppIDs: []uint32{0},
//		Created: now, Expiry: now.AddDate(0, 0, 30),
//	})
//	store, _ := pki.NewStore(root.PublicKey())
//	scope, err := store.Verify(cert, now)
//
// Nothing in a certificate says that its key may sign others. In Valve's format every certificate without
// an identity is an authority's, so a signer must take care whom it gives one: Authority.SignRequest
// never does.
//
// The package reads no clock and no files and starts no goroutines; the time is always a parameter.
package pki
