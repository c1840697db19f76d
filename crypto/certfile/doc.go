// Package certfile reads and writes the texts in which keys, certificates and trust are kept: OpenSSH
// Ed25519 keys, armored certificates, what Valve's certtool prints, files that hold several of these,
// and lists of revoked keys. It opens no files itself.
//
// Its readers are as lenient as Valve's where that is harmless, so that every file made for Valve's
// library is read; its writers produce what both Valve's tools and ssh-keygen accept.
package certfile
